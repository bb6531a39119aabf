"""execute.py from outside: a folder of cells, a command, a log, and what lies in the outputs afterwards."""

from __future__ import annotations

import ast
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import InvalidNotebook
from fasttrack_jupyter.notebook.build import build
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.notebook.cells import read_notebook
from fasttrack_jupyter.notebook.travel import refusals

OLDEST = (3, 8)
DEADLINE = 60.0

# ---------------------------------------------------------------- what travels


def test_everything_that_travels_is_python_3_8() -> None:
    """No newer syntax in any of the files."""
    for name, data in travel_files().items():
        ast.parse(data, name, feature_version=OLDEST)


def test_what_travels_imports_nothing_of_ours() -> None:
    """Only siblings, by relative imports; and libraries inside functions, where an image may lack them."""
    for name, data in travel_files().items():
        tree = ast.parse(data, name)
        modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        modules += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) if not node.level]
        assert not [module for module in modules if module.startswith("fasttrack_jupyter")]


OTHERS = [
    path
    for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))
    if "/3.6." not in str(path) and "/3.7." not in str(path)
]


@pytest.mark.skipif(not OTHERS, reason="no other Python on this machine")
@pytest.mark.parametrize("python", OTHERS, ids=lambda path: path.parts[-3])
def test_it_runs_on_other_pythons(bench: Any, python: Path) -> None:
    """From 3.8 on; and what this Python pickled is read there, for it holds no code."""
    bench.task("one", "class P:\n    pass\np = P()\np.x = {(1, 2): {3}}\n", outputs=["p"])
    bench.task(
        "two",
        ("definition", "class P:\n    pass\n"),
        "assert type(p) is P\nq = p.x\nimport asyncio\nawait asyncio.sleep(0)\nq",
        inputs=["p"],
        outputs=["q"],
    )
    bench.run("one").succeeded()
    environ = bench.environ("two", ["one"])
    done = subprocess.run(
        bench.argv("two", python=str(python)), env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{(1, 2): {3}}\n", "")
    assert bench.run("two", env=environ).succeeded().log == "{(1, 2): {3}}\n"


# ---------------------------------------------------------------- running cells


def test_variables_go_from_task_to_task(bench: Any) -> None:
    """Saved by one, loaded by the next, the same object under two names."""
    bench.task("prepare", "x = [1, 2]\ny = x\nn = 5", outputs=["x", "y", "n"])
    bench.task(
        "train", "assert x is y\nx.append(n)\ntotal = sum(y)\nprint(total)", inputs=["x", "y", "n"], outputs=["total"]
    )
    bench.run("prepare").succeeded()
    done = bench.run("train", after=["prepare"]).succeeded()
    assert done.log == "8\n"
    assert done.variable("total")["task"] == "train"


def test_the_namespace_is_main(bench: Any) -> None:
    """``__name__``, ``__main__``'s attributes and pickling by name are those of a notebook."""
    bench.task(
        "a", "class P:\n    pass\ndef f(): return 1\nimport __main__, pickle, sys\n"
        "assert __name__ == '__main__' and __main__.P is P and pickle.loads(pickle.dumps(f)) is f\n"
        "assert not hasattr(__main__, '__file__') and sys.path[0] == ''",
    )  # fmt: skip
    bench.run("a").succeeded()


def test_our_modules_hide_none_of_the_user_s(bench: Any) -> None:
    """``import progress`` finds the user's file, not ours."""
    (bench.root / "work").mkdir()
    (bench.root / "work" / "progress.py").write_text("x = 1")
    bench.task("a", "import progress\nassert progress.x == 1\nfrom values import y")
    assert "No module named 'values'" in bench.run("a").log


def test_the_last_expression_is_shown(bench: Any) -> None:
    """As in a notebook: not None, not after a semicolon."""
    bench.task("a", "1 + 1", "None", "3;", "x = 4", "(5)  # note")
    done = bench.run("a").succeeded()
    assert done.log == "2\n5\n"
    assert done.notebook().cells[0].outputs[0].data == {"text/plain": "2"}


def test_await_works_at_the_top_of_a_cell(bench: Any) -> None:
    """One event loop for all cells of a task."""
    bench.task(
        "a",
        "import asyncio\nt = asyncio.create_task(asyncio.sleep(0, 7))",
        "await t",
        "async def f(): return 1\nx = await f()\nx + 1",
    )
    assert bench.run("a").succeeded().log == "7\n2\n"


def test_future_imports_hold_for_later_cells(bench: Any) -> None:
    """As IPython has it."""
    bench.task("a", "from __future__ import annotations", "def f(x: Nothing): pass\nf.__annotations__")
    assert bench.run("a").succeeded().log == "{'x': 'Nothing'}\n"


def test_a_traceback_tells_the_cell_and_its_line(bench: Any) -> None:
    """The cells' frames and none of ours; in the notebook as well."""
    bench.task("a", ("definition", "\n\ndef f(x):\n    return 1 / x\n"), "y = 0\nf(y)")
    done = bench.run("a")
    assert done.status == 1
    lines = [line for line in done.log.splitlines() if "^" not in line]
    assert lines == [
        "Traceback (most recent call last):", '  File "cell 2", line 2, in <module>', "    f(y)",
        '  File "cell 1", line 4, in f', "    return 1 / x", "ZeroDivisionError: division by zero",
    ]  # fmt: skip
    error = done.notebook().cells[1].outputs[0]
    assert (error.output_type, error.ename, error.evalue) == ("error", "ZeroDivisionError", "division by zero")


def test_causes_are_told_without_our_frames(bench: Any) -> None:
    """An error in an await, with its cause."""
    bench.task(
        "a",
        "async def f():\n    try: 1 / 0\n    except ZeroDivisionError as e: raise KeyError('k') from e\nawait f()",
    )
    log = bench.run("a").log
    assert "direct cause" in log
    assert "execute.py" not in log
    assert "base_events" not in log
    assert "digits.cells" not in log


def test_a_syntax_error_costs_no_time(bench: Any) -> None:
    """The last cell's slip is told before the first cell runs."""
    bench.task("a", "print('ran')", "x = = 1")
    done = bench.run("a")
    assert done.status == 1
    assert 'File "cell 2", line 1' in done.log
    assert "ran" not in done.log


@pytest.mark.parametrize(
    ("end", "status"), [("sys.exit(3)", 3), ("sys.exit('no')", 1), ("sys.exit()", 0), ("exit(0)", 0)]
)
def test_sys_exit_is_honoured(bench: Any, end: str, status: int) -> None:
    """Its number is the task's; 0 ends the cells, and what is there is handed on."""
    bench.task("a", "import sys\nx = 1", end, "print('never')", outputs=["x"])
    done = bench.run("a")
    assert done.status == status
    assert "never" not in done.log
    assert (done.outputs / "variables" / "x").is_dir() == (status == 0)


def test_parameters_have_their_types(bench: Any) -> None:
    """And win over what the cell of parameters says."""
    kinds = {"lr": "float", "n": "int", "on": "bool", "name": "str", "layers": "list", "opts": "struct", "left": "int"}
    bench.task("a", ("params", "lr = 1.0\nn = 1\nleft = 4"), "print(lr, n, on, name, layers, opts, left)", params=kinds)
    given = ["lr=0.5", "n=2", "on=false", "name=a=b", "layers=[1, 2]", 'opts={"a": null}']
    words = [word for pair in given for word in ("--param", pair)]
    assert bench.run("a", *words).succeeded().log == "0.5 2 False a=b [1, 2] {'a': None} 4\n"


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("str?", "[null]", None), ("str?", '[""]', ""), ("str?", '["[1]"]', "[1]"), ("str?", "a [", "a ["),
        ("int?", "[null]", None), ("int?", "[3]", 3), ("int?", "3", 3), ("bool?", "[false]", False),
        ("list?", "[[1, 2]]", [1, 2]), ("list?", "[null]", None), ("struct?", '[{"a": null}]', {"a": None}),
    ],
)  # fmt: skip
def test_a_parameter_may_be_none(bench: Any, kind: str, given: str, value: Any) -> None:
    """As the command tells it; a value by hand is enough."""
    assert refusals.typed("a", given, kind) == value
    if given == "[null]":
        bench.task("t", ("params", "a = 1"), "print(a)", params={"a": kind})
        assert bench.run("t", "--param", f"a={given}").succeeded().log == "None\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["b"], "there is no task 'b'; there are: a"),
        ([], "usage:"),
        (["a", "--param", "n=x"], "parameter n='x' is no int"),
        (["a", "--param", "m=1"], "has no parameter m"),
        (["a", "--param"], "write --param name=value"),
        (["a", "--fast"], "unknown option --fast"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(bench: Any, words: list[str], told: str) -> None:
    """In words, with status 2, before anything runs."""
    bench.task("a", "print('ran')", params={"n": "int"})
    done = subprocess.run([*bench.argv("a")[:2], *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_output_is_in_the_log_while_the_cell_runs(bench: Any) -> None:
    """Unbuffered: whoever follows the log sees it at once."""
    bench.task("a", "import sys, time\nprint('begun')\nsys.stdin.read()\nprint('ended')")
    process = subprocess.Popen(bench.argv("a"), env=bench.environ("a"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    assert process.communicate()[0] == b"ended\n"


def test_huge_output_is_cut_in_the_notebook_only(bench: Any) -> None:
    """The log has all of it."""
    bench.task("a", "for n in range(30_000): print(n, 'x' * 50)\nprint('last')")
    done = bench.run("a").succeeded()
    assert done.log.count("\n") == 30_001
    text = done.notebook().cells[0].outputs[0].text
    assert len(text) < 400_000
    assert "are left out here; the task's log has them" in text
    assert text.startswith("0 x")
    assert text.endswith("last\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_task_that_is_stopped_leaves_its_notebook(bench: Any, number: int, status: int) -> None:
    """The copy up to there, with what was printed."""
    bench.task("a", "print('one')", "print('two', flush=True)\nimport time\ntime.sleep(60)")
    process = subprocess.Popen(
        bench.argv("a"), env=bench.environ("a"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == [b"one\n", b"two\n"]
    process.send_signal(number)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == status
    cells = bench.left("a").notebook().cells
    assert cells[0].outputs[0].text == "one\n"
    assert cells[1].outputs[0].text == "two\n"
    assert cells[1].outputs[1].output_type == "error"


def test_a_child_that_a_cell_forks_ends_alone(bench: Any) -> None:
    """Its ``sys.exit`` is not the task's."""
    fork = "import os, sys\nif not (pid := os.fork()): sys.exit(3)\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
    bench.task("a", fork, "x = 1", outputs=["x"])
    assert bench.run("a").succeeded().log == "3\n"


# ---------------------------------------------------------------- speed


def test_a_trivial_task_imports_no_library(bench: Any) -> None:
    """What it does not use costs it no time: none of what variables, pictures, debugging or servers need is loaded."""
    bench.task("a", "x = 1", outputs=["x"])
    program, *rest = bench.argv("a")
    done = subprocess.run(
        [program, "-X", "importtime", *rest], env=bench.environ("a"), capture_output=True, text=True, check=True
    )
    loaded = set(re.findall(r"(?m)^import time:.*\| +([\w.]+)$", done.stderr))
    assert "json" in loaded
    dear = {
        "numpy", "pandas", "cloudpickle", "IPython", "asyncio", "socket", "ssl", "email", "http",
        "multiprocessing", "unittest", "pickle", "subprocess", "inspect", "dataclasses", "urllib.parse", "base64",
    }  # fmt: skip
    assert not loaded & dear


def test_what_a_task_left_can_be_read_as_a_notebook(bench: Any) -> None:
    """Its keys are not those of its author's marks; built of it is nothing, and the notebook itself is named."""
    bench.task("train", ("common", "import math"), "x = 1", outputs=["x"])
    left = (bench.run("train").succeeded().outputs / "cells.ipynb").read_bytes()
    found = read_notebook(left, "cells.ipynb")
    assert [(cell.source, cell.kind) for cell in found.cells] == [("import math", "plain"), ("x = 1", "plain")]
    with pytest.raises(InvalidNotebook, match="the task 'train' left of its run") as caught:
        build(found)
    assert "digits.ipynb" in (caught.value.hint or "")
