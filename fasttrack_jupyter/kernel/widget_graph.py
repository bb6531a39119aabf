"""The live DAG: ipycytoscape, with the cards of the editor drawn small.

What stands within a card is one image, made by :mod:`.picture`, so that the live card and the still one are the same;
its outline follows its state by a selector. A change of a task is one message, the new dictionary of its node
(ipycytoscape sees a replaced dictionary only). The browser keeps every image it has seen, so no clock runs in them and
progress goes in steps.
Where cards would be too small to read (many tasks, a wide layer, a long chain) they become blocks of colour, each layer
wrapped into as many columns as it needs: a heat map that fills the width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ipycytoscape import CytoscapeWidget, Edge, Node

from fasttrack_jupyter.kernel.looks import LOOKS, Look
from fasttrack_jupyter.kernel.picture import (
    CARD_HEIGHT,
    CARD_WIDTH,
    FAINT,
    FONT,
    LINE,
    MOST_CARDS,
    SURFACE,
    TEXT,
    icon,
    inside,
    layers,
)
from fasttrack_jupyter.kernel.widget_rows import TaskRow

_ROOM = (900.0, 130.0)
"""Width and height that a graph has on most pages."""
_SMALLEST = 0.4
"""Scale at which the words on a card can just be read."""
_BLOCK, _PITCH, _BLOCK_ROWS = 20, 26, 5
"""Side of a block and distance between two, in pixels; how many stand below each other."""
_STEPS = 20
_PICKED_STYLE = {"overlay-color": "#1976d2", "overlay-opacity": 0.1, "overlay-padding": 4}

Picked = Callable[[str], None]


class TaskGraph:
    """The graph of one job's tasks. ``picked`` is called with a task's path when its card is clicked."""

    def __init__(self, rows: Sequence[TaskRow], height: str, picked: Picked) -> None:
        self._ids = {row.path: f"t{number}" for number, row in enumerate(rows)}
        self._paths = {node: path for path, node in self._ids.items()}
        self._is_large = _is_large(rows)
        at = _block_places(rows) if self._is_large else {}
        self._nodes = {
            row.path: Node(data=self._data(row, False), grabbable=False, position=at.get(row.path, {})) for row in rows
        }
        self._picked = picked
        self.widget = self._widget(height)
        with self.widget.graph.hold_sync():  # else its whole adjacency is sent with every edge
            self.widget.graph.add_nodes(list(self._nodes.values()))
            self.widget.graph.add_edges(list(self._edges(rows)), directed=True)

    def _widget(self, height: str) -> Any:
        dagre = {"name": "dagre", "rankDir": "LR", "nodeSep": 10, "rankSep": 34, "edgeSep": 6}
        made = CytoscapeWidget(
            cytoscape_layout={
                **({"name": "preset"} if self._is_large else dagre),
                "padding": 8,
                "fit": True,
                "animate": False,
            },
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
        graph = self.widget.graph
        for part in (*graph.nodes, *graph.edges, graph, self.widget.layout, self.widget):
            part.close()

    def _data(self, row: TaskRow, is_picked: bool) -> dict[str, Any]:
        return {
            "id": self._ids[row.path],
            "state": row.state.name,
            "image": _image(row, self._is_large),
            "cause": int(row.is_cause),
            "picked": int(is_picked),
        }


def _is_large(rows: Sequence[TaskRow]) -> bool:
    """Whether cards would be too many, or too small."""
    columns = layers(rows)
    width, height = len(columns) * (CARD_WIDTH + 34), max(map(len, columns), default=0) * (CARD_HEIGHT + 10)
    return len(rows) > MOST_CARDS or min(_ROOM[0] / max(width, 1), _ROOM[1] / max(height, 1)) < _SMALLEST


def _block_places(rows: Sequence[TaskRow]) -> dict[str, dict[str, float]]:
    """The centre of each task's block."""
    found, left = {}, 0
    for layer in layers(rows):
        high = min(len(layer), _BLOCK_ROWS)
        for place, row in enumerate(layer):
            column, line = divmod(place, _BLOCK_ROWS)
            found[row.path] = {"x": float(_PITCH * (left + column)), "y": _PITCH * (line - (high - 1) / 2)}
        left += 1 + -(-len(layer) // _BLOCK_ROWS)
    return found


def _size(is_large: bool) -> tuple[int, int]:
    return (_BLOCK, _BLOCK) if is_large else (CARD_WIDTH, CARD_HEIGHT)


def _image(row: TaskRow, is_large: bool) -> str:
    look, (width, height) = LOOKS[row.state.name], _size(is_large)
    name, colours = row.state.name, look.light
    step = None if row.fraction is None else round(row.fraction * _STEPS) / _STEPS
    told = row if step is None else replace(row, fraction=step)
    drawn = icon(look, 4, 4) if is_large else inside(told, step)
    states = f".fill-{name}{{fill:{colours.fill}}}.line-{name}{{stroke:{colours.stroke}}}"
    style = f"<style>.t{{fill:{TEXT}}}.f{{fill:{FAINT}}}{states}</style>"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {FONT}>{style}{drawn}</svg>'
    return f"data:image/svg+xml,{quote(whole)}"


def _style(is_large: bool) -> list[dict[str, Any]]:
    width, height = _size(is_large)
    node = {
        "shape": "roundrectangle", "width": width, "height": height, "background-color": SURFACE,
        "background-image": "data(image)", "background-fit": "none", "background-width": width,
        "background-height": height, "background-clip": "none", "border-width": 1.4, "border-color": LINE,
    }  # fmt: skip
    edge = {
        "width": 1.3, "line-color": LINE, "curve-style": "bezier", "target-arrow-shape": "triangle",
        "target-arrow-color": LINE, "arrow-scale": 0.7,
    }  # fmt: skip
    if is_large:
        edge |= {"opacity": 0.25, "width": 1}
    return [
        {"selector": "node", "style": node},
        {"selector": "edge", "style": edge},
        *({"selector": f'node[state = "{name}"]', "style": _outline(look)} for name, look in LOOKS.items()),
        {"selector": "node[cause = 1]", "style": {"border-width": 3.5, "border-style": "double"}},
        {"selector": "node[picked = 1]", "style": _PICKED_STYLE},
    ]


def _outline(look: Look) -> dict[str, Any]:
    dashed = {"5 3": "dashed", "2 3": "dotted"}.get(look.dash, "solid")
    return {"border-color": look.light.stroke, "border-style": dashed}
