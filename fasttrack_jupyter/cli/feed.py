"""What reaches a followed job from outside, gathered by two threads so that the screen never waits.

One thread follows the event log and hands every event on. The other looks around: which engine answers
(another one than before: the old one died and this one took over), whether the job is paused and why,
and the last log line of the task instances that are on the screen. The main thread draws, listens to
the keyboard, and takes what has come.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.words import last_line
from fasttrack_jupyter.errors import BackendError, Conflict, FastTrackError, NotFound

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client

Json = dict[str, Any]

_TAIL_BYTES = 2048
_LOOK_SECONDS = 1.0
_MOST_TAILS = 40
_GATHER_SECONDS = 0.05
"""Events come in bursts: taken together they cost one look at the screen. The end of the job waits for nothing."""


@dataclass(slots=True)
class Around:
    """What the second thread saw last; read by the main thread, each field replaced whole."""

    engine: int | None = None
    """Process id of the engine that answered."""
    restarts: int = 0
    """How often another engine answered than before."""
    paused: str | None = None
    tails: dict[str, str] = field(default_factory=dict)
    """Last log line by path."""


def _ends_job(event: Json) -> bool:
    return event["path"] is None and event["status"] in ("TERMINATED", "CANCELLED")


class Feed:
    """Events and surroundings of one job; a context manager. Its threads are daemons: leaving waits for nothing."""

    def __init__(self, client: Client, job_id: str, after: int, engine: int | None = None) -> None:
        self.around = Around(engine=engine)
        self.shown: tuple[str, ...] = ()
        """Paths whose last log line is wanted; the main thread sets it."""
        self._client = client
        self._job_id = job_id
        self._after = after
        self._queue: SimpleQueue[Json | FastTrackError] = SimpleQueue()
        self._left = threading.Event()

    def __enter__(self) -> Feed:
        for work in (self._follow, self._look):
            threading.Thread(target=work, name=f"fasttrack{work.__name__}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()

    def take(self, wait: float) -> list[Json]:
        """All events that have come; waits up to so many seconds for a first one, and a moment for its like.

        Raises:
            FastTrackError: following broke off for good.
        """
        taken: list[Json] = []
        deadline = time.monotonic() + wait
        try:
            while not taken or not _ends_job(taken[-1]):
                taken.append(self._checked(self._queue.get(timeout=max(0.0, deadline - time.monotonic()))))
                deadline = min(deadline, time.monotonic() + _GATHER_SECONDS) if len(taken) == 1 else deadline
        except Empty:
            pass  # that was all for now
        return taken

    @staticmethod
    def _checked(item: Json | FastTrackError) -> Json:
        if isinstance(item, FastTrackError):
            raise item
        return item

    def _follow(self) -> None:
        try:
            for event in self._client.follow_events(self._after, job=self._job_id):
                self._queue.put(event)
                if self._left.is_set():
                    return
        except FastTrackError as error:
            self._queue.put(error)

    def _look(self) -> None:
        while not self._left.wait(_LOOK_SECONDS):
            try:
                self._look_once()
            except (NotFound, Conflict, BackendError):
                continue  # it ended meanwhile, or is not to be reached just now: the next look will tell
            except FastTrackError as error:
                self._queue.put(error)
                return

    def _look_once(self) -> None:
        engine = int(self._client.info()["pid"])
        if self.around.engine not in (None, engine):
            self.around.restarts += 1
        self.around.engine = engine
        for job in self._client.jobs(text=self._job_id, limit=1):
            self.around.paused = job.get("paused")
        self.around.tails = {path: self._tail(path) for path in self.shown[:_MOST_TAILS]}

    def _tail(self, path: str) -> str:
        try:
            page = self._client.logs(self._job_id, path, after=-_TAIL_BYTES, limit=_TAIL_BYTES)
        except (NotFound, Conflict, BackendError):
            return ""
        return last_line(page["data"])
