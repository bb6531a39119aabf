"""The widget in a real kernel, a real engine behind it: what a notebook keeps of it."""

from __future__ import annotations

import re
import tempfile
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import fasttrack_jupyter as ft
from fasttrack_jupyter.kernel.show import VIEW

PIPELINE = """
name: digits
tasks:
- name: prepare
  command: echo prepared
- name: train
  command: sleep 0.3; exit 3
  dependencies: [prepare]
- name: report
  command: echo never
  dependencies: [train]
"""


def executed(*cells: str) -> Any:
    """A notebook of these cells, executed by nbclient as a scheduler would."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=90, kernel_name="python3").execute()
    return notebook


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One executed notebook that showed a job, for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ft") as home:
        patch.setenv("FASTTRACK_HOME", f"{home}/home")
        patch.setenv("FASTTRACK_IDLE", "0")
        patch.setenv("FASTTRACK_SECRETS", "file")
        yield executed(
            f"import fasttrack_jupyter as ft\nTEXT = {PIPELINE!r}",
            "job = ft.job(ft.connect().run({'text': TEXT})['id'])\nft.show(job)",
            "1 + 1",
            "job.wait().result",
        )


def test_a_job_that_is_shown_blocks_no_cell(kept: Any) -> None:
    """Cells after it run while the job runs; waiting gives the result."""
    assert kept.cells[2].outputs[0]["data"]["text/plain"] == "2"
    assert kept.cells[3].outputs[0]["data"]["text/plain"] == "'FAILURE'"


def test_the_kept_picture_is_that_of_the_end(kept: Any) -> None:
    """The output of the cell that showed it was renewed when the job ended, though the cell was long over."""
    still, live = kept.cells[1].outputs
    assert VIEW in live["data"]
    assert "text/html" not in live["data"]
    html = still["data"]["text/html"]
    assert "failed, the cause" in html
    assert "dependency train failed" in html
    assert "as of" not in html
    assert "✕ train    failed" in still["data"]["text/plain"]


def test_an_exported_notebook_holds_picture_and_table(kept: Any) -> None:
    """nbconvert's HTML: a picture that needs nothing, a table, no script of ours."""
    html, _ = HTMLExporter().from_notebook_node(kept)
    output = html[html.index('class="ftw-still ') :]
    assert re.search(r'<img [^>]*src="data:image/svg\+xml;base64,', output)
    assert 'aria-label="Tasks of digits#1"' in output
    assert "<script" not in kept.cells[1].outputs[0]["data"]["text/html"]


def test_a_terminal_gets_a_table(bench: Any, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """No widget is made where nobody could see it."""
    job = bench.chain(first="true", second="exit 3").wait(30)
    shell.names["job"] = job
    shell.cell("import fasttrack_jupyter as ft", "ft.show(job)")
    assert "✕ second  failed" in capsys.readouterr().out
    assert list(ft.show(job)._repr_mimebundle_()) == ["text/plain"]
