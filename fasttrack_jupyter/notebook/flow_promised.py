"""What ``--out`` and ``--value`` promise must be given: told when the pipeline is built, not hours later."""

from __future__ import annotations

import difflib

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.cells import CellKind
from fasttrack_jupyter.notebook.flow_cells import Seen, Walk
from fasttrack_jupyter.notebook.flow_tasks import Gathered


def promised(walked: Walk, gathered: dict[str, Gathered]) -> None:
    """Say which of the promised names no cell of the task gives a value; only warn where cells may bind any name."""
    for task in gathered.values():
        for seen in walked.cells_of(task.name):
            options = seen.cell.options
            for name in options.outputs or ():
                if not _is_there(walked, task, name):
                    _say(walked, task, seen, name, "--out")
            for name, _ in options.value:
                if not _is_there(walked, task, name):
                    _say(walked, task, seen, name, "--value")


def _is_there(walked: Walk, task: Gathered, name: str) -> bool:
    cells = walked.cells_of(task.name)
    if name in task.inputs or name in task.params or any(name in seen.record.writes for seen in cells):
        return True
    variable = cells[-1].end.get(name)
    return (
        variable is not None
        and walked.kind_of(variable.cell) in (CellKind.COMMON, CellKind.PARAMS)
        and (variable.cell in task.common or walked.kind_of(variable.cell) is CellKind.PARAMS)
    )


def _say(walked: Walk, task: Gathered, seen: Seen, name: str, option: str) -> None:
    cells = walked.cells_of(task.name)
    written = {one for cell in cells for one in cell.record.writes}
    close = difflib.get_close_matches(name, written, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"give {name!r} a value in the task, or leave it out of {option}"
    travelling = [walked.cells[index] for index in task.common]
    is_open = any(cell.record.findings or cell.record.stars for cell in [*cells, *travelling])
    walked.say(
        "unknown_output", seen, 1, f"{option} names {name!r}, which no cell of task {task.name!r} gives a value", hint,
        Severity.WARNING if is_open else Severity.ERROR,
    )  # fmt: skip
