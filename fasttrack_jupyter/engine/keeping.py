"""Services that live by this engine get what they need of it; ephemeral ones are removed once their job has ended.

Nothing is noted for that: a service says itself which job made it, so it is enough to look at the services of a
backend when one of the jobs that deploy there ends, and when the engine begins (the one before it may have been killed
between a job's end and the removal). Removing twice does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from fasttrack_jupyter.engine.desk import LineDesk
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.ports import ExecutionBackend, SessionSpec
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.engine.serving import ServesHere, ServiceInfo, Serving
from fasttrack_jupyter.engine.staging import Stage
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.errors import BackendUnreachable, FastTrackError, NotFound
from fasttrack_jupyter.model.job import parse_attempt_id
from fasttrack_jupyter.model.lifecycle import JOB_ENDED
from fasttrack_jupyter.model.pipeline import TaskType
from fasttrack_jupyter.model.serving import ServiceStatus

log = logging.getLogger(__name__)

_PAUSE = (2.0, 60.0)
"""Seconds before a backend that does not answer is asked again: the first time, and at most."""


class ServiceKeeper:
    """Looks after the services of one home."""

    def __init__(
        self,
        store: JobStore,
        roster: Roster,
        runner: JobRunner,
        stage: Stage,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._store, self._roster, self._runner, self._stage, self._clock = store, roster, runner, stage, clock
        self._changed = changed
        self._sweeps: dict[str, asyncio.Task[None]] = {}
        """By backend, what removes its ephemeral services."""
        self._again: set[str] = set()
        """Of these, whose services have to be looked at once more."""
        self._silent: set[str] = set()
        """Of these, which do not answer just now."""

    def begin(self, name: str) -> None:
        """A backend is open."""
        if self._roster.why_closed(name) is not None:
            return
        backend = self._roster.opened(name)
        if isinstance(backend, ServesHere):
            backend.begin_serving(LineDesk(self._roster.line(name), self._runner.wake), self.recall, self._changed)
        if isinstance(backend, Serving):
            self._sweep(name)

    def finished(self, live: LiveJob) -> None:
        """A job has ended."""
        deployed = {
            path: task.service
            for path, task in zip(live.graph.names, live.graph.tasks, strict=True)
            if task.type is TaskType.DEPLOYMENT and task.service is not None
        }
        if deployed:
            self._changed()
        for name in {live.where(path) for path, service in deployed.items() if service.ephemeral}:
            self._sweep(name)

    def is_busy(self) -> bool:
        """Whether the engine must stay: a service lives by it, or one is just being removed."""
        backends = (self._roster.backend(name) for name in self._roster)
        return bool(self._sweeps.keys() - self._silent) or any(
            isinstance(backend, ServesHere) and backend.is_serving() for backend in backends
        )

    async def aclose(self) -> None:
        """Stop; the next engine looks again."""
        sweeps = list(self._sweeps.values())
        for sweep in sweeps:
            sweep.cancel()
        await asyncio.gather(*sweeps, return_exceptions=True)

    async def recall(self, attempt_id: str) -> SessionSpec:
        """The spec of an attempt once more; its ``service.model`` as the pipeline has it. Raises NotFound."""
        job_id, ordinal, number = parse_attempt_id(attempt_id)
        live = self._runner.live(job_id)
        if live is None:
            live = await self._stage.live(await self._store.job(job_id))
            live.restore(await self._store.instances(job_id), self._clock.now())
        return live.spec(live.graph.names[ordinal], number)

    # ------------------------------------------------------------------ ephemeral services

    def _sweep(self, name: str) -> None:
        if name in self._sweeps:
            self._again.add(name)
            return
        self._sweeps[name] = task = asyncio.get_running_loop().create_task(self._sweep_until_done(name))
        task.add_done_callback(lambda done: self._swept(name))

    def _swept(self, name: str) -> None:
        del self._sweeps[name]
        self._silent.discard(name)
        if name in self._again:
            self._again.discard(name)
            if name in self._roster:
                self._sweep(name)

    async def _sweep_until_done(self, name: str) -> None:
        pause = _PAUSE[0]
        while name in self._roster:
            try:
                await self._remove_ephemeral(name, self._roster.opened(name))
                return
            except BackendUnreachable as error:
                self._silent.add(name)
                log.info("services of %s cannot be looked at: %s", name, error)
            except FastTrackError as error:
                log.warning("services of %s: %s", name, error)
                return
            except Exception:
                log.exception("services of %s", name)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSE[1])

    async def _remove_ephemeral(self, name: str, backend: ExecutionBackend) -> None:
        assert isinstance(backend, Serving)
        for service in await backend.services():
            is_going = service.status in (ServiceStatus.DESTROYING, ServiceStatus.DESTROYED)
            if service.is_ephemeral and not is_going and await self._has_outlived(service, backend):
                log.info("service %s of %s ends with its job %s", service.name, name, service.job_id)
                await backend.remove_service(service.name)

    async def _has_outlived(self, service: ServiceInfo, backend: Serving) -> bool:
        """Whether its job has ended. One that is not known here may be another home's, but not where it serves here."""
        if service.job_id is None:
            return False
        try:
            return (await self._store.job(service.job_id)).status in JOB_ENDED
        except NotFound:
            return isinstance(backend, ServesHere)
