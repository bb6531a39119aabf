"""The live DAG: ipycytoscape, with the cards of the editor drawn small.

A card's icon and foot are one image, made here; its outline follows its state by a selector; its words are its label.
So a change of a task is one message, the new dictionary of its node (ipycytoscape sees a replaced dictionary only).
Above :data:`MANY` tasks cards become plain blocks of colour; the widget folds the graph away above :data:`MOST_NODES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from ipycytoscape import CytoscapeWidget, Edge, Node

from fasttrack_jupyter.kernel.looks import LOOKS, Look
from fasttrack_jupyter.kernel.picture import foot, icon, second_line
from fasttrack_jupyter.kernel.widget_rows import TaskRow, middle

MANY = 60
MOST_NODES = 300
WIDTH, HEIGHT = 136, 38
_LETTERS, _SECOND_LETTERS = 17, 22
_STEPS = 20
"""Of a progress bar: each step is another image, and images are kept by the browser."""
_SURFACE, _TEXT, _LINE, _PICKED = "#ffffff", "#212121", "#767676", "#1976d2"

Picked = Callable[[str], None]


class TaskGraph:
    """The graph of one job's tasks. ``picked`` is called with a task's path when its card is clicked."""

    def __init__(self, rows: Sequence[TaskRow], height: str, picked: Picked) -> None:
        self._ids = {row.path: f"t{number}" for number, row in enumerate(rows)}
        self._paths = {node: path for path, node in self._ids.items()}
        self._is_large = len(rows) > MANY
        self._nodes = {row.path: Node(data=self._data(row, False), grabbable=False) for row in rows}
        self._picked = picked
        self.widget = self._widget(height)
        self.widget.graph.add_nodes(list(self._nodes.values()))
        self.widget.graph.add_edges(list(self._edges(rows)), directed=True)

    def _widget(self, height: str) -> Any:
        spread = {"nodeSep": 10, "rankSep": 34, "edgeSep": 6} if not self._is_large else {"nodeSep": 6, "rankSep": 24}
        made = CytoscapeWidget(
            cytoscape_layout={"name": "dagre", "rankDir": "LR", "padding": 8, "fit": True, "animate": False, **spread},
            cytoscape_style=_style(self._is_large),
            user_zooming_enabled=False,  # the wheel scrolls the notebook
            auto_ungrabify=True,
            max_zoom=1.15,
            min_zoom=0.02,
            tooltip_source="",  # its tooltips are HTML: names are not
            layout={"height": height, "width": "100%"},
        )
        made.add_class("ftw-graph")
        made.on("node", "click", self._clicked)
        return made

    def _edges(self, rows: Sequence[TaskRow]) -> Any:
        for row in rows:
            for name in row.dependencies:
                if name in self._ids:
                    yield Edge(data={"source": self._ids[name], "target": self._ids[row.path]}, classes="directed")

    def _clicked(self, node: dict[str, Any]) -> None:
        path = self._paths.get(str(node.get("data", {}).get("id")))
        if path is not None:
            self._picked(path)

    def show(self, rows: Sequence[TaskRow], picked: str | None) -> None:
        """Send what is new about the tasks."""
        for row in rows:
            node, data = self._nodes.get(row.path), self._data(row, row.path == picked)
            if node is not None and dict(node.data) != data:
                node.data = data

    def arrange(self) -> None:
        """Lay the cards out again, and show them all."""
        self.widget.relayout()

    def close(self) -> None:
        """Let go of every model in the front-end."""
        for part in (*self.widget.graph.nodes, *self.widget.graph.edges, self.widget.graph, self.widget):
            part.close()

    def _data(self, row: TaskRow, is_picked: bool) -> dict[str, Any]:
        look = LOOKS[row.state.name]
        return {
            "id": self._ids[row.path],
            "label": "" if self._is_large else _label(row),
            "state": row.state.name,
            "image": _image(look, row.fraction, self._is_large),
            "cause": int(row.is_cause),
            "picked": int(is_picked),
        }


def _label(row: TaskRow) -> str:
    return f"{middle(row.path, _LETTERS)}\n{middle(second_line(row), _SECOND_LETTERS)}"


def _image(look: Look, fraction: float | None, is_large: bool) -> str:
    name, colours = look.state.name, look.light
    width, height = (20, 20) if is_large else (WIDTH, HEIGHT)
    step = None if fraction is None else round(fraction * _STEPS) / _STEPS
    inside = icon(look, 4, 4) if is_large else foot(look, step, WIDTH, HEIGHT) + icon(look, 8, 6)
    style = f"<style>.fill-{name}{{fill:{colours.fill}}}.line-{name}{{stroke:{colours.stroke}}}</style>"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{style}{inside}</svg>'
    return f"data:image/svg+xml,{quote(drawn)}"


def _style(is_large: bool) -> list[dict[str, Any]]:
    width, height = (20, 20) if is_large else (WIDTH, HEIGHT)
    node = {
        "shape": "roundrectangle", "width": width, "height": height, "background-color": _SURFACE,
        "background-image": "data(image)", "background-fit": "none", "background-width": width,
        "background-height": height, "background-clip": "none", "border-width": 1.4, "border-color": _LINE,
        "label": "data(label)", "color": _TEXT, "font-size": 10.5, "font-family": "system-ui, sans-serif",
        "text-wrap": "wrap", "text-max-width": width, "text-valign": "center", "text-halign": "center",
        "text-margin-y": -1, "min-zoomed-font-size": 6,
    }  # fmt: skip
    edge = {
        "width": 1.3, "line-color": _LINE, "curve-style": "bezier", "target-arrow-shape": "triangle",
        "target-arrow-color": _LINE, "arrow-scale": 0.7,
    }  # fmt: skip
    return [
        {"selector": "node", "style": node},
        {"selector": "edge", "style": edge},
        *({"selector": f'node[state = "{name}"]', "style": _outline(look)} for name, look in LOOKS.items()),
        {"selector": "node[cause = 1]", "style": {"border-width": 3.5, "border-style": "double"}},
        {"selector": "node[picked = 1]", "style": {"overlay-color": _PICKED, "overlay-opacity": 0.12}},
    ]


def _outline(look: Look) -> dict[str, Any]:
    dashed = {"5 3": "dashed", "2 3": "dotted"}.get(look.dash, "solid")
    return {"border-color": look.light.stroke, "border-style": dashed}
