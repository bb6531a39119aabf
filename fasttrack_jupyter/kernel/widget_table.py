"""The table of a job's tasks in HTML: the same in the live widget and in the notebook that was saved.

Every text is escaped. A state is an icon, a word and a colour; the words stand in the theme's text colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.kernel.widget_rows import TaskRow, middle, most_relevant, totals

MOST_ROWS = 100
_NAME_LETTERS, _WHY_LETTERS = 40, 160
_HEADS = ("Task", "State", "Took", "Progress", "Attempts", "Why")


def table_html(rows: Sequence[TaskRow], label: str, picked: str | None = None, limit: int = MOST_ROWS) -> str:
    """A table of at most ``limit`` rows; what is left out is counted below it. ``picked``: the selected task."""
    if not rows:
        return '<p class="ftw-none">This job has no tasks.</p>'
    shown = most_relevant(rows, limit)
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    body = "".join(_row(row, row.path == picked) for row in shown)
    table = (
        f'<table class="ftw-table" aria-label="{escape(label)}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    left = len(rows) - len(shown)
    return table + (f'<p class="ftw-none">{plural(left, "task")} more not shown.</p>' if left else "")


def _row(row: TaskRow, is_picked: bool) -> str:
    cells = (
        f'<th scope="row" title="{escape(row.path)}">{escape(middle(row.path, _NAME_LETTERS))}</th>',
        f"<td>{mark(row.state.name, row.state.icon)} {escape(row.word)}</td>",
        f'<td class="ftw-number">{escape(row.took)}</td>',
        f"<td>{_progress(row)}</td>",
        f'<td class="ftw-number">{f"×{row.attempts}" if row.attempts > 1 else row.attempts or ""}</td>',
        f'<td title="{escape(row.why)}">{escape(middle(row.why, _WHY_LETTERS))}</td>',
    )
    picked = ' class="ftw-picked" aria-current="true"' if is_picked else ""
    return f"<tr{picked}>{''.join(cells)}</tr>"


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
