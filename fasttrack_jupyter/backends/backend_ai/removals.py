"""Removing a service, and seeing its sessions off.

A manager (26.9.6) that is told to remove a service at a certain moment of its first rollout does so, and forgets the
replica: the service is gone, its endpoint too, and the session runs on for ever. So who removes one looks after a
while whether a session is left, and ends it. It serves nobody any more.
"""

from __future__ import annotations

import asyncio
import logging
import time

from fasttrack_jupyter.backends.backend_ai.deployments import Deployments
from fasttrack_jupyter.errors import FastTrackError, NotFound

log = logging.getLogger(__name__)

_EACH = 15.0
"""Seconds between two looks."""
_GRACE = 75.0
"""Seconds in which a manager has begun to end the replicas by itself: it looks for them once a minute."""
_PATIENCE = 900.0


class Removals:
    """Removes deployments of one profile."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments
        self._going: dict[str, asyncio.Task[None]] = {}

    async def remove(self, deployment: str) -> None:
        """Ask for its end, and see its sessions off in the background. Raises what :meth:`Deployments.remove` does."""
        await self._deployments.remove(deployment)
        if deployment not in self._going:
            task = self._going[deployment] = asyncio.get_running_loop().create_task(self._see_off(deployment))
            task.add_done_callback(lambda _: self._going.pop(deployment, None))

    async def aclose(self) -> None:
        """Look no more."""
        going = list(self._going.values())
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _see_off(self, deployment: str) -> None:
        began = time.monotonic()
        while (waited := time.monotonic() - began) < _PATIENCE:
            await asyncio.sleep(_EACH)
            try:
                seen = await self._deployments.see(deployment)
                if seen.deployment.is_gone and not seen.live():
                    return
                for each in seen.live() if seen.deployment.is_gone and waited >= _GRACE else ():
                    if each.session is not None:
                        log.warning("session %s of a service that is gone runs on: it is ended", each.session)
                        await self._deployments.end_session(each.session)
            except NotFound:
                return
            except FastTrackError as error:
                log.info("whether sessions of a removed service are left is not known: %s", error.message)
