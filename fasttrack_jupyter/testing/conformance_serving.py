"""What every backend that serves models must keep, as tests; see :mod:`fasttrack_jupyter.testing.conformance`.

Make a subclass with ``make_backend``, as there. Where replicas really serve, give it ``ask`` (or leave the one here,
which asks by HTTP); override ``deployment`` for what a replica needs there (an image). A model folder holds
:func:`~fasttrack_jupyter.testing.serving.model_files`: a server of Python's standard library.
"""

from __future__ import annotations

import asyncio
import secrets
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import ExecutionBackend, ServiceSpec, SessionReport, SessionSpec
from fasttrack_jupyter.engine.serving import ServesHere, ServiceInfo, Serving
from fasttrack_jupyter.errors import FastTrackError, NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.pipeline import ENDPOINT
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.model.serving import ServiceStatus
from fasttrack_jupyter.testing.conformance import Reports, opened, session_spec
from fasttrack_jupyter.testing.serving import model_files

_GOING = (ServiceStatus.DESTROYING, ServiceStatus.DESTROYED)


class FreeDesk:
    """A desk with as many slots as anybody wants; ``held`` are those that are out."""

    def __init__(self) -> None:
        self.held: dict[str, ResourceSlots] = {}

    def hold(self, key: str, slots: ResourceSlots) -> None:
        """It runs already."""
        self.held[key] = slots

    async def take(self, key: str, slots: ResourceSlots) -> None:
        """At once."""
        self.held[key] = slots

    def why_waiting(self, key: str) -> str:
        """Nobody waits."""
        return ""

    def release(self, key: str) -> None:
        """Give it back."""
        self.held.pop(key, None)


class ServingConformance:
    """The suite. Each test gets a fresh ``home`` folder, and services of its own."""

    patience = 60.0
    """Seconds within which a rollout gets anywhere."""
    names: tuple[str, ...] = ()
    """Of the services that a test has asked for: no others are removed in its end."""
    models: tuple[str, ...] = ()
    """Model folders that a test has made."""

    def make_backend(self, home: Path) -> ExecutionBackend:
        """A new backend object over the services that belong to ``home``."""
        raise NotImplementedError

    def deployment(self, name: str, model: str, *, revision: int = 1, **more: Any) -> SessionSpec:
        """The attempt that brings a service to its ``revision``; ``more`` are fields of its :class:`ServiceSpec`."""
        service = ServiceSpec(name, model, "/models", "model-definition.yaml", **more)
        attempt = f"j{secrets.token_hex(6)}-0-{revision}"
        return session_spec(attempt, "", service=service, job_id=attempt.partition("-")[0])

    def ask(self, endpoint: str, token: str) -> str:
        """What a service answers; raises urllib's HTTPError."""
        headers = {"Authorization": f"BackendAI {token}"} if token else {}
        with urllib.request.urlopen(urllib.request.Request(endpoint, headers=headers), timeout=30) as answer:
            return str(answer.read().decode())

    # ------------------------------------------------------------------ the tests

    def test_a_rollout_ends_with_its_endpoint_and_a_healthy_service(self, tmp_path: Path) -> None:
        """TERMINATED, SUCCESS, the URL among the values; the service says who made it, and answers."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, model):
                spec = self.deployment(self.name(), model, is_public=True)
                assert spec.service is not None
                end = await _rolled_out(backend, reports, spec)
                assert (end.status, end.result) == (Status.TERMINATED, Result.SUCCESS)
                info = await backend.service(spec.service.name)
                assert end.data["values"] == {ENDPOINT: info.endpoint}
                assert (info.status, info.wanted, info.healthy) == (ServiceStatus.HEALTHY, 1, 1)
                assert (info.model, info.revision) == (model, 1)
                assert (info.job_id, info.task, info.attempt_id) == (spec.job_id, spec.path, spec.attempt_id)
                assert [one.is_healthy for one in info.replicas] == [True]
                assert info.name in [one.name for one in await backend.services()]
                assert await self._asked(backend, info) == "one"

        asyncio.run(go())

    def test_a_rollout_that_is_asked_for_again_is_the_same_one(self, tmp_path: Path) -> None:
        """A repeated submit, by the next engine as well, makes no second service and no second revision."""

        async def go() -> None:
            spec: SessionSpec | None = None
            for _ in range(2):
                async with self._serving(tmp_path, keeps=spec is None) as (backend, reports, model):
                    spec = spec or self.deployment(self.name(), model)
                    assert spec.service is not None
                    end = await _rolled_out(backend, reports, spec)
                    assert end.result is Result.SUCCESS
                    assert await backend.exists(spec.attempt_id)
                    assert (await backend.service(spec.service.name)).revision == 1

        asyncio.run(go())

    def test_a_service_outlives_the_engine(self, tmp_path: Path) -> None:
        """The next backend object finds it as it was, with the same endpoint, and can remove it."""

        async def go() -> None:
            async with self._serving(tmp_path, keeps=True) as (backend, reports, model):
                spec = self.deployment(self.name(), model)
                assert spec.service is not None
                await _rolled_out(backend, reports, spec)
                before = await backend.service(spec.service.name)
            async with self._serving(tmp_path) as (backend, _, _):
                after = await self._until(backend, before.name, lambda info: info.healthy == 1)
                assert (after.endpoint, after.revision) == (before.endpoint, before.revision)

        asyncio.run(go())

    def test_an_update_keeps_the_endpoint(self, tmp_path: Path) -> None:
        """The second rollout of a name is its next revision, which answers at the same URL."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, model):
                first = self.deployment(name := self.name(), model)
                await _rolled_out(backend, reports, first)
                before = await backend.service(name)
                other = await self.model(backend, answer="two")
                second = self.deployment(name, other, revision=2)
                assert (await _rolled_out(backend, reports, second)).result is Result.SUCCESS
                after = await backend.service(name)
                assert (after.endpoint, after.revision, after.model) == (before.endpoint, 2, other)
                assert (after.attempt_id, after.healthy) == (second.attempt_id, 1)
                assert await self._asked(backend, after) == "two"

        asyncio.run(go())

    def test_a_service_is_scaled(self, tmp_path: Path) -> None:
        """Up, down, and to none, when its endpoint stays."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, model):
                await _rolled_out(backend, reports, self.deployment(name := self.name(), model))
                endpoint = (await backend.service(name)).endpoint
                for count in (2, 1, 0):
                    await backend.scale_service(name, count)
                    info = await self._until(backend, name, lambda info, n=count: info.healthy == info.wanted == n)  # type: ignore[misc]
                    assert info.endpoint == endpoint

        asyncio.run(go())

    def test_a_removed_service_is_gone(self, tmp_path: Path) -> None:
        """In a while nobody knows it; its name can be used again."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, model):
                await _rolled_out(backend, reports, self.deployment(name := self.name(), model))
                await backend.remove_service(name)
                await self._until_gone(backend, name)
                assert (await _rolled_out(backend, reports, self.deployment(name, model))).result is Result.SUCCESS
                assert (await backend.service(name)).revision == 1

        asyncio.run(go())

    def test_a_wrong_definition_deploys_nothing(self, tmp_path: Path) -> None:
        """Refused with the file's place and what is wrong, or ended so; no service is left."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, _):
                model = await self.model(backend, port=80)
                spec = self.deployment(name := self.name(), model)
                try:
                    end = await _rolled_out(backend, reports, spec)
                    assert end.result is Result.FAILURE
                    told = end.reason
                except FastTrackError as error:
                    told = error.message
                assert "model-definition.yaml" in told
                assert "port 80" in told
                assert name not in [info.name for info in await backend.services()]

        asyncio.run(go())

    def test_a_cancelled_first_rollout_leaves_no_service(self, tmp_path: Path) -> None:
        """CANCELLED with the reason; what was made is removed."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, _):
                spec = self.deployment(name := self.name(), await self.model(backend, **_NEVER))
                await backend.submit(spec)
                await reports.until(spec.attempt_id, lambda report: report.status is Status.PREPARING)
                await backend.cancel(spec.attempt_id, "cancelled")
                end = await reports.ended(spec.attempt_id)
                assert (end.status, end.result, end.reason) == (Status.CANCELLED, Result.UNDEFINED, "cancelled")
                await self._until_gone(backend, name)

        asyncio.run(go())

    def test_a_cancelled_update_leaves_the_revision_before(self, tmp_path: Path) -> None:
        """It goes on serving what it served."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, model):
                first = self.deployment(name := self.name(), model)
                await _rolled_out(backend, reports, first)
                second = self.deployment(name, await self.model(backend, **_NEVER), revision=2)
                await backend.submit(second)
                await reports.until(second.attempt_id, lambda report: report.status is Status.PREPARING)
                await backend.cancel(second.attempt_id, "cancelled")
                assert (await reports.ended(second.attempt_id)).status is Status.CANCELLED
                info = await self._until(backend, name, lambda info: info.healthy == 1 and info.model == model)
                assert info.attempt_id == first.attempt_id
                assert await self._asked(backend, info) == "one"

        asyncio.run(go())

    def test_only_who_has_a_token_is_answered_unless_it_is_public(self, tmp_path: Path) -> None:
        """A public service needs none and gives none."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, model):
                for is_public in (True, False):
                    spec = self.deployment(name := self.name(), model, is_public=is_public)
                    await _rolled_out(backend, reports, spec)
                    info = await backend.service(name)
                    assert info.is_public is is_public
                    token = await backend.service_token(name, 600.0)
                    assert bool(token) is not is_public
                    if not is_public:
                        await self._refused(info)
                        await self._refused(info, f"{token}x")
                    assert await self._asked(backend, info) == "one"

        asyncio.run(go())

    def test_what_a_replica_writes_is_its_log(self, tmp_path: Path) -> None:
        """Of the newest replica, or of the one that is named."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, reports, model):
                await _rolled_out(backend, reports, self.deployment(name := self.name(), model))
                (replica,) = (await backend.service(name)).replicas
                for which in (None, replica.id):
                    self.check_log((await backend.service_logs(name, which, 0, 10_000)).data)

        asyncio.run(go())

    def test_a_service_that_is_not_there_is_not_found(self, tmp_path: Path) -> None:
        """Whatever is asked of it."""

        async def go() -> None:
            async with self._serving(tmp_path) as (backend, _, _):
                for call in (
                    backend.service("nobody"),
                    backend.scale_service("nobody", 2),
                    backend.remove_service("nobody"),
                    backend.service_token("nobody", 60.0),
                    backend.service_logs("nobody", None, 0, 10),
                ):
                    with pytest.raises(NotFound):
                        await call

        asyncio.run(go())

    # ------------------------------------------------------------------ parts

    def name(self) -> str:
        """A new service's name."""
        self.names = (*self.names, name := f"svc-{secrets.token_hex(4)}")
        return name

    async def model(self, backend: ExecutionBackend, *, answer: str = "one", port: int = 8000, **service: Any) -> str:
        """A new model folder."""
        self.models = (*self.models, name := f"model-{secrets.token_hex(4)}")
        await backend.make_folder(name, "model")
        for path, data in model_files(port, answer, **service).items():
            await backend.put_file(name, path, data)
        return name

    def check_log(self, data: bytes) -> None:
        """What the server of :func:`model_files` writes."""
        assert b"serving" in data

    @asynccontextmanager
    async def _serving(self, home: Path, *, keeps: bool = False) -> AsyncIterator[tuple[Any, Reports, str]]:
        """A backend that is open and serves, its reports, a model folder; in the end, unless it ``keeps`` them, all
        services are removed."""
        backend: Any = self.make_backend(home)
        found: object = backend
        async with opened(backend, self.patience) as reports:
            assert isinstance(found, Serving)
            if isinstance(found, ServesHere):
                backend.begin_serving(FreeDesk(), _no_recall)
            try:
                yield backend, reports, await self.model(backend)
            finally:
                if not keeps:
                    await self._clear(backend)

    async def _clear(self, backend: Any) -> None:
        for info in await backend.services():
            if info.name in self.names:
                if info.status not in _GOING:
                    await backend.remove_service(info.name)
                await self._until_gone(backend, info.name)

    async def _until(self, backend: Any, name: str, is_it: Callable[[ServiceInfo], bool]) -> ServiceInfo:
        deadline = asyncio.get_running_loop().time() + self.patience
        while not is_it(info := await backend.service(name)):
            assert asyncio.get_running_loop().time() < deadline, info
            await asyncio.sleep(0.1)
        return info  # type: ignore[no-any-return]

    async def _until_gone(self, backend: Any, name: str) -> None:
        deadline = asyncio.get_running_loop().time() + self.patience
        while name in [info.name for info in await backend.services() if info.status is not ServiceStatus.DESTROYED]:
            assert asyncio.get_running_loop().time() < deadline, f"{name} is still there"
            await asyncio.sleep(0.1)

    async def _asked(self, backend: Any, info: ServiceInfo) -> str:
        assert info.endpoint is not None
        token = await backend.service_token(info.name, 600.0)
        return await asyncio.to_thread(self.ask, info.endpoint, token)

    async def _refused(self, info: ServiceInfo, token: str = "") -> None:
        assert info.endpoint is not None
        with pytest.raises(urllib.error.HTTPError) as caught:
            await asyncio.to_thread(self.ask, info.endpoint, token)
        caught.value.close()
        assert caught.value.code in (401, 403)


_NEVER: Mapping[str, Any] = {"start_command": ["sleep", "600"]}
"""Of a definition whose replicas never become healthy."""


async def _rolled_out(backend: ExecutionBackend, reports: Reports, spec: SessionSpec) -> SessionReport:
    await backend.submit(spec)
    return await reports.ended(spec.attempt_id)


async def _no_recall(attempt_id: str) -> SessionSpec:
    raise NotFound(f"the job of attempt {attempt_id} is gone")
