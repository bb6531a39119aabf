"""Asking a cluster for a rollout: all ids that a request names are found out, and one request made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fasttrack_jupyter.backends.backend_ai import services_asking as asking
from fasttrack_jupyter.backends.backend_ai.deployments import FIRST_THAT_SERVES, Deployments
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.services_telling import Deployment
from fasttrack_jupyter.backends.backend_ai.starting import Starter
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.engine.ports import ServiceSpec, SessionSpec
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, Conflict, NotFound, SessionRejected
from fasttrack_jupyter.model.serving import ModelDefinition

_SETTLES = 2.0
"""Seconds after a lost answer until what was heard of must be there."""

LoadDefinition = Callable[[ServiceSpec], Awaitable[ModelDefinition | None]]


@dataclass(frozen=True, slots=True)
class Ready:
    """What a request is made of."""

    found: asking.Found
    definition: ModelDefinition | None


class Asker:
    """Asks one cluster, for one user. ``load`` gives a service's definition, checked."""

    def __init__(
        self,
        cluster: Cluster,
        deployments: Deployments,
        vfolders: Vfolders,
        starter: Starter,
        surveyor: Surveyor,
        load: LoadDefinition,
    ) -> None:
        self._cluster, self._deployments, self._vfolders = cluster, deployments, vfolders
        self._starter, self._surveyor, self._load = starter, surveyor, load

    async def prepare(self, spec: SessionSpec, service: ServiceSpec) -> Ready:
        """
        Raises:
            SessionRejected: it can never be deployed as asked.
            BackendUnreachable: nothing is known; call again.
        """
        if await self._cluster.release() < FIRST_THAT_SERVES:
            raise SessionRejected(f"a deployment needs Backend.AI {FIRST_THAT_SERVES} or later")
        names = [service.model, *(folder for folder, _, _ in asking.mounts_of(spec))]
        try:
            await self._vfolders.make(spec.folder, "data", spec.pipeline)
            await self._vfolders.mkdirs(spec.folder, [spec.outputs])  # empty: those of any other task are there, too
            definition = await self._load(service)
            image, project = await self._starter.named(spec)
            variant = await self._deployments.variant(service.variant)
            ids = await asyncio.gather(*(self._vfolders.id_of(name) for name in dict.fromkeys(names)))
            group = await self._group(spec)
        except (NotFound, BadRequest, Conflict) as error:
            raise SessionRejected(error.message, hint=error.hint, details=error.details) from error
        folders = dict(zip(dict.fromkeys(names), ids, strict=True))
        return Ready(asking.Found(image, project, variant, folders, group), definition)

    async def ask(self, spec: SessionSpec, service: ServiceSpec, ready: Ready, there: Deployment | None) -> None:
        """Make the service, or bring the one that is ``there`` to a new revision.

        Raises:
            SessionRejected: the cluster refuses it, or that service is none of FastTrack's.
            BackendUnreachable: no answer; look whether it was heard.
        """
        profile, found, definition = self._cluster.profile, ready.found, ready.definition
        try:
            if there is None:
                await self._deployments.create(asking.creation(spec, service, profile, found, definition))
                return
            if not there.is_ours:
                message = f"there is a service {service.name!r} of yours on the cluster that FastTrack did not make"
                raise SessionRejected(message, hint="give this one another name, or remove that one on the cluster")
            await self._deployments.set_options(there.id, asking.options())
            await self._deployments.change(there.id, asking.change(service))
            before = there.current or ""
            body = asking.revision(spec, service, found, definition, to=there.id, before=before)
            await self._deployments.add_revision(there.id, body)
        except BackendUnreachable:
            await asyncio.sleep(_SETTLES)
            raise
        except (NotFound, BadRequest) as error:
            raise SessionRejected(error.message, hint=error.hint, details=error.details) from error

    async def _group(self, spec: SessionSpec) -> str:
        """A deployment must name its resource group: the first that the project may use, where nobody names one."""
        named = spec.resource_group or self._cluster.profile.resource_group
        if named:
            return named
        project = spec.project or self._cluster.profile.project
        offer = (await self._surveyor.look(projects=(project,))).offers.get(project)
        groups = [group.name for group in offer.groups if group.is_active] if offer else []
        if not groups:
            raise SessionRejected(f"project {project!r} has no resource group that you may use")
        return groups[0]
