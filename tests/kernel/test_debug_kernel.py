"""Debugging end to end: a real engine, and a kernel as Jupyter's server starts it for a debug notebook."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbformat.v4 import new_code_cell, new_notebook, writes

import fasttrack_jupyter
from fasttrack_jupyter.kernel.jobs import Job

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::ResourceWarning:zmq")

CELLS = (
    "%%fasttrack_params\nrate = 0.5",
    "%%fasttrack_common\nimport os\ndef scale(values):\n    return [value * rate for value in values]",
    "%%fasttrack_task prepare\nclass Point:\n    pass\npoints = [Point(), Point()]\nfor point in points: point.x = 1.5",
    "%%fasttrack_task train\ntotal = sum(scale([point.x for point in points]))\nratio = total / (1 - len(points) + 1)",
)


class DebugKernel:
    """The kernel of a debug notebook."""

    def __init__(self, notebook: Path) -> None:
        self.notebook = notebook
        self.manager = KernelManager(kernel_name="fasttrack-debug")
        self.manager.start_kernel(cwd=str(notebook.parent), env={**os.environ, "JPY_SESSION_NAME": str(notebook)})
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=90)

    def cells(self) -> list[dict[str, Any]]:
        """The code cells of the notebook."""
        cells = json.loads(self.notebook.read_bytes())["cells"]
        return [cell for cell in cells if cell["cell_type"] == "code"]

    def run(self, source: str, heard: Callable[[], None] = lambda: None) -> str:
        """Run a cell; what it prints, shows, or fails with. ``heard`` is called when it prints something."""
        asked, shown = self.client.execute(source), ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            content, kind = message["content"], message["msg_type"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "stream":
                heard()
            shown += content.get("text", "") or content.get("data", {}).get("text/plain", "")
            shown += f"{content['ename']}: {content['evalue']}" if kind == "error" else ""
            if kind == "status" and content["execution_state"] == "idle":
                return shown

    def close(self) -> None:
        """As a person shuts it down."""
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel()


def test_what_lies_beside_the_notebook_is_no_part_of_the_kernel(tmp_path: Path) -> None:
    """Jupyter starts kernels in the notebook's folder, where a module may be called like one of ours or Python's."""
    (tmp_path / "argparse.py").write_text("raise SystemExit('a stranger was imported')")
    spec = json.loads((Path(fasttrack_jupyter.__file__).parent / "kernel/spec/kernel.json").read_bytes())
    argv = [sys.executable, *(word.format(connection_file="absent.json") for word in spec["argv"][1:])]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "absent.json" in ended.stderr
    assert "stranger" not in ended.stderr


@pytest.fixture
def opened(
    bench: Any, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], DebugKernel]]:
    """Opens debug notebooks with the kernelspec of the wheel."""
    (kernels := tmp_path_factory.mktemp("jupyter") / "kernels").mkdir()
    (kernels / "fasttrack-debug").symlink_to(Path(fasttrack_jupyter.__file__).parent / "kernel/spec")
    monkeypatch.setenv("JUPYTER_PATH", str(kernels.parent))
    made: list[DebugKernel] = []

    def open_one(notebook: Path) -> DebugKernel:
        made.append(DebugKernel(notebook))
        return made[-1]

    yield open_one
    for kernel in made:
        kernel.close()
        kernel.manager.cleanup_resources()


def fasttrack(*words: str, status: int = 0) -> str:
    """Call the command line; what it says on stdout."""
    argv = [sys.executable, "-m", "fasttrack_jupyter.cli", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout


def debug_job(bench: Any) -> dict[str, Any]:
    """The newest job that is tagged as one for debugging."""
    found: dict[str, Any] = bench.feed.client.jobs(tag="debug")[0]
    return found


def ran(bench: Any, text: str) -> Job:
    """A job of the pipeline ``text`` that has ended."""
    job: Job = bench.run(text)
    job.wait(60)
    return job


def test_a_failed_task_is_debugged_and_the_fix_goes_back(
    bench: Any, opened: Callable[[Path], DebugKernel], tmp_path: Path
) -> None:
    """The same error with the same inputs; mended, sent back, run again; the session ends with its kernel."""
    (source := tmp_path / "digits.ipynb").write_text(writes(new_notebook(cells=[new_code_cell(it) for it in CELLS])))
    fasttrack("run", str(source), "-p", "rate=0.25", status=1)
    notebook = Path(json.loads(fasttrack("debug", "last", "--json"))["file"])
    assert (notebook.parent, notebook.name) == (tmp_path, "debug-digits-1-train.ipynb")
    before = source.read_bytes()

    kernel = opened(notebook)
    *first, last = kernel.cells()
    for cell in first:
        assert kernel.run(cell["source"]) == ""
    assert kernel.run("'points' in globals()") == "True"  # it was loaded for this cell, which mentions it
    assert kernel.run(last["source"]) == "ZeroDivisionError: float division by zero"
    assert kernel.run("rate, total, type(points[0]).__name__, os.getcwd()") == "(0.25, 0.75, 'Point', '/home/work')"
    assert "Read-only file system" in kernel.run("open('/pipeline/inputs/points/x', 'w')")
    stopped = kernel.run("import time; print(1, flush=True); time.sleep(60)", heard=kernel.manager.interrupt_kernel)
    assert stopped.startswith("1\nKeyboardInterrupt")
    job = debug_job(bench)
    assert (job["name"], job["status"]) == ("debug train of digits#1", "RUNNING")
    kernel.close()
    bench.until(lambda: debug_job(bench)["status"] == "CANCELLED")

    text = notebook.read_text()
    (mended := json.loads(text))["cells"][-1]["source"] = last["source"].replace("+ 1)", "+ 2)")
    notebook.write_text(json.dumps(mended))
    assert "+ratio = total / (1 - len(points) + 2)" in fasttrack("fix", str(notebook))
    assert source.read_bytes() == before
    fasttrack("fix", str(notebook), "--apply")
    assert json.loads(source.read_bytes())["cells"][-1]["source"][0] == "%%fasttrack_task train\n"
    fasttrack("run", str(source))


def test_a_command_runs_where_its_task_ran_and_ends_with_its_launcher(
    bench: Any, opened: Callable[[Path], DebugKernel], tmp_path: Path
) -> None:
    """Its inputs lie there; variables with secrets are there, and nowhere in the notebook. kill -9 ends the job."""
    bench.feed.client.set_secret("TOKEN", "s3cret-value")
    text = """\
name: words
tasks:
- {name: first, command: echo 7 > /pipeline/outputs/n}
- name: second
  command: cat /pipeline/input1/n; echo "$TOKEN"; exit 3
  dependencies: [first]
  environment: {envs: {TOKEN: '${{ secrets.TOKEN }}'}}
"""
    job = ran(bench, text)
    notebook = tmp_path / "look.ipynb"
    fasttrack("debug", job.name, "second", "-o", str(notebook))
    assert "s3cret-value" not in notebook.read_text()
    kernel = opened(notebook)
    (command,) = kernel.cells()
    shown = kernel.run(command["source"])
    assert shown.startswith("7\ns3cret-value\n")
    assert "CalledProcessError" in shown
    assert bench.feed.client.job(job.id)["tasks"][1]["reason"] == "exit 3"
    os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
    bench.until(lambda: debug_job(bench)["ended_at"] is not None)
    assert debug_job(bench)["result"] == "FAILURE"  # and no success that another job could take


def test_an_image_without_a_kernel_says_so_in_the_notebook(
    bench: Any, opened: Callable[[Path], DebugKernel], tmp_path: Path
) -> None:
    """With what to do; the kernel process stays, so that Jupyter does not start job after job."""
    venv.create(tmp_path / "bare", with_pip=False)
    job = ran(bench, f"name: bare\nenvironment: {{image: '{tmp_path}/bare'}}\ntasks: [{{name: a, command: exit 1}}]")
    notebook = tmp_path / "look.ipynb"
    fasttrack("debug", job.name, "a", "-o", str(notebook))
    kernel = opened(notebook)
    shown = kernel.run("1 + 1")
    assert "bare#2 has ended: exit 2" in shown
    assert "this image has no ipykernel" in shown
    assert kernel.manager.is_alive()
    assert len(bench.feed.client.jobs(tag="debug")) == 1


def test_a_session_that_is_cancelled_from_outside_says_so_in_the_notebook(
    bench: Any, opened: Callable[[Path], DebugKernel], tmp_path: Path
) -> None:
    """The next cell is answered with it."""
    job = ran(bench, "name: p\ntasks: [{name: a, command: exit 1}]")
    notebook = tmp_path / "look.ipynb"
    fasttrack("debug", job.name, "-o", str(notebook))
    kernel = opened(notebook)
    assert kernel.run("6 * 7") == "42"
    session = debug_job(bench)
    bench.feed.client.cancel(session["id"])
    bench.until(lambda: debug_job(bench)["ended_at"] is not None)
    assert "p#2 has ended: cancelled" in kernel.run("6 * 7")
    assert bench.feed.client.jobs(tag="debug") == [debug_job(bench)]


def test_a_notebook_that_is_none_of_a_task_is_told_to_its_reader(
    bench: Any, opened: Callable[[Path], DebugKernel], tmp_path: Path
) -> None:
    """Somebody chose the kernel by hand."""
    (notebook := tmp_path / "other.ipynb").write_text(writes(new_notebook()))
    assert "no debug notebook" in opened(notebook).run("1")
