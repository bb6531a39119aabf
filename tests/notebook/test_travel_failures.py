"""What a failed task of cells, or of a whole notebook, leaves to say why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fasttrack_jupyter.notebook.carried import TRAVEL
from fasttrack_jupyter.notebook.travel import failures

DEADLINE = 60.0


def told(outputs: Path) -> str | None:
    """The line in the file, if there is one."""
    place = outputs / failures.FILE
    return str(json.loads(place.read_text())["text"]) if place.exists() else None


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = 1\n{}['x']", "KeyError: 'x' (cell 2, line 2)"),
        ("import json\njson.loads('{')", "JSONDecodeError: Expecting property name enclosed in double quotes"),
        ("raise ValueError('first\\nsecond')", "ValueError: first (cell 2, line 1)"),
        ("assert False", "AssertionError (cell 2, line 1)"),
        ("x =\n", "SyntaxError: invalid syntax (cell 2, line 1)"),
        ("import sys\nsys.exit('no data\\nat all')", "no data"),
        ("import sys\nsys.exit(3)", None),
        ("import sys\nsys.exit(0)", None),
        ("import os\nif not os.fork(): raise ValueError\nos.wait()", None),
    ],
)
def test_a_cell_that_fails_tells_why(bench: Any, source: str, line: str | None) -> None:
    """Type, first line of the message, and the innermost place in the cells; an exit status alone tells nothing."""
    bench.task("a", "pass", source)
    done = bench.run("a")
    found = told(done.outputs)
    assert (found is None) if line is None else (found or "").startswith(line)


def test_the_place_is_where_in_the_cells_it_went_wrong(bench: Any) -> None:
    """In the function of an earlier cell, not where that was called."""
    bench.task("a", "def f(x):\n    return x[3]", "f([])")
    assert told(bench.run("a").outputs) == "IndexError: list index out of range (cell 1, line 2)"


def test_a_task_that_cannot_begin_tells_why(bench: Any) -> None:
    """A parameter of another type, say."""
    bench.task("a", "pass", params={"n": "int"})
    (bench.root / "a").mkdir()
    done = bench.run("a", "--param", "n=x")
    assert (done.status, told(done.outputs)) == (2, "parameter n='x' is no int")


@pytest.mark.parametrize("text", ["x" * 5000, "\U0001f600" * 5000, '"' * 5000, "a\x00\x1b\x07" * 2000, "\ud800" * 2000])
def test_the_file_is_small_whatever_is_said(tmp_path: Path, text: str) -> None:
    """So that all of it is read."""
    failures.leave(str(tmp_path), failures.told("Error", text) + " (cell 2, line 3)")
    assert (tmp_path / failures.FILE).stat().st_size <= 4096
    assert (told(tmp_path) or "").endswith("(cell 2, line 3)")


@pytest.mark.parametrize(
    ("sources", "line"),
    [
        (["def f():\n    1 / 0", "", "f()"], "ZeroDivisionError: division by zero (cell 1, line 2)"),
        (["1 +"], "SyntaxError: invalid syntax"),
        (
            ["pass", "import os\nos.kill(os.getpid(), 9)"],
            "the notebook's kernel died: killed, or out of memory (cell 2)",
        ),
    ],
)
def test_a_whole_notebook_in_a_kernel_tells_why(tmp_path: Path, sources: list[str], line: str) -> None:
    """By the traceback that the kernel sends."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    (tmp_path / "report.ipynb").write_text(nbformat.writes(book))
    outputs = tmp_path / "outputs"
    done = subprocess.run(
        [sys.executable, str(TRAVEL / "whole.py"), "report.ipynb"],
        cwd=tmp_path, env={**os.environ, "PIPELINE_OUTPUTS": str(outputs)}, capture_output=True, timeout=DEADLINE,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert (told(outputs) or "").startswith(line)
