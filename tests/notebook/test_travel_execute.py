"""execute.py from outside: a folder of cells, a command, a log, and what lies in the outputs afterwards."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fasttrack_jupyter.notebook.carried import travel_files

OLDEST = (3, 8)
DEADLINE = 60.0


@dataclass(frozen=True)
class Done:
    """A task that ended."""

    status: int
    log: str
    outputs: Path

    def notebook(self) -> Any:
        """The executed cells, valid."""
        notebook = nbformat.read(self.outputs / "cells.ipynb", as_version=4)
        nbformat.validate(notebook)
        return notebook

    def variable(self, name: str) -> dict[str, Any]:
        """The manifest of an output."""
        manifest: dict[str, Any] = json.loads((self.outputs / "variables" / name / "manifest.json").read_text())
        return manifest


class Bench:
    """A folder of cells, and tasks made of them."""

    def __init__(self, root: Path) -> None:
        self.root, self.cells = root, root / "digits.cells"
        for name, data in travel_files().items():
            path = self.cells / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.tasks: dict[str, Any] = {}

    def task(self, name: str, *cells: str | tuple[str, str], **keys: Any) -> None:
        """Add a task of ``cells``: sources, or (kind, source)."""
        entries = []
        for cell in cells:
            kind, source = cell if isinstance(cell, tuple) else ("task", cell)
            number = len(list(self.cells.glob("cell-*.py"))) + 1
            (self.cells / f"cell-{number:02}.py").write_text(source, encoding="utf-8")
            entries.append({"file": f"cell-{number:02}.py", "label": f"cell {number}", "kind": kind})
        self.tasks[name] = {"cells": entries, **keys}
        document = {"format": 1, "pipeline": "digits", "notebook": "digits.ipynb", "tasks": self.tasks}
        (self.cells / "tasks.json").write_text(json.dumps(document))

    def argv(self, name: str, *words: str, python: str = sys.executable) -> list[str]:
        """The command of a task."""
        return [python, str(self.cells / "execute.py"), name, *words]

    def environ(self, name: str, sources: Sequence[str] = ()) -> dict[str, str]:
        """The variables of a task's session; its inputs are the outputs of ``sources``."""
        inputs = self.root / f"inputs-{name}"
        inputs.mkdir(exist_ok=True)
        for source in sources:
            for folder in (self.root / source / "variables").iterdir():
                (inputs / folder.name).symlink_to(folder)
        return {**os.environ, "PIPELINE_INPUTS": str(inputs), "PIPELINE_OUTPUTS": str(self.root / name)}

    def run(self, name: str, *words: str, after: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Done:
        """Run a task."""
        work = self.root / "work"
        work.mkdir(exist_ok=True)
        environ = {**self.environ(name, after), **(env or {})}
        done = subprocess.run(
            self.argv(name, *words), cwd=work, env=environ, capture_output=True, timeout=DEADLINE, check=False
        )
        return Done(done.returncode, (done.stdout + done.stderr).decode(), self.root / name)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty one."""
    return Bench(tmp_path)


def succeeded(done: Done) -> Done:
    """``done``, if it did."""
    assert done.status == 0, done.log
    return done


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
def test_it_runs_on_other_pythons(bench: Bench, python: Path) -> None:
    """From 3.8 on; and what this Python pickled is read there, for it holds no code."""
    bench.task("one", "class P:\n    pass\np = P()\np.x = {(1, 2): {3}}\n", outputs=["p"])
    bench.task(
        "two",
        ("definition", "class P:\n    pass\n"),
        "assert type(p) is P\nq = p.x\nimport asyncio\nawait asyncio.sleep(0)\nq",
        inputs=["p"],
        outputs=["q"],
    )
    succeeded(bench.run("one"))
    environ = bench.environ("two", ["one"])
    done = subprocess.run(
        bench.argv("two", python=str(python)), env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{(1, 2): {3}}\n", "")
    assert succeeded(bench.run("two", env=environ)).log == "{(1, 2): {3}}\n"


# ---------------------------------------------------------------- running cells


def test_variables_go_from_task_to_task(bench: Bench) -> None:
    """Saved by one, loaded by the next, the same object under two names."""
    bench.task("prepare", "x = [1, 2]\ny = x\nn = 5", outputs=["x", "y", "n"])
    bench.task(
        "train", "assert x is y\nx.append(n)\ntotal = sum(y)\nprint(total)", inputs=["x", "y", "n"], outputs=["total"]
    )
    succeeded(bench.run("prepare"))
    done = succeeded(bench.run("train", after=["prepare"]))
    assert done.log == "8\n"
    assert done.variable("total")["task"] == "train"


def test_the_namespace_is_main(bench: Bench) -> None:
    """``__name__``, ``__main__``'s attributes and pickling by name are those of a notebook."""
    bench.task(
        "a", "class P:\n    pass\ndef f(): return 1\nimport __main__, pickle, sys\n"
        "assert __name__ == '__main__' and __main__.P is P and pickle.loads(pickle.dumps(f)) is f\n"
        "assert not hasattr(__main__, '__file__') and sys.path[0] == ''",
    )  # fmt: skip
    succeeded(bench.run("a"))


def test_our_modules_hide_none_of_the_user_s(bench: Bench) -> None:
    """``import progress`` finds the user's file, not ours."""
    (bench.root / "work").mkdir()
    (bench.root / "work" / "progress.py").write_text("x = 1")
    bench.task("a", "import progress\nassert progress.x == 1\nfrom values import y")
    assert "No module named 'values'" in bench.run("a").log


def test_the_last_expression_is_shown(bench: Bench) -> None:
    """As in a notebook: not None, not after a semicolon."""
    bench.task("a", "1 + 1", "None", "3;", "x = 4", "(5)  # note")
    done = succeeded(bench.run("a"))
    assert done.log == "2\n5\n"
    assert done.notebook().cells[0].outputs[0].data == {"text/plain": "2"}


def test_await_works_at_the_top_of_a_cell(bench: Bench) -> None:
    """One event loop for all cells of a task."""
    bench.task(
        "a",
        "import asyncio\nt = asyncio.create_task(asyncio.sleep(0, 7))",
        "await t",
        "async def f(): return 1\nx = await f()\nx + 1",
    )
    assert succeeded(bench.run("a")).log == "7\n2\n"


def test_future_imports_hold_for_later_cells(bench: Bench) -> None:
    """As IPython has it."""
    bench.task("a", "from __future__ import annotations", "def f(x: Nothing): pass\nf.__annotations__")
    assert succeeded(bench.run("a")).log == "{'x': 'Nothing'}\n"


def test_a_traceback_tells_the_cell_and_its_line(bench: Bench) -> None:
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


def test_causes_are_told_without_our_frames(bench: Bench) -> None:
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


def test_a_syntax_error_costs_no_time(bench: Bench) -> None:
    """The last cell's slip is told before the first cell runs."""
    bench.task("a", "print('ran')", "x = = 1")
    done = bench.run("a")
    assert done.status == 1
    assert 'File "cell 2", line 1' in done.log
    assert "ran" not in done.log


@pytest.mark.parametrize(
    ("end", "status"), [("sys.exit(3)", 3), ("sys.exit('no')", 1), ("sys.exit()", 0), ("exit(0)", 0)]
)
def test_sys_exit_is_honoured(bench: Bench, end: str, status: int) -> None:
    """Its number is the task's; 0 ends the cells, and what is there is handed on."""
    bench.task("a", "import sys\nx = 1", end, "print('never')", outputs=["x"])
    done = bench.run("a")
    assert done.status == status
    assert "never" not in done.log
    assert (done.outputs / "variables" / "x").is_dir() == (status == 0)


def test_parameters_have_their_types(bench: Bench) -> None:
    """And win over what the cell of parameters says."""
    kinds = {"lr": "float", "n": "int", "on": "bool", "name": "str", "layers": "list", "opts": "struct", "left": "int"}
    bench.task("a", ("params", "lr = 1.0\nn = 1\nleft = 4"), "print(lr, n, on, name, layers, opts, left)", params=kinds)
    given = ["lr=0.5", "n=2", "on=false", "name=a=b", "layers=[1, 2]", 'opts={"a": null}']
    words = [word for pair in given for word in ("--param", pair)]
    assert succeeded(bench.run("a", *words)).log == "0.5 2 False a=b [1, 2] {'a': None} 4\n"


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
def test_a_command_that_makes_no_sense_is_refused(bench: Bench, words: list[str], told: str) -> None:
    """In words, with status 2, before anything runs."""
    bench.task("a", "print('ran')", params={"n": "int"})
    done = subprocess.run([*bench.argv("a")[:2], *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_output_is_in_the_log_while_the_cell_runs(bench: Bench) -> None:
    """Unbuffered: whoever follows the log sees it at once."""
    bench.task("a", "import sys, time\nprint('begun')\nsys.stdin.read()\nprint('ended')")
    process = subprocess.Popen(bench.argv("a"), env=bench.environ("a"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    assert process.communicate()[0] == b"ended\n"


def test_huge_output_is_cut_in_the_notebook_only(bench: Bench) -> None:
    """The log has all of it."""
    bench.task("a", "for n in range(30_000): print(n, 'x' * 50)\nprint('last')")
    done = succeeded(bench.run("a"))
    assert done.log.count("\n") == 30_001
    text = done.notebook().cells[0].outputs[0].text
    assert len(text) < 400_000
    assert "are left out here; the task's log has them" in text
    assert text.startswith("0 x")
    assert text.endswith("last\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_task_that_is_stopped_leaves_its_notebook(bench: Bench, number: int, status: int) -> None:
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
    cells = Done(status, "", bench.root / "a").notebook().cells
    assert cells[0].outputs[0].text == "one\n"
    assert cells[1].outputs[0].text == "two\n"
    assert cells[1].outputs[1].output_type == "error"


def test_a_child_that_a_cell_forks_ends_alone(bench: Bench) -> None:
    """Its ``sys.exit`` is not the task's."""
    fork = "import os, sys\nif not (pid := os.fork()): sys.exit(3)\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"
    bench.task("a", fork, "x = 1", outputs=["x"])
    assert succeeded(bench.run("a")).log == "3\n"


# ---------------------------------------------------------------- variables


def test_an_input_is_loaded_when_a_cell_mentions_it(bench: Bench) -> None:
    """A damaged one that nobody reads does no harm; one that is read is named."""
    bench.task("one", "a = [1]\nb = [2]", outputs=["a", "b"])
    succeeded(bench.run("one"))
    bench.task("two", "print(a)", "print('before')", "print(b)", inputs=["a", "b"])
    (bench.root / "one" / "variables" / "b" / "value.json").write_text("[3]")
    done = bench.run("two", after=["one"])
    assert done.status == 1
    assert done.log.startswith("[1]\nbefore\nb: ")
    assert "is damaged" in done.log


READS = [
    "print(globals()['a'])",
    "print(eval('a'))",
    "def f():\n    return a\nprint(f())",
    "class C:\n    x = a\nprint(C.x)",
    "print([a for _ in '1'][0])",
    "import __main__\nprint(getattr(__main__, chr(97)))",
]


@pytest.mark.parametrize("source", READS)
def test_an_input_is_there_however_it_is_read(bench: Bench, source: str) -> None:
    """Functions, class bodies, comprehensions, ``globals()``, ``eval``."""
    bench.task("one", "a = 'A'", outputs=["a"])
    bench.task("two", source, inputs=["a"])
    succeeded(bench.run("one"))
    assert succeeded(bench.run("two", after=["one"])).log == "A\n"


def test_an_input_wins_over_a_common_cell(bench: Bench) -> None:
    """The common cell ran before the task that made the variable."""
    bench.task("one", ("common", "a = None"), "a = 1", outputs=["a"])
    bench.task("two", ("common", "a = None"), "print(a)", inputs=["a"])
    succeeded(bench.run("one"))
    assert succeeded(bench.run("two", after=["one"])).log == "1\n"


def test_a_changed_input_that_others_read_fails_the_task(bench: Bench) -> None:
    """Variable, cell, other task, remedies."""
    bench.task("one", "a = [1]\nb = [1]", outputs=["a", "b"])
    bench.task(
        "two",
        "print(a, b)",
        "def f(x): x.append(2)\nf(a)",
        "print('never')",
        inputs=["a", "b"],
        watched={"a": "three", "b": "three"},
    )
    succeeded(bench.run("one"))
    done = bench.run("two", after=["one"])
    assert done.status == 1
    assert "a was changed in cell 3, and the task 'three' reads it as it was before" in done.log
    assert "--out a" in done.log
    assert "copy.deepcopy(a)" in done.log
    assert "never" not in done.log
    assert "Traceback" not in done.log


def test_inputs_that_nobody_else_reads_may_change(bench: Bench) -> None:
    """Only what is watched is looked at."""
    bench.task("one", "a = [1]", outputs=["a"])
    bench.task("two", "a.append(2)", inputs=["a"])
    succeeded(bench.run("one"))
    succeeded(bench.run("two", after=["one"]))


def test_a_rebound_input_is_not_a_changed_one(bench: Bench) -> None:
    """The name has another value here; the object is as it was."""
    bench.task("one", "a = [1]", outputs=["a"])
    bench.task("two", "a = a + [2]", inputs=["a"], watched={"a": "three"})
    succeeded(bench.run("one"))
    succeeded(bench.run("two", after=["one"]))


def test_an_output_that_was_never_assigned_is_named(bench: Bench) -> None:
    """With its task."""
    bench.task("a", "if False: x = 1", outputs=["x"])
    done = bench.run("a")
    assert done.status == 1
    assert "x should be handed to other tasks, but no cell of 'a' that ran assigned it" in done.log


def test_an_output_that_cannot_be_saved_fails_the_task(bench: Bench) -> None:
    """With the part at fault."""
    bench.task("a", "import threading\nclass M: pass\nm = M()\nm.lock = threading.Lock()", outputs=["m"])
    done = bench.run("a")
    assert done.status == 1
    assert "m (__main__.M) cannot be handed to other tasks" in done.log
    assert "m.lock → '_thread.lock'" in done.log
    assert "Traceback" not in done.log


def test_an_optional_output_that_cannot_be_saved_is_noted(bench: Bench) -> None:
    """No task needs it."""
    bench.task("a", "g = (n for n in 'ab')\nn = 1\nimport os", optional=["g", "n", "os", "nothing"])
    done = succeeded(bench.run("a"))
    assert done.log.startswith("fasttrack: g is not kept, and no task takes it: ")
    assert sorted(path.name for path in (done.outputs / "variables").iterdir()) == ["n"]


def test_a_library_that_copies_itself_beside_is_not_used(bench: Bench) -> None:
    """The carried cloudpickle is the one that is imported."""
    bench.task("a", "import cloudpickle\nprint(cloudpickle.__file__)")
    assert succeeded(bench.run("a")).log.strip() == str(bench.cells / "cloudpickle" / "__init__.py")


# ---------------------------------------------------------------- shown


def test_what_is_shown_becomes_files(bench: Bench) -> None:
    """Figures and frames always, numbers and dicts by ``display``."""
    bench.task(
        "a", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.plot([2, 1]);",
        "import pandas as pd\npd.DataFrame({'a': [1]})",
        "display({'accuracy': 0.9})\ndisplay(0.5)\ndisplay('text')\n'unseen'",
        "from IPython.display import display as show, HTML\nshow(HTML('<b>x</b>'))",
    )  # fmt: skip
    done = succeeded(bench.run("a", env={"MPLBACKEND": "module://matplotlib_inline.backend_inline"}))
    files = {path.name: path.read_bytes() for path in (done.outputs / "shown").iterdir()}
    assert sorted(files) == ["01-1.png", "01-2.png", "02-1.html", "03-1.json", "03-2.json", "03-3.txt", "04-1.html"]
    assert files["01-1.png"].startswith(b"\x89PNG")
    assert json.loads(files["03-1.json"]) == {"accuracy": 0.9}
    assert files["04-1.html"] == b"<b>x</b>"
    kinds = [[output.output_type for output in cell.outputs] for cell in done.notebook().cells]
    assert kinds == [
        ["display_data"] * 2,
        ["execute_result"],
        ["display_data"] * 3 + ["execute_result"],
        ["display_data"],
    ]
    assert "non-interactive" not in done.log


REPRS = """
class A:
    def _repr_html_(self): return '<i>a</i>'
    def _repr_png_(self): return b'png'
    def _repr_svg_(self): raise ValueError('no')
    def __repr__(self): return 'A()'
class B:
    def _repr_mimebundle_(self, include=None, exclude=None): return {'text/markdown': '*b*'}, {'m': 1}
class C:
    def _ipython_display_(self): print('C shows itself')
class D:
    def __repr__(self): raise RuntimeError('broken')
display(A(), B(), C(), D(), A)
handle = display('one', display_id=True)
handle.update('two')
"""


def test_objects_say_how_they_look(bench: Bench) -> None:
    """By IPython's protocol; one whose method fails is told and shown as text."""
    bench.task("a", REPRS)
    done = succeeded(bench.run("a"))
    outputs = [output for output in done.notebook().cells[0].outputs if output.output_type == "display_data"]
    assert dict(outputs[0].data) == {"text/html": "<i>a</i>", "image/png": "cG5n", "text/plain": "A()"}
    assert outputs[1].data["text/markdown"] == "*b*"
    assert outputs[2].data["text/plain"] == "<D: its repr() failed: RuntimeError: broken>"
    assert outputs[3].data == {"text/plain": "<class '__main__.A'>"}
    assert outputs[-1].data == {"text/plain": "'two'"}
    assert "A._repr_svg_() failed: ValueError: no" in done.log
    assert "C shows itself" in done.log


def test_without_ipython_its_display_is_still_there(bench: Bench) -> None:
    """``from IPython.display import HTML`` works in cells, while libraries still find no IPython."""
    (bench.root / "work").mkdir()
    (bench.root / "work" / "library.py").write_text("try:\n    import IPython\nexcept ImportError: print('none')")
    hidden = "import sys\nsys.modules['IPython'] = None\nimport library"
    bench.task("a", hidden, "from IPython.display import HTML, display as show\nshow(HTML('<b>x</b>'))")
    done = succeeded(bench.run("a"))
    assert done.log.startswith("none\n")
    assert done.notebook().cells[1].outputs[0].data["text/html"] == "<b>x</b>"


# ---------------------------------------------------------------- progress


BAR = """
from tqdm.auto import tqdm
import json, os, time
for n in tqdm(range(4), desc='epochs', mininterval=0): time.sleep(0.2)
print(open(os.environ['PIPELINE_OUTPUTS'] + '/.progress.json').read())
"""


def test_progress_tells_cell_and_bar(bench: Bench) -> None:
    """While a bar of tqdm runs; the log gets one line of it."""
    bench.task("a", "pass", BAR)
    done = succeeded(bench.run("a"))
    told = json.loads(next(line for line in done.log.splitlines() if line.startswith("{")))
    assert told["text"].startswith("cell 2 of 2 · epochs ")
    assert 0.5 <= told["fraction"] < 1
    assert done.log.count("epochs") == 2
    assert "\r" not in done.log
    assert json.loads((done.outputs / ".progress.json").read_text()) == {"fraction": 1.0, "text": "cell 2 of 2 · saved"}


# ---------------------------------------------------------------- speed


@pytest.mark.serial
def test_a_trivial_task_begins_quickly(bench: Bench) -> None:
    """No library is imported that is not used: 0.1 s more than Python itself, on any machine."""
    bench.task("a", "x = 1", outputs=["x"])
    environ = {**bench.environ("a"), "PYTHONDONTWRITEBYTECODE": "1"}

    def best(argv: list[str]) -> float:
        """Seconds of a processor: what others do at the same time does not count."""
        times = []
        for _ in range(5):
            _, status, usage = os.wait4(os.posix_spawn(argv[0], argv, environ), 0)
            assert status == 0
            times.append(usage.ru_utime + usage.ru_stime)
        return min(times)

    assert best(bench.argv("a")) - best([sys.executable, "-c", "pass"]) < 0.1
