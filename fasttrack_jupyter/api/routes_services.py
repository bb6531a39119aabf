"""Model services, on every backend that serves: the handlers of these operations; see :mod:`.routes`."""

from __future__ import annotations

from pydantic import Field

from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.services import LONGEST_TOKEN, ServicesView, ServiceToken, ServiceView
from fasttrack_jupyter.engine.views import LogView, View


class ServicesQuery(View):
    """Of which backend; of all that serve where there is none."""

    backend: str | None = None


class ReplicaLogQuery(View):
    """Which part of which replica's log; the newest replica's where none is named; ``after`` < 0: from the end."""

    replica: str | None = None
    after: int = 0
    limit: int = Field(default=65_536, ge=1, le=4 << 20)


class Scale(View):
    """How many replicas there are to be; 0: none, the endpoint stays."""

    replicas: int = Field(ge=0, le=1000)


class TokenRequest(View):
    """For how many seconds a token is to be good."""

    seconds: float = Field(default=3600.0, gt=0, le=LONGEST_TOKEN)


async def services(engine: FastTrack, query: ServicesQuery) -> ServicesView:
    """The model services that exist, and why those of a backend cannot be shown just now."""
    return await engine.services.services(query.backend)


async def service(engine: FastTrack, backend: str, name: str) -> ServiceView:
    """One model service, with its replicas."""
    return await engine.services.show(backend, name)


async def service_scale(engine: FastTrack, backend: str, name: str, body: Scale) -> ServiceView:
    """From now on so many replicas."""
    return await engine.services.scale(backend, name, body.replicas)


async def service_remove(engine: FastTrack, backend: str, name: str) -> None:
    """Drain a service, and end it."""
    await engine.services.remove(backend, name)


async def service_token(engine: FastTrack, backend: str, name: str, body: TokenRequest) -> ServiceToken:
    """A token for the header that its requests must carry: Authorization: BackendAI <token>."""
    return await engine.services.token(backend, name, body.seconds)


async def service_logs(engine: FastTrack, backend: str, name: str, query: ReplicaLogQuery) -> LogView:
    """What a replica wrote, masked."""
    return await engine.services.log(backend, name, query.replica, query.after, query.limit)


HANDLERS = (services, service, service_scale, service_remove, service_token, service_logs)
