"""Services, models and clusters with much in them: all of it fits, can be read, and is reached by keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import made_up_answers as made
import pytest
from playwright.sync_api import Locator, Page, expect
from test_access import violations

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

EXECUTE = "async ([id, args]) => { await jupyterapp.commands.execute(id, args); }"
CUT = """root => [root, ...root.querySelectorAll('*')].filter(each => {
  if (each.closest('.ft-Serving-compared > *, pre > *')) return false; // they are scrolled within their frame
  const style = getComputedStyle(each);
  const box = each.getBoundingClientRect();
  const isScrolled = each.matches('.ft-Serving-compared, pre, input, select');
  const isCut = style.overflowX === 'hidden' && style.webkitLineClamp !== 'none';
  const isWide = each.scrollWidth > each.clientWidth + 1 && style.display !== 'inline' && each.clientWidth > 0;
  return (isWide && !isScrolled && !isCut) || box.right > root.getBoundingClientRect().right + 1;
}).map(each => each.outerHTML.slice(0, 160))"""
"""What is wider than where it stands, or reaches out of the view."""


@pytest.fixture
def full(lab: Lab, page: Page) -> Iterator[Page]:
    """JupyterLab in a small window, at a server that has much to tell."""
    page.set_viewport_size({"width": 1100, "height": 700})
    made.answer(page)
    page.goto(lab.page_url(workspace="looks"))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:open-cluster')", timeout=60_000)
    page.evaluate("async () => { await jupyterapp.restored; }")
    yield page
    page.goto("about:blank")  # what is still asked for there ends with the page, and not in the middle of its life


def as_tab(page: Page, command: str, **args: str) -> Locator:
    """A view in the main area."""
    page.evaluate(EXECUTE, [command, args])
    return page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) > .ft-Cluster")


def unfolded(page: Page, title: str) -> Locator:
    """A section of the panel, alone."""
    page.evaluate(EXECUTE, ["fasttrack:show-panel", {}])
    titles = page.locator(".jp-ft-panel .jp-AccordionPanel-title")
    expect(titles.filter(has_text=title)).to_have_count(1)
    for each in titles.all():
        if (each.get_attribute("aria-expanded") == "true") != (title in each.inner_text().lower()):
            each.click(position={"x": 10, "y": 10})
    return page.locator(".jp-ft-panel .ft-Cluster:visible")


def open_service(shown: Locator) -> None:
    """How one is called, and the replicas of another."""
    shown.get_by_role("button", name="How to call digits").click()
    shown.get_by_role("button", name=re.compile("^Replicas and log of a-name")).click()
    expect(shown.get_by_text("line 79")).to_be_visible()
    shown.locator("summary").first.click()
    expect(shown.get_by_text("No module named 'sklearn'").first).to_be_visible()


def open_model(shown: Locator) -> None:
    """Two versions side by side."""
    shown.get_by_role("button", name=re.compile("digits")).click()
    for version in (200, 197):
        shown.get_by_role("checkbox", name=f"Compare digits version {version}", exact=True).check()
    expect(shown.get_by_role("table")).to_be_visible()
    expect(shown.get_by_role("button", name="Show 150 more")).to_be_visible()


def test_services_and_models_fit_in_a_tab_and_in_the_panel(full: Page) -> None:
    """Nothing reaches out of its place, and everything can be read and heard."""
    for title, command, open_them in (
        ("services", "fasttrack:open-services", open_service),
        ("models", "fasttrack:open-models", open_model),
    ):
        for shown in (as_tab(full, command), unfolded(full, title)):
            open_them(shown)
            assert shown.evaluate(CUT) == []
        full.evaluate(EXECUTE, ["filebrowser:activate", {}])
    assert violations(full) == []


def test_a_cluster_fits_in_a_tab_and_in_the_panel(full: Page) -> None:
    """All its tabs; a session that is a task's is called by its pipeline, job and task."""
    for shown in (as_tab(full, "fasttrack:open-cluster", backend=made.BACKEND), unfolded(full, made.BACKEND)):
        for tab in ("Resources", "Images", "Vfolders", "Sessions"):
            shown.get_by_role("tab", name=tab).click()
            panel = shown.get_by_role("tabpanel", name=tab)
            expect(panel.get_by_role("status").filter(has_text="Asking")).to_have_count(0)
            if tab == "Vfolders":
                panel.get_by_role("button", name="Who shares data").click()
                expect(panel.get_by_text("invited, has not answered")).to_be_visible()
            assert panel.evaluate(CUT) == []
        expect(panel.get_by_role("button", name="Open the job of digits #12 / train", exact=True)).to_be_visible()
        expect(panel.locator("[title='ft-1m82kq-1-2']")).to_contain_text("digits #12 / train")
    title = full.locator(".jp-ft-panel .jp-AccordionPanel-title").filter(has_text=made.BACKEND)
    expect(title.get_by_role("button", name="Ask the cluster again")).to_be_in_viewport(ratio=1)
    assert violations(full) == []
