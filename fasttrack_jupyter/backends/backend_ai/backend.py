"""Sessions on a Backend.AI cluster: the execution backend ``backend.ai``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.backend_ai import places, preflight, reporting
from fasttrack_jupyter.backends.backend_ai.asking import session_name
from fasttrack_jupyter.backends.backend_ai.cluster import Browser
from fasttrack_jupyter.backends.backend_ai.deployments import Deployments
from fasttrack_jupyter.backends.backend_ai.ends import Kill
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.identity import Identities
from fasttrack_jupyter.backends.backend_ai.looking import Looker
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.removals import Removals
from fasttrack_jupyter.backends.backend_ai.rollout_asking import Asker
from fasttrack_jupyter.backends.backend_ai.rollouts import Rollouts
from fasttrack_jupyter.backends.backend_ai.services import Services
from fasttrack_jupyter.backends.backend_ai.sessions import Sessions
from fasttrack_jupyter.backends.backend_ai.starting import Starter
from fasttrack_jupyter.backends.backend_ai.surveyor import Surveyor
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.whereabouts import Whereabouts
from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.backends.image_map import MAP_FILE, ImageMap
from fasttrack_jupyter.engine.clusters import ClusterBrowser
from fasttrack_jupyter.engine.definitions import load_definition, needs_definition
from fasttrack_jupyter.engine.ports import (
    FileEntry,
    FolderInfo,
    LogChunk,
    ServiceSpec,
    SessionReport,
    SessionSpec,
    UsagePoint,
)
from fasttrack_jupyter.engine.serving import ServiceInfo
from fasttrack_jupyter.errors import Conflict, NotFound
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import HUNDRED, ResourceSlots, format_quantity
from fasttrack_jupyter.model.serving import ModelDefinition


class BackendAI:
    """Runs sessions on the cluster of one profile. Methods: see ``ExecutionBackend``."""

    def __init__(self, profile: Profile, keys: Keys, *, home: Path, name: str) -> None:
        self.name = name
        own = home / "clusters" / profile.name
        self._cluster = Cluster(profile, keys)
        self._snapshots = Snapshots(home / "code")
        self._vfolders = Vfolders(self._cluster, tickets=own / "uploads", snapshots=self._snapshots)
        self._surveyor = Surveyor(self._cluster)
        self._whereabouts = Whereabouts(own / "attempts")
        images = ImageMap(home / MAP_FILE, backend=name)
        self._identities = Identities(self._cluster, self._surveyor)
        self._starter = Starter(self._cluster, Looker(self._cluster), self._vfolders, images)
        self._sessions: Sessions | None = None
        self._deployments = Deployments(self._cluster)
        self._removals = Removals(self._deployments)
        self._services = Services(self._cluster, self._deployments, self._removals)
        self._rolled = Whereabouts(own / "rollouts")
        self._rollouts: Rollouts | None = None

    async def open(self, report: Callable[[SessionReport], None]) -> None:
        """Begin to watch; the cluster is asked nothing before somebody wants something of it."""
        self._sessions = Sessions(
            self._cluster, report, self._vfolders, self._starter, self._surveyor, self._whereabouts
        )
        self._sessions.open()
        asker = Asker(self._cluster, self._deployments, self._vfolders, self._starter, self._surveyor, self._definition)
        self._rollouts = Rollouts(self._deployments, asker, self._removals, report)

    async def aclose(self) -> None:
        """Stop watching; sessions go on."""
        if self._rollouts is not None:
            await self._rollouts.aclose()
            await self._removals.aclose()
            self._rollouts = None
        if self._sessions is not None:
            await self._sessions.aclose()
            self._sessions = None
        await self._cluster.aclose()

    def _opened(self) -> Sessions:
        if self._sessions is None:
            raise Conflict(f"the backend {self.name} is not open", hint="await open() first")
        return self._sessions

    def _rolling(self) -> Rollouts:
        self._opened()
        assert self._rollouts is not None  # opened with the sessions
        return self._rollouts

    # ------------------------------------------------------------ what there is

    def place(self) -> Mapping[str, str | None]:
        """See ``ports.Placed``."""
        return {"endpoint": self._cluster.profile.endpoint, "account": self._cluster.profile.account}

    def capacity(self) -> ResourceSlots | None:
        """None: the cluster queues by itself."""
        return None

    def fit(self, slots: ResourceSlots) -> tuple[ResourceSlots, tuple[str, ...]]:
        """See ``ports.Fitting``: whole cores."""
        cpu = slots.get("cpu", 0)
        if not cpu % HUNDRED:
            return slots, ()
        whole = ResourceSlots({**slots, "cpu": -(-cpu // HUNDRED) * HUNDRED})
        said = f"cpu {format_quantity('cpu', cpu)} → {format_quantity('cpu', whole['cpu'])}: a cluster gives whole ones"
        return whole, (said,)

    async def check(self, specs: Sequence[SessionSpec]) -> list[tuple[str, Problem]]:
        """See the port."""
        return await preflight.check(specs, self._surveyor, self._starter.image_of)

    async def images(self) -> list[Mapping[str, Any]]:
        """See the port."""
        return reporting.images_of(await self._surveyor.look())

    async def identity(self, image: str | None, code: str | None) -> str | None:
        """See ``caching.Identifying``: the digest that the cluster knows of it."""
        return await self._identities.of(self._starter.image_of(image))

    async def slots(self) -> Mapping[str, Any]:
        """See the port."""
        return reporting.slots_of(await self._surveyor.look(), self._cluster.profile)

    async def doctor(self) -> list[Mapping[str, Any]]:
        """See the port."""
        return await reporting.checks_of(self._surveyor)

    def browser(self) -> ClusterBrowser:
        """See ``clusters.Browsable``."""
        return Browser(self._cluster, self._surveyor, self._vfolders)

    # ------------------------------------------------------------ sessions

    async def submit(self, spec: SessionSpec) -> None:
        """See the port. What can never be is told by a report: the request for the session is made in background."""
        await self._begin(spec, create=True)

    async def adopt(self, spec: SessionSpec) -> None:
        """See the port."""
        await self._begin(spec, create=False)

    async def _begin(self, spec: SessionSpec, *, create: bool) -> None:
        if spec.service is None:
            await self._opened().begin(spec, create=create)
            return
        rollouts = self._rolling()
        self._rolled.note(spec.attempt_id, spec.service.name)
        rollouts.begin(spec, spec.service, create=create)

    async def exists(self, attempt_id: str) -> bool:
        """See the port."""
        sessions = self._opened()
        if (service := self._rolled.get(attempt_id)) is not None:
            return await self._rolling().exists(service, attempt_id)
        is_shown = bool(await sessions.looker.find(session_name(attempt_id)))
        return is_shown or await sessions.unseen.has_begun(attempt_id)

    async def cancel(self, attempt_id: str, reason: str) -> None:
        """See the port."""
        sessions = self._opened()
        if (rollout := self._rolling().get(attempt_id)) is not None:
            self._rolling().cancel(rollout, reason)
        elif (session := sessions.get(attempt_id)) is not None:
            sessions.end(session, Kill("cancel", reason))

    async def forget(self, attempt_id: str) -> None:
        """See the port."""
        self._opened().forget(attempt_id)
        self._rolling().forget(attempt_id)

    async def logs(self, attempt_id: str, after: int, limit: int) -> LogChunk:
        """See the port. Of a session that never began what the cluster has, if it has anything."""
        if (service := self._rolled.get(attempt_id)) is not None:
            rollout = self._rolling().get(attempt_id)
            is_over = rollout is None or rollout.last is not None
            return await self._services.log_of(service, attempt_id, after, limit, is_over=is_over)
        session = self._opened().get(attempt_id)
        has_ended = session is None or session.is_over
        folder = session.folder if session is not None else await self._folder_of(attempt_id)
        path = f"{places.control(attempt_id)}/log"
        try:
            data = await self._vfolders.read(folder, path, after, limit)
            size = after + len(data)
            if len(data) >= limit or not data:
                size = await self._vfolders.size(folder, path) or 0
        except NotFound:
            if not has_ended:
                raise NotFound(f"there is no log of attempt {attempt_id}", hint="it has not started yet") from None
            return await self._cluster_log(attempt_id, after, limit)
        start = min(after, size) if not data else after
        return LogChunk(data, start, start + len(data), size, has_ended and start + len(data) >= size)

    async def usage(self, attempt_id: str) -> Mapping[str, Any]:
        """See the port; the cluster tells no number of processes."""
        session = self._opened().get(attempt_id)
        if session is None or not session.is_running:
            return {}
        used = (await self._opened().looker.measure([session.name])).get(session.name, {})
        return {"mem": used.get("mem", 0), "cpu_seconds": used.get("cpu_seconds", 0.0), "processes": 0} if used else {}

    async def usage_samples(self, attempt_id: str) -> Sequence[UsagePoint]:
        """See the port; of sessions that this engine watched (of the last few hundred, when they have ended)."""
        session = self._opened().get(attempt_id)
        return self._opened().sampler.of_ended(attempt_id) if session is None else list(session.points)

    async def shell(self, attempt_id: str) -> Sequence[str]:
        """See the port."""
        raise Conflict(
            "a shell in a session of a cluster is one of its apps",
            hint="Open its terminal: fasttrack cluster open SESSION ttyd",
        )

    async def _folder_of(self, attempt_id: str) -> str:
        folder = self._whereabouts.get(attempt_id)
        if folder is None:
            folder = next(iter(await self._opened().looker.mounts(session_name(attempt_id))), None)
        if folder is None:
            raise NotFound(f"there is no log of attempt {attempt_id}", hint="the cluster knows no such session")
        return folder

    async def _cluster_log(self, attempt_id: str, after: int, limit: int) -> LogChunk:
        sessions = self._opened()
        rows = await sessions.looker.find(session_name(attempt_id))
        whole = (await sessions.finisher.own_log(rows[-1].id)).encode() if rows else b""
        if not whole:
            raise NotFound(f"there is no log of attempt {attempt_id}", hint="its session never began")
        start = min(after, len(whole))
        data = whole[start : start + limit]
        return LogChunk(data, start, start + len(data), len(whole), start + len(data) >= len(whole))

    # ------------------------------------------------------------ services

    async def services(self) -> list[ServiceInfo]:
        """See ``Serving``."""
        return await self._services.all()

    async def service(self, name: str) -> ServiceInfo:
        """See ``Serving``."""
        return await self._services.one(name)

    async def scale_service(self, name: str, replicas: int) -> None:
        """See ``Serving``."""
        await self._services.scale(name, replicas)

    async def remove_service(self, name: str) -> None:
        """See ``Serving``."""
        await self._services.remove(name)

    async def service_token(self, name: str, seconds: float) -> str:
        """See ``Serving``."""
        return await self._services.token(name, seconds)

    async def service_logs(self, name: str, replica: str | None, after: int, limit: int) -> LogChunk:
        """See ``Serving``."""
        return await self._services.logs(name, replica, after, limit)

    async def _definition(self, service: ServiceSpec) -> ModelDefinition | None:
        return await load_definition(self, service) if needs_definition(service) else None

    # ------------------------------------------------------------ folders and code

    async def make_folder(self, name: str, usage_mode: str, pipeline: str | None = None) -> FolderInfo:
        """See the port."""
        return await self._vfolders.make(name, usage_mode, pipeline)

    async def folders(self) -> list[FolderInfo]:
        """See the port."""
        return await self._vfolders.list()

    async def remove_folder(self, name: str) -> None:
        """See the port."""
        await self._vfolders.remove(name)

    async def files(self, folder: str, path: str) -> list[FileEntry]:
        """See the port."""
        return await self._vfolders.files(folder, path)

    async def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
        """See the port."""
        return await self._vfolders.missing(folder, paths)

    async def read(self, folder: str, path: str, start: int, limit: int) -> bytes:
        """See the port."""
        return await self._vfolders.read(folder, path, start, limit)

    async def put_file(
        self, folder: str, path: str, source: Path | bytes, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """See the port."""
        await self._vfolders.write(folder, path, source, progress)

    async def make_dirs(self, folder: str, paths: Sequence[str]) -> None:
        """See the port."""
        await self._vfolders.mkdirs(folder, paths)

    async def remove(self, folder: str, paths: Sequence[str]) -> int:
        """See the port."""
        return await self._vfolders.remove_paths(folder, paths)

    async def put_code(self, files: Mapping[str, str | bytes], onto: str | None = None) -> str:
        """See the port: on this machine; it is brought to the cluster with the first session that needs it."""
        return await asyncio.to_thread(self._snapshots.put, files, onto)

    async def code_manifest(self, digest: str) -> Mapping[str, str]:
        """See the port."""
        return await asyncio.to_thread(self._snapshots.manifest, digest)

    async def remove_sessions(self, attempt_ids: Sequence[str]) -> int:
        """See the port."""
        freed = 0
        for folder, attempts in self._whereabouts.by_folder(attempt_ids).items():
            try:
                freed += await self._vfolders.remove_sessions(folder, attempts)
            except NotFound:
                continue  # with its vfolder
        self._whereabouts.drop(attempt_ids)
        self._rolled.drop(attempt_ids)
        return freed

    async def sweep(self, keep: set[str], *, dry_run: bool) -> tuple[list[str], int]:
        """See the port: snapshots of code that are still in vfolders of pipelines."""
        used = {session.spec.code for session in self._opened().all() if session.spec.code}
        names: list[str] = []
        freed = 0
        for folder in sorted(self._whereabouts.folders()):
            try:
                gone = sorted(await self._vfolders.codes(folder) - keep - used)
                freed += 0 if dry_run or not gone else await self._vfolders.remove_codes(folder, gone)
            except NotFound:
                continue
            names += [f"code {digest[:12]} in {folder}" for digest in gone]
        return names, freed
