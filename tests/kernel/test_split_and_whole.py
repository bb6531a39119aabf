"""A notebook without marks, from its kernel: every cell a task, or the notebook one."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

_COLOURS = re.compile(r"\x1b\[[\d;]*m")
CELLS = (
    "import math\nxs = [1, 4, 9]",
    "roots = [math.sqrt(x) for x in xs]",
    "total = sum(roots)\nprint('total', total)",
)


@pytest.fixture
def plain(bench: Any, shell: Any) -> Any:
    """A shell in which cells without marks ran."""
    for cell in CELLS:
        assert shell.cell(*cell.split("\n")).success
    return shell


def saved(folder: Path, monkeypatch: pytest.MonkeyPatch, *cells: str) -> Path:
    """A notebook on the disk, which the kernel is told to be of."""
    code = [
        {"cell_type": "code", "id": f"c{place}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for place, text in enumerate(cells)
    ]
    path = folder / "sums.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": code}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return path


def test_split_makes_every_cell_that_ran_a_task(plain: Any) -> None:
    """Data goes from cell to cell; what speaks to FastTrack is none."""
    job = plain.cell("%fasttrack run --split --wait").result
    assert list(job.tasks) == ["cell-1", "cell-2", "cell-3"]
    assert job.tasks["cell-3"].outputs["total"] == 6.0


def test_a_split_job_is_rerun_as_it_was_made(plain: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """``rerun --edited`` and ``diff`` split once more, and the cell of the first ``run`` is no task."""
    assert plain.cell("job = %fasttrack run --split --wait").success
    assert plain.cell("%fasttrack diff").success
    assert "Nothing has changed since" in capsys.readouterr().out
    job = plain.cell("%fasttrack rerun --edited --from-failed --wait").result
    assert {task.reason for task in job.tasks.values()} == {"reused from job #1"}


def test_split_is_refused_where_there_are_marks(plain: Any) -> None:
    """Nobody means both."""
    plain.cell("%%fasttrack_task more", "y = xs")
    assert "the notebook has tasks already" in plain.fails("%fasttrack run --split")


def test_split_and_whole_are_refused_together(plain: Any) -> None:
    """In argparse's words, which say what to write."""
    assert "not allowed with argument --split" in plain.fails("%fasttrack run --split --whole")


def test_split_tells_which_cells_have_not_run(
    shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of the file that only speak to FastTrack are not missed; tasks are numbered as the file's cells are."""
    saved(tmp_path, monkeypatch, "%load_ext fasttrack_jupyter", *CELLS, "%fasttrack yaml --split", "job = ft.job()")
    for place, cell in enumerate(CELLS[:2], 1):
        shell.cell(*cell.split("\n"), cell_id=f"c{place}")
    shell.cell("%fasttrack yaml --split", cell_id="c4")
    shown = _COLOURS.sub("", capsys.readouterr().out)
    assert "name: cell-2" in shown
    assert "name: cell-3" in shown
    assert shown.count("has not run") == 1
    assert "cell 4 (total = sum(roots)) has not run in this kernel" in shown


def test_whole_runs_the_saved_notebook_as_one_task(plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with the very line in it that starts the job."""
    saved(tmp_path, monkeypatch, "%load_ext fasttrack_jupyter", *CELLS, "%fasttrack run --whole --wait")
    job = plain.cell("%fasttrack run --whole --wait").result
    assert list(job.tasks) == ["sums"]
    assert "total 6.0" in job.tasks["sums"].log()
    assert {"sums.ipynb", "sums.html"} <= {path.name for path in Path(job.tasks["sums"].outputs.folder).iterdir()}


def test_whole_says_what_is_not_saved(
    shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its job would take the file as it is."""
    path = saved(tmp_path, monkeypatch, *CELLS)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    shell.cell("total = 7", cell_id="c2")
    assert shell.cell("%fasttrack yaml --whole").success
    shown = _COLOURS.sub("", capsys.readouterr().out)
    assert "In [1]: not in the notebook as it is saved" in shown
    assert "type: notebook" in shown


def test_whole_needs_a_saved_notebook(shell: Any) -> None:
    """A terminal's shell has none."""
    shell.cell("x = 1")
    assert "nobody has told this kernel where that is" in shell.fails("%fasttrack plan --whole")


def test_whole_is_saved_beside_its_notebook(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML names the notebook, which must be there."""
    saved(tmp_path, monkeypatch, *CELLS)
    assert "must lie beside the notebook" in shell.fails("%fasttrack save elsewhere/x.fasttrack.yaml --whole")
    assert shell.cell("%fasttrack save --whole").success
    assert "notebook: sums.ipynb" in (tmp_path / "sums.fasttrack.yaml").read_text()


def test_split_and_whole_are_completed_and_explained(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """As every other option."""
    with provisionalcompleter():
        words = shell.ip.Completer.completions("%fasttrack run --", 17)
        assert {"--split", "--whole"} <= {word.text for word in words}
    shell.cell("%fasttrack run --help")
    assert "--whole" in capsys.readouterr().out
