"""The still picture of a job: its DAG as one small SVG that needs no script, no font of symbols and no theme.

Layers are longest paths from the roots; within a layer a task stands at the mean height of those that it needs
(one barycentre sweep, Sugiyama, Tagawa and Toda 1981); edges are curves between the cards' sides. That is enough for
a picture to remember a job by; the live widget has dagre. Above :data:`MOST_CARDS` tasks the cards fold into one bar,
a segment per state.

The picture is shown as an ``<img>``, which every reader of notebooks lets through where inline SVG is cut out. So it
carries both themes and follows the ``color-scheme`` of the element that shows it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from fasttrack_jupyter.kernel.looks import LOOKS, Look
from fasttrack_jupyter.kernel.widget_rows import TaskRow, middle, totals

MOST_CARDS = 60
CARD_WIDTH, CARD_HEIGHT = 152, 42
_GAP_X, _GAP_Y, _MARGIN = 40, 12, 6
_BAR_WIDTH, _BAR_HEIGHT = 640, 14
_FOOT = 5
SURFACE, TEXT, FAINT, LINE = "#ffffff", "#212121", "#616161", "#767676"
"""Of the light theme."""
_TITLE_LETTERS, _SECOND_LETTERS = 17, 26
FONT = 'font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif"'


def style() -> str:
    """Both themes: the surface, the text, and each state's fill and stroke as ``.fill-…`` and ``.line-…``."""

    def rules(which: str, surface: str, text: str, faint: str, line: str) -> str:
        states = "".join(
            f".fill-{name}{{fill:{getattr(look, which).fill}}}.line-{name}{{stroke:{getattr(look, which).stroke}}}"
            for name, look in LOOKS.items()
        )
        return f".s{{fill:{surface}}}.t{{fill:{text}}}.f{{fill:{faint}}}.e{{stroke:{line}}}{states}"

    light = rules("light", SURFACE, TEXT, FAINT, LINE)
    dark = rules("dark", "#212121", "#e8e8e8", "#bdbdbd", "#8d8d8d")
    return f"<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>"


def icon(look: Look, x: float, y: float) -> str:
    """The state's icon with its upper left corner at (x, y), 12 × 12."""
    name = look.state.name
    fill = f'class="fill-{name} line-{name}"' if look.is_solid else f'class="line-{name}" fill="none"'
    return f'<path {fill} stroke-width="1.6" transform="translate({x:g} {y:g})" d="{look.icon}"/>'


def foot(look: Look, fraction: float | None, width: float = CARD_WIDTH, height: float = CARD_HEIGHT) -> str:
    """The lower edge of a card at (0, 0): filled, hollow or hatched by its state, or as far as its progress is."""
    name, top = look.state.name, height - _FOOT
    if look.foot == "fill":
        return f'<rect class="fill-{name}" x="1" y="{top:g}" width="{width - 2:g}" height="{_FOOT - 1}"/>'
    if look.foot == "hollow":
        return f'<path class="line-{name}" stroke-width="1.2" d="M1 {top:g}H{width - 1:g}"/>'
    if look.foot == "hatched":
        strokes = "".join(f"M{x} {height - 1:g}l5 -{_FOOT}" for x in range(4, int(width) - 8, 7))
        return f'<path class="line-{name}" stroke-width="1.4" d="{strokes}"/>'
    if fraction is None:
        return ""
    return f'<rect class="fill-{name}" x="1" y="{top:g}" width="{(width - 2) * fraction:g}" height="{_FOOT - 1}"/>'


def second_line(row: TaskRow) -> str:
    """What stands small under a card's name: the state in words, then how far or, when it has ended, how long."""
    share = f"{row.fraction:.0%}" if row.fraction is not None else ""
    took = row.took if row.state.is_ended else ""
    return " · ".join(filter(None, (row.word, f"×{row.attempts}" if row.attempts > 1 else "", share, took)))


def inside(row: TaskRow, fraction: float | None) -> str:
    """All that stands within a card whose corner is at (0, 0): foot, icon, name, second line."""
    look = LOOKS[row.state.name]
    return (
        f'{foot(look, fraction)}{icon(look, 9, 8)}<text class="t" x="27" y="18" font-size="12.5">'
        f'{escape(middle(row.path, _TITLE_LETTERS))}</text><text class="f" x="9" y="32" font-size="10.5">'
        f"{escape(middle(second_line(row), _SECOND_LETTERS))}</text>"
    )


def layers(rows: Sequence[TaskRow]) -> list[list[TaskRow]]:
    """The tasks by the length of the longest path to them, each layer in the pipeline's order."""
    layer: dict[str, int] = {}
    for row in _ordered(rows):
        layer[row.path] = 1 + max((layer[name] for name in row.dependencies if name in layer), default=-1)
    columns: list[list[TaskRow]] = [[] for _ in range(1 + max(layer.values(), default=-1))]
    for row in rows:
        columns[layer[row.path]].append(row)
    return columns


def places(rows: Sequence[TaskRow]) -> dict[str, tuple[float, float]]:
    """The upper left corner of each task's card."""
    columns = layers(rows)
    tallest = max(map(len, columns), default=0)
    found: dict[str, tuple[float, float]] = {}
    for number, column in enumerate(columns):
        column.sort(key=lambda row: _mean([found[name][1] for name in row.dependencies if name in found]))
        top = _MARGIN + (tallest - len(column)) * (CARD_HEIGHT + _GAP_Y) / 2
        for place, row in enumerate(column):
            found[row.path] = _MARGIN + number * (CARD_WIDTH + _GAP_X), top + place * (CARD_HEIGHT + _GAP_Y)
    return found


def _ordered(rows: Sequence[TaskRow]) -> list[TaskRow]:
    """Every row after those it needs (Kahn 1962)."""
    known = {row.path: row for row in rows}
    missing = {row.path: len({name for name in row.dependencies if name in known}) for row in rows}
    behind: dict[str, list[str]] = {row.path: [] for row in rows}
    for row in rows:
        for name in set(row.dependencies) & known.keys():
            behind[name].append(row.path)
    order = [path for path, count in missing.items() if not count]
    for path in order:
        for other in behind[path]:
            missing[other] -= 1
            if not missing[other]:
                order.append(other)
    return [known[path] for path in order]


def _mean(heights: list[float]) -> float:
    return sum(heights) / len(heights) if heights else 0.0


def picture(rows: Sequence[TaskRow]) -> str:
    """The job's tasks as an SVG document."""
    return _cards(rows) if 0 < len(rows) <= MOST_CARDS else _bar(rows)


def picture_uri(rows: Sequence[TaskRow]) -> str:
    """:func:`picture` as a ``data:`` address."""
    return f"data:image/svg+xml;base64,{b64encode(picture(rows).encode()).decode()}"


def _cards(rows: Sequence[TaskRow]) -> str:
    at = places(rows)
    width = max(x for x, _ in at.values()) + CARD_WIDTH + _MARGIN
    height = max(y for _, y in at.values()) + CARD_HEIGHT + _MARGIN
    edges = "".join(_edge(at[name], at[row.path]) for row in rows for name in row.dependencies if name in at)
    cards = "".join(_card(row, *at[row.path]) for row in rows)
    return _document(width, height, f'<g class="e" fill="none" stroke-width="1.3">{edges}</g>{cards}')


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x, y = start[0] + CARD_WIDTH, start[1] + CARD_HEIGHT / 2
    to_x, to_y = end[0], end[1] + CARD_HEIGHT / 2
    bend = (to_x - x) / 2
    head = f"M{to_x - 6:g} {to_y - 3:g}L{to_x:g} {to_y:g}L{to_x - 6:g} {to_y + 3:g}"
    return f'<path d="M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}{head}"/>'


def _card(row: TaskRow, x: float, y: float) -> str:
    look = LOOKS[row.state.name]
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    outline = f'class="s line-{row.state.name}" stroke-width="{2.6 if row.is_cause else 1.4}"{dash}'
    return (
        f'<g transform="translate({x:g} {y:g})"><title>{escape(row.path)}: {escape(second_line(row))}</title>'
        f'<rect {outline} width="{CARD_WIDTH}" height="{CARD_HEIGHT}" rx="4"/>{inside(row, row.fraction)}</g>'
    )


def _bar(rows: Sequence[TaskRow]) -> str:
    parts, left = [], float(_MARGIN)
    for count, state in totals(rows):
        width = _BAR_WIDTH * count / len(rows)
        parts.append(
            f'<rect class="fill-{state.name} line-{state.name}" x="{left:g}" y="{_MARGIN}" width="{width:g}" '
            f'height="{_BAR_HEIGHT}"><title>{count:,} {state.word}</title></rect>'
        )
        left += width
    height = (_BAR_HEIGHT if rows else 0) + 2 * _MARGIN
    return _document(_BAR_WIDTH + 2 * _MARGIN, height, "".join(parts), ' preserveAspectRatio="none"')


def _document(width: float, height: float, inside: str, fit: str = "") -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"{fit}'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {FONT}>{style()}{inside}</svg>'
