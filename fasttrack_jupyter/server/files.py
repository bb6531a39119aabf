"""The pipeline files of the workspace: found by looking, understood by the engine, read and written by Jupyter.

Reading and writing go through Jupyter's contents manager, whatever that is (a disk, a bucket). Finding them needs a
disk; what is in them is asked of the engine, which parses in its own process, and remembered until a file changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import unicodedata
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.contents.manager import ContentsManager

from fasttrack_jupyter.errors import BadRequest, Conflict, EngineUnavailable, NotFound
from fasttrack_jupyter.server.supervisor import Supervisor
from fasttrack_jupyter.server.views import FileSave, FileText, PipelineFile, PipelineFiles
from fasttrack_jupyter.server.walking import ENDINGS, Found, find_pipelines

MAX_BYTES = 20 << 20
"""Of a file whose name and tasks are still looked up for the list."""
_MAX_ANSWER = 1 << 20
_AT_ONCE = 4
_LONGEST_NAME = 255
"""Bytes, on every file system in use."""
_UNSEEN = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's categories of control characters, and of what breaks lines as some of them do."""
_TEMPLATE = """\
name: {name}
tasks:
- name: hello
  command: echo "Hello from FastTrack"
"""
_Key = tuple[int, int]


class Files:
    """One server's pipeline files; ``root`` is where the contents manager keeps them, None where that is no disk."""

    def __init__(self, contents: ContentsManager, supervisor: Supervisor, root: str | None, home: Path) -> None:
        self._contents: Any = contents  # Jupyter leaves its methods untyped, and any of them may be async
        self._supervisor, self._home = supervisor, home
        self._root = None if root is None else Path(root)
        self._known: dict[str, tuple[_Key, PipelineFile]] = {}
        self._looking, self._writing = asyncio.Lock(), asyncio.Lock()

    async def all(self) -> PipelineFiles:
        """Every pipeline below the contents root; none where contents are not on disk."""
        if self._root is None:
            return PipelineFiles(files=())
        async with self._looking:
            found, is_complete = await asyncio.to_thread(find_pipelines, self._root, self._home)
            at_once = asyncio.Semaphore(_AT_ONCE)
            files = await asyncio.gather(*(self._described(each, at_once) for each in found))
            paths = {each.path for each in found}
            self._known = {path: known for path, known in self._known.items() if path in paths}
        return PipelineFiles(files=tuple(files), is_complete=is_complete)

    async def read(self, path: str) -> FileText:
        """The file as it is now. Raises NotFound."""
        await self._check(path)
        if not await ensure_async(self._contents.file_exists(path)):
            raise NotFound(f"there is no file {path!r}")
        model = await ensure_async(self._contents.get(path, content=True, type="file", format="text"))
        text: str = model["content"]
        return await _text(path, text, model["last_modified"])

    async def write(self, path: str, save: FileSave) -> FileText:
        """Write the file (and the folders above it), unless it is not what the writer believes.

        Raises:
            BadRequest: the name cannot be one of a pipeline file.
            Conflict: it is something else; ``details`` holds the hash and the time of what is there now.
        """
        await self._check(path)
        _refuse_what_nobody_sees(path)
        async with self._writing:
            await self._refuse_a_surprise(path, save)
            await self._make_folders(path)
            text = _TEMPLATE.format(name=_name(path)) if save.text is None else save.text
            model = {"type": "file", "format": "text", "content": text}
            saved = await ensure_async(self._contents.save(model, path))
        return await _text(path, text, saved["last_modified"])

    async def delete(self, path: str) -> None:
        """Delete the file, by the server's rules (trash or for good). Raises NotFound."""
        await self._check(path)
        if not await ensure_async(self._contents.file_exists(path)):
            raise NotFound(f"there is no file {path!r}")
        await ensure_async(self._contents.delete(path))

    async def _check(self, path: str) -> None:
        if not path.endswith(ENDINGS):
            raise BadRequest(f"{path!r} is no pipeline file", hint="Its name must end in .fasttrack.yaml.")
        if too_long := [word for word in path.split("/") if len(word.encode("utf-8", "replace")) > _LONGEST_NAME]:
            raise BadRequest(f"the name {too_long[0][:40]!r}… is too long", hint="A name has at most 255 bytes.")
        for folder in PurePosixPath(path).parents[:-1]:
            if await ensure_async(self._contents.file_exists(str(folder))):
                raise NotFound(f"{str(folder)!r} is a file, so nothing is in it")
        if not self._contents.allow_hidden and await ensure_async(self._contents.is_hidden(path)):
            raise NotFound(f"{path!r} is hidden", hint="Files whose path holds a hidden folder are not shown.")

    async def _refuse_a_surprise(self, path: str, save: FileSave) -> None:
        if await ensure_async(self._contents.dir_exists(path)):
            raise BadRequest(f"{path!r} is a folder", hint="Choose another name.")
        is_new = save.if_hash is None and save.if_modified_at is None
        if not await ensure_async(self._contents.file_exists(path)):
            if is_new:
                return
            raise Conflict(f"{path!r} is not there any more", hint="Save it as a new file, without if_hash.")
        now = await self.read(path)
        told = {"hash": now.hash, "modified_at": now.modified_at.isoformat()}
        if is_new:
            raise Conflict(f"{path!r} is there already", hint="Choose another name.", details=told)
        if save.if_hash not in (None, now.hash) or save.if_modified_at not in (None, now.modified_at):
            raise Conflict(
                f"{path!r} was changed by somebody else", hint="Read it again, then decide which to keep.", details=told
            )

    async def _make_folders(self, path: str) -> None:
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            if not await ensure_async(self._contents.dir_exists(str(folder))):
                await ensure_async(self._contents.save({"type": "directory"}, str(folder)))

    # ------------------------------------------------------------ what is in them

    async def _described(self, found: Found, at_once: asyncio.Semaphore) -> PipelineFile:
        key = (found.modified_ns, found.size)
        known_key, known = self._known.get(found.path, (None, None))
        if known is not None and known_key == key:
            return known
        file = PipelineFile(
            path=found.path, modified_at=datetime.fromtimestamp(found.modified_ns / 1e9, UTC), size=found.size
        )
        if found.size > MAX_BYTES:
            return file.model_copy(update={"problem": f"too large to be looked through ({found.size >> 20} MiB)"})
        try:
            async with at_once:
                file = file.model_copy(update=await self._inside(found.path))
        except EngineUnavailable:
            return file  # the name of the file must do; asked again next time
        self._known[found.path] = key, file
        return file

    async def _inside(self, path: str) -> dict[str, Any]:
        """Name, number of tasks and first error of one file, in the engine's opinion."""
        assert self._root is not None
        body = json.dumps({"source": str(self._root / path)}).encode()
        headers = {"Content-Type": "application/json"}
        async with self._supervisor.call("POST", "/validate", headers, body) as reply:
            text = await _at_most(reply.parts(), _MAX_ANSWER)
        if text is None:
            return {"problem": "it has more problems than can be told here"}
        told = json.loads(text)
        if reply.status >= 400:
            return {"problem": told["message"]}
        errors = [problem for problem in told["problems"] if problem["severity"] == "error"]
        return {"name": told["pipeline"], "tasks": told["tasks"], "problem": errors[0]["message"] if errors else None}


def _refuse_what_nobody_sees(path: str) -> None:
    if any(unicodedata.category(each) in _UNSEEN for each in path):
        raise BadRequest(
            f"the name {path[:80]!r} holds control characters", hint="Leave out line breaks, tabs and the like."
        )


async def _at_most(parts: AsyncIterator[bytes], limit: int) -> bytes | None:
    """All parts together; None where that would be more than ``limit`` bytes, and the loop would stall over it."""
    data = b""
    async for part in parts:
        data += part
        if len(data) > limit:
            return None
    return data


async def _text(path: str, text: str, modified_at: datetime) -> FileText:
    return FileText(path=path, text=text, modified_at=modified_at, hash=await asyncio.to_thread(_hash, text))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _name(path: str) -> str:
    """A pipeline's name after its file's, quoted as YAML may need it (JSON is YAML)."""
    file = PurePosixPath(path).name
    return json.dumps(
        next(file.removesuffix(ending) for ending in ENDINGS if file.endswith(ending)), ensure_ascii=False
    )
