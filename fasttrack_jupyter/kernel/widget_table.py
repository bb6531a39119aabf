"""The table of a job's tasks in HTML: the same in the live widget and in the notebook that was saved.

Every text is escaped. A state is an icon, a word and a colour; the words stand in the theme's text colour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.kernel.widget_rows import TaskRow, middle, most_relevant, totals

MOST_ROWS = 100
_NAME_LETTERS, _WHY_LETTERS = 30, 160
_HEADS = ("Task", "State", "Took", "Progress", "Attempts", "Why")
_OPTIONAL: dict[str, Callable[[TaskRow], bool]] = {
    "Progress": lambda row: bool(row.progress) or row.fraction is not None,
    "Attempts": lambda row: row.attempts > 1,
    "Why": lambda row: bool(row.why),
}
"""Columns that are there only when some task has something to say in them: a notebook is narrow."""


def table_html(rows: Sequence[TaskRow], label: str, picked: str | None = None, limit: int = MOST_ROWS) -> str:
    """A table of at most ``limit`` rows; what is left out is counted below it. ``picked``: the selected task."""
    if not rows:
        return '<p class="ftw-none">This job has no tasks.</p>'
    shown = most_relevant(rows, limit)
    columns = [head for head in _HEADS if head not in _OPTIONAL or any(map(_OPTIONAL[head], shown))]
    heads = "".join(f'<th scope="col">{head}</th>' for head in columns)
    body = "".join(_row(row, columns, row.path == picked) for row in shown)
    table = (
        f'<table class="ftw-table" aria-label="{escape(label)}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    left = len(rows) - len(shown)
    return table + (f'<p class="ftw-none">{plural(left, "task")} more not shown.</p>' if left else "")


def _row(row: TaskRow, columns: Sequence[str], is_picked: bool) -> str:
    cells = {
        "Task": f'<th scope="row" title="{escape(row.path)}">{escape(middle(row.path, _NAME_LETTERS))}</th>',
        "State": f"<td>{mark(row.state.name, row.state.icon)} {escape(row.word)}</td>",
        "Took": f'<td class="ftw-number">{escape(row.took)}</td>',
        "Progress": f"<td>{_progress(row)}</td>",
        "Attempts": f'<td class="ftw-number">{row.attempts or ""}</td>',
        "Why": f'<td class="ftw-why" title="{escape(row.why)}">{escape(middle(row.why, _WHY_LETTERS))}</td>',
    }
    picked = ' class="ftw-picked" aria-current="true"' if is_picked else ""
    return f"<tr{picked}>{''.join(cells[column] for column in columns)}</tr>"


def mark(name: str, icon: str) -> str:
    """A state's icon in its colour; words stand beside it, so it says nothing to a screen reader."""
    return f'<span class="ftw-mark ftw-{name}" aria-hidden="true">{icon}</span>'


def _progress(row: TaskRow) -> str:
    said = escape(row.progress)
    if row.fraction is None:
        return said
    bar = f'<progress value="{row.fraction:.3f}" max="1" aria-label="Progress of {escape(row.path)}"></progress>'
    return f"{bar} {said or f'{row.fraction:.0%}'}"


def totals_html(rows: Sequence[TaskRow]) -> str:
    """``3 ✓ 1 ▶ 2 ○``, each with its word for those who hear it or point at it."""
    parts = (
        f'<span title="{count:,} {state.word}">{count:,}&nbsp;{mark(state.name, state.icon)}'
        f'<span class="ftw-heard"> {state.word}</span></span>'
        for count, state in totals(rows)
    )
    return f'<span class="ftw-totals">{" ".join(parts)}</span>'
