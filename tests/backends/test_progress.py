"""How far tasks say that they are: what is told of it, how seldom, and what is no progress at all."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.progress import MOST, Progress, ProgressReader, Watched
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result
from fasttrack_jupyter.testing.conformance import FOLDER, opened, session_spec

T = 1_700_000_000.0


class Task:
    """One task's outputs, and what a reader tells of them as time goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.reader, self.file = folder, ProgressReader(), folder / ".progress.json"

    def writes(self, content: Any) -> Task:
        """Replace the file, as a task would: whole. Text stays as it is, all else becomes JSON."""
        draft = self.folder / "draft"
        draft.write_text(content if isinstance(content, str) else json.dumps(content))
        draft.rename(self.file)
        return self

    def told(self, after: float = 1.0) -> Progress | None:
        """What a look tells, so many seconds after its beginning."""
        return self.reader.news([Watched("j-0-1", str(self.folder), T)], T + after).get("j-0-1")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A task's outputs."""
    return Task(tmp_path)


def test_what_is_new_is_told_once(task: Task) -> None:
    """The same again is no news, nor is a task that says nothing."""
    assert task.told(1) is None
    task.writes({"fraction": 0.25, "text": "cell 1 of 4"})
    assert task.told(2) == Progress(0.25, "cell 1 of 4")
    assert task.told(3) is None
    task.writes({"fraction": 0.25, "text": "cell 1 of 4"})
    assert task.told(4) is None


def test_less_than_a_percent_is_no_news(task: Task) -> None:
    """Unless the text is another one; what adds up to a percent is told."""
    task.writes({"fraction": 0.5, "text": "a"})
    assert task.told(1) is not None
    assert task.writes({"fraction": 0.505, "text": "a"}).told(3) is None
    assert task.writes({"fraction": 0.506, "text": "b"}).told(5) == Progress(0.506, "b")
    assert task.writes({"fraction": 0.51, "text": "b"}).told(7) is None
    assert task.writes({"fraction": 0.52, "text": "b"}).told(9) == Progress(0.52, "b")


def test_one_a_second_at_most(task: Task) -> None:
    """What came meanwhile is not lost: the newest is told then."""
    assert task.writes({"fraction": 0.1}).told(1.0) is not None
    assert task.writes({"fraction": 0.2}).told(1.2) is None
    assert task.writes({"fraction": 0.3}).told(1.5) is None
    assert task.told(2.0) == Progress(0.3, "")


def test_a_text_alone_is_told_ever_more_seldom(task: Task) -> None:
    """A day of new texts is a few thousand events; percents do not wait."""
    told = 0
    for second in range(0, 86_400, 20):
        task.writes({"fraction": 0.1, "text": f"batch {second}"})
        told += task.told(second) is not None
    assert 100 < told < 2_500
    assert task.writes({"fraction": 0.2}).told(86_402) is not None


def test_a_thousand_tasks_do_not_flood_the_store(tmp_path: Path) -> None:
    """So many are told of after each look, and each has its turn."""
    tasks = [Task(tmp_path / f"{number}") for number in range(1_000)]
    for one in tasks:
        one.folder.mkdir()
        one.writes({"fraction": 0.0})
    reader, watched = ProgressReader(), [Watched(f"j-{n}-1", str(one.folder), T) for n, one in enumerate(tasks)]
    seen: set[str] = set()
    for look in range(1_000 // MOST):
        for one in tasks[look::5]:
            one.writes({"fraction": look / 40, "text": f"{look}"})
        news = reader.news(watched, T + 1 + look)
        assert len(news) == MOST
        seen |= news.keys()
    assert len(seen) == 1_000


def test_a_look_at_files_that_did_not_change_is_cheap(tmp_path: Path) -> None:
    """A stat each: a thousand well within a tenth of a second."""
    for number in range(1_000):
        (tmp_path / f"{number}").mkdir()
        Task(tmp_path / f"{number}").writes({"fraction": 0.5})
    reader, watched = ProgressReader(), [Watched(f"j-{n}-1", f"{tmp_path}/{n}", T) for n in range(1_000)]
    reader.news(watched, T)
    began = time.perf_counter()
    reader.news(watched, T + 1)
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    "content",
    ["", "{", "nonsense", "[]", "3", "null", "{}", '{"fraction": "half"}', '{"fraction": true}', '{"text": 3}',
     '{"fraction": NaN}', '{"fraction": Infinity}', '{"fraction": 1e999}', "[" * 9_000,
     json.dumps({"fraction": 0.5, "text": "x" * 20_000})],
)  # fmt: skip
def test_what_makes_no_sense_is_no_progress(task: Task, content: str) -> None:
    """And what was known before stays."""
    assert task.writes(content).told(1) is None
    assert task.writes({"fraction": 0.5, "text": "well"}).told(3) == Progress(0.5, "well")
    assert task.writes(content).told(5) is None


def test_bytes_that_are_no_text_are_no_progress(task: Task) -> None:
    """As everything else that cannot be read."""
    task.file.write_bytes(b'\xff\xfe{"fraction": 0.5}\x00')
    assert task.told(1) is None


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"fraction": 1.7}, Progress(1.0, "")),
        ({"fraction": -3}, Progress(0.0, "")),
        ({"fraction": 1}, Progress(1.0, "")),
        ({"fraction": 10**400}, Progress(1.0, "")),
        ({"fraction": None, "text": "downloading"}, Progress(None, "downloading")),
        ({"fraction": 0.5, "text": ["no text"]}, Progress(0.5, "")),
    ],
)
def test_what_nearly_makes_sense_is_brought_into_shape(task: Task, said: Any, told: Progress) -> None:
    """Between nothing and all."""
    assert task.writes(said).told() == told


def test_a_link_is_not_followed(task: Task, tmp_path: Path) -> None:
    """Wherever it leads."""
    (tmp_path / "elsewhere.json").write_text('{"fraction": 0.5, "text": "secret"}')
    task.file.symlink_to(tmp_path / "elsewhere.json")
    assert task.told() is None


def test_what_is_no_file_is_left_alone(task: Task) -> None:
    """A pipe would hold us, a folder is none."""
    os.mkfifo(task.file)
    assert task.told(1) is None
    task.file.unlink()
    task.file.mkdir()
    assert task.told(3) is None


# ---------------------------------------------------------------- in sessions

SAYS = """\
say() { echo "$1" > /pipeline/outputs/draft && mv /pipeline/outputs/draft /pipeline/outputs/.progress.json; }
say '{"fraction": 0.4, "text": "cell 2 of 5"}'
while ! test -e %s; do sleep 0.02; done
"""


@pytest.mark.parametrize("mode", ["namespaces", "folders"])
@pytest.mark.parametrize("code", [0, 3])
def test_a_session_tells_and_the_file_is_gone_in_the_end(tmp_path: Path, mode: str, code: int) -> None:
    """Told by itself, while it runs; whatever the end, how far it was is no output."""
    flag, spec = tmp_path / "flag", session_spec("j-0-1", SAYS % (tmp_path / "flag") + f"exit {code}")

    async def go() -> tuple[SessionReport, SessionReport]:
        backend = LocalBackend(LocalSettings(tmp_path / "home", mode=mode, grace=0.2, watch_interval=0.05))
        async with opened(backend) as reports:
            await backend.submit(spec)
            said = await reports.until("j-0-1", lambda report: "progress" in report.data)
            flag.touch()
            end = await reports.ended("j-0-1")
            assert [entry.path for entry in await backend.files(FOLDER, spec.outputs)] == []
            return said, end

    said, end = asyncio.run(go())
    assert said.data == {"progress": {"fraction": 0.4, "text": "cell 2 of 5"}}
    assert said.status == "RUNNING"
    assert (end.result, "progress" in end.data) == (Result.FAILURE if code else Result.SUCCESS, False)


def test_what_another_engine_was_told_is_told_again(tmp_path: Path) -> None:
    """The next one knows nothing yet."""
    spec = session_spec("j-0-1", SAYS % (tmp_path / "flag"))
    how: dict[str, Any] = {"mode": "folders", "grace": 0.2, "watch_interval": 0.05}

    async def go() -> None:
        for begin in ("submit", "adopt"):
            backend = LocalBackend(LocalSettings(tmp_path / "home", **how))
            async with opened(backend) as reports:
                await getattr(backend, begin)(spec)
                await reports.until("j-0-1", lambda report: "progress" in report.data)
                if begin == "adopt":
                    (tmp_path / "flag").touch()
                    await reports.ended("j-0-1")

    asyncio.run(go())
