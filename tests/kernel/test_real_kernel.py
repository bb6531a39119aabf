"""End to end in a kernel process: as JupyterLab, papermill and nbclient drive it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::ResourceWarning:zmq")

CELLS = (
    "%load_ext fasttrack_jupyter\n%fasttrack_pipeline digits",
    "%%fasttrack_params\nrate = 0.1",
    "%%fasttrack_task prepare\nxs = [1, 2, 3]",
    "%%fasttrack_task train\ntotal = sum(xs) * rate\ntotal",
)


class Kernel:
    """A kernel process and somebody who sends it cells, as JupyterLab does."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def cell(self, source: str, cell_id: str | None = None, **metadata: Any) -> tuple[str, dict[str, Any]]:
        """Run a cell: its text output (results, streams, errors), and the reply."""
        header = self.client.session.msg("execute_request", self._request(source))
        header["metadata"] = {**metadata, **({"cellId": cell_id} if cell_id else {})}
        self.client.shell_channel.send(header)
        shown: list[str] = []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != header["header"]["msg_id"]:
                continue
            content, kind = message["content"], message["msg_type"]
            shown.append(content.get("text", "") or content.get("data", {}).get("text/plain", ""))
            shown.append("\n".join(content.get("traceback", ())))
            if kind == "status" and content["execution_state"] == "idle":
                break
        reply = self.client.get_shell_msg(timeout=60)
        while reply["parent_header"].get("msg_id") != header["header"]["msg_id"]:
            reply = self.client.get_shell_msg(timeout=60)  # of a question that was asked while the kernel started
        return "".join(shown), reply["content"]

    @staticmethod
    def _request(source: str) -> dict[str, Any]:
        return {
            "code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
            "stop_on_error": True,
        }  # fmt: skip


@pytest.fixture
def kernel(bench: Any, tmp_path: Path) -> Iterator[Kernel]:
    """A kernel in an empty folder, with the home of ``bench``."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path), env={**os.environ, "JPY_SESSION_NAME": str(tmp_path / "digits.ipynb")})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Kernel(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def test_cells_become_a_job_whose_results_come_back(kernel: Kernel) -> None:
    """Cells with ids, deleted cells, metadata of the form: what JupyterLab sends."""
    for number, cell in enumerate(CELLS):
        _, reply = kernel.cell(cell, f"cell-{number}")
        assert reply["status"] == "ok"
    kernel.cell("%%fasttrack_task wrong\nnowhere", "deleted")
    told = {"task": "report", "kind": "task", "cpu": 0.5}
    kernel.cell("text = f'{total:.1f}'", "form", fasttrack=told, deletedCells=["deleted"])
    shown, reply = kernel.cell("%fasttrack plan", "plan")
    assert reply["status"] == "ok", shown
    assert "report   will run  after train    0.5 cpu" in shown
    shown, reply = kernel.cell("job = %fasttrack run\nawait job\nprint(job)", "run")
    assert "digits#1 succeeded" in shown, shown
    assert kernel.cell("%fasttrack result report.text", "result")[0] == "'0.6'"


def test_an_error_is_words_and_the_cell_has_failed(kernel: Kernel) -> None:
    """``status: error`` stops "Run all"; the traceback that is shown is ours."""
    kernel.cell(CELLS[0])
    shown, reply = kernel.cell("%fasttrack rum")
    assert reply["status"] == "error"
    assert "did you mean 'run'" in shown
    assert "Traceback" not in shown
    shown, reply = kernel.cell("%%fasttrack_task one --cpus 2\nx = 1")
    assert (reply["status"], reply["ename"]) == ("error", "BadRequest")


def test_metadata_decide_whether_a_cell_runs_here(kernel: Kernel) -> None:
    """A script that is marked by the form is no Python."""
    kernel.cell(CELLS[0])
    shown, reply = kernel.cell("echo $((20 + 1))", "script", fasttrack={"task": "hello", "kind": "shell"})
    assert (reply["status"], shown.strip()) == ("ok", "21")
    shown, _ = kernel.cell("x = 1", "not", fasttrack={"task": "later", "kind": "task", "run": False})
    assert "task later is defined; it was not run here." in shown
    shown, _ = kernel.cell("sorted(n for n in dir() if n == 'x')")
    assert shown == "[]"


def test_a_restarted_kernel_and_a_killed_engine_lose_nothing(kernel: Kernel, bench: Any) -> None:
    """The job goes on while nobody looks, and is found again by its name."""
    kernel.cell(CELLS[0])
    kernel.cell("%%fasttrack_task slow --no-run\nimport time\ntime.sleep(2)\ndone = 'done'", "slow")
    kernel.cell("job = %fasttrack run", "run")
    killed = bench.pid()
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=60)
    bench.kill_engine()
    kernel.cell("import fasttrack_jupyter as ft\njob = ft.job('digits#1').wait(60)")
    shown, _ = kernel.cell("print(job.result, job.tasks['slow'].outputs['done'])")
    assert shown == "SUCCESS done\n"
    assert bench.pid() not in (None, killed)


def test_the_stop_button_ends_the_waiting_alone(kernel: Kernel, bench: Any) -> None:
    """The kernel is interrupted, the job goes on, and both is said."""
    kernel.cell(CELLS[0])
    kernel.cell("%%fasttrack_task slow --no-run\nimport time\nprint('up', flush=True)\ntime.sleep(60)", "slow")
    kernel.cell("job = %fasttrack run", "run")
    job = bench.feed.client.job
    bench.until(lambda: job("digits#1")["tasks"][0]["status"] == "RUNNING")
    kernel.cell(
        "import os, signal, threading\nthreading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\njob.wait()"
    )
    shown, reply = kernel.cell("job.status")
    assert (shown, reply["status"]) == ("'RUNNING'", "ok")
    kernel.cell("job.cancel().wait(30)")


def run_all(folder: Path, *cells: str) -> Any:
    """A notebook of these cells, executed by nbclient in ``folder``."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.validate(notebook)
    return notebook


def text_of(cell: Any) -> str:
    """What a cell shows as text."""
    return "".join(one.get("text", "") or one.get("data", {}).get("text/plain", "") for one in cell.outputs)


def test_nbclient_runs_a_notebook_and_waits(bench: Any, tmp_path: Path) -> None:
    """``--wait``, lines of progress, and a value brought back."""
    notebook = run_all(tmp_path, *CELLS, "%fasttrack run --wait -p rate=0.5", "%fasttrack result train.total")
    assert "✓ train  succeeded" in text_of(notebook.cells[-2])
    assert text_of(notebook.cells[-1]) == "3.0"


def test_a_job_that_fails_stops_the_notebook(bench: Any, tmp_path: Path) -> None:
    """papermill and "Run all" must not go on as if nothing had been."""
    failing = "%%fasttrack_task report --no-run\n1 / total * 0 + nothing()"
    with pytest.raises(CellExecutionError, match="nothing"):
        run_all(tmp_path, *CELLS, failing, "%fasttrack run --wait", "never = True")
