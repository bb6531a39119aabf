"""What tasks leave, seen in the job's view: curves that grow, matrices, tables of any size, pages locked in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hands import until
from made_up_training import ROWS, trained
from playwright.sync_api import Locator, Page, expect
from test_access import AXE, THEMES, violations

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

EXECUTE = "async ([id, args]) => { await jupyterapp.commands.execute(id, args); }"
GROWS = """name: grows
tasks:
- name: train
  command: python3 grows.py GO
  retry: {max_attempts: 2}
"""
GROWING = """
import os, sys, time
import fasttrack_task as ft_task
go = sys.argv[1]
for step in range(20):
    ft_task.metric("loss", 1 / (step + 1), step=step)
if not os.path.exists(go + ".failed"):
    open(go + ".failed", "w").close()
    sys.exit(3)
while not os.path.exists(go):
    time.sleep(0.1)
for step in range(20, 40):
    ft_task.metric("loss", 1 / (step + 1), step=step)
ft_task.flush()
time.sleep(600)
"""


@pytest.fixture(scope="module")
def job(lab: Lab) -> str:
    """A job that has everything there is to see."""
    return trained(lab)


def view(lab: Lab, page: Page, job: str, workspace: str) -> Locator:
    """The job's view in front."""
    page.goto(lab.page_url(workspace=workspace))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:open-job')", timeout=60_000)
    page.evaluate("async () => { await jupyterapp.restored; }")
    page.evaluate(EXECUTE, ["fasttrack:open-job", {"job": job}])
    shown = page.locator(".ft-JobView")
    expect(shown).to_be_visible()
    return shown


def metrics(shown: Locator) -> Locator:
    """The tab of the job's metrics."""
    shown.get_by_role("tab", name="Metrics", exact=True).click()
    return shown.get_by_role("tabpanel", name="Metrics")


def outputs(shown: Locator, task: str) -> Locator:
    """The outputs of a task instance, below."""
    shown.get_by_role("tab", name="Task instances").click()
    shown.get_by_role("grid").get_by_role("gridcell", name=task, exact=True).or_(
        shown.get_by_role("cell", name=task, exact=True)
    ).first.click()
    details = shown.get_by_role("region", name=task, exact=True)
    details.get_by_role("tab", name="Outputs").click()
    return details


def test_curves_grow_while_the_task_runs_and_are_read_by_keys(lab: Lab, page: Page) -> None:
    """New points come by themselves; the arrows read each; an earlier attempt stands beside the current one."""
    go = lab.folder / "viewers.go"
    lab.write("grows.py", GROWING)
    text = GROWS.replace("GO", str(go))
    made = str(lab.client.run({"text": text, "source": str(lab.write("grows.fasttrack.yaml", text))})["id"])
    until(lambda: lab.client.job(made)["tasks"][0]["attempts"] == 2, "the second attempt")
    shown = view(lab, page, made, "grows")
    chart = metrics(shown).get_by_role("slider", name=re.compile("^loss: "))
    expect(chart).to_have_attribute("aria-valuetext", "step 19: 0.05", timeout=20_000)
    go.touch()
    expect(chart).to_have_attribute("aria-valuetext", "step 39: 0.025", timeout=20_000)
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuetext", "step 0: 1")
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuetext", "step 1: 0.5")
    before = chart.locator("path").get_attribute("d")
    shown.get_by_role("checkbox", name="Log scale").check()
    until(lambda: chart.locator("path").get_attribute("d") != before, "another scale", 5)
    details = outputs(shown, "train")
    details.get_by_role("button", name="Attempt 1").click()
    expect(details.get_by_role("slider", name="loss: 2 curves")).to_be_visible()
    expect(details.get_by_role("table").filter(has_text="Metric")).to_contain_text("attempt 1")
    lab.client.cancel(made)


def test_curves_of_one_kind_stand_in_one_chart_and_numbers_in_a_table(lab: Lab, page: Page, job: str) -> None:
    """Training and validation together; the values under the pointer; what is no number is told as such."""
    panel = metrics(view(lab, page, job, "kinds"))
    chart = panel.get_by_role("slider", name="loss: 2 curves")
    chart.hover(position={"x": 150, "y": 40})
    told = panel.locator(".ft-Curve-told")
    expect(told.get_by_role("listitem", include_hidden=True)).to_have_count(2)
    expect(told).to_contain_text("val_loss")
    row = panel.get_by_role("row", name=re.compile("^norm"))
    expect(row).to_contain_text("NaN")
    expect(panel.get_by_role("row", name=re.compile("^val_loss"))).to_contain_text("49")


def test_a_confusion_matrix_is_walked_by_keys_and_normalised(lab: Lab, page: Page, job: str) -> None:
    """Each cell says what was taken for what; shares may stand instead of counts; the ROC curve tells its points."""
    panel = metrics(view(lab, page, job, "matrix"))
    grid = panel.get_by_role("grid", name=re.compile("^Confusion matrix of quality"))
    first = grid.get_by_role("gridcell", name="cat taken for cat: 64")
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(grid.get_by_role("gridcell", name="dog taken for dog: 70")).to_be_focused()
    expect(panel.get_by_text("dog recognised: 70 · recall 87.5%, precision 80.5%")).to_be_visible()
    panel.get_by_label("Cells").select_option("row")
    expect(grid.get_by_role("gridcell", name="dog taken for dog: 87.5%")).to_be_visible()
    roc = panel.get_by_role("slider", name="ROC curve of quality")
    expect(roc).to_have_attribute("aria-valuetext", "quality: AUC 0.749")
    roc.focus()
    page.keyboard.press("End")
    expect(roc).to_have_attribute("aria-valuetext", "false positives 1, true positives 1 at threshold 0")


def test_a_large_table_is_read_page_by_page(lab: Lab, page: Page, job: str) -> None:
    """Quoted cells stay whole; the next page follows; the last one is read from the file's end."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("range", "")))
    details = outputs(view(lab, page, job, "pages"), "prepare")
    table = details.get_by_role("group", name="Table").get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(201)
    expect(table.get_by_role("row").nth(1)).to_contain_text("two\nlines, 한국")
    pages = details.get_by_role("group", name="Pages")
    expect(pages.get_by_role("button", name="Previous page")).to_be_disabled()
    pages.get_by_role("button", name="Next page").click()
    expect(pages.get_by_role("status")).to_contain_text("Rows 201 to 400")
    expect(table.get_by_role("row").nth(1)).to_contain_text("row 200")
    pages.get_by_role("button", name="Last page").click()
    expect(table.get_by_role("row").last).to_contain_text(str(ROWS - 1))
    expect(pages.get_by_role("button", name="Next page")).to_be_disabled()
    pages.get_by_role("button", name="First page").click()
    expect(table.get_by_role("row").nth(1)).to_contain_text("two")
    assert len([each for each in asked if each]) < 8


def test_a_page_of_a_task_is_locked_in_and_its_words_are_clean(lab: Lab, page: Page, job: str) -> None:
    """Scripts of an HTML output run without any way to JupyterLab; Markdown is rendered without what it smuggles."""
    details = outputs(view(lab, page, job, "locked"), "report")
    frame = details.locator("iframe[title='page.html']")
    expect(details.frame_locator("iframe[title='page.html']").locator("#said")).to_have_text("locked in")
    assert "allow-same-origin" not in str(frame.get_attribute("sandbox"))
    details.get_by_role("button", name=re.compile("^notes.md")).click()
    expect(details.locator(".ft-Rendered strong")).to_have_text("well")
    assert page.evaluate("() => 'evil' in window") is False


def test_a_model_and_a_dataset_have_cards(lab: Lab, page: Page, job: str) -> None:
    """Size, metadata, who made it, what used it; a name leads to the job."""
    shown = view(lab, page, job, "cards")
    card = outputs(shown, "train").get_by_role("region", name="Model model")
    expect(card).to_contain_text("29.3 KiB")
    expect(card).to_contain_text("trained@1 (latest)")
    expect(card.get_by_role("button", name=re.compile(r"^trained#\d+ report$"))).to_be_visible()
    expect(card.get_by_role("button", name=re.compile(r"^trained#\d+ train$"))).to_be_visible()
    card = outputs(shown, "prepare").get_by_role("region", name="Dataset data")
    expect(card).to_contain_text(str(ROWS))
    expect(card.get_by_role("button", name=re.compile("train$"))).to_be_visible()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: jlpm install in labextension/")
@pytest.mark.parametrize("theme", list(THEMES))
def test_viewers_are_for_everybody(lab: Lab, page: Page, job: str, theme: str) -> None:
    """WCAG 2.2 AA by axe-core, in a small window, in both themes."""
    lab.set("@jupyterlab/apputils-extension/themes.jupyterlab-settings", {"theme": THEMES[theme]})
    page.set_viewport_size({"width": 1100, "height": 700})
    shown = view(lab, page, job, f"viewers-{theme}")
    expect(metrics(shown).get_by_role("slider", name="loss: 2 curves")).to_be_visible()
    found = violations(page)
    for task in ("train", "prepare"):
        details = outputs(shown, task)
        expect(details.get_by_role("region", name=re.compile("^(Model|Dataset) "))).to_contain_text("Used by")
        found += violations(page)
    assert found == []
