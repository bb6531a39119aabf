"""The model registry as it lies in the vfolders of one backend: versions, aliases, and who is making which version.

::

    <model>-v<N>/                     a version: the content of the artifact, and
        .fasttrack/model.json         its manifest, written last: without it there is no such version
        .fasttrack/claim.json         for which attempt it is being made
    fasttrack-models/
        aliases/<model>/<alias>       a version's number
        numbers/<model>               the highest number that was ever given away
        attempts/<key>                which version an attempt's output is, or is to be, noted before it is made

A key stands for one output of one attempt. Its note makes registering repeatable: after a crash the same key finds its
version again, whole or half made. Vfolders have unique names, so whoever makes one has its number; on a cluster, where
another home may do the same at the same moment, the claim says who was first. A number is never given away twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fasttrack_jupyter.engine.clusters import Browsable, NewFolder
from fasttrack_jupyter.engine.model_views import ModelVersion
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound
from fasttrack_jupyter.model.registry import folder_of, version_of

OURS = ".fasttrack"
"""The folder in a version that is not content."""
INDEX = "fasttrack-models"
"""The vfolder beside the versions."""
MANIFEST, _CLAIM = f"{OURS}/model.json", f"{OURS}/claim.json"
"""Of a version: what makes it one, and for whom it is being made."""
_LONGEST = 32 << 20
"""Bytes of a manifest, at most."""
_AT_ONCE = 8

log = logging.getLogger(__name__)

Manifest = Mapping[str, Any]
"""``{model, version, created_at, digest, size, files: [{path, size, sha256}], metrics, lineage}``."""


class Shelf:
    """The registry of one backend. Every method raises BackendUnreachable."""

    def __init__(self, backend: ExecutionBackend) -> None:
        self.backend = backend
        self._known: dict[str, Manifest] = {}
        """Manifests by vfolder: what is registered does not change."""
        self._odd: dict[str, str] = {}
        """Vfolders whose manifest cannot be understood, and why: they are left alone."""
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._taking = asyncio.Lock()

    # ------------------------------------------------------------ versions

    async def manifests(self, model: str | None = None) -> list[Manifest]:
        """All versions (of one model), by model and number."""
        names = await self._folders(model)
        for gone in self._known.keys() - names if model is None else ():
            del self._known[gone]
        found = await asyncio.gather(*(self._manifest(name) for name in names))
        return sorted((each for each in found if each), key=lambda each: (each["model"], each["version"]))

    async def manifest(self, model: str, version: int) -> Manifest | None:
        """One version; None: there is no such one, or it is only half made."""
        folder = folder_of(model, version)
        return await self._manifest(folder) if folder in await self._folders(model) else None

    async def _folders(self, model: str | None) -> set[str]:
        named = {name: version_of(name) for name in await self._own()}
        return {name for name, of in named.items() if of and (model is None or of[0] == model)}

    async def _own(self) -> list[str]:
        """Model folders of this user: what others share may be called anything, and is no version of ours."""
        if isinstance(self.backend, Browsable):
            found = await self.backend.browser().folders()
            return [each.name for each in found if each.is_owner and each.usage_mode == "model"]
        return [info.name for info in await self.backend.folders() if info.usage_mode == "model"]

    async def _manifest(self, folder: str) -> Manifest | None:
        if folder not in self._known:
            async with self._gate:
                text = await self._text(folder, MANIFEST)
            if text is None:
                self._odd.pop(folder, None)
                return None
            found, why = await asyncio.to_thread(_manifest_of, text, folder)
            if why:
                if folder not in self._odd:
                    log.warning("the manifest of vfolder %s is none: %s", folder, why)
                self._odd[folder] = why
                return None
            self._odd.pop(folder, None)
            self._known[folder] = found
        return self._known[folder]

    async def finish(self, manifest: Manifest, key: str) -> bool:
        """A version is complete: from now on there is it. False where another home has its number after all.

        Raises BadRequest where its manifest would be longer than what is read of one.
        """
        folder = folder_of(manifest["model"], manifest["version"])
        if (await self._read(folder, _CLAIM) or {}).get("key") != key:
            return False
        data = await asyncio.to_thread(_written, manifest)
        if len(data) > _LONGEST:
            words = f"{manifest['model']} has {len(manifest['files'])} files, too many for the list of a version"
            raise BadRequest(words, hint="register an archive of them: one file")
        await self.backend.put_file(folder, MANIFEST, data)
        return True

    async def remove(self, manifest: Manifest) -> None:
        """Remove a version: first what makes it one."""
        folder = folder_of(manifest["model"], manifest["version"])
        self._known.pop(folder, None)
        await self.backend.remove(folder, [MANIFEST])
        await self.backend.remove(INDEX, [f"attempts/{manifest['lineage']['key']}"])
        await self.backend.remove_folder(folder)

    async def half_made(self) -> dict[str, str]:
        """Vfolders of versions that are not complete, with the key that each is for."""
        names = await self._folders(None)
        lacking = [name for name in sorted(names) if await self._manifest(name) is None]
        claims = {name: await self._read(name, _CLAIM) for name in lacking}
        return {name: claim["key"] for name, claim in claims.items() if claim and name not in self._odd}

    async def odd(self) -> dict[str, str]:
        """Vfolders of versions whose manifest is there and cannot be understood, and why."""
        names = await self._folders(None)
        await asyncio.gather(*(self._manifest(name) for name in names))
        return {name: why for name, why in sorted(self._odd.items()) if name in names}

    async def give_up(self, folder: str, key: str) -> int:
        """Remove a version that is half made, for good; the bytes that were there."""
        size = await self.size(folder)
        await self.backend.remove(INDEX, [f"attempts/{key}"])
        await self.backend.remove_folder(folder)
        return size

    async def size(self, folder: str) -> int:
        """Bytes in a vfolder."""
        return sum(entry.size for entry in await self.backend.files(folder, "") if not entry.is_dir)

    # ------------------------------------------------------------ numbers

    async def take(self, model: str, key: str) -> int:
        """The number of the version that ``key`` is, or is to be; its vfolder is there and is for ``key``."""
        async with self._taking:
            await self.backend.make_folder(INDEX, "general")
            note = await self._read(INDEX, f"attempts/{key}")
            number = note["version"] if note else await self._next(model)
            while True:
                if not note:
                    await self._write(INDEX, f"attempts/{key}", {"model": model, "version": number})
                if await self._highest(model) < number:
                    await self._write(INDEX, f"numbers/{model}", number)
                if await self._claim(folder_of(model, number), key, is_noted=bool(note)):
                    return int(number)
                note, number = None, await self._next(model)

    async def _next(self, model: str) -> int:
        versions = [of[1] for name in await self._folders(model) if (of := version_of(name))]
        return max([await self._highest(model), *versions]) + 1

    async def _highest(self, model: str) -> int:
        """The highest number that was given away, as far as it is noted."""
        return int(await self._read(INDEX, f"numbers/{model}") or 0)

    async def _all_names(self) -> list[str]:
        return [info.name for info in await self.backend.folders()]

    async def _claim(self, folder: str, key: str, *, is_noted: bool) -> bool:
        """Whether a version's vfolder is for ``key``, made now or by an earlier try."""
        if not await self._make(folder):
            claim = await self._read(folder, _CLAIM)
            if claim is not None:
                return bool(claim.get("key") == key)
            if not is_noted or await self.backend.files(folder, ""):
                return False  # somebody else's
        await self._write(folder, _CLAIM, {"key": key})
        return True

    async def _make(self, folder: str) -> bool:
        """Make a vfolder; False where there is one."""
        if isinstance(self.backend, Browsable):
            try:
                await self.backend.browser().make_folder(NewFolder(name=folder, usage_mode="model"))
            except Conflict:
                return False
            return True
        if folder in await self._all_names():
            return False
        await self.backend.make_folder(folder, "model")
        return True

    # ------------------------------------------------------------ aliases

    async def aliases(self, model: str | None = None) -> dict[str, dict[str, int]]:
        """By model: which version each alias stands for."""
        place = f"aliases/{model}" if model else "aliases"
        try:
            entries = await self.backend.files(INDEX, place)
        except NotFound:
            return {}
        paths = [f"{place}/{entry.path}" for entry in entries if not entry.is_dir]
        numbers = await asyncio.gather(*(self._read(INDEX, path) for path in paths))
        found: dict[str, dict[str, int]] = {}
        for path, number in zip(paths, numbers, strict=True):
            if isinstance(number, int):
                found.setdefault(path.split("/")[1], {})[path.split("/")[2]] = number
        return found

    async def promote(self, model: str, alias: str, version: int) -> None:
        """Let an alias stand for a version from now on."""
        await self.backend.make_folder(INDEX, "general")  # somebody may have removed it
        await self._write(INDEX, f"aliases/{model}/{alias}", version)

    async def drop_alias(self, model: str, alias: str) -> None:
        """Forget an alias."""
        await self.backend.remove(INDEX, [f"aliases/{model}/{alias}"])

    # ------------------------------------------------------------ beneath

    async def _read(self, folder: str, path: str) -> Any:
        """A file of JSON; None where there is none, or it is none of ours."""
        with contextlib.suppress(ValueError):
            if (data := await self._text(folder, path)) is not None:
                return await asyncio.to_thread(json.loads, data)
        return None

    async def _text(self, folder: str, path: str) -> bytes | None:
        with contextlib.suppress(NotFound):
            return await self.backend.read(folder, path, 0, _LONGEST)
        return None

    async def _write(self, folder: str, path: str, value: Any) -> None:
        await self.backend.put_file(folder, path, await asyncio.to_thread(_written, value))


def _written(value: Any) -> bytes:
    """As JSON. A manifest of many files takes its time."""
    return json.dumps(value, ensure_ascii=False).encode()


def _manifest_of(text: bytes, folder: str) -> tuple[Any, str]:
    """A manifest, and what is wrong with it, in words. With many files it takes its time."""
    try:
        found = json.loads(text)
    except ValueError as error:
        return None, f"it is no JSON: {error}"
    return found, _why_no_manifest(found, folder)


def _why_no_manifest(found: Any, folder: str) -> str:
    if not isinstance(found, dict) or (found.get("model"), found.get("version")) != version_of(folder):
        return "it is of another version"
    try:
        ModelVersion.model_validate({**found, "folder": folder, "backend": ""})
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return ""
