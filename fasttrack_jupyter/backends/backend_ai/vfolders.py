"""Vfolders of a cluster, as the backend and the browser need them: made, listed, read, written, got ready.

Names of folders are the cluster's own, or a pipeline folder's, whose vfolder is found by :func:`places.cluster_name`.
Paths are relative to the vfolder, with ``/``; one that leaves it is refused here already.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.backend_ai import alongside, places
from fasttrack_jupyter.backends.backend_ai.catalogue import Catalogue, Vfolder
from fasttrack_jupyter.backends.backend_ai.code import CodeBringer, Progress
from fasttrack_jupyter.backends.backend_ai.downloads import Downloads
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.listing import MOST, Lister
from fasttrack_jupyter.backends.backend_ai.mounts import Bind, binds_of
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.uploads import Sent, Uploads
from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.engine.ports import FileEntry, FolderInfo, SessionSpec
from fasttrack_jupyter.errors import BackendError, BadRequest, Conflict, Forbidden, NotFound, SessionRejected

USAGE_MODES = ("general", "model", "data")
_FIRST_WITH_MANY = Release(24, 9)
"""Where one call makes several folders (up to 50)."""
_MOST_MADE = 50
_FIRST_WITH_TRASH = Release(24, 9)
_WHILE_GOING = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between looks whether a vfolder that is being removed has given its name free."""
_Folders = list[FolderInfo]  # inside the class `list` is a method
_Files = list[FileEntry]
_ALREADY = ("already-exists", "already exists")


class Vfolders:
    """The vfolders of one user on one cluster.

    ``tickets``: a folder of this machine for uploads under way; ``snapshots``: this machine's store of code.
    """

    def __init__(self, cluster: Cluster, *, tickets: Path | None = None, snapshots: Snapshots | None = None) -> None:
        self._cluster = cluster
        self.catalogue = Catalogue(cluster)
        self.lister = Lister(cluster, self.catalogue)
        self.downloads = Downloads(cluster, self.catalogue, self.lister)
        self.uploads = Uploads(cluster, self.catalogue, self.downloads, tickets=tickets)
        self.snapshots = snapshots
        self._code = CodeBringer(self.lister, self.uploads, snapshots) if snapshots is not None else None
        self._making = asyncio.Lock()
        self._lasting: set[tuple[str, str | None]] = set()
        """Vfolders (and snapshots in them) whose places for all sessions were made."""

    # ------------------------------------------------------------ vfolders

    async def make(self, name: str, usage_mode: str = "general", pipeline: str | None = None) -> FolderInfo:
        """Make a vfolder; one's own of that name comes back as it is. A pipeline's gets a name that the cluster takes.

        Raises:
            BadRequest: the cluster does not take the name, the mode, or another vfolder.
        """
        if usage_mode not in USAGE_MODES:
            raise BadRequest(f"no such usage mode: {usage_mode!r}", hint=f"one of {', '.join(USAGE_MODES)}")
        async with self._making:
            try:
                found = await self.catalogue.get(name)
            except NotFound:
                found = await self._make(places.cluster_name(name) if pipeline else name, usage_mode)
        return _info(found, pipeline)

    async def list(self) -> _Folders:
        """All that one can reach, by name."""
        return [_info(each, None) for each in await self.catalogue.all(fresh=True)]

    async def remove(self, name: str) -> None:
        """Remove a vfolder and what is in it, for good. Raises NotFound, Forbidden, BadRequest (mounted just now)."""
        found = await self.catalogue.get(name)
        try:
            if await self._cluster.release() < _FIRST_WITH_TRASH:
                await self._cluster.call("DELETE", await self.catalogue.path(name))
                return
            await self._cluster.call("DELETE", "/folders", body={"id": found.id})
            await self._cluster.call("POST", "/folders/delete-from-trash-bin", body={"id": found.id})
        finally:
            self.catalogue.forget()

    async def id_of(self, name: str) -> str:
        """The id by which the cluster knows a vfolder. Raises NotFound, Conflict."""
        return (await self.catalogue.get(name)).id

    # ------------------------------------------------------------ files

    async def mkdirs(self, folder: str, paths: Sequence[str]) -> None:
        """Make folders, and those on the way; what is there stays.

        Raises:
            NotFound: no such vfolder.
            Forbidden: a path leaves it, or it is shared with us to be read only.
            BadRequest: one of them is a file.
        """
        wanted = [places.relative(path) for path in dict.fromkeys(paths)]
        await self.catalogue.writable(folder)
        where = await self.catalogue.path(folder)
        if await self._cluster.release() < _FIRST_WITH_MANY:
            await alongside.each(self._mkdir(where, path) for path in wanted if path)
            return
        for start in range(0, len(wanted), _MOST_MADE):
            await self._mkdir(where, [path for path in wanted[start : start + _MOST_MADE] if path])

    async def write(self, folder: str, path: str, data: bytes | Path, progress: Sent | None = None) -> None:
        """Write a file, which is there whole or not at all; what broke is gone on with, by another process too.

        Raises as :meth:`Uploads.put` does, and Forbidden: it is shared with us to be read only.
        """
        await self.catalogue.writable(folder)
        await self.uploads.put(folder, path, data, sent=progress, kept=True)

    async def read(self, folder: str, path: str, start: int = 0, limit: int = -1) -> bytes:
        """A range of a file; empty behind its end. Raises as :meth:`Downloads.read` does."""
        return await self.downloads.read(folder, path, start, limit)

    async def size(self, folder: str, path: str) -> int | None:
        """Bytes in a file; None where there is none."""
        return await self.downloads.size(folder, path)

    async def files(self, folder: str, path: str = "", on_cut: Callable[[str], None] | None = None) -> _Files:
        """What is below ``path``, recursively, sorted. Raises as :meth:`Lister.below` does."""
        return await self.lister.below(folder, path, on_cut)

    async def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
        """Which of ``paths`` are no folders of a vfolder (all, where it is not there itself)."""
        groups: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            groups[posixpath.dirname(places.relative(path))].append(path)
        try:
            found = await alongside.each(self._gone(folder, parent, group) for parent, group in groups.items())
        except NotFound:
            return set(paths)
        return set().union(*found)

    async def remove_paths(self, folder: str, paths: Sequence[str]) -> int:
        """Remove ``paths`` of a vfolder, as far as they are there; the bytes of the files in them.

        Raises:
            Forbidden: one of them is the vfolder itself, leaves it, or is a symlink, or it is shared with us to be read
                only; then nothing was removed.
        """
        wanted = [places.relative(path) for path in dict.fromkeys(paths)]
        await self.catalogue.writable(folder)
        if "" in wanted:
            raise Forbidden(f"that is the folder {folder!r} itself", hint="`fasttrack folders` removes folders")
        entries = await alongside.each(self.lister.entry(folder, path) for path in wanted)
        there = [(path, entry) for path, entry in zip(wanted, entries, strict=True) if entry is not None]
        for path, entry in there:
            if entry.is_link:
                raise Forbidden(f"{path!r} is a symlink: the cluster would remove what it leads to")
        if not there:
            return 0
        freed = [await self._bytes(folder, path) if entry.is_folder else entry.size for path, entry in there]
        where = await self.catalogue.path(folder)
        body = {"files": [path for path, _ in there], "recursive": True}
        await self._cluster.call("DELETE", f"{where}/delete-files", body=body, timeout=600.0)
        return sum(freed)

    # ------------------------------------------------------------ sessions

    async def prepare(self, spec: SessionSpec, progress: Progress) -> None:
        """All that a session mounts is there when this is done; repeatable.

        Raises:
            SessionRejected: something that it needs is gone, or nobody's to make.
            BackendUnreachable: nothing is known; call again.
        """
        try:
            await self._prepare(spec, progress)
        except (NotFound, BadRequest):
            if not await self._was_removed(spec.folder):
                raise
            await self._prepare(spec, progress)

    async def _was_removed(self, name: str) -> bool:
        """Whether the vfolder that we know by that name is not there any more."""
        known = await self.id_of(name)
        return known not in {each.id for each in await self.catalogue.all(fresh=True)}

    async def _prepare(self, spec: SessionSpec, progress: Progress) -> None:
        await self.make(spec.folder, "data", spec.pipeline)
        folder = places.cluster_name(spec.folder)
        lasting = (await self.id_of(folder), spec.code)
        wanted = [*_own_places(spec), *([] if lasting in self._lasting else _lasting_places(spec))]
        await alongside.both(self._check(spec), self.mkdirs(folder, wanted))
        self._lasting.add(lasting)
        if spec.code:
            await self.bring_code(folder, spec.code, progress)

    async def bring_code(self, folder: str, digest: str, progress: Progress) -> None:
        """See to it that a snapshot of this machine is in a vfolder. Raises as :meth:`CodeBringer.bring` does."""
        if self._code is None:
            raise SessionRejected("there is no code on this machine", hint="its home holds no snapshots")
        try:
            await self._code.bring(folder, digest, progress, folder_id=await self.id_of(folder))
        except NotFound as error:
            raise SessionRejected(error.message, hint=error.hint) from error

    async def ids_of(self, binds: Sequence[Bind]) -> dict[str, str]:
        """The ids of the vfolders that a session mounts, by name. Raises SessionRejected: one is not there."""
        try:
            return {name: await self.id_of(name) for name in dict.fromkeys(bind.folder for bind in binds)}
        except (NotFound, Conflict) as error:
            raise SessionRejected(error.message, hint=error.hint, details=error.details) from error

    async def remove_sessions(self, folder: str, attempt_ids: Sequence[str]) -> int:
        """Remove what attempts left beside their outputs; bytes."""
        return await self.remove_paths(folder, [places.session(attempt) for attempt in attempt_ids])

    async def codes(self, folder: str) -> set[str]:
        """The snapshots in a vfolder, complete or not, by digest."""
        found = await self.lister.entries(folder, places.CODE) or []
        return {entry.name.removesuffix(places.WHOLE) for entry in found}

    async def remove_codes(self, folder: str, digests: Sequence[str]) -> int:
        """Remove snapshots from a vfolder: first what says that they are complete; bytes."""
        if self._code is not None:
            self._code.forget(await self.id_of(folder), digests)
        freed = await self.remove_paths(folder, [places.code_marker(digest) for digest in digests])
        return freed + await self.remove_paths(folder, [places.code(digest) for digest in digests])

    # ------------------------------------------------------------ beneath

    async def _check(self, spec: SessionSpec) -> None:
        """Inputs and mounts are there: a session whose subpath is not would die without a word."""
        needed: dict[str, list[str]] = defaultdict(list)
        ours = [*_own_places(spec), *_lasting_places(spec)]
        for bind in binds_of(spec):
            if bind.subpath and bind.subpath not in ours:
                needed[bind.folder].append(bind.subpath)
        await self.ids_of([bind for bind in binds_of(spec) if not bind.subpath])
        for folder, paths in needed.items():
            if gone := await self.missing(folder, paths):
                names = ", ".join(repr(path) for path in sorted(gone))
                raise SessionRejected(
                    f"there is no {names} in the vfolder {folder!r}",
                    hint="Were its outputs removed? Rerun what made them; else make the folder, or mend the mount.",
                    details={"folder": folder, "paths": sorted(gone)},
                )

    async def _make(self, name: str, usage_mode: str) -> Vfolder:
        body: dict[str, Any] = {"name": name, "usage_mode": usage_mode}
        if self._cluster.profile.folder_host:
            body["host"] = self._cluster.profile.folder_host
        for wait in (*_WHILE_GOING, None):
            try:
                # Names are unique: where an answer was lost, the second try hears that there is one already.
                await self._cluster.call("POST", "/folders", body=body, repeat=True)
            except BadRequest as error:
                if not any(each in f"{error.details.get('type')} {error.message}" for each in _ALREADY):
                    raise
            try:  # also where an earlier try, or another process, was quicker
                self.catalogue.forget()
                return await self.catalogue.get(name)
            except NotFound:
                if wait is None:
                    break
            await asyncio.sleep(wait)
        raise BadRequest(
            f"a vfolder {name!r} is being removed, and keeps its name until it is gone", hint="Try again in a minute."
        )

    async def _mkdir(self, where: str, path: str | Sequence[str]) -> None:
        if not path:
            return
        body = {"path": path, "parents": True, "exist_ok": True}
        told = await self._cluster.call("POST", f"{where}/mkdir", body=body, repeat=True)
        failed = (told or {}).get("results", {}).get("failed") if isinstance(told, dict) else None
        if failed:
            names = ", ".join(repr(each.get("item")) for each in failed)
            raise BadRequest(f"the cluster cannot make {names}", hint="is there a file of that name?")

    async def _gone(self, folder: str, parent: str, paths: Sequence[str]) -> set[str]:
        entries = await self.lister.entries(folder, parent)
        if entries is None:
            return set(paths)
        folders = {entry.name for entry in entries if entry.is_folder}
        unseen = [path for path in paths if posixpath.basename(places.relative(path)) not in folders]
        if len(entries) < MOST:
            return set(unseen)
        listed = await alongside.each(self.lister.entries(folder, places.relative(path)) for path in unseen)
        return {path for path, found in zip(unseen, listed, strict=True) if found is None}

    async def _bytes(self, folder: str, path: str) -> int:
        try:
            return sum(entry.size for entry in await self.files(folder, path, lambda cut: None) if not entry.is_dir)
        except BackendError:
            return 0


def _own_places(spec: SessionSpec) -> Sequence[str]:
    """The folders that are made for one session."""
    attempt = spec.attempt_id
    wanted = [places.control(attempt), spec.outputs]
    if spec.named_inputs or spec.input_values:
        wanted.append(places.inputs(attempt))
    return wanted + [places.empty(attempt, number) for number, path in enumerate(spec.inputs, 1) if path is None]


def _lasting_places(spec: SessionSpec) -> Sequence[str]:
    """The folders that are made for all sessions of a pipeline, or with the same code."""
    return [places.VFROOT, *([places.code(spec.code)] if spec.code else [])]


def _info(found: Vfolder, pipeline: str | None) -> FolderInfo:
    return FolderInfo(found.name, found.usage_mode, found.created_at, None, pipeline)
