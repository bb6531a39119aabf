"""``fasttrack cluster``: what it asks, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import NotFound

GROUP = {
    "name": "default", "is_active": True, "free": {"cpu": "2", "mem": "23635516k"}, "mine": {"cpu": "1"},
    "total": None, "used": None, "largest": {"cpu": "4"}, "nodes": None,
}  # fmt: skip
LIMITS = {
    "policy": "default", "slots": {"cpu": "8"}, "used": {}, "left": {}, "domain": {}, "sessions": 1, "max_sessions": 5,
    "max_pending_sessions": None, "max_containers": 1, "max_lifetime": None, "idle_timeout": None, "max_folders": None,
}  # fmt: skip
VIEW = {
    "backend": "backend.ai", "endpoint": "https://a", "release": "26.9.6", "user": "me@example.org",
    "domain": "default", "project": "default", "asked_at": "2026-03-01T12:00:00Z",
    "projects": [{"name": "default", "id": "1", "is_active": True, "limits": {}}], "groups": [GROUP],
    "presets": [{"name": "small", "resources": {"cpu": "1", "cuda.device": "0"}, "shmem": None, "is_free": False}],
    "limits": LIMITS, "slots": [{"name": "cpu", "title": "CPU", "unit": "Core", "is_whole": True}],
}  # fmt: skip


class FakeClusterClient:
    """Knows some clusters; remembers what it is asked."""

    def __init__(self, *backends: str) -> None:
        self.backends = backends
        self.calls: list[tuple[Any, ...]] = []
        self.files = [{"name": "a.txt", "path": "a.txt", "is_dir": False, "is_link": False, "size": 5,
                       "modified_at": None}]  # fmt: skip

    def info(self) -> dict[str, Any]:
        return {"backends": ["local", *self.backends]}

    def cluster(self, backend: str, project: str | None = None, *, fresh: bool = False) -> Any:
        self.calls.append((backend, project, fresh))
        return VIEW

    def cluster_files(self, backend: str, folder: str, path: str = "") -> Any:
        return self.files

    def download_cluster_file(self, backend: str, folder: str, path: str, *, archive: bool = False) -> Iterator[bytes]:
        yield b"he"
        yield b"llo"

    def upload_cluster_file(self, backend: str, folder: str, path: str, source: Path) -> Iterator[Any]:
        self.calls.append((folder, path, source.name))
        yield {"sent": 0, "size": 5, "done": False}
        yield {"sent": 5, "size": 5, "done": True}

    def close(self) -> None: ...


def run(client: FakeClusterClient, *words: str) -> Any:
    from click.testing import CliRunner

    from fasttrack_jupyter.cli.app import root

    return CliRunner().invoke(root, ["cluster", *words], obj=Face(connect=lambda *_, **__: client))


def test_by_itself_it_shows_what_there_is() -> None:
    """What the cluster does not tell is a question mark, not a zero."""
    done = run(FakeClusterClient("backend.ai"))
    assert done.exit_code == 0
    assert "Backend.AI 26.9.6 at https://a" in done.stdout
    assert "sessions 1 live, at most 5" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["default", "cpu", "2", "1", "?", "?", "4"] in rows
    assert ["small", "1", "cpu", "not", "now"] in rows
    assert "?: the cluster does not tell you." in done.stderr


def test_json_is_the_view_itself() -> None:
    """Nothing else is on stdout; the project is handed on."""
    client = FakeClusterClient("backend.ai:work")
    done = run(client, "show", "--project", "other", "--fresh", "--json")
    assert json.loads(done.stdout) == VIEW
    assert client.calls == [("backend.ai:work", "other", True)]


@pytest.mark.parametrize(
    ("backends", "words", "expected"),
    [
        (("backend.ai:work",), (), "backend.ai:work"),
        (("backend.ai:work", "backend.ai"), (), "backend.ai"),
        (("backend.ai", "backend.ai:work"), ("--backend", "backend.ai:work"), "backend.ai:work"),
        (("backend.ai", "backend.ai:work"), ("--backend", "backend.ai:work", "show"), "backend.ai:work"),
        (("backend.ai", "backend.ai:work"), ("show", "--backend", "backend.ai:work"), "backend.ai:work"),
    ],
)
def test_which_cluster_it_is(backends: tuple[str, ...], words: tuple[str, ...], expected: str) -> None:
    """The only one, or the default profile's, or the one that is named: before the subcommand or after it."""
    client = FakeClusterClient(*backends)
    assert run(client, *words).exit_code == 0
    assert client.calls[0][0] == expected


@pytest.mark.parametrize(
    ("backends", "hint"), [((), "fasttrack login"), (("backend.ai:a", "backend.ai:b"), "--backend")]
)
def test_none_or_several_are_told(backends: tuple[str, ...], hint: str) -> None:
    """With what to do."""
    done = run(FakeClusterClient(*backends))
    assert done.exit_code == 2
    assert hint in done.stderr


def test_files_are_put_below_a_folder_or_under_a_name(tmp_path: Path) -> None:
    """A folder goes with what is in it; the name is the file's own, unless another is said."""
    (tmp_path / "raw" / "deep").mkdir(parents=True)
    (tmp_path / "raw" / "deep" / "a.txt").write_text("hello")
    client = FakeClusterClient("backend.ai")
    for words in (("raw",), ("raw/deep/a.txt",), ("raw/deep/a.txt", "in/"), ("raw/deep/a.txt", "b.txt")):
        done = run(client, "folders", "put", "data", str(tmp_path / words[0]), *words[1:])
        assert done.exit_code == 0, done.stderr
    assert [path for _, path, _ in client.calls] == ["raw/deep/a.txt", "a.txt", "in/a.txt", "b.txt"]


def test_the_folder_where_one_is_is_put_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``.`` has one, too."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.txt").write_text("hello")
    monkeypatch.chdir(tmp_path / "here")
    client = FakeClusterClient("backend.ai")
    for words in ((".",), (".", "in/"), ("..", "x")):
        assert run(client, "folders", "put", "data", *words).exit_code == 0
    assert [path for _, path, _ in client.calls] == ["here/a.txt", "in/here/a.txt", f"x/{tmp_path.name}/here/a.txt"]


def test_a_file_is_got_and_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there whole, or not at all."""
    monkeypatch.chdir(tmp_path)
    client = FakeClusterClient("backend.ai")
    assert run(client, "folders", "get", "data", "a.txt").exit_code == 0
    assert (tmp_path / "a.txt").read_text() == "hello"
    again = run(client, "folders", "get", "data", "a.txt")
    assert (again.exit_code, "would be overwritten" in again.stderr) == (2, True)
    assert run(client, "folders", "get", "data", "a.txt", "--force").exit_code == 0
    lost = run(client, "folders", "get", "data", "b.txt", "--json")
    assert json.loads(lost.stdout)["error"]["code"] == NotFound.code
