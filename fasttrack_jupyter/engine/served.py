"""Jobs that services need: what a replica is started from again, or an ephemeral service ends with, must stay."""

from __future__ import annotations

import contextlib

from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.serving import ServesHere, ServiceInfo, Serving
from fasttrack_jupyter.errors import FastTrackError, NotFound
from fasttrack_jupyter.model.serving import ServiceStatus


async def served_here(roster: Roster) -> dict[str, str]:
    """By job's id, a service that needs the job that made its newest revision.

    One of this machine for its spec, secrets and environment; an ephemeral one elsewhere, because nobody would know
    any more that it is to end. What does not answer is left out: jobs that have anything there are not removed.
    """
    found: dict[str, str] = {}
    for name in list(roster):
        try:
            backend: object = roster.opened(name)
        except NotFound:  # not open: nothing of it is removed either
            continue
        is_here = isinstance(backend, ServesHere)
        if isinstance(backend, Serving):
            with contextlib.nullcontext() if is_here else contextlib.suppress(FastTrackError):
                found |= {
                    info.job_id: info.name
                    for info in await backend.services()
                    if info.job_id is not None and (is_here or _is_to_end(info))
                }
    return found


def _is_to_end(info: ServiceInfo) -> bool:
    return info.is_ephemeral and info.status not in (ServiceStatus.DESTROYING, ServiceStatus.DESTROYED)
