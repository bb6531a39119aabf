"""A real JupyterLab with the extension, a real Chromium, and a person's hands: what the browser tests share."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.home import Home

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from hands import until

ROOT = Path(__file__).resolve().parents[2]
SOURCES, BUILT = ROOT / "labextension", ROOT / "fasttrack_jupyter" / "labextension"
FAILED = pytest.StashKey[bool]()
HARMLESS = re.compile("ResizeObserver|Loading chunk")  # the second: JupyterLab, where a test has ended its server
TOKEN = "a-token-for-tests"  # a server on loopback, for as long as a test runs
CHROMIUM_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
QUIET: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/filebrowser-extension/browser.jupyterlab-settings": {"navigateToCurrentDirectory": False},
}


class Lab:
    """One JupyterLab server on a workspace and a FastTrack home of its own; ``is_shared``: for several at one file."""

    def __init__(self, folder: Path, *, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self.folder, self.work, self.home = folder, folder / "work", folder / "home"
        self.work.mkdir(parents=True)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.client = Client(Home(self.home))
        self._process: subprocess.Popen[bytes] | None = None
        extensions = folder / "share" / "labextensions"
        extensions.mkdir(parents=True)
        (extensions / "fasttrack-jupyter").symlink_to(BUILT)
        (kernels := folder / "share" / "kernels").mkdir()
        (kernels / "fasttrack-debug").symlink_to(ROOT / "fasttrack_jupyter" / "kernel" / "spec")
        config = folder / "etc" / "jupyter_server_config.d"
        config.mkdir(parents=True)
        shutil.copy(ROOT / "fasttrack_jupyter" / "server" / "fasttrack_jupyter.json", config)
        self.settings = folder / "settings"
        for name, values in QUIET.items():
            self.set(name, values)

    def set(self, name: str, values: dict[str, Any]) -> None:
        """Write a person's settings of one plugin, before the page is loaded."""
        file = self.settings / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))

    def start(self, token: str = TOKEN) -> None:
        """Start the server, and wait until it and its engine answer."""
        environ = {
            **os.environ,
            "HOME": str(self.folder),
            "JUPYTER_PATH": str(self.folder / "share"),
            "JUPYTER_CONFIG_PATH": str(self.folder / "etc"),
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "FASTTRACK_HOME": str(self.home),
            "FASTTRACK_IDLE": "60",
            "FASTTRACK_SECRETS": "file",
            "FASTTRACK_CONTAINER_ENGINE": "none",
            "FASTTRACK_SLOTS": "cpu=4,mem=8g",
        }
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={self.work}", "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly", f"--YDocExtension.disable_rtc={not self.is_shared}",
        ]  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=self.work)
        until(self._answers, f"JupyterLab answers (its log: {self.folder / 'server.log'})", 90)
        until(self._has_engine, "the engine, started by the server with the settings above", 60)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "server.log").read_text()[-4000:]
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{self.url}api", timeout=2).close()
            return True
        return False

    def _has_engine(self) -> bool:
        with contextlib.suppress(FastTrackError), Client(Home(self.home), start=False) as client:
            return bool(client.info()["pid"])
        return False

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End the server alone; its engine goes on."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
            self._process = None

    def kill_engine(self) -> None:
        """``kill -9`` of the engine, if there is one."""
        with contextlib.suppress(psutil.NoSuchProcess, FastTrackError), Client(Home(self.home), start=False) as client:
            process = psutil.Process(client.info()["pid"])
            process.kill()
            until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the engine's end")

    def close(self) -> None:
        """End everything that was started."""
        with contextlib.suppress(FastTrackError), Client(Home(self.home), start=False) as client:
            for job in client.jobs(status=["PENDING", "RUNNING"]):
                client.cancel(job["id"])
            until(lambda: not client.info()["running_jobs"], "the end of what runs", 10)
        self.kill(signal.SIGTERM)
        self.client.close()
        self.kill_engine()

    def write(self, name: str, text: str) -> Path:
        """A file of the workspace."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def page_url(self, path: str = "", *, workspace: str = "") -> str:
        """The address of JupyterLab, with a file open; a workspace of its own keeps tests apart."""
        tree = f"/tree/{path}" if path else ""
        where = f"/workspaces/{workspace}" if workspace else ""
        return f"{self.url}lab{where}{tree}?token={TOKEN}&reset"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def built_extension() -> Path:
    """The extension as its sources are now: built here when it is stale."""
    wanted = runpy.run_path(str(SOURCES / "sources.py"))["digest"](SOURCES)
    stamp = BUILT / "built-from.txt"
    with (ROOT / "labextension" / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text().strip() != wanted:
            environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
            for words in (("install",), ("run", "build:prod")):
                done = subprocess.run(["jlpm", *words], cwd=SOURCES, env=environ, capture_output=True, text=True)
                assert done.returncode == 0, done.stdout[-4000:]
            stamp.write_text(f"{wanted}\n")
    return BUILT


@pytest.fixture(scope="module")
def lab(built_extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running JupyterLab for the tests of one module."""
    yield from running(Lab(tmp_path_factory.mktemp("lab")))


@pytest.fixture(scope="module")
def shared_lab(built_extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One in which several people may have the same file open."""
    yield from running(Lab(tmp_path_factory.mktemp("shared"), is_shared=True))


def running(place: Lab) -> Iterator[Lab]:
    """Started, and in the end closed."""
    place.start()
    yield place
    place.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, for one file: while Playwright is open, nothing else of this process can run an event loop."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=list(CHROMIUM_OPTIONS))
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed, so that its window is kept as a picture."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh window of 1440 x 900. What the page throws fails the test; a failed test leaves a picture in TMPDIR."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Asia/Seoul")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(15_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error}\n{error.stack}"))
    yield page
    if request.node.stash.get(FAILED, False):
        with contextlib.suppress(PlaywrightError):
            page.screenshot(path=Path(tempfile.gettempdir()) / f"{request.node.name}.png")
    context.close()
    assert [error for error in errors if not HARMLESS.search(error)] == []


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """pytest-jupyter's loop is not for tests that drive a browser."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nor is its clean-up."""
