"""Serving without any replica: services in a dict, which are healthy as soon as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fasttrack_jupyter.engine.definitions import load_definition
from fasttrack_jupyter.engine.ports import LogChunk, SessionReport, SessionSpec
from fasttrack_jupyter.engine.serving import Recall, ReplicaInfo, ServiceInfo, SlotDesk
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.pipeline import ENDPOINT
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.model.serving import ServiceStatus
from fasttrack_jupyter.testing.fakes import FakeBackend, Outcome


class FakeServingBackend(FakeBackend):
    """A :class:`FakeBackend` that serves as well. ``services_kept`` outlive it: give them to the next one.

    ``decide(spec)`` tells of a deployment, too, how it comes out: None is a rollout that gets nowhere, until it is
    cancelled or :meth:`become_healthy` is called. ``removed`` lists the services that were removed.
    """

    def __init__(
        self,
        decide: Callable[[SessionSpec], Outcome] = lambda spec: 0,
        *,
        services: dict[str, ServiceInfo] | None = None,
        **how: Any,
    ) -> None:
        super().__init__(decide, **how)
        self.services_kept: dict[str, ServiceInfo] = {} if services is None else services
        self._before: dict[str, ServiceInfo | None] = {}
        """By attempt: the revision before that of an unfinished rollout."""
        self.removed: list[str] = []
        self.service_log = b""

    async def submit(self, spec: SessionSpec) -> None:
        """See the port."""
        if spec.service is None or spec.attempt_id in self.sessions:
            await super().submit(spec)
            return
        await load_definition(self, spec.service)
        outcome = self._decide(spec)
        if isinstance(outcome, Exception):
            raise outcome
        self.started.append(spec)
        before = self._before[spec.attempt_id] = self.services_kept.get(spec.service.name)
        self.services_kept[spec.service.name] = _rolled(spec, before, self._now())
        waits = f"waits for replica 1 of {spec.service.replicas} to be healthy"
        self._set(SessionReport(spec.attempt_id, Status.PREPARING, self._now(), reason=waits))
        if outcome == 0:
            self.become_healthy(spec.service.name)
        elif outcome is not None:
            self._roll_back(spec.attempt_id)
            self.end(spec.attempt_id, outcome)

    def become_healthy(self, name: str) -> None:
        """The rollout of a service has succeeded."""
        known = self.services_kept[name]
        service = self.services_kept[name] = replace(_scaled(known, known.wanted), models=(known.model,))
        self._before.pop(service.attempt_id or "", None)
        data = {"values": {ENDPOINT: service.endpoint}}
        self._set(SessionReport(service.attempt_id or "", Status.TERMINATED, self._now(), Result.SUCCESS, 0, data=data))

    async def cancel(self, attempt_id: str, reason: str) -> None:
        """See the port: a first rollout leaves no service, an update the revision before it."""
        known = self.sessions.get(attempt_id)
        if known is not None and known.status is Status.PREPARING:
            self._roll_back(attempt_id)
            self._set(SessionReport(attempt_id, Status.CANCELLED, self._now(), reason=reason))
        else:
            await super().cancel(attempt_id, reason)

    def _roll_back(self, attempt_id: str) -> None:
        before = self._before.pop(attempt_id, None)
        name = next(name for name, info in self.services_kept.items() if info.attempt_id == attempt_id)
        if before is None:
            del self.services_kept[name]
        else:
            self.services_kept[name] = before

    async def services(self) -> list[ServiceInfo]:
        """See the port."""
        return [self.services_kept[name] for name in sorted(self.services_kept)]

    async def service(self, name: str) -> ServiceInfo:
        """See the port."""
        try:
            return self.services_kept[name]
        except KeyError:
            raise NotFound(f"there is no service {name!r}") from None

    async def scale_service(self, name: str, replicas: int) -> None:
        """See the port."""
        self.services_kept[name] = _scaled(await self.service(name), replicas)

    async def remove_service(self, name: str) -> None:
        """See the port."""
        await self.service(name)
        del self.services_kept[name]
        self.removed.append(name)

    async def service_token(self, name: str, seconds: float) -> str:
        """See the port."""
        return "" if (await self.service(name)).is_public else f"token-of-{name}-for-{seconds:g}"

    async def service_logs(self, name: str, replica: str | None, after: int, limit: int) -> LogChunk:
        """See the port."""
        service = await self.service(name)
        if replica is not None and replica not in [one.id for one in service.replicas]:
            raise NotFound(f"service {name!r} has no replica {replica!r}")
        data = self.service_log[after : after + limit]
        return LogChunk(data, after, after + len(data), len(self.service_log), False)


class FakeServingHere(FakeServingBackend):
    """The same, whose services live by the engine; ``desk``, ``recall`` and ``changed`` are what it was given."""

    desk: SlotDesk
    recall: Recall
    changed: Callable[[], None]

    def begin_serving(self, desk: SlotDesk, recall: Recall, changed: Callable[[], None] = lambda: None) -> None:
        """See the port."""
        self.desk, self.recall, self.changed = desk, recall, changed
        for name, service in self.services_kept.items():
            for replica in service.replicas:
                desk.hold(f"{name}/{replica.id}", ResourceSlots())

    def is_serving(self) -> bool:
        """See the port."""
        return bool(self.services_kept)


def model_files(port: int = 8000, answer: str = "one", **service: Any) -> Mapping[str, bytes]:
    """A model folder's files: a definition, and a server that answers ``answer`` (Python's standard library alone)."""
    import json

    told = {
        "start_command": ["python3", "/models/serve.py"], "port": port,
        "health_check": {"enable": True, "path": "/health", "interval": 0.2, "initial_delay": 20.0}, **service,
    }  # fmt: skip
    definition = {"models": [{"name": "model", "model_path": "/models", "service": told}]}
    return {
        "model-definition.yaml": json.dumps(definition).encode(),
        "serve.py": _SERVER.replace("8000", str(port)).encode(),
        "answer.txt": answer.encode(),
    }


_SERVER = """
import http.server, pathlib

ANSWER = pathlib.Path(__file__).with_name("answer.txt").read_bytes()

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

print("serving", ANSWER, flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""


def _rolled(spec: SessionSpec, before: ServiceInfo | None, now: float) -> ServiceInfo:
    service = spec.service
    assert service is not None
    created_at, revision = (now, 1) if before is None else (before.created_at, before.revision + 1)
    status = ServiceStatus.PROVISIONING if before is None else before.status
    return ServiceInfo(
        name=service.name, status=status, endpoint=f"http://127.0.0.1:1/{service.name}", wanted=service.replicas,
        healthy=0 if before is None else before.healthy, model=service.model, image=spec.image,
        is_public=service.is_public, is_ephemeral=service.is_ephemeral, revision=revision, created_at=created_at,
        updated_at=now, job_id=spec.job_id, task=spec.path, pipeline=spec.pipeline, attempt_id=spec.attempt_id,
        replicas=before.replicas if before is not None else (),
        models=(service.model, *(before.models if before is not None else ())),
    )  # fmt: skip


def _scaled(service: ServiceInfo, replicas: int) -> ServiceInfo:
    status = ServiceStatus.HEALTHY if replicas else ServiceStatus.PROVISIONING
    infos = tuple(
        ReplicaInfo(f"{service.name}-{service.revision}-{number}", "RUNNING", True, revision=service.revision)
        for number in range(replicas)
    )
    return replace(service, status=status, wanted=replicas, healthy=replicas, replicas=infos)
