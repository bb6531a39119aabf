"""Answers what is different between two pipelines: reads jobs, files and their code."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Protocol, runtime_checkable

from fasttrack_jupyter.engine.cache_code import changes
from fasttrack_jupyter.engine.diff_views import CodeDiff, DiffRequest, DiffSide, How, PipelineDiff
from fasttrack_jupyter.engine.diffing import diff_heads, diff_tasks, diff_values
from fasttrack_jupyter.engine.overlay import code_of, has_folder
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.preparing import Preparer
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.engine.whereabouts import LOCAL
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.notebooks import RUNTIME
from fasttrack_jupyter.model.pipeline import Pipeline

MOST_FILES, MOST_BYTES, MOST_LINES = 200, 512 << 10, 4_000
"""Files that are shown line by line, bytes of one, lines of its difference."""


@runtime_checkable
class KeepsCode(Protocol):
    """A backend from which the files of a code snapshot can be read."""

    async def read_code(self, digest: str, path: str, limit: int) -> bytes:
        """At most ``limit`` first bytes of a file of a snapshot; of a symlink, of what it leads to. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class _Side:
    """One side as it was read."""

    word: str
    pipeline: Pipeline
    params: Mapping[str, Any] | None
    """A job's values."""
    code: str | None
    """Digest of the snapshot."""
    own: str = ""
    """The file that says the pipeline: what is in it is compared by meaning."""


class DiffDesk:
    """Of one home."""

    def __init__(self, store: JobStore, backends: Callable[[str], ExecutionBackend], preparer: Preparer) -> None:
        self._store, self._backends, self._preparer = store, backends, preparer

    async def diff(self, request: DiffRequest) -> PipelineDiff:
        """What is different in the other side. Raises NotFound, InvalidPipeline, BadRequest."""
        one, other = await self._side(request.one), await self._side(request.other)
        files, unknown = await self._files(one, other, with_lines=request.code)
        tasks = await asyncio.to_thread(diff_tasks, one.pipeline, other.pipeline, [file.path for file in files])
        heads = diff_heads(one.pipeline, other.pipeline)
        both = one.params is not None and other.params is not None
        values = diff_values(one.params or {}, other.params or {}) if both else []
        return PipelineDiff(
            one=one.word, other=other.word, same=not (tasks or heads or values or files or unknown),
            pipeline=tuple(heads), values=tuple(values), tasks=tuple(tasks), files=tuple(files), code_unknown=unknown,
        )  # fmt: skip

    async def _side(self, side: DiffSide) -> _Side:
        if side.job is not None:
            job = await self._store.find_job(side.job)
            _, reading = await self._preparer.read(job.text, None)
            assert reading.pipeline is not None
            own = PurePath(job.source).name if has_folder(job.source) and job.source else ""
            return _Side(f"{job.pipeline}#{job.index}", reading.pipeline, job.params, job.code, own)
        _, reading = await self._preparer.read(side.text, side.source)
        assert reading.pipeline is not None
        code = await self._snapshot(side, reading.pipeline)
        word = PurePath(side.source).name if side.source else reading.pipeline.name
        return _Side(word, reading.pipeline, None, code, PurePath(side.source or "").name)

    async def _snapshot(self, side: DiffSide, pipeline: Pipeline) -> str | None:
        """Of the files beside a pipeline's own, as a job would keep them."""
        if not has_folder(side.source):
            return None
        request = JobRequest(text=side.text, source=side.source)
        files = await asyncio.to_thread(code_of, request, pipeline, dict)
        return await self._backends(LOCAL).put_code(files) if files else None

    async def _files(self, one: _Side, other: _Side, *, with_lines: bool) -> tuple[list[CodeDiff], str]:
        try:
            before, after = await self._manifest(one.code), await self._manifest(other.code)
        except FastTrackError as error:
            return [], error.message
        found = {path: How(how) for path, how in changes(before, after).items() if _counts(path, one, other)}
        shown = list(found)[:MOST_FILES] if with_lines else []
        lines = {path: await self._lines(path, one.code, other.code, found[path]) for path in shown}
        return [CodeDiff(path=path, how=how, lines=lines.get(path)) for path, how in found.items()], ""

    async def _manifest(self, code: str | None) -> Mapping[str, str]:
        return await self._backends(LOCAL).code_manifest(code) if code else {}

    async def _lines(self, path: str, one: str | None, other: str | None, how: How) -> tuple[str, ...] | None:
        before = "" if how is How.ADDED else await self._text(one, path)
        after = "" if how is How.REMOVED else await self._text(other, path)
        return None if before is None or after is None else await asyncio.to_thread(_unified, path, before, after)

    async def _text(self, code: str | None, path: str) -> str | None:
        """A text file of a snapshot; None for what is none, or is too long."""
        backend = self._backends(LOCAL)
        if code is None or not isinstance(backend, KeepsCode):
            return None
        data = await backend.read_code(code, path, MOST_BYTES + 1)
        try:
            return None if len(data) > MOST_BYTES or b"\0" in data else data.decode("utf-8")
        except UnicodeDecodeError:
            return None


def _counts(path: str, one: _Side, other: _Side) -> bool:
    return path not in (one.own, other.own) and not path.startswith(f"{RUNTIME}/") and Path(path).suffix != ".pyc"


def _unified(path: str, before: str, after: str) -> tuple[str, ...] | None:
    rows = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    lines = tuple(rows)
    return lines if len(lines) <= MOST_LINES else None
