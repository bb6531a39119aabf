"""The parts of local sessions, each by itself."""

from __future__ import annotations

import asyncio
import marshal
import os
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import logs
from fasttrack_jupyter.backends.local.commands import argv_of
from fasttrack_jupyter.backends.local.folders_view import Places, substitute, substitutions
from fasttrack_jupyter.backends.local.places import spoken_home
from fasttrack_jupyter.backends.local.processors import Processors
from fasttrack_jupyter.backends.local.runner.launcher import frames
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.backends.local.variables import base_environment, session_variables
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.testing.conformance import session_spec

PLACES = Places("/c", "/o", "/v", inputs=("/i1",), mounts=(("/data", "/m"), ("/home/work/in", "/n")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/pipeline/outputs", "/o"),
        ("x --out=/pipeline/outputs/a.txt", "x --out=/o/a.txt"),
        ("'/pipeline/output'", "'/o'"),
        ("cat /pipeline/input1/f /pipeline/input12/f", "cat /i1/f /pipeline/input12/f"),
        ("a:/pipeline/vfroot:b", "a:/v:b"),
        ("cd /home/work && ls /home/worker", "cd /c/work && ls /home/worker"),
        ("/pipelines/outputs /other/pipeline/outputs ./pipeline/outputs", None),
        ("/pipeline/outputs2 /pipeline/outputs.bak /pipeline/outputs-old", None),
        ("ls /data/x /database", "ls /m/x /database"),
    ],
)
def test_paths_are_replaced_as_whole_tokens(text: str, expected: str | None) -> None:
    """And what only looks similar stays as it is."""
    assert substitute(text, substitutions(PLACES)) == (text if expected is None else expected)


@pytest.mark.parametrize("command", ["true", "python train.py --lr 0.01", " echo a,b:c=d \n", "/usr/bin/env x=1"])
def test_plain_words_need_no_second_shell(command: str) -> None:
    """The supervisor runs them itself."""
    assert argv_of(command) == command.split()


@pytest.mark.parametrize(
    "command",
    [
        "exit 3",
        "A=1 env",
        "cd x",
        "a; b",
        "a\nb",
        "a 'b'",
        "ls *",
        "a > b",
        "~/x",
        "echo $X",
        "",
        "a # b",
        "kill 1",
        "!x",
    ],
)
def test_whatever_a_shell_has_a_say_in_gets_one(command: str) -> None:
    """Expansions, redirections, several commands, and what acts on the shell itself."""
    assert argv_of(command) == ["/bin/sh", "-c", command]


def test_settings_can_be_overridden_by_the_environment(tmp_path: Path) -> None:
    """``FASTTRACK_LOCAL_*``, in the units of the YAML."""
    environ = {
        "FASTTRACK_LOCAL_MODE": "folders", "FASTTRACK_LOCAL_GRACE": "1m", "FASTTRACK_LOCAL_LOG_CAP": "2m",
        "FASTTRACK_LOCAL_SLOTS": "cpu=2, mem=4g",
    }  # fmt: skip
    settings = LocalSettings.from_environ(tmp_path, environ)
    assert (settings.mode, settings.grace, settings.log_cap) == ("folders", 60.0, 2 << 20)
    assert settings.slots == {"cpu": "2", "mem": "4g"}


@pytest.mark.parametrize("variable", ["MODE", "GRACE", "IMAGE_POLICY"])
def test_a_setting_that_is_none_is_told(tmp_path: Path, variable: str) -> None:
    """Not taken for the default."""
    with pytest.raises(BadRequest, match="nonsense"):
        LocalSettings.from_environ(tmp_path, {f"FASTTRACK_LOCAL_{variable}": "nonsense"})


def test_a_proxy_with_a_password_stays_with_the_engine(tmp_path: Path) -> None:
    """Variables that are passed on do not carry credentials."""
    environ = {"HTTP_PROXY": "http://u:p@proxy:3128", "https_proxy": "http://proxy:3128", "TOKEN": "t"}
    base = base_environment(LocalSettings(tmp_path), environ)
    assert "HTTP_PROXY" not in base
    assert "TOKEN" not in base
    assert base["https_proxy"] == "http://proxy:3128"


def test_members_count_by_role_and_over_all() -> None:
    """``IDX`` from 1 for each role, ``LOCAL_RANK`` from 0 over the cluster."""
    spec = session_spec("a", "true", cluster_size=3)
    seen = [session_variables(spec, member) for member in range(3)]
    assert [member["BACKENDAI_CLUSTER_HOST"] for member in seen] == ["main1", "sub1", "sub2"]
    assert [member["BACKENDAI_CLUSTER_IDX"] for member in seen] == ["1", "1", "2"]
    assert [member["BACKENDAI_CLUSTER_LOCAL_RANK"] for member in seen] == ["0", "1", "2"]
    assert seen[0]["BACKENDAI_CLUSTER_REPLICAS"] == "main:1,sub:2"


def test_processors_are_handed_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least taken first; none for who asks for none or for all."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    processors = Processors()
    assert processors.take("a", 150) == [0, 1]
    assert processors.take("b", 100) == [2]
    assert processors.take("c", 400) is None
    assert processors.take("d", 0) is None
    processors.release("a")
    assert processors.take("e", 300) == [0, 1, 3]


def test_messages_are_taken_out_whole() -> None:
    """A part of one stays until the rest comes."""
    message = marshal.dumps([("launch", {})])
    data = len(message).to_bytes(4, "little") + message
    buffer = bytearray(data + data[:7])
    assert list(frames(buffer)) == [[("launch", {})]]
    assert buffer == data[:7]


def test_a_log_below_its_cap_is_left_alone(tmp_path: Path) -> None:
    """Not a byte of it changes."""
    (tmp_path / "log").write_bytes(b"x" * 10_000)
    logs.keep_bounded(str(tmp_path), 20_000)
    assert logs.read(str(tmp_path), "a", 0, 20_000, True).data == b"x" * 10_000


def test_reading_a_capped_log_skips_what_was_dropped(tmp_path: Path) -> None:
    """Offsets stay true, and the chunk behind the gap begins later than asked."""
    (tmp_path / "log").write_bytes(b"a" * 500_000 + b"z" * 500_000)
    logs.keep_bounded(str(tmp_path), 100_000)
    head = logs.read(str(tmp_path), "a", 0, 1 << 20, True)
    tail = logs.read(str(tmp_path), "a", head.next, 1 << 20, True)
    assert head.data.startswith(b"aaa")
    assert b"reached its cap" in head.data
    assert tail.start > head.next
    assert set(tail.data) == {ord("z")}
    assert (tail.next, tail.ended) == (1_000_000, True)


def test_a_home_with_a_space_gets_a_name_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private symlink, always the same."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = tmp_path / "Application Support"
    home.mkdir()
    alias = spoken_home(home)
    assert " " not in str(alias)
    assert alias.samefile(home)
    assert spoken_home(home) == alias
    assert spoken_home(tmp_path) == tmp_path


def test_a_launcher_that_cannot_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a hang."""
    from fasttrack_jupyter.backends.local.backend import LocalBackend
    from fasttrack_jupyter.errors import BackendError

    monkeypatch.setattr("sys.executable", "/bin/false")

    async def go() -> None:
        with pytest.raises(BackendError, match="ends at once"):
            await LocalBackend(LocalSettings(tmp_path / "ft")).open(lambda report: None)

    asyncio.run(go())
