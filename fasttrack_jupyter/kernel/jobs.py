"""Jobs in hand: what ``%fasttrack run`` returns and ``ft.job("digits#3")`` finds.

A :class:`Job` is a handle on a job that lives in the engine. Losing it (a kernel restart) loses nothing: ask for it
again by its name. While it is unfinished the feed's thread keeps its view up to date, so reading ``job.status`` never
waits; its methods are for any thread, and ``await job`` for any event loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.folding import fold
from fasttrack_jupyter.api.words import job_word
from fasttrack_jupyter.errors import FastTrackError, NotFound, OtherVersion
from fasttrack_jupyter.kernel.feed import Feed, feed
from fasttrack_jupyter.kernel.tasks import Tasks
from fasttrack_jupyter.model.lifecycle import JOB_ENDED

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client
    from fasttrack_jupyter.kernel.results import Outputs

Json = dict[str, Any]
Heard = Callable[[Json], None]

_LOOK_SECONDS = 2.0
_SMALL = 500
"""Tasks; of a job that is no larger the whole view is fetched now and then while it changes: it tells why one waits."""
_PATIENCE_SECONDS = 60.0
"""How long the engine may be away before somebody who waits for a job is told so."""
_HEARING_SECONDS = 5.0
"""How long a wait that is over lets those who have subscribed hear of it first."""


def job(word: str = "last", *, client_of: Feed | None = None) -> Job:
    """The job that a person means: ``digits#3``, ``#3``, the beginning of an id, or ``last``.

    Raises:
        NotFound: there is no such job.
        EngineUnavailable: no engine serves the home, and none could be started.
    """
    source = client_of or feed()
    return take_in_hand(source, source.client.job(word))


def take_in_hand(source: Feed, found: Json) -> Job:
    """The one :class:`Job` of this process for what the engine answered (a JobView or a JobSummary)."""
    known = source.known(found["id"])
    if isinstance(known, Job):
        return known
    made = Job(source, found["id"])
    source.add(made)
    made.refresh()
    return made


class Job:
    """One pipeline job. ``view`` is the newest JobView that is known; it is replaced, never changed."""

    def __init__(self, source: Feed, job_id: str) -> None:
        self.id = job_id
        self._feed = source
        self._view: Json = {}
        self._deleted = False
        self._looked = 0.0
        self._changed = threading.Condition(threading.RLock())
        self._heard: list[Heard] = []
        self._untold: threading.Thread | None = None
        """The thread that has news of it and has not told everyone who has subscribed yet."""

    # ------------------------------------------------------------ what is known

    @property
    def client(self) -> Client:
        """A client of its engine."""
        return self._feed.client

    @property
    def view(self) -> Json:
        """The job as the engine shows it: JobView, as JSON. Read it, do not change it."""
        return self._view

    @property
    def name(self) -> str:
        """What to call it: ``digits#3``."""
        return job_word(self._view)

    @property
    def status(self) -> str:
        """PENDING, RUNNING, TERMINATED or CANCELLED."""
        return str(self._view["status"])

    @property
    def result(self) -> str:
        """SUCCESS, FAILURE or (as long as it has not ended, and when it was cancelled) UNDEFINED."""
        return str(self._view["result"])

    @property
    def reason(self) -> str:
        """Why it came out as it did, where there is more to say than the result."""
        return str(self._view["reason"] or "")

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._deleted or self._view.get("status") in JOB_ENDED

    @property
    def is_deleted(self) -> bool:
        """Whether the engine has forgotten it; the view is what was known last."""
        return self._deleted

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters that it was made with."""
        return dict(self._view["params"])

    @property
    def trouble(self) -> FastTrackError | None:
        """Why nothing is heard of it just now; None while all is well."""
        return None if self.is_ended else self._feed.trouble

    @property
    def tasks(self) -> Tasks:
        """Its task instances by name, in the pipeline's order: ``job.tasks["train"]``."""
        return Tasks(self)

    @property
    def outputs(self) -> Mapping[str, Outputs]:
        """What its tasks left, by task: ``job.outputs["train"]["model"]``; loaded when it is asked for."""
        return {name: task.outputs for name, task in self.tasks.items()}

    def __repr__(self) -> str:
        from fasttrack_jupyter.kernel.told import job_line

        return f"<Job {job_line(self._view)}>"

    def _ipython_display_(self) -> None:
        """The live picture of it where the front-end can show one, else a table in text."""
        from fasttrack_jupyter.kernel.loading import session_here
        from fasttrack_jupyter.kernel.told import display_job

        session = session_here()
        if session is None or not session.has_just_shown(self):
            display_job(self)

    # ------------------------------------------------------------ what can be done

    def refresh(self) -> Job:
        """Ask the engine how it stands now.

        Raises:
            NotFound: the job was deleted.
        """
        with self._changed:
            try:
                self._view = self.client.job(self.id)
            except NotFound:
                self._deleted = bool(self._view)
                raise
            self._looked = time.monotonic()
            self._untold = threading.current_thread()
            after, ended = self._view["seq"], self.is_ended
        if not ended:
            self._feed.follow(after)
        self.tell()
        return self

    def wait(self, timeout: float | None = None) -> Job:
        """Wait for its end, at most so many seconds; the job itself comes back either way.

        Ctrl-C (and the notebook's stop button) ends the waiting, never the job.

        Raises:
            KeyboardInterrupt: somebody did not want to wait any longer.
            NotFound: it was deleted meanwhile.
            EngineUnavailable: for a minute no engine could be reached or started.
            OtherVersion: an engine of another version serves the home now.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            with self._changed:
                while not self._over():
                    left = 1.0 if deadline is None else deadline - time.monotonic()
                    if left <= 0:
                        break
                    self._changed.wait(min(left, 1.0))
                if self.is_ended:
                    self._changed.wait_for(self._is_told, _HEARING_SECONDS)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{self.name} goes on; only the waiting has ended. {self._how_to_end()}") from None
        return self

    def _is_told(self) -> bool:
        """Whether all who have subscribed have heard the newest; one of them may itself be who asks."""
        return self._untold in (None, threading.current_thread())

    def _how_to_end(self) -> str:
        return f"To end it: %fasttrack cancel --job {self.name}"

    def _over(self) -> bool:
        """Whether waiting is over, well or badly."""
        if self._deleted:
            raise NotFound(f"{self.name} was deleted", hint="What is known of it is in job.view.")
        trouble = self.trouble
        if isinstance(trouble, OtherVersion):
            raise trouble
        if trouble is not None and time.monotonic() - self._feed.trouble_since > _PATIENCE_SECONDS:
            raise trouble
        return self.is_ended

    def __await__(self) -> Generator[Any, None, Job]:
        """``await job``: wait for its end while other cells and callbacks run."""
        return self._ended().__await__()

    async def _ended(self) -> Job:
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def heard(_: Json) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(news.set)

        stop = self.subscribe(heard)
        try:
            while not self._over():
                news.clear()
                try:
                    await asyncio.wait_for(news.wait(), _LOOK_SECONDS)
                except TimeoutError:
                    continue  # time to see whether the engine is still there
        finally:
            stop()
        until = loop.time() + _HEARING_SECONDS
        while not self._is_told() and loop.time() < until:
            await asyncio.sleep(0.01)
        return self

    def cancel(self, task: str | None = None) -> Job:
        """Ask for its end, or for that of one task instance; what has ended stays as it is."""
        self.client.cancel(self.id, task)
        return self.refresh()

    def rerun(
        self,
        *,
        from_failed: bool = False,
        edited: bool = False,
        only: tuple[str, ...] | list[str] = (),
        from_: tuple[str, ...] | list[str] = (),
        until: tuple[str, ...] | list[str] = (),
        params: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Job:
        """A new job from this one; ``from_failed`` reuses what succeeded, ``edited`` takes the file as it is now.

        ``more``: further fields of a RerunRequest (``text``, ``files``, ``shrink``).

        Raises:
            Refused, InvalidPipeline: it would not start; nothing was made.
        """
        selection = {"only": list(only), "from": list(from_), "until": list(until)}
        request: Json = {"from_failed": from_failed, "edited": edited, "selection": selection, **more}
        if params is not None:
            request["params"] = dict(params)
        return take_in_hand(self._feed, self.client.rerun(self.id, request))

    def yaml(self) -> str:
        """The pipeline that it runs, as its YAML."""
        return self.client.job_text(self.id)

    def subscribe(self, heard: Heard) -> Callable[[], None]:
        """Call ``heard(view)`` after every change, on the feed's thread; what comes back ends that.

        A callback that fails is left out from then on, and its error is raised by nobody: the job is not its.
        """
        with self._changed:
            self._heard.append(heard)

        def stop() -> None:
            with self._changed:
                if heard in self._heard:
                    self._heard.remove(heard)

        return stop

    # ------------------------------------------------------------ for the feed

    def take(self, events: list[Json]) -> None:
        """Fold events into the view (the feed's thread)."""
        with self._changed:
            if not self._view:
                return  # :meth:`refresh` is about to fetch what they tell
            folded = fold(self._view, events)
            if folded.view is self._view:
                return
            self._untold = threading.current_thread()
            self._deleted = folded.is_deleted
            if not folded.is_deleted and (folded.is_stale or self._wants_look(folded.view)):
                self._fetch(folded.view)
            else:
                self._view = folded.view
        self.tell()

    def _wants_look(self, view: Json) -> bool:
        if view["status"] in JOB_ENDED:
            return True
        return len(view["tasks"]) <= _SMALL and time.monotonic() - self._looked > _LOOK_SECONDS

    def _fetch(self, otherwise: Json) -> None:
        try:
            self._view = self.client.job(self.id)
        except NotFound:
            self._view, self._deleted = otherwise, True
        self._looked = time.monotonic()

    def tell(self) -> None:
        """Call who has subscribed, then wake who waits: what a cell waited for is on the page when the cell goes on."""
        with self._changed:
            heard, view = list(self._heard), self._view
        for one in heard:
            try:
                one(view)
            except Exception:  # a stranger's callback: the others must still hear
                with self._changed:
                    self._heard = [other for other in self._heard if other is not one]
        with self._changed:
            if self._untold is threading.current_thread():
                self._untold = None
            self._changed.notify_all()
