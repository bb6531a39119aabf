"""Names that a cell uses, and no cell before gives: who could, and what to do."""

from __future__ import annotations

import difflib

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.cells import Cell, CellKind
from fasttrack_jupyter.notebook.flow_cells import Seen, Walk
from fasttrack_jupyter.notebook.names_heap import Variable
from fasttrack_jupyter.notebook.names_record import Read


def missing(walked: Walk, seen: Seen, name: str, read: Read, deleted: Variable | None) -> None:
    """Say why ``name`` is not there for this cell, unless the cell copes with that."""
    if read.forgiven:
        return
    own = seen.record.writes.get(name)
    if own is not None and (read.indirect or own <= read.line):
        return  # bound on some way, or before the function is called
    if deleted is not None:
        giver = walked.cells[deleted.cell]
        walked.say("deleted", seen, read.line, f"{name!r} is deleted in {giver.at(giver.line_of(name))}",
                   "delete it later, or not at all")  # fmt: skip
        return
    if plain := _plain_giver(walked, seen, name):
        _say_plain(walked, seen, name, read, plain)
        return
    if any(cell.record.stars for cell in walked.commons() if cell.index < seen.index) or seen.record.stars:
        return
    _say_unknown(walked, seen, name, read)


def _plain_giver(walked: Walk, seen: Seen, name: str) -> Cell | None:
    givers = {index: cell for index, (cell, names) in walked.plain.items() if name in names.writes}
    before = [index for index in givers if index < seen.index]
    return givers[max(before)] if before else givers[min(givers)] if givers else None


def _say_plain(walked: Walk, seen: Seen, name: str, read: Read, plain: Cell) -> None:
    why = "is left out" if plain.kind is CellKind.SKIP else "belongs to no task"
    walked.say(
        "plain_giver", seen, read.line, f"{name!r} comes from {plain.label}, which {why}",
        f"mark {plain.label}: %%fasttrack_common for imports, functions and constants, %%fasttrack_task for work",
    )  # fmt: skip


def _say_unknown(walked: Walk, seen: Seen, name: str, read: Read) -> None:
    later = next((one for one in walked.cells.values() if one.index >= seen.index and one.writes(name)), None)
    if later is not None:
        walked.say(
            "used_before", seen, read.line, f"{name!r} is used before {later.at(later.line_of(name))} gives it a value",
            f"move {later.cell.label} up" if later is not seen else f"give {name!r} a value first",
            Severity.WARNING if read.indirect else Severity.ERROR,
        )  # fmt: skip
        return
    known = {name for one in walked.cells.values() for name in one.record.writes}
    close = difflib.get_close_matches(name, known, 1)
    walked.say(
        "unknown_name", seen, read.line, f"{name!r} is not defined in any cell",
        f"did you mean {close[0]!r}?" if close else "define or import it in a cell of the pipeline",
        Severity.WARNING if read.indirect else Severity.ERROR,
    )  # fmt: skip
