"""A whole notebook as one task: parameters by papermill's rule, an executed copy and a page, the original as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.notebook.fixing import fix_of
from fasttrack_jupyter.notebook.travel import pages, parameters, refusals, whole

DEADLINE = 120.0
WITHOUT = ("nbclient", "nbconvert")
"""Libraries that an image may not have."""


def code(source: str, *tags: str) -> dict[str, Any]:
    """A cell of code, as it stands in a file."""
    metadata = {"tags": list(tags)} if tags else {}
    old = [{"output_type": "stream", "name": "stdout", "text": "old"}]
    cell = {"cell_type": "code", "id": f"c{abs(hash(source))}", "metadata": metadata, "execution_count": 9}
    return {**cell, "outputs": old, "source": source.splitlines(True)}


def notebook(*cells: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A notebook, as it stands in a file."""
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


class Folder:
    """A working directory with a notebook ``report.ipynb`` and what travels with it."""

    def __init__(self, root: Path) -> None:
        self.root, self.outputs = root, root / "outputs"
        for name, data in travel_files().items():
            path = root / ".fasttrack" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def write(self, *cells: dict[str, Any], **metadata: Any) -> None:
        """Write the notebook, not to be written again."""
        path = self.root / "report.ipynb"
        path.write_text(json.dumps(notebook(*cells, **metadata)))
        path.chmod(0o444)

    def argv(self, words: Sequence[str], without: Sequence[str] = ()) -> list[str]:
        """The command; ``without`` are libraries that are hidden from it."""
        path = str(self.root / ".fasttrack" / "whole.py")
        if not without:
            return [sys.executable, path, "report.ipynb", *words]
        hide = (
            "import importlib.util as u, runpy, sys; find = u.find_spec; "
            f"u.find_spec = lambda name, *a: None if name in {tuple(without)!r} else find(name, *a); "
            f"sys.argv[:] = {[path, 'report.ipynb', *words]!r}; sys.path.insert(0, ''); "
            f"runpy.run_path({path!r}, run_name='__main__')"
        )
        return [sys.executable, "-c", hide]

    def environ(self) -> dict[str, str]:
        """The variables of the task's session."""
        return {**os.environ, "PIPELINE_OUTPUTS": str(self.outputs)}

    def run(self, *words: str, without: Sequence[str] = ()) -> tuple[int, str]:
        """Exit status and log."""
        before = (self.root / "report.ipynb").read_bytes()
        done = subprocess.run(
            self.argv(words, without),
            cwd=self.root,
            env=self.environ(),
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        assert (self.root / "report.ipynb").read_bytes() == before
        return done.returncode, (done.stdout + done.stderr).decode()

    def copy(self) -> Any:
        """The executed copy, valid."""
        copy = nbformat.read(self.outputs / "report.ipynb", as_version=4)
        nbformat.validate(copy)
        return copy

    def page(self) -> str:
        """The page."""
        return (self.outputs / "report.html").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty one."""
    return Folder(tmp_path)


MARKDOWN = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": ["# Report\n", "text"]}
CELLS = (
    MARKDOWN,
    code("lr = 0.1\nname = 'a'\n", "parameters"),
    code("print(lr, repr(name))\nimport sys\nprint(sys.executable)"),
    code("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"),
)
BOTH = pytest.mark.parametrize("without", [(), WITHOUT], ids=["kernel", "plain"])


@BOTH
def test_a_notebook_runs_and_leaves_copy_and_page(folder: Folder, without: Sequence[str]) -> None:
    """In a kernel of this very interpreter, or without one; the log says which."""
    folder.write(*CELLS, kernelspec={"name": "elsewhere", "language": "python", "display_name": "Elsewhere"})
    status, log = folder.run("--param", "lr=0.5", "--param=name=7", without=without)
    assert status == 0, log
    assert f"0.5 '7'\n{sys.executable}\n" in log
    assert ("without a Jupyter kernel" in log) == bool(without)
    cells = folder.copy().cells
    assert [cell.metadata.get("tags", []) for cell in cells[:3]] == [[], ["parameters"], ["injected-parameters"]]
    assert cells[2].source == "# Parameters\nlr = 0.5\nname = '7'\n"
    assert cells[3].outputs[0].text == f"0.5 '7'\n{sys.executable}\n"
    assert "image/png" in cells[4].outputs[-1].data
    assert "<img" in folder.page()
    assert json.loads((folder.outputs / ".progress.json").read_text())["text"] == "cell 4 of 4"


@BOTH
def test_a_cell_that_fails_fails_the_task(folder: Folder, without: Sequence[str]) -> None:
    """The copy up to there is kept, with the traceback."""
    folder.write(code("print('one')"), code("def f():\n    1 / 0\nf()"), code("print('never')"))
    status, log = folder.run(without=without)
    assert status == 1
    assert "ZeroDivisionError: division by zero" in log
    assert "never" not in log.replace("print('never')", "")
    cells = folder.copy().cells
    assert cells[0].outputs[0].text == "one\n"
    assert cells[1].outputs[-1].ename == "ZeroDivisionError"
    assert cells[2].outputs == []
    assert "ZeroDivisionError" in folder.page()


@BOTH
def test_a_notebook_that_is_stopped_leaves_its_copy(folder: Folder, without: Sequence[str]) -> None:
    """And nothing goes on running."""
    folder.write(code("import os\nprint('pid', os.getpid(), flush=True)\nimport time\ntime.sleep(100)"))
    process = subprocess.Popen(
        folder.argv([], without),
        cwd=folder.root,
        env=folder.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    kernel = next(int(line.split()[1]) for line in process.stdout if line.startswith(b"pid"))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 143
    assert folder.copy().cells[0].outputs[0].text == f"pid {kernel}\n"
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


def test_a_kernel_that_dies_is_told(folder: Folder) -> None:
    """Killed, or out of memory."""
    folder.write(code("print('one')"), code("import os\nos.kill(os.getpid(), 9)"))
    status, log = folder.run()
    assert status == 1
    assert "the notebook's kernel died" in log
    assert folder.copy().cells[0].outputs[0].text == "one\n"


BAR = """
from tqdm import tqdm
import time
for n in tqdm(range(5), desc='epochs', mininterval=0):
    time.sleep(0.3)
    if n == 4: print('saw', open('outputs/.progress.json').read())
"""


def test_bars_in_a_kernel_are_progress(folder: Folder) -> None:
    """tqdm draws in the kernel's process; the log stays readable."""
    folder.write(code(BAR))
    status, log = folder.run()
    assert status == 0, log
    seen = json.loads(log.split("saw ")[1].splitlines()[0])
    assert seen["text"].startswith("epochs ")
    assert 0 < seen["fraction"] < 1
    assert "\r" not in log


def test_unknown_parameters_are_warned_about(folder: Folder) -> None:
    """They are set all the same, as papermill does it."""
    folder.write(code("lr = 1", "parameters"), code("print(lr, other)"))
    status, log = folder.run("--param", "other=x", without=WITHOUT)
    assert status == 0, log
    assert "warning: report.ipynb has no parameter other (it has: lr)" in log
    assert "1 x\n" in log


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--param", "lr=fast"], "parameter lr='fast' is no float"),
        (["more.ipynb"], "usage:"),
        (["--param"], "--param name=value"),
    ],
)
def test_what_makes_no_sense_is_refused(folder: Folder, words: list[str], told: str) -> None:
    """With status 2, before anything runs."""
    folder.write(*CELLS)
    status, log = folder.run(*words)
    assert status == 2
    assert told in log
    assert not folder.outputs.exists()


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"nbformat": 3, "worksheets": []}', '{"nbformat": 4, "cells": [1]}']
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    """In words."""
    (tmp_path / "x.ipynb").write_text(text)
    with pytest.raises(refusals.Refused, match=r"x\.ipynb"):
        whole.read_notebook(str(tmp_path / "x.ipynb"))


def test_ipythons_syntax_needs_a_kernel(folder: Folder) -> None:
    """Magics that matter to people only are passed over; others are told."""
    folder.write(code("%matplotlib inline\nprint('fine')"), code("!ls"))
    status, log = folder.run(without=WITHOUT)
    assert status == 1
    assert "fine\n" in log
    assert "IPython's own syntax needs a kernel" in log


def test_another_language_needs_its_kernel(tmp_path: Path) -> None:
    """Parameters cannot be set there."""
    (tmp_path / "x.ipynb").write_text(json.dumps(notebook(code("x <- 1"), kernelspec={"name": "ir", "language": "R"})))
    with pytest.raises(refusals.Refused, match="written in R: parameters can be given to Python notebooks only"):
        whole.prepare(str(tmp_path / "x.ipynb"), {"x": "1"})


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ([MARKDOWN, code("a = 1", "parameters"), code("b")], 2),
        ([code("a = 1", "parameters"), MARKDOWN, code("old", "injected-parameters")], 2),
        ([MARKDOWN, code("b")], 0),
    ],
)
def test_parameters_stand_where_papermill_puts_them(cells: list[dict[str, Any]], place: int) -> None:
    """After the cell tagged parameters, in place of injected ones, else at the top."""
    made = notebook(*cells)
    parameters.insert(made, {"a": "2"}, {"a": "int"})
    assert made["cells"][place]["source"] == "# Parameters\na = 2\n"


def test_each_cell_of_parameters_is_followed_by_what_it_assigns() -> None:
    """A second cell that computes with the first sees what was given; ids are its own."""
    made = notebook(code("a = 1", "parameters"), code("b = a + 1"), code("c = 3\na = a", "parameters"))
    for cell in made["cells"]:
        cell["source"] = "".join(cell["source"])
    parameters.insert(made, {"a": "2", "c": "4", "d": "5"}, {"a": "int", "c": "int"})
    injected = [cell for cell in made["cells"] if "injected-parameters" in cell["metadata"].get("tags", [])]
    assert [cell["source"] for cell in injected] == ["# Parameters\na = 2\nd = 5\n", "# Parameters\na = 2\nc = 4\n"]
    assert len({cell["id"] for cell in made["cells"]}) == 5


MARKED = (
    code("%load_ext fasttrack_jupyter\n%fasttrack_pipeline numbers --cpu 1"),
    code("%%fasttrack_params\nrate = 2"),
    code("%%fasttrack_task make --out xs\nxs = [rate, 1]\nprint('xs', xs)"),
    code("%%fasttrack_task words --shell\necho from a script\n"),
    code("%%fasttrack_task away --skip\nraise SystemExit(9)"),
    code("%%time\n%%fasttrack_task timed\nprint(sum(xs))"),
    code("job = %fasttrack run --whole \\\n  -p rate=3"),
)


def test_marks_do_not_matter_to_a_notebook_that_runs_whole(folder: Folder) -> None:
    """Parameters of a marked cell are set, no job is started in the job, scripts are scripts, ``--skip`` skips."""
    folder.write(*MARKED)
    status, log = folder.run("--param", "rate=5")
    assert status == 0, log
    assert "xs [5, 1]\n" in log
    assert "from a script\n" in log
    assert "\n6\n" in log
    assert "no parameter" not in log


def test_a_form_s_marks_do_not_matter_either(tmp_path: Path) -> None:
    """Metadata say what lines say; text that only looks like a line of ours stays."""
    text = "text = '''\n%fasttrack run\n'''"
    cells = [code("rate = 2"), code("echo $HOME"), code("1 / 0"), code(text)]
    for cell, told in zip(
        cells, ({"kind": "params"}, {"kind": "shell", "task": "a"}, {"kind": "skip"}, {}), strict=True
    ):
        cell["metadata"]["fasttrack"] = told
    (tmp_path / "x.ipynb").write_text(json.dumps(notebook(*cells)))
    made = whole.prepare(str(tmp_path / "x.ipynb"), {"rate": "3"})
    sources = [cell["source"] for cell in made["cells"]]
    assert sources == ["rate = 2", "# Parameters\nrate = 3\n", "%%sh\nset -e\necho $HOME", "# 1 / 0\n", text]


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        ("'a'", "1", "'1'"), ("1", "2", "2"), ("1.0", "2", "2.0"), ("True", "false", "False"), ("[1]", "[2]", "[2]"),
        ("{}", '{"a": null}', "{'a': None}"), ("None", "0.5", "0.5"), ("f()", "word", "'word'"), ("-1", "NaN", None),
        ("None", "NaN", "'NaN'"), ("None", "true", "True"),
    ],
)  # fmt: skip
def test_values_take_the_type_of_the_default(default: str, text: str, value: str | None) -> None:
    """Where the default says nothing, JSON is read, and else it is a text."""
    known = parameters.assigned(f"x: object = {default}\n")
    made = notebook()
    if value is None:
        with pytest.raises(refusals.Refused):
            parameters.insert(made, {"x": text}, known)
        return
    parameters.insert(made, {"x": text}, known)
    assert made["cells"][0]["source"] == f"# Parameters\nx = {value}\n"


def test_our_own_page_is_safe_and_whole() -> None:
    """Texts are escaped, colours are gone, pictures and tables stand there."""
    made = notebook(MARKDOWN, code("a < b"))
    made["cells"][0]["source"] = "<script>"
    made["cells"][1].update(source="a < b", outputs=[
        {"output_type": "stream", "name": "stdout", "text": ["<&>\n", "two"]},
        {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": "x"}, "metadata": {}},
        {"output_type": "execute_result", "data": {"text/html": ["<table>", "</table>"]}, "metadata": {}},
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["\x1b[0;31mE\x1b[0m"]},
    ])  # fmt: skip
    page = pages.own_page(made, "t<")
    assert "<title>t&lt;</title>" in page
    assert "<script>" not in page
    assert "a &lt; b" in page
    assert "&lt;&amp;&gt;\ntwo" in page
    assert 'src="data:image/png;base64,AAAA"' in page
    assert "<table></table>" in page
    assert '<pre class="err">E</pre>' in page


def test_a_mended_cell_finds_its_marked_original_back() -> None:
    """What ran had its marks as comments; they stay as their author wrote them."""
    told = {"kind": "task", "label": "cell 1", "line": 1, "base": "# %%fasttrack_task a\nx = 1"}
    cell = {**code("# %%fasttrack_task a\nx = 2"), "id": "c1", "metadata": {"fasttrack_debug": told}}
    about = {"job": "1", "task": "a", "whole": True}
    debug = notebook(cell, fasttrack={"debug": about})
    original = notebook({**code("%%fasttrack_task a\nx = 1"), "id": "c1"})
    fix = fix_of(json.dumps(debug).encode(), json.dumps(original).encode(), "n.ipynb")
    assert (fix.conflicts, dict(fix.sources)) == ((), {0: "%%fasttrack_task a\nx = 2"})
