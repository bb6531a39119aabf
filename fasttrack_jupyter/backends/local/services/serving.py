"""The local backend as one that serves models (``engine.serving.ServesHere``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from fasttrack_jupyter.backends.local.services.replicas import uses_port_variable
from fasttrack_jupyter.backends.local.services.services import Services
from fasttrack_jupyter.engine.definitions import load_definition, needs_definition
from fasttrack_jupyter.engine.ports import LogChunk, ServiceSpec, SessionSpec
from fasttrack_jupyter.engine.serving import Recall, ServiceInfo, SlotDesk
from fasttrack_jupyter.errors import Conflict, SessionRejected
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.serving import ModelDefinition

if TYPE_CHECKING:
    from fasttrack_jupyter.engine.ports import ExecutionBackend


class LocalServing:
    """What :class:`LocalBackend` is besides. Methods: see ``Serving`` and ``ServesHere``."""

    _services: Services | None = None

    def _open_services(self) -> Services:
        if self._services is None:
            raise Conflict("the local backend is not open", hint="await open() first")
        return self._services

    def begin_serving(self, desk: SlotDesk, recall: Recall, changed: Callable[[], None] = lambda: None) -> None:
        """See the port."""
        self._open_services().begin(desk, recall, changed)

    def is_serving(self) -> bool:
        """See the port."""
        return self._services is not None and self._services.is_serving()

    async def services(self) -> list[ServiceInfo]:
        """See the port."""
        return self._open_services().infos()

    async def service(self, name: str) -> ServiceInfo:
        """See the port."""
        return self._open_services().info(name)

    async def scale_service(self, name: str, replicas: int) -> None:
        """See the port."""
        self._open_services().keeper(name).scale(replicas)

    async def remove_service(self, name: str) -> None:
        """See the port."""
        self._open_services().keeper(name).remove()

    async def service_token(self, name: str, seconds: float) -> str:
        """See the port."""
        return self._open_services().token(name, seconds)

    async def service_logs(self, name: str, replica: str | None, after: int, limit: int) -> LogChunk:
        """See the port."""
        return await asyncio.to_thread(self._open_services().log, name, replica, after, limit)

    async def remarks(self, service: ServiceSpec, definition: ModelDefinition) -> list[Problem]:
        """See ``engine.serving.Remarking``."""
        has_own = await self._open_services().has_networks() and not uses_port_variable(definition.served[1])
        return [] if service.is_public or has_own else [_past_the_token(service)]

    async def _roll(self, spec: SessionSpec, *, create: bool) -> None:
        """Submit or adopt a deployment's attempt."""
        services = self._open_services()
        assert spec.service is not None
        if services.go_on(spec):
            return
        if not create:
            services.lost(spec)
            return
        if (problem := not_served_here(spec.service)) is not None:
            raise SessionRejected(problem.message, hint=problem.hint)
        definition = await load_definition(cast("ExecutionBackend", self), spec.service)
        if definition.served[1].pre_start_actions:
            raise SessionRejected(
                f"{definition.place} has pre_start_actions, which are a cluster's: nothing does them on this machine",
                hint="Do them in the start_command.",
            )
        if not services.go_on(spec):  # asked for twice
            services.roll(spec, definition)


def _past_the_token(service: ServiceSpec) -> Problem:
    return Problem(
        code="served_past_the_token",
        message=f"service {service.name!r} asks for tokens, but its replicas listen on a port of this machine: "
        "whoever reaches that needs none",
        path=("service", "open_to_public"), severity=Severity.NOTICE,
        hint="let the command listen on 127.0.0.1 alone; where nobody else may reach that either, let it listen on "
        "its definition's port instead of $PORT: then it has a network of its own",
    )  # fmt: skip


def not_served_here(service: ServiceSpec) -> Problem | None:
    """What of a service this machine cannot do."""
    if needs_definition(service):
        return None
    return Problem(
        code="variant_not_here",
        message=f"runtime variant {service.variant!r} needs a cluster; this machine serves 'custom'",
        path=("service", "runtime_variant"), value=service.variant,
        hint="Write what to start into a model definition, or run on Backend.AI.",
    )  # fmt: skip
