"""A failed task in JupyterLab: opened as a notebook, mended, and the fix sent back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hands import until
from playwright.sync_api import Page, expect

from fasttrack_jupyter.notebook.build import build
from fasttrack_jupyter.notebook.cells import read_notebook

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

CELLS = (
    "%%fasttrack_task numbers --cpu 0.5 --mem 64m\nnumbers = [1, 2, 3]",
    "%%fasttrack_task divide --cpu 0.5 --mem 256m\nshare = sum(numbers) / 0\nprint(share)",
)
CURRENT = "() => jupyterapp.shell.currentWidget?.context?.path"
SOURCE = "index => jupyterapp.shell.currentWidget.content.model?.cells.get(index)?.sharedModel.getSource()"
SET = """([index, text]) =>
  jupyterapp.shell.currentWidget.content.model.cells.get(index).sharedModel.setSource(text)"""


def failed_job(lab: Lab, path: str) -> str:
    """The id of a job of a notebook in the workspace, whose last task failed."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{n}", "source": source, "outputs": [], "execution_count": None, "metadata": {}}
        for n, source in enumerate(CELLS)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    source = lab.write(path, json.dumps(content))
    built = build(read_notebook(source.read_bytes(), Path(path).name))
    files = {name: data.decode() for name, data in built.files.items()}
    job = str(lab.client.run({"text": built.text, "files": files, "source": str(source)})["id"])
    until(lambda: lab.client.job(job)["ended_at"], "the end of the job")
    return job


def test_a_failed_task_is_debugged_in_a_notebook_and_the_fix_sent_back(lab: Lab, page: Page) -> None:
    """From the log's bar; the kernel is the session; the original is changed where it is open, and can be undone."""
    job = failed_job(lab, "lab/shares.ipynb")
    page.goto(lab.page_url(workspace="debug"))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:debug-task')", timeout=60_000)
    page.evaluate("async job => { await jupyterapp.commands.execute('fasttrack:open-job', { job }); }", job)
    page.locator(".ft-JobView").get_by_text("divide", exact=True).first.click()
    page.get_by_role("button", name="Debug in a notebook").click()
    name = "debug-shares-1-divide.ipynb"
    until(lambda: page.evaluate(CURRENT) == f"lab/{name}", "the debug notebook")
    panel = page.locator(".jp-NotebookPanel:visible")
    expect(panel.locator(".jp-MarkdownCell").filter(has_text="The next cell failed")).to_be_visible()
    expect(page.get_by_role("button", name="FastTrack task | Idle")).to_be_visible(timeout=60_000)
    last = panel.locator(".jp-CodeCell").last
    last.locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    expect(last.locator(".jp-OutputArea")).to_contain_text("----> 2 share", timeout=60_000)

    index = int(page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex"))
    page.evaluate(SET, [index, page.evaluate(SOURCE, index).replace("/ 0", "/ 3")])
    page.keyboard.press("Control+Enter")
    expect(last.locator(".jp-OutputArea")).to_contain_text("2.0")
    panel.locator(".jp-Toolbar").get_by_role("button", name="Send fix to the pipeline").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("+share = sum(numbers) / 3")
    dialog.get_by_role("button", name="Change the cells").click()
    until(lambda: page.evaluate(CURRENT) == "lab/shares.ipynb", "the original, in front")
    until(lambda: page.evaluate(SOURCE, 1) == CELLS[1].replace("/ 0", "/ 3"), "the changed cell")
    assert "/ 0" in (lab.work / "lab/shares.ipynb").read_text()  # not saved by anybody
    expect(page.locator(".jp-NotebookPanel:visible").get_by_role("button", name="Send fix")).to_have_count(0)
    page.evaluate("() => jupyterapp.shell.currentWidget.content.model.cells.get(1).sharedModel.undo()")
    assert page.evaluate(SOURCE, 1) == CELLS[1]
