"""The controls of the widget, and where they stand; what they do is :mod:`.widget`'s business."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import HTML, Button, Dropdown, HBox, ToggleButton, ToggleButtons, VBox

LOG, OUTPUTS, METRICS = "Log", "Outputs", "Metrics"


def _html(*classes: str) -> Any:
    made = HTML("")
    for name in classes:
        made.add_class(name)
    return made


def _bar(*children: Any) -> Any:
    made = HBox(list(children))
    made.add_class("ftw-bar")
    return made


def _button(word: str, tooltip: str, style: str = "") -> Any:
    return Button(description=word, tooltip=tooltip, button_style=style)


class Parts:
    """Everything that a person sees and presses. ``box`` is the whole."""

    def __init__(self, style: str, height: str) -> None:
        self.style = _html("ftw-style")
        self.style.value = style
        self.title = _html("ftw-grow")
        self.link = _html("ftw-links")
        self.cancel = _button("Cancel", "End what runs, and start nothing more")
        self.rerun = _button("Rerun", "A new job of the same pipeline")
        self.rerun_edited = _button("Rerun with edited cells", "A new job of the notebook's cells as they are now")
        self.rerun_failed = _button("Rerun from failed", "A new job that takes over what has succeeded")
        self.zoom = ToggleButton(description="Zoom", tooltip="Zoom with the mouse wheel; off: everything is shown")
        self.question = _html("ftw-said")
        self.yes = _button("Cancel the job", "Everything that runs is ended; what it has not written is lost", "danger")
        self.no = _button("Keep it running", "Nothing is ended")
        self.confirm = _bar(self.question, self.yes, self.no)
        self.said = _html("ftw-said")
        self.folded = _html("ftw-folded")
        self.list = _html("ftw-list")
        self.task = Dropdown(options=[], tooltip="The task whose log and outputs are shown")
        self.view = ToggleButtons(
            options=[LOG, OUTPUTS, METRICS],
            tooltips=["What the task writes", "What the task has left", "What the task notes of itself, as curves"],
            style={"button_width": "auto"},
        )
        self.follow = ToggleButton(value=True, description="Follow", tooltip="Go on with the log; off: it stands still")
        self.pane = _html("ftw-pane", "ftw-log")
        self.box = self._box(height)

    def _box(self, height: str) -> Any:
        for control in (self.confirm, self.said, self.rerun_edited):
            shown(control, False)
        detail = VBox([_bar(self.task, self.view, self.follow), self.pane])
        detail.add_class("ftw-detail")
        body = HBox([self.list, detail])
        body.add_class("ftw-body")
        bar = _bar(
            self.title, self.link, self.cancel, self.rerun, self.rerun_failed, self.rerun_edited, self.zoom
        )  # fmt: skip
        self._above, self._below = [self.style, bar, self.confirm, self.said], [body]
        box = VBox([*self._above, self.folded, *self._below], layout={"height": height})
        box.add_class("ftw")
        return box

    def place(self, graph: Any) -> None:
        """Put the graph (or what stands for it) between the bar and the table."""
        self.box.children = [*self._above, graph, *self._below]

    def on(self, press: dict[str, Callable[[], None]], change: dict[str, Callable[[Any], None]]) -> None:
        """Call ``press[name]()`` when that button is pressed, and ``change[name](value)`` when that value changes."""
        for name, do in press.items():
            getattr(self, name).on_click(lambda _, do=do: do())
        for name, heard in change.items():
            getattr(self, name).observe(lambda news, heard=heard: heard(news["new"]), "value")

    def close(self) -> None:
        """Let go of every control in the front-end."""
        for whole in (self.folded, self.box):
            close(whole)


def close(control: Any) -> None:
    """Close a control and all that it is made of: an open one is kept alive by ipywidgets."""
    for part in getattr(control, "children", ()):
        close(part)
    for name in ("layout", "style"):
        if control.has_trait(name):
            getattr(control, name).close()
    control.close()


def shown(control: Any, is_shown: bool) -> None:
    """Show a control, or take it off the page."""
    wanted = None if is_shown else "none"
    if control.layout.display != wanted:
        control.layout.display = wanted
