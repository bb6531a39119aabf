"""Sessions that stand ready before anybody may let them begin.

While the engine waits for the disk to keep the intent of an attempt, everything that needs no permission can be
done: its folders, its variables, its lock, its supervisor, which waits at a gate (see ``runner.launcher``). When
the intent is safe, one byte lets it begin. Until then nothing of it counts: once its supervisor is gone its directory
says UNSTARTED, the launcher says nothing about it, and whatever goes wrong here is met again, and told, by the
attempt's own start.

It stands ready for a moment only. Its intent may be refused, its slots may go to another, the disk may be slow; and
the age of a session, by which its timeout goes once another engine has found it, is that of its supervisor.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from fasttrack_jupyter.backends.local import attempts
from fasttrack_jupyter.backends.local.fresh import make_fresh
from fasttrack_jupyter.backends.local.session import Launch, Prepare, Session
from fasttrack_jupyter.errors import FastTrackError

_AT_ONCE = 4
_FRESH_SECONDS = 1.0
"""How long somebody stands ready; who is let begin later starts anew."""
_PLAIN_SLOTS = frozenset({"cpu", "mem"})


class Foreseen:
    """What stands ready. ``prepare`` and ``released``: see :class:`.sessions.Sessions`; ``send``: to the launcher."""

    def __init__(
        self, prepare: Prepare, released: Callable[[Session], None], send: Callable[[tuple[str, dict[str, Any]]], None]
    ) -> None:
        self._prepare, self._released, self._send = prepare, released, send
        self._ready: dict[str, tuple[asyncio.TimerHandle, Session]] = {}

    def make_ready(self, session: Session) -> None:
        """Make ``session`` ready if that takes no waiting, and nothing that another one could be waiting for."""
        spec = session.spec
        is_plain = (
            spec.image is None
            and spec.git is None
            and spec.cluster_size == 1
            and spec.launch is None
            and spec.slots.keys() <= _PLAIN_SLOTS
        )
        if not is_plain or len(self._ready) >= _AT_ONCE:
            return
        try:
            if not attempts.make(session.control):
                return
            prepared = self._prepare(session, lambda status, words: None)
            if not isinstance(prepared, Launch):
                os.rmdir(session.control)
                return
            make_fresh(session.outputs)
            self._send(("launch", {**prepared.request, "gated": True}))
        except (FastTrackError, OSError):
            self._released(session)  # its own start will meet that too, and tell
            return
        session.took(prepared)
        timer = asyncio.get_running_loop().call_later(_FRESH_SECONDS, self.drop, spec.attempt_id)
        self._ready[spec.attempt_id] = (timer, session)

    def let_begin(self, attempt_id: str) -> Session | None:
        """The session, which begins; None if it does not stand ready."""
        session = self._take(attempt_id)
        if session is not None:
            self._send(("go", {"id": attempt_id}))
        return session

    def drop(self, attempt_id: str) -> None:
        """It shall not begin: what stands ready ends, and holds nothing of the machine any more."""
        if (session := self._take(attempt_id)) is not None:
            self._released(session)
            self._send(("drop", {"id": attempt_id}))

    def lose_all(self) -> None:
        """The launcher is gone, and with it what waited."""
        for attempt_id in list(self._ready):
            if (session := self._take(attempt_id)) is not None:
                self._released(session)

    def _take(self, attempt_id: str) -> Session | None:
        timer, session = self._ready.pop(attempt_id, (None, None))
        if timer is not None:
            timer.cancel()
        return session
