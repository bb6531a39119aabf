"""What keeps the jobs of this process up to date: one thread that follows the event log while anything is unfinished.

A page of events is folded into each job that it is about (:mod:`fasttrack_jupyter.api.folding`); what cannot be folded
is fetched. The thread asks by long polls, so that what comes in a burst is told once. It ends when every job in
hand has ended, because an engine that somebody listens to would never be idle, and begins again with the next
job. When the engine dies the client starts another, which takes the jobs over; while even that fails
the thread tries again, ever more slowly, and says so (:attr:`Feed.trouble`).

Order matters once: a job is put on the list *before* its view is fetched, so that no event falls between the two.
An event that the view shows already is passed over by its number.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import Any, Protocol
from weakref import WeakValueDictionary

from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.errors import BackendError, FastTrackError
from fasttrack_jupyter.home import Home, default_path

Json = dict[str, Any]

_WAIT_SECONDS = 10.0
_GATHER_SECONDS = 0.1
"""Between two pages: what happens within is told at once."""
_PAGE = 5000
_SLOWEST_SECONDS = 10.0


class Followed(Protocol):
    """A job in hand, as the thread needs it."""

    @property
    def id(self) -> str:
        """The job's id."""

    @property
    def is_ended(self) -> bool:
        """Whether no more events are wanted."""

    def take(self, events: list[Json]) -> None:
        """Events of this job, in order. Raises FastTrackError where the engine had to be asked and did not answer."""

    def tell(self) -> None:
        """Something about the feed itself has changed: :attr:`Feed.trouble` came or went."""


class Feed:
    """One home's events for all jobs in hand. ``client`` may be used by anyone; threads share it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.trouble: FastTrackError | None = None
        """Why the engine cannot be followed just now; None while it can."""
        self.trouble_since = 0.0
        """``time.monotonic()`` when :attr:`trouble` began."""
        self._followed: WeakValueDictionary[str, Followed] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._after = 0

    def known(self, job_id: str) -> Followed | None:
        """The job in hand with this id."""
        with self._lock:
            return self._followed.get(job_id)

    def add(self, job: Followed) -> None:
        """Hand ``job`` its events from now on; what happened before is for the caller to fetch, after this call."""
        with self._lock:
            self._followed[job.id] = job

    def follow(self, after: int) -> None:
        """Make sure that the thread runs; where it does not yet, it begins after the event numbered ``after``."""
        with self._lock:
            if self._thread is None:
                self._after = after
                self._thread = threading.Thread(target=self._run, name="fasttrack-feed", daemon=True)
                self._thread.start()

    def _unfinished(self) -> list[Followed]:
        return [job for job in list(self._followed.values()) if not job.is_ended]

    def _run(self) -> None:
        pause = 0.0
        while not self._is_done():
            try:
                page = self.client.events(self._after, limit=_PAGE, wait=_WAIT_SECONDS)
                self._hand_out(page["events"])
            except (FastTrackError, OSError) as error:
                pause = min(_SLOWEST_SECONDS, pause * 2 or 0.5)
                self._say(error if isinstance(error, FastTrackError) else BackendError(str(error)))
                time.sleep(pause)
                continue
            self._after, pause = page["next"], 0.0
            self._say(None)
            time.sleep(_GATHER_SECONDS)

    def _is_done(self) -> bool:
        """Whether nothing is left to follow; decided under the lock, so that :meth:`follow` sees the thread gone."""
        with self._lock:
            if not self._unfinished():
                self._thread = None
                return True
        return False

    def _hand_out(self, events: list[Json]) -> None:
        by_job: dict[str, list[Json]] = {}
        for event in events:
            by_job.setdefault(event["job_id"], []).append(event)
        for job_id, news in by_job.items():
            job = self.known(job_id)
            if job is not None:
                job.take(news)

    def _say(self, trouble: FastTrackError | None) -> None:
        had, self.trouble = self.trouble, trouble
        if had is None and trouble is not None:
            self.trouble_since = time.monotonic()
        if (had is None) != (trouble is None):
            for job in self._unfinished():
                job.tell()


@cache
def _feed_of(home: str) -> Feed:
    return Feed(connect(home))


def feed(home: Home | None = None) -> Feed:
    """This process's feed of ``home`` (default: what ``$FASTTRACK_HOME`` says now). Starts the engine if need be.

    Raises:
        EngineUnavailable: there is none and none could be started.
    """
    return _feed_of(str(home.path if home is not None else default_path()))
