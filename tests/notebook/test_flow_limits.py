"""The analysis takes bounded time, and says where it did not look as closely as elsewhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes
from notebook_splitting import split

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook import flow_cells, names_core
from fasttrack_jupyter.notebook.build import build
from fasttrack_jupyter.notebook.cells import read_notebook
from fasttrack_jupyter.notebook.flow import flow_of


def _nested(depth: int, inside: str) -> str:
    loops = "".join(f"{'    ' * level}for i{level} in range(2):\n" for level in range(depth))
    return f"{loops}{'    ' * depth}{inside}\n"


@pytest.mark.parametrize(
    "cell",
    [
        "n = 1\n!echo {" + "-" * 9_000 + "n}", "n = 1\n!echo {n" + " + n" * 400 + "}",
        "n = 1\n!echo {n" + " + n" * 9_000 + "}",
        "exec('" + "-" * 9_000 + "1')", "n: '" + "-" * 9_000 + "1' = 1",
    ],
)  # fmt: skip
def test_what_is_nested_without_end_is_a_cell_like_others(cell: str) -> None:
    """Wherever it stands in a cell: it is built as it is, or refused in words."""
    for mark in ("%%fasttrack_task a", "%%fasttrack_params"):
        cells = [new_code_cell(f"{mark}\n{cell}"), new_code_cell("%%fasttrack_task b\nz = 1")]
        with suppress(InvalidNotebook):
            assert build(read_notebook(writes(new_notebook(cells=cells)).encode(), "n.ipynb")).text


def test_loops_nested_too_deep_are_walked_once_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each loop doubles the work; what the innermost one changes is still seen."""
    monkeypatch.setattr(names_core, "MOST_STEPS", 2000)
    flow = flow_of(split("x = []", _nested(18, "x.append(1)"), "print(x)"))
    assert [(problem.code, problem.severity) for problem in flow.problems] == [("too_deep", Severity.WARNING)]
    assert "cell 2, line" in flow.problems[0].message
    assert dict(flow.tasks[2].inputs) == {"x": "t2"}


def test_the_budget_is_the_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell that is cut says so, once."""
    monkeypatch.setattr(names_core, "MOST_STEPS", 40)
    cell = "for i in range(3):\n    for j in range(3):\n        x = i * j\n"
    flow = flow_of(split(*[cell] * 10))
    cut = [problem.message.split(",")[0] for problem in flow.problems if problem.code == "too_deep"]
    assert cut == [f"cell {number}" for number in range(6, 11)]


def test_calls_within_calls_are_followed_so_far_and_said() -> None:
    """A function that is reached by more calls than that may change things unseen."""
    chain = "def f0(x): x.append(1)\n" + "".join(f"def f{n}(x): f{n - 1}(x)\n" for n in range(1, 30))
    flow = flow_of(split("x = []", f"{chain}f10(x)", "print(x)"))
    assert (flow.problems, dict(flow.tasks[2].inputs)) == ((), {"x": "t2"})
    flow = flow_of(split("x = []", f"{chain}f29(x)", "print(x)"))
    assert [problem.code for problem in flow.problems] == ["too_deep"]


def test_objects_that_hold_each_other_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many of them, and it is not looked for those that variables share."""
    monkeypatch.setattr(flow_cells, "_MOST_HELD", 50)
    flow = flow_of(split(*(f"x{n} = [x{n - 1}]" if n else "x0 = []" for n in range(20))))
    assert {problem.code for problem in flow.problems} == {"too_deep"}


def test_a_long_chain_of_objects_is_walked_along_once() -> None:
    """What a cell has touched it does not touch again."""
    lines = ["x0 = []", *(f"x{n} = [x{n - 1}]" for n in range(1, 1500))]
    flow = flow_of(split("\n".join(lines), "x0.append(1)", "print(x1499)"))
    assert {problem.code for problem in flow.problems} == {"too_deep"}
    assert dict(flow.tasks[2].inputs) == {"x1499": "t2"}


def test_what_a_function_made_later_needs_is_seen() -> None:
    """A list that was looked at before holds a new function afterwards."""
    flow = flow_of(split("y = [1]\nL = []", "print(L)\nL.append(lambda: y)\nfor f in L: print(f())"))
    assert dict(flow.tasks[1].inputs) == {"L": "t1", "y": "t1"}
