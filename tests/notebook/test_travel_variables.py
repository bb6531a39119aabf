"""execute.py from outside: variables that go from task to task, what cells show, how far they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.notebook.travel.progress import Progress

# ---------------------------------------------------------------- variables


def test_an_input_is_loaded_when_a_cell_mentions_it(bench: Any) -> None:
    """A damaged one that nobody reads does no harm; one that is read is named."""
    bench.task("one", "a = [1]\nb = [2]", outputs=["a", "b"])
    bench.run("one").succeeded()
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
def test_an_input_is_there_however_it_is_read(bench: Any, source: str) -> None:
    """Functions, class bodies, comprehensions, ``globals()``, ``eval``."""
    bench.task("one", "a = 'A'", outputs=["a"])
    bench.task("two", source, inputs=["a"])
    bench.run("one").succeeded()
    assert bench.run("two", after=["one"]).succeeded().log == "A\n"


def test_an_input_wins_over_a_common_cell(bench: Any) -> None:
    """The common cell ran before the task that made the variable."""
    bench.task("one", ("common", "a = None"), "a = 1", outputs=["a"])
    bench.task("two", ("common", "a = None"), "print(a)", inputs=["a"])
    bench.run("one").succeeded()
    assert bench.run("two", after=["one"]).succeeded().log == "1\n"


def test_a_changed_input_that_others_read_fails_the_task(bench: Any) -> None:
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
    bench.run("one").succeeded()
    done = bench.run("two", after=["one"])
    assert done.status == 1
    assert "a was changed in cell 3, and the task 'three' reads it as it was before" in done.log
    assert "--out a" in done.log
    assert "copy.deepcopy(a)" in done.log
    assert "never" not in done.log
    assert "Traceback" not in done.log


def test_inputs_that_nobody_else_reads_may_change(bench: Any) -> None:
    """Only what is watched is looked at."""
    bench.task("one", "a = [1]", outputs=["a"])
    bench.task("two", "a.append(2)", inputs=["a"])
    bench.run("one").succeeded()
    bench.run("two", after=["one"]).succeeded()


def test_a_rebound_input_is_not_a_changed_one(bench: Any) -> None:
    """The name has another value here; the object is as it was."""
    bench.task("one", "a = [1]", outputs=["a"])
    bench.task("two", "a = a + [2]", inputs=["a"], watched={"a": "three"})
    bench.run("one").succeeded()
    bench.run("two", after=["one"]).succeeded()


def test_an_output_that_is_bound_on_some_ways_only_is_named(bench: Any) -> None:
    """With its task, the cells that would have given it a value, and what to do."""
    bench.task("a", "y = 1", "for n in []:\n    x = n", "if y > 1:\n    import os as x", outputs=["x", "y"])
    done = bench.run("a")
    assert done.status == 1
    assert (
        "x should be handed to other tasks, but has no value when the task 'a' ends: cell 2, cell 3 assigns it on some "
        "ways only, or deleted it.\n  What to do: give x a value on every way (`x = None` at the start of cell 2, say)"
    ) in done.log
    assert "Traceback" not in done.log


def test_an_output_that_no_cell_assigns_is_named(bench: Any) -> None:
    """It was asked for with ``--out``."""
    bench.task("a", "y = 1", outputs=["x"])
    assert "when the task 'a' ends: no cell of it assigns it." in bench.run("a").log


def test_an_output_that_cannot_be_saved_fails_the_task(bench: Any) -> None:
    """With the part at fault."""
    bench.task("a", "import threading\nclass M: pass\nm = M()\nm.lock = threading.Lock()", outputs=["m"])
    done = bench.run("a")
    assert done.status == 1
    assert "m (__main__.M) cannot be handed to other tasks" in done.log
    assert "m.lock → '_thread.lock'" in done.log
    assert "Traceback" not in done.log


def test_an_optional_output_that_cannot_be_saved_is_noted(bench: Any) -> None:
    """No task needs it."""
    bench.task("a", "g = (n for n in 'ab')\nn = 1\nimport os", optional=["g", "n", "os", "nothing"])
    done = bench.run("a").succeeded()
    assert done.log.startswith("fasttrack: g is not kept, and no task takes it: ")
    assert sorted(path.name for path in (done.outputs / "variables").iterdir()) == ["n"]


def test_a_library_that_copies_itself_beside_is_not_used(bench: Any) -> None:
    """The carried cloudpickle is the one that is imported."""
    bench.task("a", "import cloudpickle\nprint(cloudpickle.__file__)")
    assert bench.run("a").succeeded().log.strip() == str(bench.cells / "cloudpickle" / "__init__.py")


# ---------------------------------------------------------------- shown


def test_what_is_shown_becomes_files(bench: Any) -> None:
    """Figures and frames always, numbers and dicts by ``display``."""
    bench.task(
        "a", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.plot([2, 1]);",
        "import pandas as pd\npd.DataFrame({'a': [1]})",
        "display({'accuracy': 0.9})\ndisplay(0.5)\ndisplay('text')\n'unseen'",
        "from IPython.display import display as show, HTML\nshow(HTML('<b>x</b>'))",
    )  # fmt: skip
    done = bench.run("a", env={"MPLBACKEND": "module://matplotlib_inline.backend_inline"}).succeeded()
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


def test_objects_say_how_they_look(bench: Any) -> None:
    """By IPython's protocol; one whose method fails is told and shown as text."""
    bench.task("a", REPRS)
    done = bench.run("a").succeeded()
    outputs = [output for output in done.notebook().cells[0].outputs if output.output_type == "display_data"]
    assert dict(outputs[0].data) == {"text/html": "<i>a</i>", "image/png": "cG5n", "text/plain": "A()"}
    assert outputs[1].data["text/markdown"] == "*b*"
    assert outputs[2].data["text/plain"] == "<D: its repr() failed: RuntimeError: broken>"
    assert outputs[3].data == {"text/plain": "<class '__main__.A'>"}
    assert outputs[-1].data == {"text/plain": "'two'"}
    assert "A._repr_svg_() failed: ValueError: no" in done.log
    assert "C shows itself" in done.log


def test_without_ipython_its_display_is_still_there(bench: Any) -> None:
    """``from IPython.display import HTML`` works in cells, while libraries still find no IPython."""
    (bench.root / "work").mkdir()
    (bench.root / "work" / "library.py").write_text("try:\n    import IPython\nexcept ImportError: print('none')")
    hidden = "import sys\nsys.modules['IPython'] = None\nimport library"
    bench.task("a", hidden, "from IPython.display import HTML, display as show\nshow(HTML('<b>x</b>'))")
    done = bench.run("a").succeeded()
    assert done.log.startswith("none\n")
    assert done.notebook().cells[1].outputs[0].data["text/html"] == "<b>x</b>"


# ---------------------------------------------------------------- progress


BAR = """
from tqdm.auto import tqdm
import json, os, time
for n in tqdm(range(4), desc='epochs', mininterval=0): time.sleep(0.2)
print(open(os.environ['PIPELINE_OUTPUTS'] + '/.progress.json').read())
"""


def test_progress_tells_cell_and_bar(bench: Any) -> None:
    """While a bar of tqdm runs; the log gets one line of it."""
    bench.task("a", "pass", BAR)
    done = bench.run("a").succeeded()
    told = json.loads(next(line for line in done.log.splitlines() if line.startswith("{")))
    assert told["text"].startswith("cell 2 of 2 · epochs ")
    assert 0.5 <= told["fraction"] <= 1  # 1 where the machine is so slow that the last step is told at once
    assert done.log.count("epochs") == 2
    assert "\r" not in done.log


@pytest.mark.parametrize(
    ("cells", "outputs", "told"),
    [
        (["x = 1"], [], None),
        (["x = 1"], ["x"], None),
        (["x = 1", ""], [], {"fraction": 0.5, "text": "cell 2 of 2"}),
        (["from tqdm import tqdm\nfor n in tqdm([1], 'epochs'): pass"], [], {"fraction": 0.0, "text": "epochs 0/1"}),
    ],
)
def test_progress_tells_nothing_that_is_known_anyway(
    bench: Any, cells: list[str], outputs: list[str], told: dict[str, Any] | None
) -> None:
    """Of one cell only its bars; and not that all is done, for then the task ends."""
    bench.task("a", *cells, outputs=outputs)
    file = bench.run("a").succeeded().outputs / ".progress.json"
    assert (json.loads(file.read_text()) if file.exists() else None) == told


def test_saving_is_told_when_all_cells_have_run(tmp_path: Path) -> None:
    """As the last part of the whole; of one cell only if its bar was told."""
    now = iter(range(100))
    one, two = (Progress(str(tmp_path), count, lambda: next(now)) for count in (1, 2))
    two.begin_cell(2)
    two.note("saving")
    assert json.loads((tmp_path / ".progress.json").read_text()) == {"fraction": 1.0, "text": "cell 2 of 2 · saving"}
    one.bar(1, "epochs", 1, 2)
    assert json.loads((tmp_path / ".progress.json").read_text()) == {"fraction": 0.5, "text": "epochs 1/2"}
    one.note("saving")
    assert json.loads((tmp_path / ".progress.json").read_text()) == {"fraction": 1.0, "text": "saving"}
