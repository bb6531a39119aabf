"""Runs a notebook without a kernel, by the runner that tasks' cells use."""

from __future__ import annotations

import sys
from typing import Any, Dict, Tuple

from .cells import Cell
from .running import Surroundings

_COMMENTED = ("%matplotlib", "%load_ext", "%reload_ext", "%autoreload", "%config")


def run_plainly(notebook: Dict[str, Any], target: str, name: str) -> Tuple[int, Dict[str, Any]]:
    """Run it; exit status and executed notebook come back."""
    cells = notebook["cells"]
    numbers = [number for number, cell in enumerate(cells) if cell["cell_type"] == "code"]
    around = Surroundings(notebook, target, len(numbers), name)

    def run() -> None:
        for count, number in enumerate(numbers, 1):
            cell = Cell(f"cell {number + 1}", f"{number + 1:02}", "task", _plain_python(cells[number]["source"]))
            around.begin(number, cell, count)
            try:
                around.runner.run(around.runner.compile(cell))
            except SyntaxError:
                if any(line.lstrip().startswith(("%", "!")) for line in cell.source.splitlines()):
                    print("fasttrack: IPython's own syntax needs a kernel: add ipykernel and nbclient", file=sys.stderr)
                raise
            around.end(cell)

    return around.run(run), around.record.notebook()


def _plain_python(source: str) -> str:
    """The source with magics that matter to people only as comments; as many lines."""
    return "\n".join(f"# {line}" if line.lstrip().startswith(_COMMENTED) else line for line in source.split("\n"))
