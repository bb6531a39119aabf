"""Which tasks run, in the editor: told on cards and in the outline, changed in the form, refused where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hands import opened, until
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "conditions.fasttrack.yaml"


def test_conditions_are_told_and_changed(lab: Lab, page: Page) -> None:
    """The outline and the card's tip say them; the form writes them; the example's job skips what it should."""
    lab.write("conditions.fasttrack.yaml", EXAMPLE.read_text(encoding="utf-8"))
    editor = opened(
        page, lab.page_url("conditions.fasttrack.yaml", workspace="conditions"), "conditions.fasttrack.yaml"
    )
    editor.show_outline()
    expect(editor.task("small", r"only when tasks\.measure\.outputs\.rows < params\.limit")).to_be_visible()
    expect(editor.task("tell", "final task")).to_be_visible()
    expect(editor.task("apologise", "if one failed")).to_be_visible()
    page.mouse.move(*editor.at("small"))
    tip = editor.panel.get_by_text("only when tasks.measure.outputs.rows < params.limit").filter(visible=True)
    expect(tip.first).to_be_visible()
    page.mouse.dblclick(*editor.at("publish"))
    for group in ("Data", "Behaviour"):
        details = editor.properties.locator("details", has=page.locator("summary", has_text=group))
        if details.get_attribute("open") is None:
            details.locator("summary").click()
    inputs = editor.properties.get_by_role("group", name="Inputs")
    expect(inputs.get_by_role("combobox", name="Value of model")).to_have_value("small.model | large.model")
    inputs.get_by_role("combobox", name="Value of model").fill("large.model | small.model")
    inputs.get_by_role("combobox", name="Value of model").press("Enter")
    editor.shows(lambda text: "model: {from: large.model | small.model, type: Model}" in text, "the other order")
    when = editor.properties.get_by_role("textbox", name="When", exact=True)
    when.fill("${{ !params.broken }}")
    when.press("Enter")
    editor.shows(lambda text: "when: ${{ !params.broken }}" in text, "the condition")
    editor.properties.get_by_role("combobox", name="Run if").select_option("one_success")
    editor.shows(lambda text: "run_if: one_success" in text, "the rule")
    editor.properties.get_by_role("combobox", name="Reuse results").select_option("false")
    editor.shows(lambda text: "cache: false" in text, "no reuse")
    editor.press("Run")
    expect(editor.task("tell", "succeeded")).to_be_visible(timeout=60_000)
    expect(editor.task("large", "skipped")).to_be_visible()
    expect(editor.task("publish", "succeeded")).to_be_visible()


def test_nothing_but_a_final_task_comes_behind_a_final_one(lab: Lab, page: Page) -> None:
    """A drawn dependency is refused in words, and the text stays as it is."""
    text = "name: finals\ntasks:\n- name: end\n  final: true\n  command: echo end\n- name: work\n  command: echo work\n"
    lab.write("finals.fasttrack.yaml", text)
    editor = opened(page, lab.page_url("finals.fasttrack.yaml", workspace="finals"), "finals.fasttrack.yaml")
    editor.connect("end", "work")
    until(lambda: page.get_by_text("“end” is final: it runs when all others have ended.").count() > 0, "the refusal")
    assert editor.text == text
