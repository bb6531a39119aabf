"""Two people at one pipeline, where jupyter-collaboration is installed: one text, two histories, one job."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hands import Editor, opened, until
from playwright.sync_api import Browser, Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab


pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jupyter_server_ydoc") is None,
    reason="jupyter-collaboration is not installed: pip install jupyter-collaboration",
)
TEXT = """\
name: pair
tasks:
  # Comes first.
  - {name: one, command: echo one}
  - {name: two, command: echo two}
"""


@pytest.fixture
def pair(chromium: Browser, page: Page, shared_lab: Lab) -> Iterator[tuple[Editor, Editor]]:
    """Two windows on one file."""
    shared_lab.write("pair.fasttrack.yaml", TEXT)
    other = chromium.new_context(viewport={"width": 1440, "height": 900})
    name = "pair.fasttrack.yaml"
    first = opened(page, shared_lab.page_url(name, workspace="first"), name)
    yield first, opened(other.new_page(), shared_lab.page_url(name, workspace="second"), name)
    other.close()


def test_two_people_draw_type_undo_and_run(pair: tuple[Editor, Editor], shared_lab: Lab) -> None:
    """What one draws the other sees, undo takes back one's own alone, and both watch the job that one starts."""
    first, second = pair
    first.connect("one", "two")
    second.shows(lambda text: "dependencies: [one]" in text, "what the first drew")
    until(lambda: second.tasks() == ["one", "two"], "the same cards")
    second.focus_text()
    second.page.keyboard.insert_text("  - {name: four, command: echo four}  # mine\n")
    until(lambda: "four" in first.tasks(), "the card that the second typed", 10)
    drawn = first.text
    assert "# Comes first." in drawn
    assert "# mine" in drawn
    first.canvas.focus()
    first.page.keyboard.press("Control+z")
    second.shows(lambda text: "dependencies" not in text, "the first's undo")
    assert "# mine" in second.text
    second.canvas.focus()
    second.page.keyboard.press("Control+z")
    first.shows(TEXT, "both took theirs back")
    first.canvas.focus()
    first.page.keyboard.press("Control+Shift+z")
    second.shows(lambda text: "dependencies: [one]" in text, "what the first did again")
    second.press("Editing")
    second.page.get_by_role("menuitem", name="Latest job, always").click()
    first.press("Run")
    for editor in pair:
        editor.show_outline()
        expect(editor.task("two", "succeeded")).to_be_visible(timeout=30_000)
    until(lambda: second.text in (shared_lab.work / second.path).read_text(), "the server has saved the text")
