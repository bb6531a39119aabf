"""A person's hands and eyes on the editor: what they press, and what they see, by roles and names."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Locator, Page, expect

T = TypeVar("T")

WHERE = """name => {
  const { canvas } = jupyterapp.shell.currentWidget.content;
  const at = canvas.positionsOf([name])[name];
  const { zoom, pan } = canvas.viewState();
  const box = canvas.node.getBoundingClientRect();
  return at ? [at.x * zoom + pan.x + box.left, at.y * zoom + pan.y + box.top, zoom] : null;
}"""
"""Where a card is on the page: a picture has no elements to ask."""
TEXT = "() => jupyterapp.shell.currentWidget.content.context.model.sharedModel.getSource()"
READY = """path => {
  const { currentWidget } = window.jupyterapp?.shell ?? {};
  const isReady = currentWidget?.context?.path === path && currentWidget.context.isReady;
  return isReady && currentWidget.content.canvas && !currentWidget.content.model.canUndo;
}"""
"""JupyterLab forgets the history of a document a moment after it is ready: what is typed before cannot be undone."""


def until(holds: Callable[[], T], what: str, seconds: float = 30.0) -> T:
    """Wait until ``holds()`` is true, and return what it was; fail with ``what`` when it does not come true."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return found


class Editor:
    """The editor of one pipeline file, in front of a person."""

    def __init__(self, page: Page, path: str) -> None:
        self.page, self.path = page, path
        self.panel = page.get_by_role("tabpanel", name=path.rsplit("/", 1)[-1])
        self.canvas = self.panel.get_by_role("application", name="Pipeline canvas")
        self.yaml = self.panel.get_by_role("textbox", name="The pipeline as YAML")
        self.outline = self.panel.get_by_role("tree", name="Tasks in dependency order")
        self.problems = self.panel.get_by_role("region", name="Problems")
        self.properties = self.panel.get_by_role("region", name="Properties")

    def wait(self) -> Editor:
        """Until the file is open and in front."""
        self.page.wait_for_function(READY, arg=self.path, timeout=60_000)
        expect(self.canvas).to_be_visible()
        return self

    # ---- the toolbar and what else has a name

    def press(self, name: str, *, exact: bool = True) -> None:
        """Press a button of the editor."""
        self.panel.get_by_role("button", name=name, exact=exact).click()

    def show_outline(self) -> Locator:
        """The outline, shown if it is not."""
        button = self.panel.get_by_role("button", name="Outline", exact=True)
        if button.get_attribute("aria-pressed") != "true":
            button.click()
        expect(self.outline).to_be_visible()
        return self.outline

    def task(self, name: str, words: str = "") -> Locator:
        """The outline's line of a task, in which ``words`` (an expression) are told."""
        return self.outline.get_by_role("treeitem", name=re.compile(rf"^{re.escape(name)}(?=,|$).*{words}"))

    def tab(self, name: str) -> None:
        """Turn to a tab of the dock."""
        self.panel.get_by_role("tab", name=name, exact=True).click()

    # ---- the text

    @property
    def text(self) -> str:
        """The text as it is now."""
        return str(self.page.evaluate(TEXT))

    def shows(self, wanted: str | Callable[[str], bool], what: str = "the text") -> None:
        """Wait until the text is, or fulfils, what is wanted."""
        holds = wanted if callable(wanted) else lambda text: text == wanted
        until(lambda: holds(self.text), f"{what}; it is now:\n{self.text}", 10)

    def focus_text(self, key: str = "Control+End") -> None:
        """Put the cursor into the YAML, at its end."""
        self.yaml.click()
        self.page.keyboard.press(key)

    # ---- the canvas

    def tasks(self) -> list[str]:
        """Names of the cards on the canvas, in the order of the graph."""
        return list(
            self.page.evaluate("() => jupyterapp.shell.currentWidget.content.feed.graph.tasks.map(t => t.name)")
        )

    def at(self, name: str, along: float = 0, across: float = 0) -> tuple[float, float]:
        """A point of the page on a card: its centre, moved by so many units of the canvas."""
        x, y, zoom = until(lambda: self.page.evaluate(WHERE, name), f"a card of {name}", 10)
        return x + along * zoom, y + across * zoom

    def click(self, name: str) -> None:
        """Click on a card, after all are shown if it is out of sight."""
        box = self.canvas.bounding_box() or {"x": 0, "width": 0}
        if not box["x"] < self.at(name)[0] < box["x"] + box["width"]:
            self.press("Show all")
        self.page.mouse.click(*self.at(name))

    def connect(self, start: str, end: str) -> None:
        """Draw a dependency with the mouse: from the handle of ``start`` to the card of ``end``."""
        mouse = self.page.mouse
        mouse.move(*self.at(start))
        mouse.move(*self.at(start, 95))
        mouse.down()
        mouse.move(*self.at(end, -40), steps=5)
        mouse.move(*self.at(end))
        mouse.up()

    def has_focus(self) -> None:
        """The canvas has the keyboard."""
        expect(self.canvas).to_be_focused()


def opened(page: Page, url: str, path: str) -> Editor:
    """Go to JupyterLab with a pipeline file open."""
    page.goto(url)
    return Editor(page, path).wait()
