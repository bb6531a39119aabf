"""Jobs whose services live by this engine: what a replica is started from again must not be removed."""

from __future__ import annotations

from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.serving import ServesHere
from fasttrack_jupyter.errors import NotFound


async def served_here(roster: Roster) -> dict[str, str]:
    """By job's id, a service whose newest revision the job made: its spec, secrets and environment are the job's."""
    found: dict[str, str] = {}
    for name in list(roster):
        try:
            backend: object = roster.opened(name)
        except NotFound:  # not open: nothing of it is removed either
            continue
        if isinstance(backend, ServesHere):
            found |= {info.job_id: info.name for info in await backend.services() if info.job_id is not None}
    return found
