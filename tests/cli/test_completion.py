"""What the Tab key offers."""

from __future__ import annotations

from typing import Any

from click.shell_completion import ShellComplete

from fasttrack_jupyter.cli.app import root
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import EngineUnavailable


def _offered(connect: Any, *words: str) -> list[str]:
    completer = ShellComplete(root, {"obj": Face(connect=connect)}, "fasttrack", "_FASTTRACK_COMPLETE")
    return [item.value for item in completer.get_completions(list(words[:-1]), words[-1])]


def test_commands_are_completed(client: Any) -> None:
    """Without asking anybody."""
    assert _offered(lambda home, start: client, "rer") == ["rerun"]
    assert client.calls == []


def test_jobs_are_completed(client: Any) -> None:
    """``last`` and the jobs' words."""
    assert _offered(lambda home, start: client, "show", "") == ["last", "digits#12"]


def test_tasks_of_the_job_are_completed(client: Any) -> None:
    """The job that was typed before."""
    assert _offered(lambda home, start: client, "logs", "last", "tr") == ["train"]


def test_completion_never_fails(client: Any) -> None:
    """Trouble offers nothing."""

    def connect(home: str | None, *, start: bool) -> Any:
        raise EngineUnavailable("no engine")

    assert _offered(connect, "show", "") == []
    assert _offered(lambda home, start: client, "logs", "nope", "") == []
