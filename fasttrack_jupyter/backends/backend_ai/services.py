"""The model services of one user on one cluster: see :class:`~fasttrack_jupyter.engine.serving.Serving`."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from fasttrack_jupyter.backends.backend_ai.deployments import FIRST_THAT_SERVES, Deployments, ours
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.removals import Removals
from fasttrack_jupyter.backends.backend_ai.services_telling import Deployment, Replica, Seen, first
from fasttrack_jupyter.engine.ports import LogChunk
from fasttrack_jupyter.engine.serving import ServiceInfo
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound
from fasttrack_jupyter.model.quantities import format_duration

_SECONDS = 30 * 86_400.0
"""A token's life at most."""


class Services:
    """What can be done with services that are there; what makes them is in ``rollouts.py``."""

    def __init__(self, cluster: Cluster, deployments: Deployments, removals: Removals) -> None:
        self._cluster, self._deployments, self._removals = cluster, deployments, removals

    async def all(self) -> list[ServiceInfo]:
        """Those that FastTrack made for this user, by name."""
        if await self._cluster.release() < FIRST_THAT_SERVES:
            return []
        found: dict[str, list[Deployment]] = defaultdict(list)
        for each in ours(await self._deployments.mine()):
            found[each.name].append(each)
        chosen = [one for name in sorted(found) if (one := first(found[name]))]
        seen = await asyncio.gather(*(self._deployments.see(each, with_sessions=True) for each in chosen))
        return [each.info() for each in seen if not each.deployment.is_gone]

    async def one(self, name: str) -> ServiceInfo:
        """Raises NotFound."""
        return (await self._see(name)).info()

    async def scale(self, name: str, replicas: int) -> None:
        """Raises NotFound, Conflict."""
        seen = await self._see(name)
        if seen.deployment.is_going:
            raise Conflict(f"service {name!r} is being removed", hint="deploy it again when it is gone")
        await self._deployments.change(seen.deployment.id, {"replica_count": replicas})

    async def remove(self, name: str) -> None:
        """All of that name. Raises NotFound."""
        await self._see(name)
        for each in ours(await self._deployments.mine(name)):
            if not each.is_going:
                await self._removals.remove(each.id)

    async def token(self, name: str, seconds: float) -> str:
        """Raises NotFound; BadRequest for a life that no token has."""
        seen = await self._see(name)
        if seen.deployment.is_public:
            return ""
        if seconds > _SECONDS:
            most = format_duration(_SECONDS)
            raise BadRequest(f"a token of service {name!r} lives {most} at most", hint=f"ask for one: --for {most}")
        return await self._deployments.token(seen.deployment.id, max(seconds, 1.0))

    async def logs(self, name: str, replica: str | None, after: int, limit: int) -> LogChunk:
        """Raises NotFound."""
        found = _replica(await self._see(name), name, replica)
        text = await self._deployments.log(found.session) if found.session else ""
        if not text:
            hint = "its session has not begun yet" if not found.has_ended else "its session never began"
            raise NotFound(f"there is no log of replica {found.id} of service {name!r}", hint=hint)
        return _part(text, after, limit, is_over=found.has_ended)

    async def log_of(self, name: str, attempt_id: str, after: int, limit: int, *, is_over: bool) -> LogChunk:
        """Of the newest replica of the revision that an attempt made. Raises NotFound."""
        for each in ours(await self._deployments.mine(name)):
            seen = await self._deployments.see(each)
            revision = seen.of_attempt(attempt_id)
            sessions = [each.session for each in seen.replicas if revision and each.revision == revision.id]
            if text := await self._deployments.log(next(filter(None, reversed(sessions)), "")):
                return _part(text, after, limit, is_over=is_over)
        raise NotFound(f"there is no log of attempt {attempt_id}", hint="no replica of it has begun")

    async def _see(self, name: str) -> Seen:
        release = await self._cluster.release()
        found = None if release < FIRST_THAT_SERVES else first(ours(await self._deployments.mine(name)))
        if found is None:
            raise NotFound(
                f"there is no service {name!r} of yours on the cluster", hint="fasttrack services lists them"
            )
        return await self._deployments.see(found, with_sessions=True)


def _part(text: str, after: int, limit: int, *, is_over: bool) -> LogChunk:
    whole = text.encode()
    start = min(after, len(whole))
    data = whole[start : start + limit]
    return LogChunk(data, start, start + len(data), len(whole), is_over and start + len(data) >= len(whole))


def _replica(seen: Seen, name: str, wanted: str | None) -> Replica:
    """The one whose id begins so; else the newest with a session, of those that serve, if any does."""
    if wanted is not None:
        found = [each for each in seen.replicas if each.id.startswith(wanted)]
        if not found:
            ids = ", ".join(each.id for each in seen.live()) or "none"
            raise NotFound(f"service {name!r} has no replica {wanted!r}", hint=f"It has: {ids}.")
        return found[-1]
    begun = [each for each in seen.replicas if each.session] or list(seen.replicas)
    if not begun:
        raise NotFound(f"service {name!r} has no replica yet", hint="wait until its first session begins")
    return ([each for each in begun if not each.has_ended] or begun)[-1]
