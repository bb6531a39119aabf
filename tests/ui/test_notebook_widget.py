"""A job shown in a notebook of a real JupyterLab: it turns while cells run, is steered, and stays as a picture."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hands import until
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
READY = """path => {
  const { currentWidget } = window.jupyterapp?.shell ?? {};
  return currentWidget?.context?.path === path && currentWidget.sessionContext.session?.kernel?.status === 'idle';
}"""
CARDS = """() => {
  const canvases = [...document.querySelectorAll('.ftw-graph canvas')];
  const painted = canvases.some(canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some(part => part !== 0);
  });
  return painted ? getComputedStyle(canvases[0]).filter : '';
}"""
"""How the canvas is filtered, once something is drawn on it."""
TEXT = """
name: shown
tasks:
- name: prepare
  command: printf '\\033[32mready\\033[0m\\n'
- name: train
  command: >-
    printf '{"fraction": 0.5, "text": "cell 3 of 7"}' > /pipeline/outputs/.progress.json;
    while [ ! -e GO ]; do sleep 0.1; done;
    mkdir -p /pipeline/outputs/.values /pipeline/outputs/shown; printf 0.97 > /pipeline/outputs/.values/accuracy;
    printf '<b onclick=alert(1)>frame</b>' > /pipeline/outputs/shown/05-1.html
  dependencies: [prepare]
  outputs: {accuracy: float}
- name: report
  command: echo done
  dependencies: [train]
"""


def notebook(lab: Lab, name: str, *cells: str) -> str:
    """A notebook of the workspace."""
    made = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": cell,
        }
        for number, cell in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    lab.write(name, json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}))
    return name


def opened(lab: Lab, page: Page, name: str, workspace: str) -> None:
    """JupyterLab with this notebook in front, its kernel ready."""
    page.goto(lab.page_url(name, workspace=workspace))
    page.wait_for_function(READY, arg=name, timeout=60_000)


def run_all(page: Page) -> Locator:
    """Run every cell; the widget that appears."""
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    widget = page.locator(".ftw")
    expect(widget).to_be_visible(timeout=30_000)
    widget.scroll_into_view_if_needed()
    return widget


def theme(page: Page, name: str) -> None:
    """Turn JupyterLab light or dark."""
    page.evaluate(
        "async name => { await jupyterapp.commands.execute('apputils:change-theme', { theme: name }); }",
        f"JupyterLab {name}",
    )
    expect(page.locator("#jupyterlab-splash")).to_be_hidden()


def picture(page: Page, name: str) -> None:
    """Keep how the window looks, where ``FT_SCREENSHOTS`` asks for it."""
    if os.environ.get("FT_SCREENSHOTS"):
        page.locator(".jp-Cell", has_text="await ft.job()").evaluate("cell => cell.scrollIntoView({ block: 'end' })")
        page.wait_for_timeout(600)  # what moves has come to rest
        page.screenshot(path=ROOT / "examples" / "screenshots" / f"{name}.png", animations="disabled")


@pytest.fixture
def go(lab: Lab) -> Path:
    """What the task waits for."""
    return lab.folder / "go"


def test_a_job_is_watched_steered_and_kept(lab: Lab, page: Page, go: Path) -> None:
    """The widget turns while cells run; log, outputs, a rerun by keyboard; the picture outlives the kernel."""
    text = TEXT.replace("GO", str(go))
    name = notebook(
        lab, "shown.ipynb", "import fasttrack_jupyter as ft",
        f"job = ft.job(ft.connect().run({{'text': {text!r}}})['id'])\nft.show(job)", "6 * 7", "job.wait().result",
    )  # fmt: skip
    opened(lab, page, name, "widget")
    widget = run_all(page)
    tasks = widget.get_by_role("table", name="Tasks of shown#1")
    expect(tasks.get_by_role("row", name=re.compile("^train"))).to_contain_text("cell 3 of 7", timeout=30_000)
    expect(page.locator(".jp-OutputArea-output", has_text=re.compile("^42$"))).to_be_visible()
    assert until(lambda: page.evaluate(CARDS), "cards on the canvas") == "none"
    expect(page.locator(".ftw-still")).to_be_hidden()
    go.touch()
    expect(widget).to_contain_text(re.compile("shown#1.*succeeded after"), timeout=30_000)
    expect(page.locator(".jp-OutputArea-output", has_text="'SUCCESS'")).to_be_visible()
    _looks(widget)
    _reruns(page, widget, lab)
    _stays(lab, page, name)


def _looks(widget: Locator) -> None:
    """Log and outputs of a task that is chosen from the list."""
    widget.get_by_role("combobox").select_option("prepare")
    expect(widget.get_by_role("log", name="Log of prepare")).to_have_text("ready")
    widget.get_by_role("combobox").select_option("train")
    widget.get_by_role("button", name="Outputs").press("Enter")
    outputs = widget.get_by_role("table", name="Outputs of train")
    expect(outputs.get_by_role("row", name="accuracy")).to_contain_text("0.97")
    expect(widget.get_by_text("%fasttrack result train.accuracy")).to_be_visible()
    expect(widget.frame_locator("iframe[title='05-1.html']").get_by_text("frame")).to_be_visible()


def _reruns(page: Page, widget: Locator, lab: Lab) -> None:
    """By keyboard; the new job takes the place of the old one, and says so."""
    rerun = widget.get_by_role("button", name="Rerun", exact=True)
    rerun.focus()
    page.keyboard.press("Enter")
    expect(widget.get_by_role("status")).to_contain_text("shown#2 is a rerun of shown#1")
    expect(widget).to_contain_text(re.compile("shown#2.*succeeded after"), timeout=30_000)
    expect(widget.get_by_role("button", name="Rerun from failed")).to_be_disabled()
    assert [job["index"] for job in lab.client.jobs()] == [2, 1]


def _stays(lab: Lab, page: Page, name: str) -> None:
    """Saved, its kernel gone, opened anew: the picture and the table of the last job, and no error beside them."""
    until(lambda: "shown#2" in page.locator(".ftw-still").first.text_content(), "the picture of the rerun")
    page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save'); }")
    saved: dict[str, Any] = json.loads((lab.work / name).read_text())
    assert "shown#2" in json.dumps(saved["cells"][1]["outputs"])
    page.evaluate("async () => { await jupyterapp.serviceManager.sessions.shutdownAll(); }")
    opened(lab, page, name, "kept")
    still = page.locator(".ftw-still")
    expect(still.get_by_role("img", name=re.compile("shown#2: succeeded"))).to_be_visible()
    expect(still.get_by_role("table", name="Tasks of shown#2")).to_contain_text("report")
    lost = page.get_by_text("model not found")
    until(lambda: lost.count(), "JupyterLab's notice that the widget is gone")
    expect(lost).to_be_hidden()


def digits(lab: Lab) -> str:
    """The example notebook in the workspace, with a small forest and in this Python; on pictures as it is."""
    text = (ROOT / "examples" / "digits" / "digits.ipynb").read_text(encoding="utf-8")
    if not os.environ.get("FT_SCREENSHOTS"):
        text = re.sub(r' --requirements \\"[^"]*\\"', "", text.replace("trees = 200", "trees = 20"))
    lab.write("digits.ipynb", text)
    return "digits.ipynb"


def test_the_digits_notebook_from_run_all_to_its_result(lab: Lab, page: Page) -> None:
    """Run all cells: the job is watched from waiting to success, a value comes back; still there after a reload."""
    name = digits(lab)
    opened(lab, page, name, "digits")
    widget = run_all(page)
    tasks = widget.get_by_role("table", name="Tasks of digits-notebook#1")
    expect(tasks.get_by_role("row", name=re.compile("^report"))).to_contain_text("waiting")
    expect(tasks.get_by_role("row", name=re.compile("^forest"))).to_contain_text("running", timeout=120_000)
    expect(widget).to_contain_text(re.compile("digits-notebook#1.*succeeded after"), timeout=120_000)
    result = page.locator(".jp-OutputArea-output", has_text=re.compile("^{'logistic': 0.*'svm': 0.99"))
    expect(result).to_be_visible(timeout=30_000)
    assert lab.client.job("digits-notebook#1")["result"] == "SUCCESS"
    _follows_the_theme(page, widget)
    page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save'); }")
    opened(lab, page, name, "digits-again")
    expect(page.locator(".ftw, .ftw-still").filter(visible=True).first).to_contain_text("digits-notebook#1")
    expect(result).to_be_visible()


def _follows_the_theme(page: Page, widget: Locator) -> None:
    """In the dark ipycytoscape's white ground is gone and what is drawn on it is inverted, at once."""
    widget.get_by_role("combobox").select_option("evaluate")
    expect(widget.get_by_role("log", name="Log of evaluate")).to_contain_text(re.compile("svm .*99.33%"))
    until(lambda: page.evaluate(CARDS) == "none", "cards on the canvas")
    picture(page, "notebook-light")
    theme(page, "Dark")
    until(lambda: page.evaluate(CARDS).startswith("invert"), "the dark canvas")
    graph = page.locator(".ftw-graph").first
    assert graph.evaluate("node => getComputedStyle(node).backgroundColor") == "rgba(0, 0, 0, 0)"
    picture(page, "notebook-dark")
    theme(page, "Light")


def test_a_kernel_that_is_restarted_leaves_the_picture(lab: Lab, page: Page) -> None:
    """No broken controls: in their place stands the picture of how the job was last; the job itself goes on."""
    text = "name: goes on\ntasks:\n- name: long\n  command: sleep 60"
    name = notebook(
        lab, "restart.ipynb", "import fasttrack_jupyter as ft", f"ft.job(ft.connect().run({{'text': {text!r}}})['id'])"
    )
    opened(lab, page, name, "restart")
    widget = run_all(page)
    expect(widget).to_contain_text("running", timeout=30_000)
    page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }")
    still = page.locator(".ftw-still")
    expect(still.get_by_role("table", name="Tasks of goes on#1")).to_be_visible()
    expect(widget).to_be_hidden()
    assert lab.client.job("goes on#1")["status"] == "RUNNING"
    lab.client.cancel("goes on#1")


FITTED = """() => {
  const graph = document.querySelector('.ftw-graph');
  const cy = [graph, ...(graph?.querySelectorAll('*') ?? [])].map(part => part?._cyreg?.cy).find(Boolean);
  const box = cy?.elements().renderedBoundingBox();
  const { clientWidth: width, clientHeight: height } = graph ?? {};
  return !!box && box.w > 100 && box.x1 >= 0 && box.y1 >= 0 && box.x2 <= width && box.y2 <= height;
}"""
"""Whether every card stands within the graph's part of the page."""


def test_a_page_that_is_loaded_anew_shows_the_graph_whole_and_reruns_what_was_edited(lab: Lab, page: Page) -> None:
    """The kernel lives on: its widget is there again, fitted, and takes the cells as they are now."""
    name = notebook(
        lab, "anew.ipynb", *["1"] * 30, "%load_ext fasttrack_jupyter",
        "%%fasttrack_task prepare\nx = 1", "%%fasttrack_task train\ny = x + 1", "job = %fasttrack run", *["2"] * 20,
    )  # fmt: skip
    opened(lab, page, name, "anew")
    widget = run_all(page)
    expect(widget).to_contain_text(re.compile("anew#1.*succeeded after"), timeout=60_000)
    page.evaluate("async () => { await jupyterapp.commands.execute('docmanager:save'); }")
    opened(lab, page, name, "anew-again")
    page.evaluate("() => { jupyterapp.shell.currentWidget.content.scrollToItem(33); }")
    until(lambda: page.evaluate(CARDS) == "none", "cards on the canvas")
    until(lambda: page.evaluate(FITTED), "a graph that is whole")
    page.evaluate("""async () => {
      const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
      await kernel.requestExecute({ code: '%%fasttrack_task train\\ny = x + 40' }).done;
    }""")
    widget.get_by_role("button", name="Rerun with edited cells").press("Enter")
    expect(widget.get_by_role("status")).to_contain_text("anew#2 is a rerun of anew#1")
    expect(widget).to_contain_text(re.compile("anew#2.*succeeded after"), timeout=60_000)
    assert lab.client.job("anew#2")["rerun_of"] == lab.client.job("anew#1")["id"]
