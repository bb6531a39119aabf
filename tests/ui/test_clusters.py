"""Signing in to a cluster in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


def test_what_a_cluster_answers_stands_at_its_field_and_no_key_stays_in_the_browser(lab: Lab, page: Page) -> None:
    """An address where nobody answers is told at the address; with the dialog, what was typed is gone."""
    page.goto(lab.page_url())
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('fasttrack:add-cluster')")
    page.evaluate("() => void window.jupyterapp.commands.execute('fasttrack:add-cluster')")
    dialog = page.locator("dialog.ft-Clusters-dialog")
    expect(dialog.locator("input[name=secret]")).to_have_value("")
    assert dialog.locator("input[name=user]").get_attribute("type") == "password"
    dialog.locator("input[name=endpoint]").fill("nowhere")
    dialog.locator("input[name=user]").fill("AKIATYPEDINATEST")
    dialog.locator("input[name=secret]").fill("a-secret-typed-in-a-test")
    dialog.locator("button[type=submit]").click()
    expect(dialog.locator("label", has=page.locator("input[name=endpoint]")).get_by_role("alert")).to_be_visible()
    expect(dialog.locator("input[name=endpoint]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    kept = page.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage}) + document.body.outerHTML")
    assert "a-secret-typed-in-a-test" not in kept
    assert "AKIATYPEDINATEST" not in kept
