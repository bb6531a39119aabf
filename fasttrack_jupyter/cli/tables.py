"""Tables for people: dense, without frames, wide characters counted as two cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.words import clean

if TYPE_CHECKING:
    from rich.text import Text


def table(face: Face, columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, empty: str) -> None:
    """Print ``rows`` under ``columns``; ``empty`` is said instead where there are none.

    A column whose name begins with ``>`` is aligned right, with ``<`` it is the one that gives way
    when the terminal is narrow. Strings are shown as they are: no markup, no control characters.
    """
    from rich.table import Table
    from rich.text import Text

    console = face.console()
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
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
    if not grid.row_count:
        face.note(empty)
        return
    if console.is_terminal:
        console.print(grid)
        return
    with console.capture() as drawn:
        console.print(grid)
    for line in drawn.get().splitlines():
        face.say(line.rstrip())  # rich fills lines up with blanks
