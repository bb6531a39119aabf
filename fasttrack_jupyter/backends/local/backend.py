"""Sessions on this machine: the execution backend ``local``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.files import removal
from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.backends.local import attempts, contained, filling, limits, logs, preflight, sweeping, usage
from fasttrack_jupyter.backends.local.attempts import Killed, is_held
from fasttrack_jupyter.backends.local.devices import detect_slots
from fasttrack_jupyter.backends.local.devices_ledger import DeviceLedger
from fasttrack_jupyter.backends.local.doctor import Doctor
from fasttrack_jupyter.backends.local.environments import ImageResolver
from fasttrack_jupyter.backends.local.folders import Folders
from fasttrack_jupyter.backends.local.identity import identity_of
from fasttrack_jupyter.backends.local.killing import abandon
from fasttrack_jupyter.backends.local.places import Placing, spoken_home
from fasttrack_jupyter.backends.local.preparing import Preparation
from fasttrack_jupyter.backends.local.services.rollouts import is_one as is_rollout
from fasttrack_jupyter.backends.local.services.services import Services
from fasttrack_jupyter.backends.local.services.serving import LocalServing, not_served_here
from fasttrack_jupyter.backends.local.session import Session
from fasttrack_jupyter.backends.local.sessions import Sessions
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import (
    FileEntry,
    FolderInfo,
    LentFile,
    LogChunk,
    SessionReport,
    SessionSpec,
    UsagePoint,
)
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots, say_quantity

_SHELL = str(Path(__file__).parent / "runner" / "shell.py")


class LocalBackend(LocalServing):
    """Runs sessions as processes of this machine, below ``settings.home``. Methods: see ``ExecutionBackend``."""

    name = "local"

    def __init__(self, settings: LocalSettings) -> None:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._settings = settings = settings.at(spoken_home(settings.home))
        home = settings.home
        self._folders = Folders(home / "folders")
        self._snapshots = Snapshots(home / "code")
        self._images = ImageResolver(home, policy=settings.image_policy)
        self._ledger = DeviceLedger(home / "devices.json", detect_slots(settings.slots, home=home))
        self._placing = Placing(self._folders, self._snapshots)
        self._prepare = Preparation(
            settings, self._placing, self._images, self._allocate, lambda: self._open_sessions().mode
        )
        self._sessions: Sessions | None = None
        self._home: int | None = None

    async def open(self, report: Callable[[SessionReport], None]) -> None:
        """Start the launcher, find out which mode works here, let go of the devices of sessions that are gone."""
        self._home = os.open(self._settings.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._sessions = Sessions(
            self._settings,
            lambda news: self._open_services().hear(news),
            self._prepare,
            self._placing.outputs,
            self._count,
            self._release,
            self._end_container,
            self._gpus_of,
        )
        self._services = Services(self._settings.home, self._sessions, self._placing.outputs, report)
        held = self._ledger.holdings()
        self._ledger.restore([name for name in held if is_held(self._sessions.control(name.partition("#")[0]))])
        await self._sessions.open()

    def _open_sessions(self) -> Sessions:
        if self._sessions is None:
            raise Conflict("the local backend is not open", hint="await open() first")
        return self._sessions

    async def aclose(self) -> None:
        """Stop watching; sessions go on, but for those whose home was removed (not: moved) under them."""
        if self._sessions is not None:
            if self._home is not None and os.fstat(self._home).st_nlink == 0:
                await abandon(self._sessions.live())
            await self._open_services().aclose()
            await self._sessions.aclose()
            self._sessions = self._services = None
        if self._home is not None:
            os.close(self._home)
            self._home = None

    # ------------------------------------------------------------ what there is

    def capacity(self) -> ResourceSlots | None:
        """All slots of this machine."""
        return self._ledger.capacity.slots

    async def check(self, specs: Sequence[SessionSpec]) -> list[tuple[str, Problem]]:
        """See the port."""
        found = [
            (spec.path, problem)
            for spec in specs
            if spec.service is not None and (problem := not_served_here(spec.service)) is not None
        ]
        return found + await asyncio.to_thread(preflight.check, specs, self._images, self._ledger, self._placing)

    async def images(self) -> list[Mapping[str, Any]]:
        """See the port."""
        return await asyncio.to_thread(self._images.images)

    async def slots(self) -> Mapping[str, Any]:
        """See the port."""
        sessions = self._open_sessions()
        used = ResourceSlots()
        for session in sessions.live():
            used = used.plus(session.spec.slots.times(session.spec.cluster_size))
        total = self._ledger.capacity.slots
        return {
            "slots": {
                slot: {"total": say_quantity(slot, amount), "used": say_quantity(slot, used.get(slot, 0))}
                for slot, amount in total.items()
            },
            "devices": [
                {"kind": device.kind, "id": device.id, "name": device.name, "memory": device.memory}
                for device in self._ledger.capacity.devices
            ],
            "default_image": f"this interpreter ({sys.executable})",
            "mode": sessions.mode,
        }

    async def doctor(self) -> list[Mapping[str, Any]]:
        """See the port."""
        sessions = self._open_sessions()
        home, mode, why = self._settings.home, sessions.mode, sessions.why
        warm = list(sessions.warm) if self._settings.warm_start else None
        doctor = Doctor(home, self._images, self._ledger, mode, why, warm=warm)
        serving = [each.told() for each in await self._open_services().checks()]
        return [*await asyncio.to_thread(doctor.look), *serving]

    # ------------------------------------------------------------ sessions

    def foresee(self, spec: SessionSpec) -> None:
        """See ``ports.Foreseeing``."""
        if spec.service is None:
            self._open_sessions().foresee(spec)

    async def submit(self, spec: SessionSpec) -> None:
        """See the port."""
        if spec.service is not None:
            await self._roll(spec, create=True)
        else:
            self._open_sessions().begin(spec, create=True)

    async def adopt(self, spec: SessionSpec) -> None:
        """See the port."""
        if spec.service is not None:
            await self._roll(spec, create=False)
        else:
            self._open_sessions().begin(spec, create=False)

    async def exists(self, attempt_id: str) -> bool:
        """See the port. What only stood ready was never created."""
        control = self._open_sessions().control(attempt_id)
        finding = attempts.look(control)
        return finding not in (attempts.Finding.ABSENT, attempts.Finding.UNSTARTED) or is_rollout(control)

    async def cancel(self, attempt_id: str, reason: str) -> None:
        """See the port."""
        if (session := self._open_sessions().get(attempt_id)) is not None:
            self._open_sessions().end(session, Killed("cancel", reason))
        self._open_services().cancel(attempt_id, reason)

    async def forget(self, attempt_id: str) -> None:
        """See the port."""
        self._open_sessions().forget(attempt_id)

    async def logs(self, attempt_id: str, after: int, limit: int) -> LogChunk:
        """See the port."""
        sessions = self._open_sessions()
        session, control = sessions.get(attempt_id), sessions.control(attempt_id)
        ended = session.is_over if session else not is_held(control) and self._open_services().is_told(attempt_id)
        return await asyncio.to_thread(logs.read, control, attempt_id, after, limit, ended)

    async def usage(self, attempt_id: str) -> Mapping[str, Any]:
        """See the port."""
        session = self._open_sessions().get(attempt_id)
        if session is None or not session.is_running:
            return {}
        return (await asyncio.to_thread(limits.look_now, session))._asdict()

    async def usage_samples(self, attempt_id: str) -> Sequence[UsagePoint]:
        """See the port."""
        return await asyncio.to_thread(usage.points_of, self._open_sessions().control(attempt_id))

    async def shell(self, attempt_id: str) -> Sequence[str]:
        """See the port."""
        session = self._open_sessions().get(attempt_id)
        if session is None or not session.is_running or session.leader is None:
            raise Conflict(f"the session of {attempt_id} is not running", hint="A shell needs a running task instance.")
        if session.mode == "container":
            engine = contained.engine_of(session.control, await asyncio.to_thread(self._images.engines))
            return [str(engine.path), "exec", "-it", f"ft-{attempt_id}", "/bin/sh"]
        return [sys.executable, "-I", "-S", _SHELL, str(session.leader)]

    def _allocate(self, spec: SessionSpec, member: int) -> Mapping[str, str]:
        return self._ledger.allocate(f"{spec.attempt_id}#{member}", spec.slots)

    def _gpus_of(self, attempt_id: str) -> tuple[str, ...]:
        """The GPUs of all members of an attempt; most machines have none to ask about."""
        if not self._ledger.capacity.of_kind("cuda"):
            return ()
        members = [name for name in list(self._ledger.holdings()) if name.partition("#")[0] == attempt_id]
        return tuple(dict.fromkeys(device for name in members for device in self._ledger.devices_of(name)))

    def _count(self, session: Session) -> None:
        if session.leader is not None:
            self._prepare.processors.restore(session.spec.attempt_id, session.leader)

    def _release(self, session: Session) -> None:
        self._prepare.processors.release(session.spec.attempt_id)
        for member in range(session.spec.cluster_size):
            self._ledger.release(f"{session.spec.attempt_id}#{member}")

    def _end_container(self, session: Session) -> bool:
        engine = contained.engine_of(session.control, self._images.engines())
        return contained.end(engine, f"ft-{session.spec.attempt_id}", session.control)

    # ------------------------------------------------------------ folders and code

    async def make_folder(self, name: str, usage_mode: str, pipeline: str | None = None) -> FolderInfo:
        """See the port."""
        return await asyncio.to_thread(self._folders.make, name, usage_mode, pipeline)

    async def folders(self) -> list[FolderInfo]:
        """See the port."""
        return await asyncio.to_thread(self._folders.list)

    async def remove_folder(self, name: str) -> None:
        """See the port."""
        await asyncio.to_thread(self._folders.remove, name)

    async def files(self, folder: str, path: str) -> list[FileEntry]:
        """See the port."""
        return await asyncio.to_thread(self._folders.files, folder, path)

    async def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
        """See the port."""
        return await asyncio.to_thread(self._folders.missing, folder, paths)

    async def read(self, folder: str, path: str, start: int, limit: int) -> bytes:
        """See the port."""
        return await asyncio.to_thread(self._folders.read, folder, path, start, limit)

    async def put_file(
        self, folder: str, path: str, source: Path | bytes, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """See the port."""
        loop = asyncio.get_running_loop()

        def arrived(done: int) -> None:
            loop.call_soon_threadsafe(progress, done)

        await asyncio.to_thread(filling.put_file, self._folders, folder, path, source, arrived)

    async def make_dirs(self, folder: str, paths: Sequence[str]) -> None:
        """See the port."""
        await asyncio.to_thread(filling.make_dirs, self._folders, folder, paths)

    def place_of(self, folder: str) -> str | None:
        """See ``ports.OnThisMachine``."""
        return self._placing.folder(folder)

    async def lend(self, folder: str, path: str) -> Mapping[str, LentFile]:
        """See ``ports.OnThisMachine``."""
        return await asyncio.to_thread(filling.lend, self._folders, folder, path)

    async def remove(self, folder: str, paths: Sequence[str]) -> int:
        """See the port."""
        return await asyncio.to_thread(self._folders.remove_paths, folder, paths)

    async def put_code(self, files: Mapping[str, str | bytes], onto: str | None = None) -> str:
        """See the port."""
        return await asyncio.to_thread(self._snapshots.put, files, onto)

    async def identity(self, image: str | None, code: str | None) -> str | None:
        """See ``caching.Identifying``."""

        def look() -> str:
            return identity_of(self._images.look(image, self._snapshots.path(code) if code else None))

        return await asyncio.to_thread(look)

    async def code_manifest(self, digest: str) -> Mapping[str, str]:
        """See the port."""
        return await asyncio.to_thread(self._snapshots.manifest, digest)

    async def read_code(self, digest: str, path: str, limit: int) -> bytes:
        """See ``diff_desk.KeepsCode``."""
        return await asyncio.to_thread(self._snapshots.read, digest, path, limit)

    async def remove_sessions(self, attempt_ids: Sequence[str]) -> int:
        """See the port."""
        controls = [Path(self._open_sessions().control(attempt_id)) for attempt_id in attempt_ids]
        return await asyncio.to_thread(
            lambda: sum(removal.remove_tree(control) for control in controls if not is_held(str(control)))
        )

    async def sweep(self, keep: set[str], *, dry_run: bool) -> tuple[list[str], int]:
        """See the port."""
        sweeper = sweeping.Sweeper(self._snapshots, self._images, self._settings.home / "git")
        keep |= self._open_sessions().used() | self._open_services().codes()
        return await asyncio.to_thread(sweeper.sweep, keep, dry_run)
