"""Tables for people: dense, without frames, wide characters counted as two cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fasttrack_jupyter.api.words import clean
from fasttrack_jupyter.cli.face import Face

if TYPE_CHECKING:
    from rich.text import Text

_MOST_DRAWN = 300
"""Longer tables are not for looking at but for searching: they are written as plain lines, a dozen times faster."""
_GAP = 2


def table(face: Face, columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, empty: str) -> None:
    """Print ``rows`` under ``columns``; ``empty`` is said instead where there are none.

    A column whose name begins with ``>`` is aligned right, with ``<`` it is the one that gives way
    when the terminal is narrow. Strings are shown as they are: no markup, no control characters.
    """
    found = list(rows)
    if not found:
        face.note(empty)
    elif face.stream().isatty() and len(found) <= _MOST_DRAWN:
        _draw(face, columns, found)
    else:
        for line in _aligned(columns, found):
            face.say(line)


def _draw(face: Face, columns: Sequence[str], rows: list[Sequence[str | Text]]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name in columns:
        gives_way = name.startswith("<")
        grid.add_column(
            name.lstrip("<>"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=not gives_way,
            overflow="fold" if gives_way else "ellipsis",
        )
    for row in rows:
        grid.add_row(*(Text(clean(cell)) if isinstance(cell, str) else cell for cell in row))
    face.console().print(grid)


def _aligned(columns: Sequence[str], rows: list[Sequence[str | Text]]) -> Iterator[str]:
    """The table as lines of text, however long they get."""
    from rich.cells import cell_len

    texts = [[clean(cell) if isinstance(cell, str) else cell.plain for cell in row] for row in rows]
    texts = [[cell.replace("\n", " ") for cell in row] for row in texts]
    names = [name.lstrip("<>") for name in columns]
    widths = [max(map(cell_len, cells)) for cells in zip(names, *texts, strict=True)]
    for row in [names, *texts]:
        blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        padded = (
            blank + cell if name.startswith(">") else cell + blank
            for name, cell, blank in zip(columns, row, blanks, strict=True)
        )
        yield (" " * _GAP).join(padded).rstrip()
