"""How attempts that are recorded come into the lines for slots, and leave them again."""

from __future__ import annotations

from collections.abc import Callable

from fasttrack_jupyter.engine.acts import Acts
from fasttrack_jupyter.engine.endings import CANCELLED
from fasttrack_jupyter.engine.line import Line
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.model.lifecycle import BEFORE_RUNNING, Status


class Queues:
    """The lines of all backends, for the runner: ``start`` is called when something might begin in one of them."""

    def __init__(
        self,
        roster: Roster,
        acts: Acts,
        clock: Clock,
        hear: Callable[[SessionReport], None],
        is_live: Callable[[LiveJob], bool],
        start: Callable[[], None],
    ) -> None:
        self._roster, self._acts, self._clock = roster, acts, clock
        self._hear, self._is_live, self._start = hear, is_live, start

    def line(self, live: LiveJob, path: str) -> Line:
        """The line for the slots of an instance's backend."""
        return self._roster.line(live.where(path))

    def queue(self, live: LiveJob, path: str) -> None:
        """Into the line for slots, as soon as its inputs are on its backend."""
        if live.crosses(path):
            self._acts.bring(live, path, live.machine.status_of(path)[2], self._queue_brought)
        else:
            self.line(live, path).queue(live.key(path), live.demand(path), live.rank(path))

    def queue_again(self, live: LiveJob, path: str, exists: bool) -> None:
        """An intended attempt of an earlier engine: it goes on where it is, or waits for slots as it did."""
        if not self._is_live(live):
            return
        if exists:
            self.line(live, path).hold(live.key(path), live.demand(path))
        elif live.machine.status_of(path)[0] is Status.TERMINATING:
            self._report_unbegun(live, path, CANCELLED)
        else:
            self.queue(live, path)
            self._start()

    def cancel(self, live: LiveJob, path: str, attempt: int, reason: str) -> None:
        """End an attempt: out of the line, or by asking its backend."""
        is_unbegun = self._acts.stop_waiting(live, path, attempt)
        if self.line(live, path).withdraw(live.key(path)) or is_unbegun:
            self._report_unbegun(live, path, reason)
        else:
            self._acts.cancel(live, path, attempt, reason)

    def _queue_brought(self, live: LiveJob, path: str) -> None:
        if self._is_live(live) and live.machine.status_of(path)[0] in BEFORE_RUNNING:
            self.line(live, path).queue(live.key(path), live.demand(path), live.rank(path))
            self._start()

    def _report_unbegun(self, live: LiveJob, path: str, reason: str) -> None:
        """A cancelled attempt never began: there is nobody else who could confirm it."""
        name = self._acts.name(live, path, live.machine.status_of(path)[2])
        self._hear(SessionReport(name, Status.CANCELLED, self._clock.now(), reason=reason))
