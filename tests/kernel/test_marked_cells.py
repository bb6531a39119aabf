"""How marked cells run in a kernel, and what of them is noted."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from fasttrack_jupyter.errors import BadRequest, InvalidNotebook
from fasttrack_jupyter.kernel.building import made_of
from fasttrack_jupyter.notebook.build import build
from fasttrack_jupyter.notebook.cells import CellKind, read_notebook


def cells(shell: Any) -> list[tuple[str, str, str | None]]:
    """Label, kind and task of the cells that belong to something."""
    found = shell.session.notebook().cells
    return [(cell.label, str(cell.kind), cell.task) for cell in found if cell.kind is not CellKind.PLAIN]


def test_a_marked_cell_runs_as_itself(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Future imports, top-level await and the value of the last line are as in any cell."""
    lines = "from __future__ import annotations", "import asyncio", "await asyncio.sleep(0)", "x = 20", "x + 1"
    result = shell.cell("%%fasttrack_task train --cpu 2", *lines)
    assert result.success
    assert result.result == 21
    assert cells(shell) == [("In [1]", "task", "train")]
    assert capsys.readouterr().out.count("21") == 1


def test_a_traceback_tells_the_cell_s_own_line(shell: Any) -> None:
    """The mark counts as the first line, and the cell is noted although it failed."""
    assert "----> 4 1 / 0" in shell.fails("%%fasttrack_task train", "", "x = 1", "1 / 0")
    assert cells(shell) == [("In [1]", "task", "train")]


def test_a_syntax_error_tells_its_line_and_notes_nothing(shell: Any) -> None:
    """Where the cell would have run, IPython itself says so."""
    told = shell.fails("%%fasttrack_task train", "x = 1", "y = (")
    assert re.search(r"(:|line )3\n +y = \(", told), told  # IPython has two ways to name a cell's line
    assert cells(shell) == []


def test_a_syntax_error_is_told_where_the_cell_is_only_defined(shell: Any) -> None:
    """With the same line, and nothing is defined."""
    shown = shell.fails("%%fasttrack_task train --no-run", "x = 1", "y = (")
    assert "line 3 of the cell: '(' was never closed" in shown
    assert "Traceback" not in shown
    assert cells(shell) == []


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("%%fasttrack_task train --cpus 2", "did you mean '--cpu'"),
        ("%%fasttrack_task", "lacks the task's name"),
        ("%%fasttrack_task a/b", "no task's name"),
        ("%%fasttrack_tsk train", "there is no magic %%fasttrack_tsk"),
        ("%fasttrack_task train", "did you mean that instead"),
        ("%%fasttrack_params --cpu 2", "there is no option --cpu"),
    ],
)
def test_a_wrong_mark_fails_before_anything_ran(shell: Any, first: str, said: str) -> None:
    """The words name what is wrong, and no traceback of ours is shown."""
    shown = shell.fails(first, "x = 1")
    assert said in shown
    assert "fasttrack_jupyter/" not in shown
    assert "x" not in shell.names
    assert cells(shell) == []


def test_a_mark_in_the_middle_is_refused(shell: Any) -> None:
    """It must be the first line."""
    assert "stands in the middle of the cell" in shell.fails("x = 1", "%%fasttrack_task train", "y = 2")
    assert cells(shell) == []


def test_help_runs_nothing(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` shows the options; the cell is neither run nor noted."""
    assert shell.cell("%%fasttrack_task train --help", "x = 1").success
    assert "--requirements 'PACKAGE …'" in capsys.readouterr().out
    assert shell.cell("%%fasttrack_task --help").success, "also where the cell has nothing else"
    assert "--requirements 'PACKAGE …'" in capsys.readouterr().out
    assert "x" not in shell.names
    assert cells(shell) == []


def test_mode_define_runs_nothing_unless_a_cell_says_so(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``%fasttrack mode define``; ``--run`` wins, as ``--no-run`` does in mode run."""
    shell.cell("%fasttrack mode define")
    shell.cell("%%fasttrack_task one", "a = 1")
    shell.cell("%%fasttrack_task two --run", "b = 2")
    shell.cell("%fasttrack mode run")
    shell.cell("%%fasttrack_task three --no-run", "c = 3")
    assert [name for name in "abc" if name in shell.names] == ["b"]
    assert "task one is defined; it was not run here." in capsys.readouterr().out
    assert [task for _, _, task in cells(shell) if task] == ["one", "two", "three"]


def test_the_pipeline_may_say_the_mode(shell: Any) -> None:
    """``%fasttrack_pipeline NAME --mode define``."""
    shell.cell("%fasttrack_pipeline digits --mode define --cpu 2")
    shell.cell("%%fasttrack_task one", "a = 1")
    assert "a" not in shell.names
    notebook = shell.session.notebook()
    assert (notebook.name, notebook.defaults.cpu) == ("digits", "2")


def test_a_script_runs_in_the_shell(shell: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """``--shell`` cells run here too, unless what they say has a meaning in jobs only."""
    assert shell.cell("%%fasttrack_task hello --shell", "echo $((20 + 1))").success
    assert "21" in capfd.readouterr().out
    shell.cell("%%fasttrack_task other --shell", "ls /pipeline/inputs")
    assert "/pipeline/ has a meaning in jobs only" in capfd.readouterr().out
    assert "ended with exit 3" in shell.fails("%%fasttrack_task hello --shell", "exit 3")
    assert [kind for _, kind, _ in cells(shell)] == ["shell", "shell"]


def test_another_magic_goes_along(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``%%time`` before or behind the mark measures the cell."""
    shell.cell("%%time", "%%fasttrack_task one", "a = 1")
    shell.cell("%%fasttrack_task two", "%%time", "b = 2")
    assert (shell.names["a"], shell.names["b"]) == (1, 2)
    assert capsys.readouterr().out.count("Wall time") == 2
    assert [task for _, _, task in cells(shell)] == ["one", "two"]


def test_a_cell_that_runs_again_replaces_itself(shell: Any) -> None:
    """By the front-end's id, whatever it says now; its place stays."""
    shell.cell("%%fasttrack_task one", "a = 1", cell_id="first")
    shell.cell("%%fasttrack_task two", "b = 1", cell_id="second")
    shell.cell("%%fasttrack_task uno", "a = 2", cell_id="first")
    assert cells(shell) == [("In [3]", "task", "uno"), ("In [2]", "task", "two")]


def test_cells_of_one_name_are_one_task(shell: Any) -> None:
    """With ids two cells stay two; the reader makes one task of them."""
    shell.cell("%%fasttrack_task one", "a = 1", cell_id="first")
    shell.cell("%%fasttrack_task one", "b = a", cell_id="second")
    assert len(cells(shell)) == 2
    assert shell.session.notebook().tasks == ("one",)


def test_in_a_terminal_a_task_that_is_typed_again_replaces_the_one_before(shell: Any) -> None:
    """Nobody tells ids there; parameters and the pipeline's own line are replaced likewise."""
    shell.cell("%fasttrack_pipeline first")
    shell.cell("%%fasttrack_params", "rate = 0.1")
    shell.cell("%%fasttrack_task one", "a = 1")
    shell.cell("%fasttrack_pipeline second")
    shell.cell("%%fasttrack_params", "rate = 0.2")
    shell.cell("%%fasttrack_task one", "a = 2")
    notebook = shell.session.notebook()
    assert notebook.name == "second"
    assert [cell.label for cell in notebook.cells] == ["In [4]", "In [5]", "In [6]"]


def test_a_change_that_failed_is_told(shell: Any) -> None:
    """The earlier text of the cell counts, and a warning says so."""
    shell.cell("%%fasttrack_task one", "a = 1", cell_id="first")
    shell.fails("%%fasttrack_task one", "a = (", cell_id="first")
    (problem,) = shell.session.notebook().problems
    assert problem.message == "In [1] was changed since, but its new text failed: the earlier one counts"
    shell.cell("%%fasttrack_task one", "a = 2", cell_id="first")
    assert not shell.session.notebook().problems


def test_what_does_not_fit_together_names_the_cells(shell: Any) -> None:
    """Labels are those that people see in this kernel."""
    shell.cell("x = 1")
    shell.cell("%%fasttrack_task one --after nobody", "a = 1")
    with pytest.raises(InvalidNotebook, match=r"In \[2\], line 1.*'nobody', which is no task"):
        shell.session.notebook()


def test_reset_forgets_the_cells(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Variables stay."""
    shell.cell("%%fasttrack_task one", "a = 1")
    shell.cell("%fasttrack reset")
    assert "1 marked cell forgotten" in capsys.readouterr().out
    assert shell.session.tasks() == []
    assert shell.names["a"] == 1


def test_what_nobody_typed_is_not_noted(shell: Any) -> None:
    """Silent runs, and those that leave no history, are a program's."""
    shell.ip.run_cell("%%fasttrack_task one\na = 1", store_history=False)
    shell.ip.run_cell("%%fasttrack_task two\nb = 1", silent=True)
    assert cells(shell) == []


# ---------------------------------------------------------------- the saved notebook


def save(path: Path, *sources: tuple[str, str], metadata: dict[str, Any] | None = None, **of_cells: Any) -> None:
    """Write a notebook of cells (id, text), with metadata by cell id."""
    written = [
        {"cell_type": "code", "id": cell_id, "source": text, "metadata": of_cells.get(cell_id, {}), "outputs": []}
        for cell_id, text in sources
    ]
    title = {"cell_type": "markdown", "id": "title", "source": "# Digits", "metadata": {}}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata or {}, "cells": [title, *written]}
    path.write_text(json.dumps(content))


@pytest.fixture
def saved(tmp_path: Path, shell: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Jupyter's server says that this kernel's notebook is."""
    path = tmp_path / "digits.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return path


ONE, TWO = "%%fasttrack_task one\na = 1", "%%fasttrack_task two\nb = 1"


def test_the_saved_order_wins(shell: Any, saved: Path) -> None:
    """Cells stand as in the notebook, whatever ran first; keys are as the static reader has them."""
    shell.cell(TWO, cell_id="y")
    shell.cell("z = 1", cell_id="new")
    shell.cell(ONE, cell_id="x")
    save(saved, ("x", ONE), ("y", TWO))
    labels = [cell.label for cell in shell.session.notebook().cells]
    assert labels == ["In [3]", "In [1]", "In [2]"]
    assert shell.session.notebook().name == "digits"
    save(saved, ("x", ONE), ("n", ""), ("y", TWO), ("new", "z = 1"))
    assert [cell.key for cell in shell.session.notebook().cells] == ["02", "04", "05"]


def test_cells_are_found_by_their_text_where_ids_are_not_the_file_s(shell: Any, tmp_path: Path) -> None:
    """VS Code names the file itself, and has ids of its own."""
    path = tmp_path / "code.ipynb"
    save(path, ("x", ONE), ("y", TWO))
    shell.names["__vsc_ipynb_file__"] = str(path)
    shell.cell(TWO, cell_id="vscode-notebook-cell:/code.ipynb#W1")
    shell.cell(ONE, cell_id="vscode-notebook-cell:/code.ipynb#W0")
    assert shell.session.notebook().tasks == ("one", "two")
    assert shell.session.source == str(path)


def test_metadata_of_the_file_mark_cells(shell: Any, saved: Path) -> None:
    """As the form in JupyterLab writes them; a kernel that is told nothing reads them there."""
    save(saved, ("x", "a = 1"), x={"fasttrack": {"kind": "task", "task": "first", "cpu": 2}})
    shell.cell("a = 1", cell_id="x")
    (cell,) = shell.session.notebook().cells
    assert (cell.task, cell.options.cpu) == ("first", "2")


def test_a_marked_cell_that_has_not_run_is_told(shell: Any, saved: Path) -> None:
    """As is one that ran, and is not in the notebook any more."""
    shell.cell(ONE, cell_id="x")
    save(saved, ("y", TWO))
    os.utime(saved, (2e9, 2e9))
    codes = {problem.code: problem.message for problem in shell.session.notebook().problems}
    assert codes["cell-not-run"].startswith("cell 2 (%%fasttrack_task two) has not run")
    assert "In [1] (task one) is not in the saved notebook" in codes["cell-not-saved"]


def test_a_name_alone_marks_a_cell_and_skip_does_not(shell: Any, saved: Path) -> None:
    """What the reader of notebooks takes for a part of the pipeline is missed, and nothing else."""
    told = {"x": {"fasttrack": {"task": "first"}}, "y": {"fasttrack": {"kind": "skip"}}}
    save(saved, ("x", "a = 1"), ("y", "b = 2"), **told)
    (problem,) = shell.session.notebook().problems
    assert "(a = 1) has not run" in problem.message


def test_the_notebook_s_metadata_say_the_mode(shell: Any, saved: Path) -> None:
    """``metadata.fasttrack.mode``; what is said here wins."""
    save(saved, ("x", ONE), metadata={"fasttrack": {"mode": "define"}})
    shell.cell(ONE, cell_id="x")
    assert "a" not in shell.names
    shell.cell("%fasttrack mode run")
    shell.cell(ONE, cell_id="x")
    assert shell.names["a"] == 1


def test_a_damaged_file_is_as_good_as_none(shell: Any, saved: Path) -> None:
    """It may be in the middle of being written."""
    saved.write_text('{"cells": [')
    shell.cell(ONE, cell_id="x")
    assert shell.session.notebook().tasks == ("one",)


# ---------------------------------------------------------------- coming and going


def test_unloading_leaves_nothing(shell: Any) -> None:
    """As if the extension had never been loaded; loading again begins anew, once."""
    before = len(shell.ip.input_transformers_cleanup)
    shell.cell(ONE)
    shell.ip.run_line_magic("unload_ext", "fasttrack_jupyter")
    assert "not found" in shell.fails(ONE)
    shell.ip.run_line_magic("load_ext", "fasttrack_jupyter")
    shell.ip.run_line_magic("reload_ext", "fasttrack_jupyter")
    assert len(shell.ip.input_transformers_cleanup) == before
    shell.cell(TWO)
    assert shell.session.tasks() == ["two"]


def test_fasttrack_alone_teaches(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The first steps, every command, and how it stands."""
    shell.cell(ONE)
    shell.cell("%fasttrack")
    shown = capsys.readouterr().out
    assert "%%fasttrack_task prepare" in shown
    assert "%fasttrack rerun" in shown
    assert "So far: 1 task (one)." in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%fasttrack rum", "did you mean 'run'"),
        ("%fasttrack run --bogus", "unrecognized arguments: --bogus"),
        ("%fasttrack run -p rate", "-p 'rate' is not NAME=VALUE"),
        ("%fasttrack mode maybe", "invalid choice: 'maybe'"),
        ("%fasttrack logs 'train", "No closing quotation"),
        ("%fasttrack plan", "no cell that ran in this kernel is a task yet"),
        ("%fasttrack secrets set", "secrets set lacks a name"),
    ],
)
def test_a_wrong_line_fails_in_words(shell: Any, line: str, said: str) -> None:
    """The cell has failed, so that "Run all" stops, and no traceback of ours is shown."""
    if line == "%fasttrack run -p rate":
        shell.cell(ONE)
    shown = shell.fails(line)
    assert said in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%fasttrack ru", "run"),
        ("%fasttrack mode d", "define"),
        ("%fasttrack logs o", "one"),
        ("%fasttrack plan --fr", "--from"),
        ("%fasttrack plan --from o", "one"),
        ("%fasttrack run -p ra", "rate="),
        ("%%fasttrack_task one --requirements-f", "--requirements-file"),
        ("%%fasttrack_task three --after o", "one"),
        ("%%fasttrack_task three --out longn", "longname"),
        ("%%fasttrack_task tw", "two"),
        ("%fasttrack_pipeline x --mode d", "define"),
        ("%%fasttrack_task three --ba", "--backend"),
    ],
)
def test_completion_knows(shell: Any, typed: str, offered: str) -> None:
    """Commands, options, tasks, parameters, variables."""
    shell.cell(ONE)
    shell.cell(TWO)
    shell.cell("%%fasttrack_params", "rate = 0.1")
    shell.cell("longname = 1")
    with provisionalcompleter():
        found = list(shell.ip.Completer.completions(typed, len(typed)))
    assert [typed[: one.start] + one.text for one in found] == [typed.rpartition(" ")[0] + " " + offered]


def test_errors_are_ours(shell: Any) -> None:
    """What a program gets is the error itself."""
    result = shell.cell("%fasttrack rum")
    assert isinstance(result.error_in_exec, BadRequest)


def test_the_live_notebook_and_its_file_are_the_same_pipeline(shell: Any, saved: Path) -> None:
    """Same YAML, same files, but for what people call a cell: ``In [2]`` here, ``cell 3`` there."""
    texts = (
        "%fasttrack_pipeline digits --cpu 2",
        "%%fasttrack_params\nrate = 0.5",
        "%%fasttrack_common\nimport math",
        "%%fasttrack_task prepare\nxs = [1, 2]\ndef double(x):\n    return 2 * x * rate",
        "plain = 1",
        "%%fasttrack_task train --mem 1g --after prepare\ntotal = math.fsum(map(double, xs))",
    )
    cells = tuple((f"cell{number}", text) for number, text in enumerate(texts))
    save(saved, *cells)
    for cell_id, text in cells:
        assert shell.cell(text, cell_id=cell_id).success
    live, static = made_of(shell.session).built, build(read_notebook(saved.read_bytes(), saved.name))

    def plain(text: str) -> str:
        return re.sub(r"cell \d+|In \[\d+\]", "CELL", text)

    assert plain(live.text) == plain(static.text)
    assert {path: plain(data.decode()) for path, data in live.files.items()} == {
        path: plain(data.decode()) for path, data in static.files.items()
    }
