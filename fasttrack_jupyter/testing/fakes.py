"""Fakes for speed: a backend whose sessions are decided by a function, a clock that is set by hand.

They keep the contracts of :mod:`fasttrack_jupyter.engine.ports`; the conformance suite is run
against the fake backend too, so that it cannot drift from what real backends promise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.ports import FileEntry, FolderInfo, LogChunk, SessionReport, SessionSpec, UsagePoint
from fasttrack_jupyter.errors import Conflict, NotFound
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots

Outcome = int | Exception | None
"""Of a fake session: exit code, an exception to raise from submit, or None to go on until it is told to end."""


class FakeClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.at = now

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class FakeSecrets:
    """Secrets in a dict, by ``(name, pipeline)``."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values: dict[tuple[str, str | None], str] = {(k, None): v for k, v in (values or {}).items()}

    def get(self, name: str, pipeline: str | None = None) -> str | None:
        return self._values.get((name, pipeline), self._values.get((name, None)))

    def set(self, name: str, value: str, pipeline: str | None = None) -> None:
        self._values[name, pipeline] = value

    def names(self) -> list[tuple[str, str | None]]:
        return sorted(self._values, key=lambda key: (key[0], key[1] or ""))

    def values(self, pipeline: str | None) -> list[str]:
        return [value for (_, scope), value in self._values.items() if scope in (None, pipeline)]

    def remove(self, name: str, pipeline: str | None = None) -> None:
        if self._values.pop((name, pipeline), None) is None:
            raise NotFound(f"there is no secret {name!r}")

    def kept_in(self) -> tuple[str, str]:
        return "a dict", ""


class FakeBackend:
    """A backend in memory. Sessions outlive it, as real ones outlive the engine: give ``sessions`` to the next one.

    ``decide(spec)`` tells how a session ends, ``now()`` when; ``started`` lists every real start, so that a test
    sees what ran twice. ``contents`` are the files in its vfolders, by folder and path (a folder's path ends with
    ``/``): they outlive it too. ``sent`` lists every file that was put there.
    """

    name = "fake"

    def __init__(
        self,
        decide: Callable[[SessionSpec], Outcome] = lambda spec: 0,
        *,
        capacity: ResourceSlots | None = None,
        sessions: dict[str, SessionReport] | None = None,
        now: Callable[[], float] = lambda: 0.0,
        contents: dict[str, dict[str, bytes]] | None = None,
    ) -> None:
        self._decide, self._capacity, self._now = decide, capacity, now
        self.sessions: dict[str, SessionReport] = {} if sessions is None else sessions
        self.started: list[SessionSpec] = []
        self.forgotten: list[str] = []
        self.folder_infos: dict[str, FolderInfo] = {}
        self.codes: dict[str, Mapping[str, str]] = {}
        self.values: dict[str, Mapping[str, str]] = {}
        """By path: the values that a successful session leaves."""
        self.samples: dict[str, Sequence[UsagePoint]] = {}
        """By attempt id: what it used over time."""
        self.contents: dict[str, dict[str, bytes]] = {} if contents is None else contents
        self.sent: list[str] = []
        self.gone: set[str] = set()
        """Output folders that somebody removed."""
        self._report: Callable[[SessionReport], None] = lambda report: None

    async def open(self, report: Callable[[SessionReport], None]) -> None:
        self._report = report

    def capacity(self) -> ResourceSlots | None:
        return self._capacity

    async def check(self, specs: Sequence[SessionSpec]) -> list[tuple[str, Problem]]:
        return []

    async def submit(self, spec: SessionSpec) -> None:
        if spec.attempt_id not in self.sessions:
            outcome = self._decide(spec)
            if isinstance(outcome, Exception):
                raise outcome
            self.started.append(spec)
            self._set(SessionReport(spec.attempt_id, Status.RUNNING, self._now()))
            if outcome is not None:
                self.end(spec.attempt_id, outcome, values=self.values.get(spec.path, {}))
                return
        self._report(self.sessions[spec.attempt_id])

    async def adopt(self, spec: SessionSpec) -> None:
        lost = SessionReport(spec.attempt_id, Status.ERROR, 0.0, Result.FAILURE, reason="lost")
        self._report(self.sessions.get(spec.attempt_id, lost))

    async def exists(self, attempt_id: str) -> bool:
        return attempt_id in self.sessions

    def end(
        self, attempt_id: str, exit_code: int = 0, *, values: Mapping[str, str] | None = None, failure: str = ""
    ) -> None:
        """The command of a running session ends; ``failure``: what it tells about that."""
        result = Result.FAILURE if exit_code else Result.SUCCESS
        reason = f"exit {exit_code}" if exit_code else ""
        data: dict[str, Any] = {"values": dict(values or {})} if values else {}
        data |= {"failure": failure} if failure else {}
        self._set(SessionReport(attempt_id, Status.TERMINATED, self._now(), result, exit_code, reason, data=data))

    def tell(self, attempt_id: str, **data: Any) -> None:
        """A running session has something to say."""
        self._set(SessionReport(attempt_id, Status.RUNNING, self._now(), data=data))

    def running(self) -> list[str]:
        """Attempt ids of the sessions that have not ended."""
        return [name for name, report in self.sessions.items() if report.status is Status.RUNNING]

    async def cancel(self, attempt_id: str, reason: str) -> None:
        known = self.sessions.get(attempt_id)
        if known is not None and known.status is Status.RUNNING:
            self._set(SessionReport(attempt_id, Status.CANCELLED, 0.0, reason=reason))
        elif known is not None:
            self._report(known)

    async def forget(self, attempt_id: str) -> None:
        self.forgotten.append(attempt_id)

    async def logs(self, attempt_id: str, after: int, limit: int) -> LogChunk:
        if attempt_id not in self.sessions:
            raise NotFound(f"no log of {attempt_id}")
        return LogChunk(b"", after, after, 0, self.sessions[attempt_id].status is not Status.RUNNING)

    async def usage(self, attempt_id: str) -> Mapping[str, Any]:
        return {}

    async def usage_samples(self, attempt_id: str) -> Sequence[UsagePoint]:
        return self.samples.get(attempt_id, ())

    async def shell(self, attempt_id: str) -> Sequence[str]:
        raise Conflict("a fake session has no shell")

    async def make_folder(self, name: str, usage_mode: str, pipeline: str | None = None) -> FolderInfo:
        return self.folder_infos.setdefault(name, FolderInfo(name, usage_mode, 0.0, None, pipeline))

    async def folders(self) -> list[FolderInfo]:
        return [self.folder_infos[name] for name in sorted(self.folder_infos)]

    async def remove_folder(self, name: str) -> None:
        self.folder_infos.pop(name, None)
        self.contents.pop(name, None)

    async def put_code(self, files: Mapping[str, str | bytes], onto: str | None = None) -> str:
        below = self.codes[onto] if onto else {}
        manifest = {**below, **{path: _text(place) for path, place in files.items()}}
        digest = str(hash(tuple(sorted(manifest.items()))))
        self.codes[digest] = manifest
        return digest

    async def code_manifest(self, digest: str) -> Mapping[str, str]:
        return self.codes[digest]

    async def files(self, folder: str, path: str) -> list[FileEntry]:
        if (alone := self.contents.get(folder, {}).get(path)) is not None:
            return [FileEntry(path.rpartition("/")[2], False, len(alone), 0.0)]
        below = sorted(self._below(folder, path).items())
        return [FileEntry(name.rstrip("/"), name.endswith("/"), len(data), 0.0) for name, data in below]

    async def missing(self, folder: str, paths: Sequence[str]) -> set[str]:
        unfilled = {path for path in paths if path.startswith(".") and not self._has(folder, path)}
        files = {path for path in paths if path in self.contents.get(folder, {})}
        return self.gone.intersection(paths) | unfilled | files

    async def read(self, folder: str, path: str, start: int, limit: int) -> bytes:
        try:
            return self.contents[folder][path][start : start + limit]
        except KeyError:
            raise NotFound(f"no file {path!r}") from None

    async def put_file(
        self, folder: str, path: str, source: Path | bytes, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        data = source if isinstance(source, bytes) else source.read_bytes()
        await self.make_dirs(folder, [path.rpartition("/")[0]])
        self.contents[folder][path] = data
        self.sent.append(path)
        progress(len(data))

    async def make_dirs(self, folder: str, paths: Sequence[str]) -> None:
        names = [name for path in paths for name in _around(path)]
        self.contents.setdefault(folder, {}).update(dict.fromkeys(names, b""))

    async def remove(self, folder: str, paths: Sequence[str]) -> int:
        files, freed = self.contents.get(folder, {}), 0
        for path in paths:
            for name in [name for name in files if name == path or name.startswith(f"{path}/")]:
                freed += len(files.pop(name))
        return freed

    def _below(self, folder: str, path: str) -> dict[str, bytes]:
        files, start = self.contents.get(folder, {}), f"{path}/" if path else ""
        return {name[len(start) :]: data for name, data in files.items() if name.startswith(start) and name != start}

    def _has(self, folder: str, path: str) -> bool:
        return f"{path}/" in self.contents.get(folder, {})

    async def remove_sessions(self, attempt_ids: Sequence[str]) -> int:
        for name in attempt_ids:
            self.sessions.pop(name, None)
        return 0

    async def sweep(self, keep: set[str], *, dry_run: bool) -> tuple[list[str], int]:
        return [], 0

    async def doctor(self) -> list[Mapping[str, Any]]:
        return []

    async def images(self) -> list[Mapping[str, Any]]:
        return []

    async def slots(self) -> Mapping[str, Any]:
        return {"slots": {}, "devices": [], "default_image": None, "mode": "fake"}

    async def aclose(self) -> None:
        self._report = lambda report: None

    def _set(self, report: SessionReport) -> None:
        self.sessions[report.attempt_id] = report
        asyncio.get_running_loop().call_soon(lambda: self._report(report))


def _around(path: str) -> list[str]:
    """A folder and those around it, as they are kept."""
    names = path.split("/")
    return ["/".join(names[:end]) + "/" for end in range(1, len(names) + 1)] if path else []


def _text(source: str | bytes) -> str:
    return source.decode() if isinstance(source, bytes) else Path(source).read_text()
