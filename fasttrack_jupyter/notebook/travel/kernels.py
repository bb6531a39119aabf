"""Runs a notebook in a Jupyter kernel, by nbclient; what it prints comes to the log as it comes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from typing import Any, Dict, Tuple

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_core.paths import jupyter_runtime_dir
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from . import failures, progress, whole
from .hidden import Hidden
from .pages import without_colours
from .record import HEAD, write_atomically

_BAR = re.compile(
    r"(?:(?P<text>[^\r\n|]*?): +)?\d+%\|[^|\r\n]*\| *(?P<done>[\d.]+)(?P<unit>[kMG]?)/(?P<total>[\d.]+)(?P<of>[kMG]?)"
)
_PLACE = re.compile(r"Cell In ?\[(\d+)\], line (\d+)")
_LONGEST = 50
"""Characters of a folder in which a kernel's unix sockets, with their long names, can still lie."""
_TIMES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}


class Client(NotebookClient):  # type: ignore[misc]
    """Tells the log and the progress what happens, and writes the copy after each cell."""

    def watch(self, target: str, hidden: Hidden) -> None:
        """Begin to; ``target`` is where the copy goes, without what is ``hidden``."""
        self._target, self._hidden = target, hidden
        codes = sum(cell["cell_type"] == "code" for cell in self.nb["cells"])
        self._progress = progress.Progress(os.path.dirname(target), codes, hide=hidden.mask)
        self._index = self._number = self._length = 0
        self._told = time.monotonic()
        self._widgets: Dict[str, Dict[str, Any]] = {}
        self.stopped = 0

    def create_kernel_manager(self) -> Any:
        """A kernel of this interpreter, whatever ``python3`` is elsewhere."""
        manager = super().create_kernel_manager()
        if whole.language_of(self.nb).lower() == "python":
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            manager._kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")
        if os.name == "posix" and len(jupyter_runtime_dir()) < _LONGEST:
            manager.transport = "ipc"  # nobody else on this machine can talk to it
        return manager

    def take_signals(self) -> None:
        """SIGTERM and SIGINT end the notebook; the kernel is shut down on the way out. In the running loop."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number, task)

    def _stop(self, number: int, task: Any) -> None:
        self.stopped = number
        task.cancel()

    async def async_execute_cell(self, cell: Any, cell_index: int, *args: Any, **how: Any) -> Any:
        """Run one cell, and write the copy."""
        if cell["cell_type"] == "code":
            self._index, self._number, self._length = cell_index, self._number + 1, 0
            self._progress.begin_cell(self._number)
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **how)
        finally:
            write_copy(self.nb, self._target, self._hidden)

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """A message of the kernel: to the log as well."""
        content = msg["content"]
        if msg["msg_type"] == "stream":
            self._print(content)
            self._length += len(content["text"])
            if self._length > HEAD:
                note = "" if self._length - len(content["text"]) > HEAD else "\n[… the rest is in the task's log …]\n"
                content["text"] = content["text"][: max(0, HEAD - self._length)] + note
        elif msg["msg_type"] in ("display_data", "execute_result"):
            if "application/vnd.jupyter.widget-view+json" not in content["data"]:
                print(content["data"].get("text/plain", ""), flush=True)
        elif msg["msg_type"].startswith("comm"):
            self._hear_widget(content)
        return super().process_message(msg, cell, cell_index)

    def _print(self, content: Dict[str, str]) -> None:
        """To the log; of a bar that is drawn over itself only its last state and one now and then."""
        stream = sys.stderr if content["name"] == "stderr" else sys.stdout
        for piece in re.split(r"(?<=[\r\n])", content["text"]):
            found = _BAR.search(piece)
            if found is None:
                stream.write(piece.strip("\r") if "\r" in piece and not piece.strip() else piece)
                continue
            done = float(found["done"]) * _TIMES[found["unit"]]
            total = float(found["total"]) * _TIMES[found["of"]]
            self._progress.bar(0, found["text"] or "", done, total)
            if done >= total or time.monotonic() - self._told > progress.LOG_INTERVAL:
                self._told = time.monotonic()
                stream.write(piece.strip() + "\n")
        stream.flush()

    def _hear_widget(self, content: Dict[str, Any]) -> None:
        """Bars of tqdm.notebook are widgets: a maximum and a value."""
        state = (content.get("data") or {}).get("state") or {}
        bar = self._widgets.setdefault(content.get("comm_id", ""), {})
        bar.update({key: state[key] for key in ("_model_name", "max", "value", "description") if key in state})
        if bar.get("_model_name") in ("FloatProgressModel", "IntProgressModel") and bar.get("max"):
            self._progress.bar(1, str(bar.get("description") or ""), float(bar.get("value") or 0), float(bar["max"]))

    def where(self, lines: str = "") -> str:
        """``(cell 5, line 3)``: the last place in a cell that a traceback tells, or the present cell."""
        places = {cell.get("execution_count"): number for number, cell in enumerate(self.nb["cells"], 1)}
        for count, line in reversed(_PLACE.findall(lines)):
            if int(count) in places:
                return f" (cell {places[int(count)]}, line {line})"
        return f" (cell {self._index + 1})"


def write_copy(notebook: Any, target: str, hidden: Hidden) -> None:
    """Write the copy as it is now, without what is ``hidden``."""
    shown = nbformat.from_dict(hidden.notebook(notebook)) if hidden else notebook
    write_atomically(target, nbformat.v4.nbjson.writes(shown).encode("utf-8", "replace"))


def run_in_kernel(notebook: Dict[str, Any], target: str, name: str) -> Tuple[int, Dict[str, Any]]:
    """Run it; exit status and executed notebook come back."""
    nb = nbformat.from_dict(notebook)
    named = "python3"
    if whole.language_of(notebook).lower() != "python":
        named = notebook["metadata"]["kernelspec"]["name"]
    client = Client(nb, timeout=None, kernel_name=named, resources={"metadata": {"path": os.getcwd()}})
    hidden = Hidden()
    client.watch(target, hidden)
    client.on_notebook_start = lambda **_: client.take_signals()
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    write_copy(nb, target, hidden)  # who is killed in the first cell leaves its cells all the same, for debugging
    try:
        asyncio.run(client.async_execute())
        status = 0
    except CellExecutionError as error:
        lines = without_colours(error.traceback)
        sys.stderr.write(f"{lines}\n")
        if error.ename != "SystemExit":
            told = failures.told(error.ename, hidden.mask(error.evalue))
            failures.leave(os.path.dirname(target), told + client.where(lines))
        elif not error.evalue.lstrip("-").isdigit():
            failures.leave(os.path.dirname(target), hidden.mask(error.evalue))
        status = 1
    except (DeadKernelError, asyncio.CancelledError):
        status = 128 + client.stopped if client.stopped else 1
        what = f"stopped by {signal.Signals(client.stopped).name}" if client.stopped else "killed, or out of memory"
        sys.stderr.write(f"fasttrack: the notebook's kernel died: {what}\n")
        if not client.stopped:
            failures.leave(os.path.dirname(target), f"the notebook's kernel died: {what}{client.where()}")
    write_copy(nb, target, hidden)
    return status, hidden.notebook(dict(nb))
