"""Sessions on this machine: the execution backend ``local``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fasttrack_jupyter.backends.local import attempts, logs
from fasttrack_jupyter.backends.local.attempts import Killed
from fasttrack_jupyter.backends.local.environments import ImageResolver
from fasttrack_jupyter.backends.local.folders import Folders
from fasttrack_jupyter.backends.local.preparing import Preparation
from fasttrack_jupyter.backends.local.sessions import Sessions
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import FileEntry, FolderInfo, LogChunk, SessionReport, SessionSpec
from fasttrack_jupyter.errors import Conflict, NotFound
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots


class LocalBackend:
    """Runs sessions as processes of this machine, below ``settings.home``."""

    name = "local"

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        home = settings.home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folders = Folders(home / "folders")
        self._images = ImageResolver(home, policy=settings.image_policy)
        self._prepare = Preparation(settings, self._folders, self._images, self._is_apart)
        self._sessions: Sessions | None = None

    async def open(self, report: Callable[[SessionReport], None]) -> None:
        """See the port."""
        self._sessions = Sessions(self._settings, report, self._prepare, self._prepare.outputs_of)
        await self._sessions.open()

    def _is_apart(self) -> bool:
        return self._live.mode == "namespaces"

    @property
    def _live(self) -> Sessions:
        if self._sessions is None:
            raise Conflict("the local backend is not open", hint="await open() first")
        return self._sessions

    def capacity(self) -> ResourceSlots | None:
        """All slots of this machine."""
        return ResourceSlots({"cpu": 100 * (os.cpu_count() or 1), "mem": 8 << 30})

    async def check(self, specs: Sequence[SessionSpec]) -> list[tuple[str, Problem]]:
        """See the port."""
        return await asyncio.to_thread(self._check, specs)

    def _check(self, specs: Sequence[SessionSpec]) -> list[tuple[str, Problem]]:
        images = {image: self._images.check(image) for image in {spec.image for spec in specs}}
        return [(spec.path, problem) for spec in specs if (problem := images[spec.image]) is not None]

    # ------------------------------------------------------------ sessions

    async def submit(self, spec: SessionSpec) -> None:
        """See the port."""
        self._live.begin(spec, create=True)

    async def adopt(self, spec: SessionSpec) -> None:
        """See the port."""
        self._live.begin(spec, create=False)

    async def cancel(self, attempt_id: str, reason: str) -> None:
        """See the port."""
        if (session := self._live.get(attempt_id)) is not None:
            self._live.end(session, Killed("cancel", reason))

    async def forget(self, attempt_id: str) -> None:
        """See the port."""
        self._live.forget(attempt_id)

    async def logs(self, attempt_id: str, after: int, limit: int) -> LogChunk:
        """See the port."""
        session = self._live.get(attempt_id)
        control = self._live.control(attempt_id)
        ended = session.is_over if session else not attempts.is_held(control)
        return await asyncio.to_thread(logs.read, control, attempt_id, after, limit, ended)

    async def usage(self, attempt_id: str) -> Mapping[str, Any]:
        """See the port."""
        return {}

    async def shell(self, attempt_id: str) -> Sequence[str]:
        """See the port."""
        raise Conflict(f"{attempt_id} is not running")

    # ------------------------------------------------------------ folders

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

    async def read(self, folder: str, path: str, start: int, limit: int) -> bytes:
        """See the port."""
        return await asyncio.to_thread(self._folders.read, folder, path, start, limit)

    async def remove(self, folder: str, paths: Sequence[str]) -> int:
        """See the port."""
        return await asyncio.to_thread(self._folders.remove_paths, folder, paths)

    async def put_code(self, files: Mapping[str, str]) -> str:
        """See the port."""
        raise NotFound("no snapshots yet")

    async def code_manifest(self, digest: str) -> Mapping[str, str]:
        """See the port."""
        raise NotFound(f"no snapshot {digest}")

    async def remove_sessions(self, attempt_ids: Sequence[str]) -> int:
        """See the port."""
        return 0

    async def sweep(self, keep_code: set[str], *, dry_run: bool) -> tuple[list[str], int]:
        """See the port."""
        return [], 0

    async def doctor(self) -> list[Mapping[str, Any]]:
        """See the port."""
        return []

    async def images(self) -> list[Mapping[str, Any]]:
        """See the port."""
        return await asyncio.to_thread(self._images.images)

    async def slots(self) -> Mapping[str, Any]:
        """See the port."""
        return {}

    async def aclose(self) -> None:
        """See the port."""
        if self._sessions is not None:
            await self._sessions.aclose()
            self._sessions = None
