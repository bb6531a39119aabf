"""For all tests: nobody's own home or keyring is touched, and no process is left behind."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
pytest_plugins = ["git_http"]
MARK = "FASTTRACK_TESTS"
"""An environment variable that every process which a test starts inherits; its value names this test session."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the tests of Backend.AI ask; here, because pytest wants to know before it looks into folders."""
    group = parser.getgroup("Backend.AI")
    default = "23.9.10,26.9.6"
    group.addoption("--backend-ai", metavar="RELEASE,…", default=default, help="releases to test on (%(default)s)")
    group.addoption("--backend-ai-keep", action="store_true", help="leave the clusters up at the end")
    group.addoption("--backend-ai-faults", action="store_true", help="all faults, also those that take a minute each")
    group.addoption("--backend-ai-services", action="store_true", help="model services, which take minutes each")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported: no desktop keyring, and a mark by which our processes are known."""
    os.environ.setdefault(MARK, str(os.getpid()))
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    for name in [name for name in os.environ if name.startswith(("FASTTRACK_", "BACKENDAI_", "PIPELINE_"))]:
        if name not in (MARK, "FASTTRACK_CAMPAIGN_SEED"):  # the latter repeats a campaign of kills
            del os.environ[name]
    if _leads_workers(config):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # workers are told, clusters taken down


def _leads_workers(config: pytest.Config) -> bool:
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """``--dist loadgroup``: a file for one release of Backend.AI (xdist 3.8 cannot group with pytest 9.2)."""
    return _OfRelease(config, log) if config.getoption("dist") == "loadgroup" else None


class _OfRelease(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        release = re.search(r"\[(\d+\.\d+\.\d+)", nodeid)
        return nodeid.partition("::")[0] + (release[1] if release else "")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take down the Backend.AI clusters that workers brought up: none of them knows when the last has done with one."""
    if _leads_workers(config) and not config.getoption("--backend-ai-keep"):
        from backend_ai.real_cluster import take_down_unused

        take_down_unused(config.getoption("--backend-ai").split(","))


LONG = (
    "test_digits.py", "test_frontend.py", "test_kill_campaign.py", "test_readme.py", "test_wheel.py",
    "test_every_step.py", "test_whole_notebooks.py", "test_environments_uv.py",
)  # fmt: skip
"""Files that take half a minute and more, longest first. A worker takes a whole file: with one of these at the end the
other worker would wait."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers (``--no-loadscope-reorder``): long files first, then browsers, then the rest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn(item.path))


def _turn(path: Path) -> int:
    if path.name in LONG:
        return LONG.index(path.name)
    return len(LONG) if path.parent.name == "ui" else len(LONG) + 1


@pytest.fixture(autouse=True)
def _no_ones_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgets to name a home gets a fresh one, never the user's."""
    monkeypatch.setenv("FASTTRACK_HOME", str(tmp_path / "home"))


def _left_behind(session: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            ours = process.environ().get(MARK) == session and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if ours and process.pid != os.getpid() and process not in psutil.Process().parents():
            yield process


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which processes outlived the tests, and end them, one by one."""
    if hasattr(config, "workerinput") or os.environ[MARK] != str(os.getpid()):
        return
    _, alive = psutil.wait_procs(list(_left_behind(str(os.getpid()))), timeout=3)
    if alive:
        terminalreporter.section("left behind by the tests, and ended")
    for process in alive:
        try:
            terminalreporter.write_line(f"{process.pid} {' '.join(process.cmdline())[:160]}")
            process.kill()
        except psutil.Error:
            continue


@pytest.fixture
def checkout() -> Path:
    """The root of this checkout."""
    return Path(__file__).resolve().parent.parent
