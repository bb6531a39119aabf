"""Notebooks in JupyterLab: cells marked by a form or by magics, opened as a pipeline, run as a job, followed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands import until
from playwright.sync_api import Locator, Page, expect
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

PLAIN = ("import math\n", "numbers = [1, 2, 3]", "total = sum(numbers)\nprint(total)", "print(math.sqrt(total))")
MAGIC = (
    "%%fasttrack_common\nimport math\n",
    "%%fasttrack_task prepare --cpu 0.5 --mem 64m\nnumbers = [1, 2, 3]",
    "%%fasttrack_task add --cpu 0.5 --mem 64m\ntotal = sum(numbers)\nprint(total)",
    "%%fasttrack_task show --cpu 0.5 --mem 64m --after prepare\nprint(math.sqrt(total))",
)
MARKS: tuple[dict[str, Any], ...] = (
    {"kind": "common"},
    {"kind": "task", "task": "prepare", "cpu": 0.5, "mem": "64m"},
    {"kind": "task", "task": "add", "cpu": 0.5, "mem": "64m"},
    {"kind": "task", "task": "show", "cpu": 0.5, "mem": "64m", "after": ["prepare"]},
)
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "examples" / "screenshots"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
CHECK = """async () => {
  const include = ['.ft-CellMark', '.ft-Strip', '.ft-MarkForm'].map(root => [root]);
  const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const { violations } = await axe.run({ include }, { runOnly, resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.html} ${node.failureSummary}`));
}"""
NOTEBOOK = "() => jupyterapp.shell.currentWidget"
PLACE = "[activeCellIndex, activeCell.editor.getCursorPosition().line]"
CELLS = f"({NOTEBOOK})().content.model.toJSON().cells"


def notebook(sources: tuple[str, ...], marks: tuple[dict[str, Any], ...] = ()) -> str:
    """A notebook's text."""
    cells = [
        {
            "cell_type": "code", "id": f"cell-{number}", "source": source, "outputs": [], "execution_count": None,
            "metadata": {"fasttrack": marks[number]} if marks else {},
        }
        for number, source in enumerate(sources)
    ]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells})


class Hands:
    """A notebook in front of a person."""

    def __init__(self, page: Page, path: str) -> None:
        self.page, self.path = page, path
        self.panel = page.locator(".jp-NotebookPanel:visible")
        self.form = page.locator(".ft-MarkForm:not(.ft-DefaultsForm)")
        self.defaults = page.locator(".ft-DefaultsForm")
        self.strip = self.panel.locator(".ft-Strip")
        page.wait_for_function(
            "path => { const widget = window.jupyterapp?.shell.currentWidget; "
            "return widget?.context?.path === path && widget.context.isReady && widget.content.widgets.length; }",
            arg=path,
            timeout=60_000,
        )

    def execute(self, command: str, args: dict[str, Any] | None = None) -> None:
        """Run a command, without waiting for what it starts."""
        self.page.evaluate(
            "([command, args]) => { void jupyterapp.commands.execute(command, args); }", [command, args or {}]
        )

    def cell(self, number: int) -> Locator:
        """A cell, counted from 1."""
        return self.panel.locator(".jp-CodeCell").nth(number - 1)

    def marker(self, number: int) -> Locator:
        """The head of a cell."""
        return self.cell(number).locator(":scope > .ft-CellMark")

    def choose(self, number: int) -> None:
        """Make a cell the active one, in command mode."""
        self.cell(number).locator(".jp-InputPrompt").click()

    def marks(self) -> list[Any]:
        """What is written in the cells' metadata."""
        return list(self.page.evaluate(f"() => {CELLS}.map(cell => cell.metadata.fasttrack ?? null)"))

    def press(self, name: str) -> None:
        """A button of the notebook's toolbar."""
        self.panel.locator(".jp-Toolbar").get_by_role("button", name=name).click()


@pytest.fixture
def show(lab: Lab, page: Page) -> Callable[[str, str], Hands]:
    """Opens a notebook with this text."""

    def open_it(path: str, text: str) -> Hands:
        lab.write(path, text)
        page.goto(lab.page_url(path, workspace=re.sub(r"\W", "-", path)))
        return Hands(page, path)

    return open_it


def test_a_cell_is_marked_by_the_form(show: Callable[[str, str], Hands]) -> None:
    """Key, name, resources; it is written in the cell's metadata, stands at its head, and can be undone."""
    hands = show("form.ipynb", notebook(PLAIN))
    hands.choose(2)
    hands.page.keyboard.press("Control+Alt+K")
    name = hands.form.get_by_label("Task name")
    expect(name).to_be_focused()
    expect(name).to_have_value("task-1")
    hands.page.keyboard.type("prepare\n")
    hands.form.get_by_label("CPU", exact=True).fill("0.5")
    hands.form.get_by_label("Memory", exact=True).fill("64m")
    hands.form.get_by_label("Memory", exact=True).press("Enter")
    expect(hands.marker(2)).to_contain_text("prepare")
    expect(hands.marker(2)).to_contain_text("0.5 cpu · 64m")
    assert hands.marks()[1] == MARKS[1]
    hands.execute("notebook:undo-cell-action")
    until(lambda: hands.marks()[1] != MARKS[1], "one step is undone", 5)
    hands.execute("notebook:redo-cell-action")
    until(lambda: hands.marks()[1] == MARKS[1], "and done again", 5)


def test_the_notebooks_defaults_have_a_form(lab: Lab, show: Callable[[str, str], Hands]) -> None:
    """Name, mode, backend, image and the rest, as ``%fasttrack_pipeline`` says them; one pipeline either way."""
    hands = show("defaults.ipynb", notebook(MAGIC))
    hands.execute("property-inspector:show-panel")
    form = hands.defaults
    header = hands.page.locator(".jp-Collapse-header", has_text="FastTrack pipeline")
    expect(header).to_be_visible()
    if "jp-Collapse-header-collapsed" in (header.get_attribute("class") or ""):
        header.click()
    form.get_by_label("Pipeline name").fill("sums")
    form.get_by_label("Pipeline name").press("Enter")
    form.get_by_label("Cells that are tasks").select_option("define")
    form.get_by_label("Backend").fill("local")
    form.get_by_label("Backend").press("Enter")
    form.get_by_text("Environment").click()
    form.get_by_label("Variables").fill("EPOCHS=3")
    form.get_by_label("Variables").blur()
    said = f"() => ({NOTEBOOK})().content.model.getMetadata('fasttrack')"
    wanted = {"pipeline": "sums", "mode": "define", "backend": "local", "env": {"EPOCHS": "3"}}
    until(lambda: hands.page.evaluate(said) == wanted, "the notebook's metadata")
    hands.press("Open as pipeline")
    file = lab.work / "defaults.fasttrack.yaml"
    until(lambda: file.exists() and file.read_text(), "the pipeline")  # JupyterLab's server writes it in two steps
    told = YAML(typ="safe").load(file.read_text())
    assert (told["name"], told["environment"]["envs"]) == ("sums", {"EPOCHS": "3"})
    assert (lab.work / "defaults.cells" / "made.json").exists()


def test_what_is_wrong_is_told_at_its_field_and_not_written(show: Callable[[str, str], Hands]) -> None:
    """A name that cannot be one, and a size that is none."""
    hands = show("wrong.ipynb", notebook(PLAIN, MARKS))
    hands.choose(2)
    hands.execute("fasttrack-notebook:form")
    hands.form.get_by_label("Task name").fill("a/b")
    hands.form.get_by_label("Memory", exact=True).fill("much")
    hands.form.get_by_label("Memory", exact=True).press("Enter")
    expect(hands.form.get_by_text("Letters, digits, spaces, _ and - only; 64 at most.")).to_be_visible()
    expect(hands.form.get_by_text("A size is needed, such as 512m or 4g.")).to_be_visible()
    assert hands.marks() == list(MARKS)


def test_a_magics_mark_is_shown_and_can_move_to_the_form(show: Callable[[str, str], Hands]) -> None:
    """The marker reads the first line; the form takes it over, and the line goes."""
    hands = show("magic.ipynb", notebook(MAGIC))
    expect(hands.marker(1)).to_contain_text("Common code")
    expect(hands.marker(4)).to_contain_text("show")
    expect(hands.marker(4)).to_contain_text("after prepare")
    hands.marker(2).get_by_role("button").press("Enter")
    hands.form.get_by_role("button", name="Use this form instead of the line").click()
    until(lambda: hands.marks()[1] == MARKS[1], "the mark in the metadata", 5)
    assert hands.page.evaluate(f"() => {CELLS}[1].source") == "numbers = [1, 2, 3]"


def test_the_keyboard_walks_from_task_to_task(show: Callable[[str, str], Hands]) -> None:
    """And takes a mark away."""
    hands = show("walk.ipynb", notebook(PLAIN, MARKS))
    hands.choose(1)
    active = f"({NOTEBOOK})().content.activeCellIndex"
    for key, index in (("Alt+PageDown", 1), ("Alt+PageDown", 2), ("Alt+PageUp", 1), ("Alt+PageUp", 3)):
        hands.page.keyboard.press(key)
        until(lambda index=index: hands.page.evaluate(active) == index, f"{key} leads to cell {index + 1}", 5)
    hands.page.keyboard.press("Control+Alt+Shift+K")
    until(lambda: hands.marks()[3] is None, "cell 4 is unmarked", 5)
    expect(hands.marker(4)).to_have_count(0)


def test_problems_lead_to_their_cells(show: Callable[[str, str], Hands]) -> None:
    """Nothing is started, and each problem is a way to its line."""
    sources = (*MAGIC[:3], "%%fasttrack_task show\n\nprint(nowhere)")
    hands = show("problems.ipynb", notebook(sources))
    hands.choose(1)
    hands.press("Run as pipeline job")
    problems = hands.strip.get_by_role("region", name="Problems of this notebook")
    expect(problems).to_contain_text("One error")
    problems.get_by_role("button", name="Cell 4, line 3").click()
    place = f"() => (({{ content: {{ activeCellIndex, activeCell }} }}) => {PLACE})(({NOTEBOOK})())"
    until(lambda: hands.page.evaluate(place) == [3, 2], "the cursor is there", 5)
    problems.get_by_role("button", name="Close the problems").click()
    expect(problems).to_have_count(0)


def test_the_form_and_the_magic_give_one_pipeline(lab: Lab, show: Callable[[str, str], Hands]) -> None:
    """Three cards on the canvas, and the same tasks in the YAML, whichever way the cells were marked."""
    found = []
    for path, text in (("same/n.ipynb", notebook(MAGIC)), ("same2/n.ipynb", notebook(PLAIN, MARKS))):
        hands = show(path, text)
        hands.press("Open as pipeline")
        hands.page.wait_for_function("() => jupyterapp.shell.currentWidget?.content?.feed?.graph.tasks.length === 3")
        written = lab.work / path.replace(".ipynb", ".fasttrack.yaml")
        found.append(YAML(typ="safe").load(written))
        assert (written.parent / "n.cells" / "execute.py").is_file()
    assert found[0] == found[1]
    assert [task["name"] for task in found[0]["tasks"]] == ["prepare", "add", "show"]


def test_a_pipeline_that_is_there_is_not_lost(lab: Lab, show: Callable[[str, str], Hands]) -> None:
    """What differs is asked about: cancel, open it as it is, or write over it."""
    hands = show("there.ipynb", notebook(MAGIC))
    written = lab.write("there.fasttrack.yaml", "name: mine\ntasks:\n- {name: own, command: 'true'}\n")
    dialog = hands.page.get_by_role("dialog")
    for button, kept in (("Cancel", True), ("Open as it is", True), ("Overwrite", False)):
        hands.execute("fasttrack-notebook:open", {"path": "there.ipynb"})
        expect(dialog).to_contain_text("there.fasttrack.yaml")
        dialog.get_by_role("button", name=button).click()
        expect(dialog).to_have_count(0)
        if kept:
            assert written.read_text().startswith("name: mine")
    until(lambda: "mine" not in written.read_text(), "it is written over", 10)
    hands.page.wait_for_function("() => jupyterapp.shell.currentWidget?.content?.feed?.graph.tasks.length === 3")


def test_a_notebook_runs_as_a_job_and_its_cells_tell(lab: Lab, show: Callable[[str, str], Hands]) -> None:
    """Not saved, nothing written beside it; the job's view opens, the markers turn, and a click shows the log."""
    hands = show("runs.ipynb", notebook(MAGIC))
    hands.page.evaluate(f"() => ({NOTEBOOK})().content.model.cells.get(3).sharedModel.setSource("
                        "'%%fasttrack_task show\\nprint(math.sqrt(total) + 1)')")  # fmt: skip
    hands.press("Run as pipeline job")
    expect(hands.page.locator(".ft-JobView")).to_be_visible(timeout=30_000)
    hands.page.evaluate("async path => { await jupyterapp.commands.execute('docmanager:open', { path }); }", hands.path)
    for number in (2, 3, 4):
        expect(hands.marker(number).locator("[data-state='success']")).to_be_visible(timeout=60_000)
    expect(hands.strip).to_contain_text("3 of 3 tasks ended")
    hands.marker(4).get_by_role("button", name="show its log").click()
    expect(hands.page.locator(".ft-Log")).to_contain_text("3.449")
    assert not (lab.work / "runs.fasttrack.yaml").exists()


def test_a_failed_task_says_why_at_its_cell(show: Callable[[str, str], Hands]) -> None:
    """The reason stands at the cell; what needed it was cancelled."""
    hands = show("fails.ipynb", notebook((*MAGIC[:2], "%%fasttrack_task add\ntotal = sum(numbers) / 0", MAGIC[3])))
    hands.press("Run as pipeline job")
    expect(hands.page.locator(".ft-JobView")).to_be_visible(timeout=30_000)
    hands.page.evaluate("async path => { await jupyterapp.commands.execute('docmanager:open', { path }); }", hands.path)
    expect(hands.marker(3).locator("[data-state='failure']")).to_contain_text("failed", timeout=60_000)
    expect(hands.marker(4).locator("[data-state='cancelled']")).to_be_visible(timeout=60_000)


def test_parameters_are_asked_for(show: Callable[[str, str], Hands]) -> None:
    """Their defaults come from the cell; what is typed is what the job gets."""
    sources = ("%%fasttrack_params\nepochs = 2\n", "%%fasttrack_task train\nprint('epochs', epochs * 100)")
    hands = show("params.ipynb", notebook(sources))
    hands.press("Run as pipeline job")
    field = hands.strip.get_by_label("epochs")
    expect(field).to_have_value("2")
    field.fill("7")
    hands.strip.get_by_role("button", name="Run", exact=True).click()
    expect(hands.page.locator(".ft-JobView")).to_be_visible(timeout=30_000)
    hands.page.evaluate("async path => { await jupyterapp.commands.execute('docmanager:open', { path }); }", hands.path)
    expect(hands.marker(2).locator("[data-state='success']")).to_be_visible(timeout=60_000)
    hands.marker(2).get_by_role("button", name="show its log").click()
    expect(hands.page.locator(".ft-Log")).to_contain_text("epochs 700")


def test_the_file_browser_offers_it(lab: Lab, show: Callable[[str, str], Hands]) -> None:
    """For notebooks, in its menu."""
    lab.write("offered.ipynb", notebook(MAGIC))
    hands = show("other.ipynb", notebook(PLAIN))
    hands.execute("filebrowser:activate")
    hands.page.locator(".jp-DirListing-item", has_text="offered.ipynb").click(button="right")
    hands.page.locator(".lm-Menu-itemLabel", has_text="Open as pipeline").click()
    hands.page.wait_for_function("() => jupyterapp.shell.currentWidget?.content?.feed?.graph.tasks.length === 3")
    assert (lab.work / "offered.fasttrack.yaml").is_file()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: jlpm install in labextension/")
@pytest.mark.parametrize("theme", list(THEMES))
def test_nobody_is_shut_out(lab: Lab, show: Callable[[str, str], Hands], theme: str) -> None:
    """WCAG 2.2 AA by axe-core: heads of cells with all that they tell, problems, parameters, the form."""
    lab.set("@jupyterlab/apputils-extension/themes.jupyterlab-settings", {"theme": THEMES[theme]})
    sources = ("%%fasttrack_params\nparts = 0", *MAGIC[:2], "total = sum(numbers) / parts", MAGIC[3], "unused = 1")
    marks: tuple[dict[str, Any], ...] = (
        {}, {}, {}, {"kind": "task", "task": "add", "image": "py:3.11", "cpu": 1, "after": ["prepare"]}, {},
        {"kind": "skip"},
    )  # fmt: skip
    hands = show(f"seen-{theme}.ipynb", notebook(sources, marks))
    page = hands.page
    page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{str(theme == 'light').lower()}'")
    hands.press("Run as pipeline job")
    expect(hands.strip.get_by_label("parts")).to_be_visible()
    page.evaluate(AXE.read_text())
    found = page.evaluate(CHECK)
    hands.strip.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".ft-JobView")).to_be_visible(timeout=30_000)
    page.evaluate("async path => { await jupyterapp.commands.execute('docmanager:open', { path }); }", hands.path)
    expect(hands.marker(4).locator("[data-state='failure']")).to_be_visible(timeout=60_000)
    hands.marker(4).get_by_role("button", name="show and change").click()
    hands.form.get_by_label("Memory", exact=True).fill("much")
    hands.form.get_by_label("Memory", exact=True).press("Enter")
    found += page.evaluate(CHECK)
    if os.environ.get("FT_SCREENSHOTS"):
        hands.strip.get_by_role("button", name="Close the problems").click()
        page.wait_for_timeout(600)  # what moves has come to rest
        page.screenshot(path=PICTURES / f"notebook-form-{theme}.png", animations="disabled")
    assert found == []
