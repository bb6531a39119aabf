"""The home's side of the façade: pipelines, vfolders, images, slots, secrets, export, gc, doctor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.approvals import AnswerRequest, ApprovalDesk, QuestionView
from fasttrack_jupyter.engine.cache import CacheJudge
from fasttrack_jupyter.engine.cache_desk import CacheDesk
from fasttrack_jupyter.engine.cache_keys import cache_keys
from fasttrack_jupyter.engine.cache_plan import CachePlanner
from fasttrack_jupyter.engine.carrying import Carrier
from fasttrack_jupyter.engine.clusters import Browsable, ClusterBrowser, SessionsPage
from fasttrack_jupyter.engine.compare_desk import CompareDesk
from fasttrack_jupyter.engine.diff_desk import DiffDesk
from fasttrack_jupyter.engine.digests import Digests
from fasttrack_jupyter.engine.keeping import ServiceKeeper
from fasttrack_jupyter.engine.lineage import LineageDesk
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.overviews import BackendView, UsageHistory
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.preparing import Preparer
from fasttrack_jupyter.engine.present import present_folder, present_pipeline
from fasttrack_jupyter.engine.present_usage import present_backend, present_usage_history, sum_of_slots
from fasttrack_jupyter.engine.profiles import NoProfiles, ProfileKeeper
from fasttrack_jupyter.engine.reads import LogReader
from fasttrack_jupyter.engine.registering import ModelRegistrar
from fasttrack_jupyter.engine.registry import ModelRegistry
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.engine.services import ServiceDesk
from fasttrack_jupyter.engine.session_tasks import SessionTasks
from fasttrack_jupyter.engine.spool import Spool
from fasttrack_jupyter.engine.staging import Stage
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import Clock, EventBus, SecretStore
from fasttrack_jupyter.engine.upkeep import DAY, GarbageCollector
from fasttrack_jupyter.engine.views import ExportView, FolderView, GcView, PipelineView
from fasttrack_jupyter.engine.whereabouts import LOCAL
from fasttrack_jupyter.errors import BadRequest, Conflict, FastTrackError, NotFound
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots

Exporter = Callable[[str, str], tuple[str, tuple[Problem, ...]]]
"""``(text, format)`` → text in that format, and what was lost."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a FastTrack is made of. ``host`` builds the real one, tests build theirs."""

    home: str
    store: JobStore
    backends: Mapping[str, ExecutionBackend]
    secrets: SecretStore
    clock: Clock
    bus: EventBus
    export: Exporter
    carried: Callable[[], Mapping[str, bytes]] = dict
    """What travels with the code of pipelines that have notebook tasks: path below ``.fasttrack/`` → content."""
    profiles: ProfileKeeper = field(default_factory=NoProfiles)
    """Keeps who one is on which cluster, and makes backends of it."""
    max_jobs: int = 50


class Household:
    """What a home has besides jobs."""

    def __init__(self, world: World) -> None:
        self._world, self._store, self._secrets = world, world.store, world.secrets
        self._roster = Roster(world.backends)
        self._carrier = Carrier(self._roster.backend, Path(world.home) / "carrying")
        digests = Digests(self._roster.opened, world.store)
        make_keys = cache_keys(Path(world.home), self._roster.opened, digests)
        self._preparer = Preparer(
            world.store, self._roster, world.secrets, world.carried, lambda name, ref: self.models.resolve(name, ref),
            CachePlanner(world.store, self._roster.opened, make_keys, world.secrets.get, self._remembered),
        )  # fmt: skip
        self.cache = CacheDesk(world.store, digests, self._roster.opened, self._remembered)
        self._judge = CacheJudge(world.store, digests, world.clock, make_keys, lambda job: self._runner.live(job))
        self._stage = Stage(self._preparer, world.secrets, self._roster.default_slots)
        self.models = ModelRegistry(self._roster, world.store, self._stage, world.clock, world.home)
        self._registrar = ModelRegistrar(self.models, world.clock, Path(world.home) / "deploying")
        self._approvals = ApprovalDesk(Path(world.home), world.clock)
        self._runner = JobRunner(
            world.store, self._roster, world.clock, world.bus, self._carrier, self._registrar, max_jobs=world.max_jobs,
            finished=self._finished, judge=self._judge, approvals=self._approvals,
        )  # fmt: skip
        self._collector = GarbageCollector(world.store, self._roster, self._carrier, world.bus)
        self._logs = LogReader(world.store, self._roster.backend, world.secrets)
        self.comparisons = CompareDesk(world.store, self._roster.backend, self._stage, self._logs)
        self.diffs = DiffDesk(world.store, self._roster.backend, self._preparer)
        self.lineages = LineageDesk(world.store, self._roster.backend, self.models)
        self._keeper = ServiceKeeper(
            world.store, self._roster, self._runner, self._stage, world.clock, lambda: self.services.changed()
        )
        self.services = ServiceDesk(self._roster, self._logs)
        self._session_tasks = SessionTasks(world.store)
        self.spool = Spool(Path(world.home))

    async def pipelines(self) -> list[PipelineView]:
        """The pipelines that this home has had jobs of."""
        return [present_pipeline(record) for record in await self._store.pipelines()]

    async def pipeline(self, name: str) -> PipelineView:
        """One pipeline. Raises NotFound."""
        record = await self._store.pipeline(name)
        if record is None:
            names = [each.name for each in await self._store.pipelines()]
            raise NotFound(f"there is no pipeline {name!r}", hint=did_you_mean(name, names))
        return present_pipeline(record)

    async def folders(self, backend: str = LOCAL) -> list[FolderView]:
        """All vfolders of a backend."""
        return [present_folder(folder) for folder in await self._roster.opened(backend).folders()]

    async def make_folder(self, name: str, usage_mode: str, backend: str = LOCAL) -> FolderView:
        """A new vfolder. Raises Conflict if there is one of that name, BadRequest if no task could mount it."""
        place = self._roster.opened(backend)
        if set(name) & set("/:"):
            raise BadRequest(
                f"no task could mount a vfolder named {name!r}", hint="leave out '/' and ':', which part mounts"
            )
        if any(folder.name == name for folder in await place.folders()):
            raise Conflict(f"there is a vfolder {name!r} already")
        return present_folder(await place.make_folder(name, usage_mode))

    async def remove_folder(self, name: str, backend: str = LOCAL) -> None:
        """Remove a vfolder and what is in it. A pipeline's own folder stays as long as it has jobs: Conflict."""
        place = self._roster.opened(backend)
        for record in await self._store.pipelines():
            if record.folder == name and record.jobs:
                raise Conflict(
                    f"vfolder {name!r} holds the outputs of {record.jobs} jobs of pipeline {record.name!r}",
                    hint="remove the jobs first: fasttrack delete, or fasttrack gc",
                )
        await place.remove_folder(name)

    async def images(self, backend: str) -> list[dict[str, Any]]:
        """What can be named as an image on a backend."""
        return [dict(image) for image in await self._roster.backend(backend).images()]

    async def slots(self, backend: str) -> dict[str, Any]:
        """What a backend has, and what of it is in use."""
        used = ResourceSlots(self._roster.line(backend).used).written()
        return {**await self._roster.backend(backend).slots(), "used": used}

    async def backends(self) -> list[BackendView]:
        """Where jobs can run, and what is free there; a backend that cannot be used says why."""
        return [await self._backend_view(name) for name in list(self._roster)]

    def cluster(self, backend: str) -> ClusterBrowser:
        """What there is beside jobs where a backend's sessions run. Raises NotFound, Conflict (it is no cluster)."""
        found = self._roster.opened(backend)
        if not isinstance(found, Browsable):
            raise Conflict(f"the backend {backend!r} is no cluster", hint="name one, such as backend.ai")
        return found.browser()

    async def cluster_sessions(self, backend: str, *, live: bool, text: str, limit: int, offset: int) -> SessionsPage:
        """As :meth:`ClusterBrowser.sessions`, with the tasks of those that this home started."""
        page = await self.cluster(backend).sessions(live=live, text=text, limit=limit, offset=offset)
        return await self._session_tasks.told(page)

    async def cluster_log(self, backend: str, session: str) -> str:
        """What a session of a cluster wrote, with this home's secrets masked. Raises as :meth:`cluster`, NotFound."""
        return await self._logs.masked_text(await self.cluster(backend).log(session))

    async def usage_history(self, days: float, buckets: int, backend: str) -> UsageHistory:
        """Slots that attempts held on a backend over the last days, in ``buckets``, and now."""
        capacity = self._roster.opened(backend).capacity() or ResourceSlots()
        end = self._world.clock.now()
        start = end - days * DAY
        held = await self._store.held_slots(backend, start, end, buckets)
        series = await asyncio.to_thread(sum_of_slots, held, capacity, buckets)
        used = self._roster.line(backend).used
        return present_usage_history(start, end, buckets, series, capacity, used)

    async def questions(self) -> list[QuestionView]:
        """What jobs ask people just now, the oldest first."""
        return self._approvals.questions()

    async def answer(self, job: str, path: str, request: AnswerRequest) -> None:
        """Answer one of them; durable on return. Raises NotFound, Conflict (nothing is asked there), BadRequest."""
        self._approvals.answer((await self._store.find_job(job)).id, path, request)
        await self._runner.settled()

    async def secrets(self) -> list[dict[str, Any]]:
        """``{name, pipeline}`` each; never a value."""
        return [{"name": name, "pipeline": pipeline} for name, pipeline in self._secrets.names()]

    async def set_secret(self, name: str, value: str, pipeline: str | None) -> None:
        """Set a secret of this home, or of one pipeline."""
        await asyncio.to_thread(self._secrets.set, name, value, pipeline)
        self._logs.forget_secrets()

    async def remove_secret(self, name: str, pipeline: str | None) -> None:
        """Raises NotFound."""
        await asyncio.to_thread(self._secrets.remove, name, pipeline)
        self._logs.forget_secrets()

    async def export(self, text: str | None, source: str | None, to: str) -> ExportView:
        """The pipeline in another format. Raises InvalidPipeline, BadRequest."""
        content, _ = await self._preparer.read(text, source)
        exported, losses = await asyncio.to_thread(self._world.export, content, to)
        return ExportView(text=exported, losses=losses)

    async def gc(self, *, keep_jobs: int, older_than_days: float, dry_run: bool) -> GcView:
        """Remove old jobs, and what nothing refers to; registered versions of models stay, and are told of."""
        now = self._world.clock.now()
        found = await self._collector.collect(
            keep_jobs=keep_jobs, older_than_days=older_than_days, now=now, dry_run=dry_run
        )
        half, freed = await self.models.sweep(dry_run=dry_run)
        if not dry_run:
            await self._registrar.sweep(self._store)
        models, size = await self.models.sizes()
        more = {"folders": (*found.folders, *half), "bytes": found.bytes + freed}
        return found.model_copy(update={**more, "models": models, "model_bytes": size})

    async def doctor(self) -> list[dict[str, Any]]:
        """``{check, ok, found, remedy}`` each: what this machine can do."""
        checks = [dict(check) for name in list(self._roster) for check in await self._roster.backend(name).doctor()]
        return [*checks, *await self.models.doctor(), await asyncio.to_thread(_where_secrets_are, self._secrets)]

    # ------------------------------------------------------------------ parts

    async def _remembered(self) -> None:
        await self._judge.settled()

    def _finished(self, live: LiveJob) -> None:
        self._judge.finished(live)
        self._keeper.finished(live)

    async def _backend_view(self, name: str) -> BackendView:
        try:
            backend = self._roster.opened(name)
            told = await backend.slots()
        except FastTrackError as error:
            return BackendView(name=name, ready=False, reason=error.message)
        used = self._roster.line(name).used
        return present_backend(name, told, backend.capacity(), used)


def _where_secrets_are(secrets: SecretStore) -> dict[str, Any]:
    """A row of doctor's; no value is touched."""
    try:
        place, trouble = secrets.kept_in()
    except Exception as error:  # a keyring is somebody else's code
        place, trouble = "unknown", f"the keyring does not say: {type(error).__name__}: {error}"
    remedy = "chmod 600 the file, or unlock the keyring; FASTTRACK_SECRETS=file or =keyring chooses where they are kept"
    return {
        "check": "secrets", "ok": not trouble,
        "found": f"{place}: {trouble}" if trouble else place, "remedy": remedy if trouble else "",
    }  # fmt: skip
