"""Sessions that stand ready before anybody may let them begin.

While the engine waits for the disk to keep the intent of an attempt, everything that needs no permission can be
done: its folders, its variables, its lock, its supervisor, which waits at a gate (see ``runner.launcher``). When
the intent is safe, one byte lets it begin. Until then nothing of it counts: its directory says UNSTARTED, and
whatever goes wrong here is met again, and told, by the attempt's own start.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.fresh import make_fresh
from fasttrack_jupyter.backends.local.session import Launch, Prepare, Session
from fasttrack_jupyter.errors import FastTrackError

_AT_ONCE = 4
_FRESH_SECONDS = 1.0
"""Who stood ready for longer starts anew: a session's age is that of its supervisor."""
_PLAIN_SLOTS = frozenset({"cpu", "mem"})


class Foreseen:
    """What stands ready. ``prepare`` and ``released``: see :class:`.sessions.Sessions`; ``send``: to the launcher."""

    def __init__(
        self, prepare: Prepare, released: Callable[[Session], None], send: Callable[[tuple[str, dict[str, Any]]], None]
    ) -> None:
        self._prepare, self._released, self._send = prepare, released, send
        self._ready: dict[str, tuple[float, Session]] = {}

    def make_ready(self, session: Session) -> None:
        """Make ``session`` ready if that takes no waiting, and nothing that another one could be waiting for."""
        spec = session.spec
        is_plain = (
            spec.image is None and spec.git is None and spec.cluster_size == 1 and spec.slots.keys() <= _PLAIN_SLOTS
        )
        if not is_plain or len(self._ready) >= _AT_ONCE or not attempts.make(session.control):
            return
        try:
            prepared = self._prepare(session, lambda status, words: None)
            if not isinstance(prepared, Launch):
                os.rmdir(session.control)
                return
            make_fresh(session.outputs)
        except (FastTrackError, OSError):
            self._released(session)  # its own start will meet that too, and tell
            return
        session.took(prepared)
        self._ready[spec.attempt_id] = (time.monotonic(), session)
        self._send(("launch", {**prepared.request, "gated": True}))

    def let_begin(self, attempt_id: str) -> Session | None:
        """The session, which begins; None if it does not stand ready."""
        since, session = self._ready.get(attempt_id, (0.0, None))
        if session is None or time.monotonic() - since > _FRESH_SECONDS:
            self.drop(attempt_id)
            return None
        del self._ready[attempt_id]
        self._send(("go", {"id": attempt_id}))
        return session

    def drop(self, attempt_id: str) -> None:
        """It shall not begin: what stands ready ends, and holds nothing of the machine any more."""
        if self.lose(attempt_id):
            self._send(("drop", {"id": attempt_id}))

    def lose(self, attempt_id: str) -> bool:
        """It stands ready no more, by itself; whether it did."""
        _, session = self._ready.pop(attempt_id, (0.0, None))
        if session is not None:
            self._released(session)
        return session is not None

    def lose_all(self) -> None:
        """The launcher is gone, and with it what waited."""
        for attempt_id in list(self._ready):
            self.lose(attempt_id)
