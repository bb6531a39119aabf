"""Jobs side by side: opened from the panel, read, sorted out by brushes, taken away as CSV."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest
from hands import until
from made_up_training import trained
from playwright.sync_api import Locator, Page, expect
from test_access import AXE, THEMES, violations

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

CLIP = "() => navigator.clipboard.readText()"
EXECUTE = "async ([id, args]) => { await jupyterapp.commands.execute(id, args); }"


@pytest.fixture(scope="module")
def jobs(lab: Lab) -> list[str]:
    """Three jobs of one pipeline, with different parameters."""
    return [trained(lab, lr=lr, kind=kind) for lr, kind in ((0.1, "forest"), (0.2, "net"), (0.4, "net"))]


def lab_page(lab: Lab, page: Page, workspace: str) -> None:
    """JupyterLab, ready."""
    page.goto(lab.page_url(workspace=workspace))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:compare-jobs')", timeout=60_000)
    page.evaluate("async () => { await jupyterapp.restored; }")


def compared(lab: Lab, page: Page, jobs: list[str], workspace: str) -> Locator:
    """The comparison of these jobs in front."""
    lab_page(lab, page, workspace)
    page.evaluate(EXECUTE, ["fasttrack:compare-jobs", {"jobs": jobs}])
    return shown_in(page)


def shown_in(page: Page) -> Locator:
    """The comparison, once there is an answer."""
    found = page.locator(".ft-Compare:visible")
    expect(found.get_by_role("group", name="Jobs side by side")).to_be_visible()
    return found


def row(shown: Locator, name: str) -> Locator:
    """The row of a name."""
    table = shown.get_by_role("group", name="Jobs side by side")
    return table.get_by_role("row", name=re.compile(rf"^(train )?{re.escape(name)}\b"))


def test_jobs_selected_in_the_panel_are_compared(lab: Lab, page: Page, jobs: list[str]) -> None:
    """By the bar of the selection, and by the context menu; one alone cannot be compared."""
    lab_page(lab, page, "select")
    page.evaluate(EXECUTE, ["fasttrack:show-panel", {}])
    grid = page.get_by_role("grid", name="Jobs")
    newest = grid.locator(f'[data-id="{jobs[2]}"]')
    newest.click(button="right")
    menu = page.get_by_role("menuitem", name="Compare jobs")
    expect(menu).to_have_attribute("aria-disabled", "true")
    page.locator(".lm-Menu").press("Escape")
    expect(menu).to_have_count(0)
    newest.click()
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("toolbar", name="Selected jobs").get_by_role("button", name="Compare").click()
    expect(row(shown_in(page), "lr").get_by_role("cell")).to_have_text(["0.4", "0.2"])
    grid.locator(f'[data-id="{jobs[1]}"]').focus()
    page.keyboard.press("Shift+ArrowDown")
    newest.click(button="right")
    menu.click()
    expect(page.get_by_role("tab", name="Comparison of 3 jobs")).to_be_visible()
    expect(row(shown_in(page), "lr").get_by_role("cell")).to_have_count(3)
    expect(shown_in(page).get_by_role("slider", name="accuracy: 3 curves")).to_be_visible()  # all is answered


def test_only_what_differs_is_shown_and_the_best_is_marked(lab: Lab, page: Page, jobs: list[str]) -> None:
    """All on demand; a person says which way is better; a word finds rows; CSV is the command's."""
    shown = compared(lab, page, jobs, "table")
    expect(row(shown, "seed")).to_have_count(0)
    shown.get_by_role("checkbox", name="Also what is the same").check()
    expect(row(shown, "seed").get_by_role("cell")).to_have_text(["7", "7", "7"])
    losses = row(shown, "val_loss")
    expect(losses.get_by_role("cell").nth(2).get_by_role("img", name="best")).to_be_visible()
    losses.get_by_role("button", name="val_loss: less is better").click()
    losses.get_by_role("button", name="val_loss: neither").click()
    losses.get_by_role("button", name="val_loss: more is better").press("Tab")
    expect(losses.get_by_role("cell").nth(0).get_by_role("img", name="best")).to_be_visible()
    shown.get_by_role("searchbox").fill("lr")
    expect(row(shown, "kind")).to_have_count(0)
    expect(row(shown, "lr")).to_have_count(1)
    shown.get_by_role("button", name="Copy as CSV").click()
    until(lambda: page.evaluate(CLIP).startswith("kind,task,name,"), "the clipboard", 5)
    table = list(csv.reader(page.evaluate(CLIP).splitlines()))
    assert ["parameter", "", "lr", "0.1", "0.2", "0.4"] in table
    assert any(line[:3] == ["roc area", "train", "quality"] for line in table)


def test_curves_matrices_and_roc_curves_stand_together(lab: Lab, page: Page, jobs: list[str]) -> None:
    """Each job has its own look; who is taken out is gone from all of them."""
    shown = compared(lab, page, jobs, "figures")
    expect(shown.get_by_role("slider", name="accuracy: 3 curves")).to_be_visible()
    expect(shown.get_by_role("slider", name="loss: 6 curves")).to_be_visible()
    expect(shown.get_by_role("grid", name=re.compile("^Confusion matrix of #"))).to_have_count(3)
    roc = shown.get_by_role("slider", name="ROC curve of ROC")
    expect(roc).to_have_attribute("aria-valuetext", re.compile("AUC 0.749.*AUC 0.832.*AUC 0.898"))
    shown.get_by_role("group", name="Jobs that are shown").get_by_role("button").nth(1).click()
    expect(shown.get_by_role("slider", name="accuracy: 2 curves")).to_be_visible()
    expect(shown.get_by_role("grid", name=re.compile("^Confusion matrix of #"))).to_have_count(2)
    expect(roc).to_have_attribute("aria-valuetext", re.compile("AUC 0.749.*AUC 0.898"))


def test_a_brush_on_an_axis_chooses_jobs(lab: Lab, page: Page, jobs: list[str]) -> None:
    """By dragging along it, or by the keys of its two ends; a click takes it back; a scatter plot shows two names."""
    shown = compared(lab, page, jobs, "brush")
    plot = shown.get_by_role("group", name="Parallel coordinates of 3 jobs")
    plot.scroll_into_view_if_needed()
    faded = plot.locator(".ft-Parallel-line[data-on='false']")
    expect(faded).to_have_count(0)
    axis = plot.locator(".ft-Parallel-axis", has=page.get_by_role("slider", name="lr: lowest that is chosen"))
    grip = axis.locator(".ft-Parallel-grip").first.bounding_box()
    assert grip is not None
    middle = grip["x"] + grip["width"] / 2
    page.mouse.move(middle, grip["y"] + 2)
    page.mouse.down()
    page.mouse.move(middle, grip["y"] + grip["height"] * 0.4, steps=4)
    page.mouse.up()
    expect(faded).to_have_count(2)
    expect(shown.get_by_role("grid", name=re.compile("^Confusion matrix of #"))).to_have_count(1)
    page.mouse.click(middle, grip["y"] + 20)
    expect(faded).to_have_count(0)
    lowest = plot.get_by_role("slider", name="lr: lowest that is chosen").first
    lowest.focus()
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    expect(faded).to_have_count(1)
    page.keyboard.press("Escape")
    expect(faded).to_have_count(0)
    expect(shown.get_by_role("img", name=re.compile("over .*a point for each job"))).to_be_visible()


def test_the_palette_asks_which_jobs(lab: Lab, page: Page, jobs: list[str]) -> None:
    """Two of the newest, chosen from a list."""
    lab_page(lab, page, "asks")
    page.evaluate("() => { jupyterapp.commands.execute('fasttrack:compare-jobs', { isPalette: true }); }")
    dialog = page.get_by_role("dialog")
    options = dialog.locator("option")
    expect(options.first).to_be_attached()
    dialog.locator("select").select_option(index=[0, 1])
    dialog.get_by_role("button", name="Ok").click()
    expect(row(shown_in(page), "lr").get_by_role("cell")).to_have_count(2)


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: jlpm install in labextension/")
@pytest.mark.parametrize("look", [*THEMES, "forced"])
def test_a_comparison_is_for_everybody(lab: Lab, page: Page, jobs: list[str], look: str) -> None:
    """WCAG 2.2 AA by axe-core in both themes and in the system's colours; nothing is wider than a small window."""
    if look == "forced":
        page.emulate_media(forced_colors="active")
    else:
        lab.set("@jupyterlab/apputils-extension/themes.jupyterlab-settings", {"theme": THEMES[look]})
    page.set_viewport_size({"width": 1100, "height": 700})
    shown = compared(lab, page, jobs, f"compare-{look}")
    expect(shown.get_by_role("slider", name="accuracy: 3 curves")).to_be_visible()
    assert violations(page) == []
    assert shown.evaluate("node => node.scrollWidth <= node.clientWidth")
