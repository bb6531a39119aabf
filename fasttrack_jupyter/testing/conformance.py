"""What every execution backend must keep, as tests: for this project's backends and for those of others.

Make a subclass, give it ``make_backend`` (a new backend object over the same sessions each time it is called, as
after a restart of the engine), and pytest finds the rest::

    class TestMyBackend(BackendConformance):
        def make_backend(self, home: Path) -> ExecutionBackend:
            return MyBackend(home)

Commands are ``exit N``, ``echo WORDS`` and ``sleep 60``; a backend that runs nothing may read them. Where sessions
outlive ``home`` (a cluster), override ``spec`` for what every session needs there (an image), and ``patience``. No two
tests use the same attempt id or vfolder, for such a place remembers them.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import ExecutionBackend, LogChunk, SessionReport, SessionSpec, UsagePoint
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status
from fasttrack_jupyter.model.resources import ResourceSlots

FOLDER = "pipeline-1"


def session_spec(attempt_id: str, command: str, **more: Any) -> SessionSpec:
    """A session of ``command``, as small as they come; ``more`` are fields of :class:`SessionSpec`."""
    fields: dict[str, Any] = {
        "attempt_id": attempt_id, "job_id": "job", "job_index": 1, "pipeline": "pipeline", "folder": FOLDER,
        "path": attempt_id, "number": 1, "command": command, "image": None, "slots": ResourceSlots(), "environ": {},
        "outputs": f"jobs/1/{attempt_id}",
    }  # fmt: skip
    return SessionSpec(**{**fields, **more})


class Reports:
    """What a backend reported, in order; and waiting for it, at most ``patience`` seconds."""

    def __init__(self, patience: float = 30.0) -> None:
        self.patience = patience
        self.all: list[SessionReport] = []
        self._news = asyncio.Event()

    def __call__(self, report: SessionReport) -> None:
        self.all.append(report)
        self._news.set()

    def of(self, attempt_id: str) -> list[SessionReport]:
        """Those of one attempt."""
        return [report for report in self.all if report.attempt_id == attempt_id]

    async def until(
        self, attempt_id: str, is_it: Callable[[SessionReport], bool], seconds: float | None = None
    ) -> SessionReport:
        """The first report of the attempt that ``is_it``; fails after ``seconds`` (its ``patience``)."""
        seconds = self.patience if seconds is None else seconds
        deadline = time.monotonic() + seconds
        while True:
            self._news.clear()
            for report in self.of(attempt_id):
                if is_it(report):
                    return report
            left = deadline - time.monotonic()
            if left <= 0:
                pytest.fail(f"no such report of {attempt_id} within {seconds} s, but {self.of(attempt_id)}")
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                continue

    async def running(self, attempt_id: str) -> SessionReport:
        """The report that it runs."""
        return await self.until(attempt_id, lambda report: report.status is Status.RUNNING)

    async def ended(self, attempt_id: str, seconds: float | None = None) -> SessionReport:
        """The report of its end."""
        return await self.until(attempt_id, lambda report: report.status in ENDED, seconds)


@asynccontextmanager
async def opened(backend: ExecutionBackend, patience: float = 30.0) -> AsyncIterator[Reports]:
    """``backend`` open, with a pipeline folder, and closed at the end; gives its reports."""
    reports = Reports(patience)
    await backend.open(reports)
    try:
        await backend.make_folder(FOLDER, "data", "pipeline")
        yield reports
    finally:
        await backend.aclose()


class BackendConformance:
    """The suite. Each test gets a fresh ``home`` folder."""

    patience = 30.0
    """Seconds within which a session gets anywhere."""

    def make_backend(self, home: Path) -> ExecutionBackend:
        """A new backend object over the sessions that belong to ``home``."""
        raise NotImplementedError

    def spec(self, command: str, **more: Any) -> SessionSpec:
        """A session of an attempt that never was."""
        return session_spec(f"j{secrets.token_hex(6)}-0-1", command, **more)

    def run_to_end(self, home: Path, spec: SessionSpec) -> tuple[SessionReport, list[SessionReport]]:
        """Submit ``spec`` and wait: the last report, and all of them."""

        async def go() -> tuple[SessionReport, list[SessionReport]]:
            backend = self.make_backend(home)
            async with opened(backend, self.patience) as reports:
                await backend.submit(spec)
                return await reports.ended(spec.attempt_id), reports.of(spec.attempt_id)

        return asyncio.run(go())

    def test_a_command_that_ends_with_0_is_a_success(self, tmp_path: Path) -> None:
        """TERMINATED, SUCCESS, exit code 0."""
        end, _ = self.run_to_end(tmp_path, self.spec("exit 0"))
        assert (end.status, end.result, end.exit_code) == (Status.TERMINATED, Result.SUCCESS, 0)

    def test_a_command_that_fails_tells_its_exit_code(self, tmp_path: Path) -> None:
        """TERMINATED, FAILURE, and the reason in words."""
        end, _ = self.run_to_end(tmp_path, self.spec("exit 3"))
        assert (end.status, end.result, end.exit_code) == (Status.TERMINATED, Result.FAILURE, 3)
        assert end.reason == "exit 3"

    def test_reports_only_go_forward(self, tmp_path: Path) -> None:
        """Nothing is reported after the end but the same end, and no result before it."""
        _, reports = self.run_to_end(tmp_path, self.spec("exit 0"))
        assert [report.status in ENDED for report in reports] == sorted(report.status in ENDED for report in reports)
        assert all(report.result is Result.UNDEFINED for report in reports if report.status not in ENDED)

    def test_submitting_again_finds_the_session(self, tmp_path: Path) -> None:
        """A repeated submit, after a restart as well, reports the end that there was and starts nothing."""
        spec = self.spec("exit 3")
        first, _ = self.run_to_end(tmp_path, spec)
        again, _ = self.run_to_end(tmp_path, spec)
        assert (again.status, again.result, again.exit_code) == (first.status, first.result, first.exit_code)

    def test_a_session_outlives_the_engine_and_is_adopted(self, tmp_path: Path) -> None:
        """Closing the backend ends no session; the next engine adopts it, and can cancel it."""
        spec = self.spec("sleep 60")

        async def go() -> SessionReport:
            async with opened(first := self.make_backend(tmp_path), self.patience) as reports:
                await first.submit(spec)
                await reports.running(spec.attempt_id)
            async with opened(second := self.make_backend(tmp_path), self.patience) as reports:
                await second.adopt(spec)
                await reports.running(spec.attempt_id)
                assert await second.exists(spec.attempt_id)
                await second.cancel(spec.attempt_id, "cancelled")
                return await reports.ended(spec.attempt_id)

        assert asyncio.run(go()).status is Status.CANCELLED

    def test_adopting_what_is_not_there_reports_it_lost(self, tmp_path: Path) -> None:
        """ERROR, FAILURE, ``lost``; and nothing is created."""
        spec = self.spec("exit 0")

        async def go() -> tuple[SessionReport, bool]:
            async with opened(backend := self.make_backend(tmp_path), self.patience) as reports:
                await backend.adopt(spec)
                return await reports.ended(spec.attempt_id), await backend.exists(spec.attempt_id)

        end, exists = asyncio.run(go())
        assert (end.status, end.result, end.reason, exists) == (Status.ERROR, Result.FAILURE, "lost", False)

    def test_cancel_ends_the_session_with_the_reason(self, tmp_path: Path) -> None:
        """CANCELLED, UNDEFINED, and the reason that was given."""
        spec = self.spec("sleep 60")

        async def go() -> SessionReport:
            async with opened(backend := self.make_backend(tmp_path), self.patience) as reports:
                await backend.submit(spec)
                await reports.running(spec.attempt_id)
                await backend.cancel(spec.attempt_id, "dependency train failed")
                return await reports.ended(spec.attempt_id)

        end = asyncio.run(go())
        assert (end.status, end.result, end.reason) == (
            Status.CANCELLED, Result.UNDEFINED, "dependency train failed"
        )  # fmt: skip

    def test_cancel_of_an_unknown_attempt_is_no_error(self, tmp_path: Path) -> None:
        """A cancel may come when all is over."""

        async def go() -> None:
            async with opened(backend := self.make_backend(tmp_path)):
                await backend.cancel("nobody-0-1", "cancelled")

        asyncio.run(go())

    def test_the_log_of_an_unknown_attempt_is_not_found(self, tmp_path: Path) -> None:
        """NotFound, and no empty log."""

        async def go() -> None:
            async with opened(backend := self.make_backend(tmp_path)):
                with pytest.raises(NotFound):
                    await backend.logs("nobody-0-1", 0, 100)

        asyncio.run(go())

    def test_what_a_command_writes_is_its_log(self, tmp_path: Path) -> None:
        """To be read in parts, after the end as well, and by another engine; its end is told."""
        spec = self.spec("echo one two three")

        async def go() -> tuple[LogChunk, LogChunk]:
            async with opened(first := self.make_backend(tmp_path), self.patience) as reports:
                await first.submit(spec)
                await reports.ended(spec.attempt_id)
                await first.forget(spec.attempt_id)
                part = await first.logs(spec.attempt_id, 4, 3)
            async with opened(second := self.make_backend(tmp_path), self.patience):
                return part, await second.logs(spec.attempt_id, 0, 1000)

        part, whole = asyncio.run(go())
        assert (part.data, part.start, part.next, part.ended) == (b"two", 4, 7, False)
        assert (whole.data, whole.size, whole.ended) == (b"one two three\n", 14, True)

    def test_usage_over_time_of_an_unknown_attempt_is_empty(self, tmp_path: Path) -> None:
        """It is no error: whoever draws a chart asks before there is anything."""

        async def go() -> list[UsagePoint]:
            async with opened(backend := self.make_backend(tmp_path)):
                return list(await backend.usage_samples("nobody-0-1"))

        assert asyncio.run(go()) == []

    def test_usage_over_time_is_in_order_and_small(self, tmp_path: Path) -> None:
        """What is kept of a short session is little or nothing, oldest first."""
        spec = self.spec("exit 0")

        async def go() -> list[UsagePoint]:
            async with opened(backend := self.make_backend(tmp_path), self.patience) as reports:
                await backend.submit(spec)
                await reports.ended(spec.attempt_id)
                return list(await backend.usage_samples(spec.attempt_id))

        points = asyncio.run(go())
        assert len(points) <= 1000
        assert [point.at for point in points] == sorted(point.at for point in points)

    def test_a_folder_is_made_once(self, tmp_path: Path) -> None:
        """Making it again brings back the one that is there; removed, it is gone."""
        name = f"data-{secrets.token_hex(6)}"

        async def go() -> list[str]:
            async with opened(backend := self.make_backend(tmp_path)):
                await backend.make_folder(name, "data")
                await backend.make_folder(name, "model")
                found = [f"{info.name}:{info.usage_mode}" for info in await backend.folders()]
                await backend.remove_folder(name)
                return [*found, *("still there" for info in await backend.folders() if info.name == name)]

        found = asyncio.run(go())
        assert f"{name}:data" in found
        assert "still there" not in found

    def test_a_file_that_is_put_there_is_read_back(self, tmp_path: Path) -> None:
        """From a file of this machine and from its content; its folders are made, its progress is told."""
        content, top = bytes(range(256)) * 1000, f".put-{secrets.token_hex(4)}"
        (source := tmp_path / "source").write_bytes(content)
        heard: list[int] = []

        async def go() -> tuple[list[tuple[str, bool, int]], bytes, bytes]:
            async with opened(backend := self.make_backend(tmp_path)):
                await backend.make_folder(FOLDER, "data")
                await backend.put_file(FOLDER, f"{top}/here/a b.bin", source, heard.append)
                await backend.put_file(FOLDER, f"{top}/note", b"old and long")
                await backend.put_file(FOLDER, f"{top}/note", b"new")
                await backend.make_dirs(FOLDER, [f"{top}/empty/inner", f"{top}/here"])
                files = [(x.path, x.is_dir, x.is_dir or x.size) for x in await backend.files(FOLDER, top)]
                middle = await backend.read(FOLDER, f"{top}/here/a b.bin", 250, 20)
                note = await backend.read(FOLDER, f"{top}/note", 0, 100)
                await backend.remove(FOLDER, [top])
                return files, middle, note

        files, middle, note = asyncio.run(go())
        assert files == [
            ("empty", True, True), ("empty/inner", True, True), ("here", True, True),
            ("here/a b.bin", False, len(content)), ("note", False, 3),
        ]  # fmt: skip
        assert (middle, note) == (content[250:270], b"new")
        assert heard[-1] == len(content)

    def test_files_that_were_put_there_outlive_the_engine_and_can_be_removed(self, tmp_path: Path) -> None:
        """Folders with all that is in them, and single files; removing what is not there is no error."""
        top = f".put-{secrets.token_hex(4)}"

        async def go() -> tuple[set[str], list[str], set[str]]:
            async with opened(backend := self.make_backend(tmp_path)):
                await backend.make_folder(FOLDER, "data")
                for path in (f"{top}/tree/a", f"{top}/tree/b/c", f"{top}/mark"):
                    await backend.put_file(FOLDER, path, b"x")
            async with opened(backend := self.make_backend(tmp_path)):
                there = await backend.missing(FOLDER, [f"{top}/tree", f"{top}/tree/b", f"{top}/nothing"])
                for path in (f"{top}/mark", f"{top}/tree/b", f"{top}/nothing"):
                    await backend.remove(FOLDER, [path])
                left = [entry.path for entry in await backend.files(FOLDER, top)]
                await backend.remove(FOLDER, [top])
                return there, left, await backend.missing(FOLDER, [top])

        assert asyncio.run(go()) == ({f"{top}/nothing"}, ["tree", "tree/a"], {top})

    def test_code_has_the_digest_of_its_content(self, tmp_path: Path) -> None:
        """The same files, wherever they lie, are the same snapshot."""
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "a.py").write_text("print(1)")

        async def go() -> list[str]:
            async with opened(backend := self.make_backend(tmp_path)):
                return [await backend.put_code({"a.py": str(tmp_path / name / "a.py")}) for name in ("one", "two")]

        one, two = asyncio.run(go())
        assert one == two
