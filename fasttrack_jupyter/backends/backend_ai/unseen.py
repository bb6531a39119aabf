"""Sessions that the cluster does not show, though they may well be there: nothing of that kind is called lost too soon.

To an ordinary user a manager shows the sessions of the access key that he asks with, and no others: those that were
made with another key of the same user are not to be seen, nor to be ended, once a new key is stored. But each attempt
has its records in the pipeline's vfolder, which is the user's, whatever his key: they tell that it has begun, what it
wrote, how it ended; and the wrapper around its command looks there for the word that it is to end.

So who looks for a session and is shown none looks at its records next. With which keys an attempt was asked for is
noted on this machine (``whereabouts.py``), as a digest. Only what was made with our own key, and has no record of an
end, is lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from fasttrack_jupyter.backends.backend_ai import places
from fasttrack_jupyter.backends.backend_ai.ends import LOST, Kill, Outcome, ended
from fasttrack_jupyter.backends.backend_ai.finishing import BEGUN
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.repeating import pause
from fasttrack_jupyter.backends.backend_ai.session import Session
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.whereabouts import Whereabouts
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError
from fasttrack_jupyter.model.lifecycle import Status

EACH, ROUND = 1.0, 5.0
"""Seconds between two looks at records, and at least between two at the same."""
OBEYS = 60.0
"""Seconds in which a session that was told to end by its records has ended, if it can."""
_PATIENCE = 30.0
_END = "end"


class Tell(NamedTuple):
    """What becomes of what is found out."""

    say: Callable[[Session, Status, str], None]
    finish: Callable[[Session], None]
    """There is a record of its end: read it."""
    conclude: Callable[[Session, Outcome], None]


class Unseen:
    """Finds out what became of sessions of one profile that the cluster does not show."""

    def __init__(self, cluster: Cluster, vfolders: Vfolders, whereabouts: Whereabouts, tell: Tell) -> None:
        self._cluster, self._vfolders, self._whereabouts, self._tell = cluster, vfolders, whereabouts, tell
        self._followed: dict[str, Session] = {}
        self._following: asyncio.Task[None] | None = None

    async def mark(self) -> str:
        """Of the access key that we ask with: its last characters, and a digest. Raises BackendUnreachable."""
        key = await self._cluster.access_key()
        return f"{key[-4:]}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"

    async def other_key(self, attempt_id: str) -> str:
        """The end of another key that an attempt was asked for with; empty where there is none."""
        others = [mark for mark in self._whereabouts.marks(attempt_id) if mark != await self.mark()]
        return others[-1].rpartition("-")[0] if others else ""

    async def has_begun(self, attempt_id: str) -> bool:
        """Whether its command began, in a session that was made with another key. Raises BackendUnreachable."""
        folder = self._whereabouts.get(attempt_id)
        if folder is None or not await self.other_key(attempt_id):
            return False
        return bool({BEGUN, _END} & (await self._records(folder, attempt_id)).keys())

    async def look_for(self, session: Session) -> None:
        """It was asked for, and the cluster shows nothing: read its end, or follow its records, or it is lost."""
        tried = 0
        while not session.is_over:
            try:
                session.other_key = await self.other_key(session.spec.attempt_id)
                found = await self._records(session.folder, session.spec.attempt_id)
                break
            except BackendUnreachable as error:
                tried += 1
                self._tell.say(session, session.status, error.message)
                await asyncio.sleep(pause(tried + 2, most=_PATIENCE))
        if session.is_over:
            return
        if _END in found:
            self._tell.finish(session)
        elif session.other_key:
            self.follow(session)
        else:
            self._tell.conclude(session, LOST if session.kill is None else ended(session.kill))

    def follow(self, session: Session) -> None:
        """Go by its records alone from now on."""
        session.is_unseen = session.was_found = session.is_asked = True
        session.is_finishing = False
        self._followed[session.name] = session
        if self._following is None or self._following.done():
            self._following = asyncio.get_running_loop().create_task(self._follow())

    async def aclose(self) -> None:
        """Follow none any more."""
        self._followed.clear()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self) -> None:
        while self._followed:
            began = time.monotonic()
            for session in list(self._followed.values()):
                try:
                    self._heard(session, await self._records(session.folder, session.spec.attempt_id))
                except FastTrackError as error:
                    self._tell.say(session, session.status, f"{self._why(session)}; {error.message}")
                await asyncio.sleep(EACH)
            await asyncio.sleep(max(0.0, ROUND - (time.monotonic() - began)))

    def _heard(self, session: Session, found: Mapping[str, float]) -> None:
        if session.is_over or session.is_finishing or not session.is_unseen:
            self._followed.pop(session.name, None)
        elif _END in found:
            self._followed.pop(session.name)
            self._tell.finish(session)
        elif session.told_at is not None and session.kill is not None:
            self._wait_for_obedience(session, session.kill, has_begun=BEGUN in found)
        else:
            session.began_at = found.get(BEGUN) or None
            status = Status.RUNNING if BEGUN in found else Status.PENDING
            self._tell.say(session, status if session.kill is None else Status.TERMINATING, self._why(session))

    def _wait_for_obedience(self, session: Session, kill: Kill, *, has_begun: bool) -> None:
        """It was told to end: one that had not begun will not begin any more."""
        if has_begun and time.monotonic() - (session.told_at or 0.0) < OBEYS:
            return
        self._followed.pop(session.name)
        left = f"; its session, made with the access key …{session.other_key}, may still run: end it on the cluster"
        self._tell.conclude(session, ended(kill._replace(reason=kill.reason + left) if has_begun else kill))

    @staticmethod
    def _why(session: Session) -> str:
        return (
            f"its session was made with the access key …{session.other_key}, and the cluster does not show it to the "
            "one in use: its records in the pipeline's vfolder tell how it goes"
        )

    async def _records(self, folder: str, attempt_id: str) -> dict[str, float]:
        """What is among its records, and since when; nothing where there are none. Raises BackendUnreachable."""
        try:
            found = await self._vfolders.lister.entries(folder, places.control(attempt_id))
        except BackendUnreachable:
            raise
        except FastTrackError:  # its vfolder is gone, or is not ours to see
            return {}
        return {entry.name: entry.modified_at for entry in found or ()}
