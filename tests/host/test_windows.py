"""On Windows everything of ours can be imported that a face needs, and what needs an engine says what to do.

Windows is pretended in a process of its own: what it has not is taken away, after others' packages (which know Windows
by themselves, but not a Linux that says it is one) were imported.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PRETEND = """
import asyncio, ctypes, importlib, json, logging, os, pkgutil, shutil, signal, socket, subprocess, sys
import multiprocessing.connection, sysconfig, tempfile
import aiohttp, click, click.testing, platformdirs, psutil, pydantic, rich.console, rich.live, rich.table, yaml

sysconfig.get_config_vars()
MISSING = ("fcntl", "grp", "pwd", "pty", "resource", "termios", "tty")
for name in MISSING:
    sys.modules[name] = None  # import raises ImportError
for module, names in {
    os: ("fork", "getuid", "geteuid", "getgid", "killpg", "posix_spawn", "setsid", "sched_getaffinity",
         "pidfd_open", "sysconf", "uname", "waitid", "wait4", "WNOHANG", "O_CLOEXEC", "O_DIRECTORY", "ST_NOEXEC"),
    signal: ("SIGHUP", "SIGKILL", "SIGQUIT", "SIGCHLD", "SIGPIPE", "SIGTSTP", "pidfd_send_signal"),
    socket: ("AF_UNIX",),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
sys.platform = "win32"
"""


def pretending(program: str, home: Path, before: str = "") -> str:
    """What ``program`` prints on a Windows; ``before`` is what others' packages have to be imported as well."""
    environ = {"PATH": "/usr/bin:/bin", "FASTTRACK_HOME": str(home), "HOME": str(home)}
    argv = [sys.executable, "-c", before + PRETEND + program]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_faces_need_can_be_imported_on_windows(tmp_path: Path) -> None:
    """The package, the command line, the server extension, the client, the model, the engine's views."""
    program = """
import fasttrack_jupyter
for name in ("Client", "FastTrackError", "connect"):
    getattr(fasttrack_jupyter, name)
import fasttrack_jupyter.cli, fasttrack_jupyter.model, fasttrack_jupyter.server
for package in (fasttrack_jupyter.cli, fasttrack_jupyter.model, fasttrack_jupyter.server):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
import fasttrack_jupyter.engine.views, fasttrack_jupyter.api.client
print("imported")
"""
    assert pretending(program, tmp_path, "import jupyter_server.serverapp") == "imported\n"


def test_help_needs_no_engine_on_windows(tmp_path: Path) -> None:
    """Of the command and of each of its commands."""
    program = """
from fasttrack_jupyter.cli.app import root
runner = click.testing.CliRunner()
for words in (["--help"], ["--version"], ["run", "--help"], ["validate", "--help"]):
    result = runner.invoke(root, words)
    assert result.exit_code == 0, (words, result.output, result.exception)
print("helped")
"""
    assert pretending(program, tmp_path) == "helped\n"


def test_what_needs_an_engine_says_what_to_do_on_windows(tmp_path: Path) -> None:
    """One clear error with WSL as the way out; no home is made, nothing is tried."""
    home = tmp_path / "home"
    (tmp_path / "p.fasttrack.yaml").write_text("name: p\\ntasks:\\n- {name: a, command: 'true'}\\n")
    program = f"""
from fasttrack_jupyter.cli.app import root
runner = click.testing.CliRunner()
for words in (["validate", "p.fasttrack.yaml"], ["run", "p.fasttrack.yaml"], ["jobs"], ["doctor"]):
    words = [word.replace("p.fast", {str(tmp_path)!r} + "/p.fast") for word in words]
    result = runner.invoke(root, [*words, "--json"])
    print(json.dumps([result.exit_code, json.loads(result.stdout)["error"]]))
import fasttrack_jupyter
try:
    fasttrack_jupyter.connect()
except fasttrack_jupyter.FastTrackError as error:
    print(json.dumps([2, error.to_dict()]))
"""
    answers = [json.loads(line) for line in pretending(program, home).splitlines()]
    assert len(answers) == 5
    for status, error in answers:
        assert status != 0
        assert error["code"] == "engine_unavailable"
        assert "Windows" in error["message"]
        assert "WSL" in error["hint"]
    assert not home.exists()
