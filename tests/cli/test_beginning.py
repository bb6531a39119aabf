"""``run`` begins an engine before it does anything else, if it will need one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fasttrack_jupyter import cli
from fasttrack_jupyter.api import starter
from fasttrack_jupyter.errors import EngineUnavailable
from fasttrack_jupyter.home import Home


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file, and a home that no engine serves."""
    monkeypatch.setenv("FASTTRACK_HOME", str(tmp_path / "home"))
    file = tmp_path / "one.yaml"
    file.write_text("name: one\n")
    return str(file)


def begun(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int | None:
    """What the command line has begun, where every engine begins as process 7."""
    monkeypatch.setattr(starter, "begin", lambda home: 7)
    return cli._begin_engine(list(argv))


def test_run_of_a_file_begins_one(pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options may stand before it."""
    assert begun(monkeypatch, "run", "--detach", pipeline) == 7


@pytest.mark.parametrize(
    "argv",
    [
        "run",
        "run nowhere.yaml",
        "run .",
        "jobs",
        "run --help FILE",
        "run FILE -h",
        "validate FILE",
        "run FILE --priority x",
        "run FILE --bogus",
        "run FILE FILE",
        "run no FILE",
        "",
    ],
)
def test_what_may_need_none_begins_none(argv: str, pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help, errors, what may be one, and commands that look first."""
    assert begun(monkeypatch, *argv.replace("FILE", pipeline).split()) is None


def test_one_that_cannot_begin_is_told_of_later(pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is wanted, and as ever."""

    def refuse(home: Home) -> int:
        raise EngineUnavailable("no", hint="no")

    monkeypatch.setattr(starter, "begin", refuse)
    assert cli._begin_engine(["run", pipeline]) is None
