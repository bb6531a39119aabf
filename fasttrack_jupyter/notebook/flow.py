"""Which variables go from task to task, read from a notebook's cells without running any of them.

The rule is the notebook's own: cells run from top to bottom, and a name means what the last cell before gave it.
A task takes each variable that it uses from the last task that bound it, or changed what it names; what it
changes itself it hands on in its turn. Tasks are processes: they share no objects, and no state of the process.
Where that would make a difference, a problem says so, by the names of the variable and the cells; a difference
that cannot be seen in the text is watched for when the task runs (``watched``, ``apart``).

Theory, in order: :mod:`.flow_cells` walks through all cells as one program, :mod:`.flow_tasks` gathers what each
task uses, :mod:`.flow_order` looks for tasks that need each other, :mod:`.flow_alias` for objects that two
variables share, :mod:`.flow_state` for seeds, options and files.
"""

from __future__ import annotations

from collections.abc import Iterable

from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.flow_alias import sharing
from fasttrack_jupyter.notebook.flow_cells import Walk, walk
from fasttrack_jupyter.notebook.flow_order import order_problems
from fasttrack_jupyter.notebook.flow_promised import promised
from fasttrack_jupyter.notebook.flow_state import state_problems
from fasttrack_jupyter.notebook.flow_tasks import Gathered, gather
from fasttrack_jupyter.notebook.flow_types import Apart, Definition, Flow, TaskFlow

__all__ = ["Definition", "Flow", "TaskFlow", "flow_of"]


def flow_of(notebook: Notebook) -> Flow:
    """How variables flow between the notebook's tasks; what cannot be decided is among ``problems``."""
    walked = walk(notebook)
    gathered = gather(walked)
    apart = sharing(walked, gathered)
    promised(walked, gathered)
    order_problems(walked, gathered)
    state_problems(walked, gathered)
    tasks = [_task(walked, gathered[name], apart.get(name, ())) for name in walked.tasks]
    shells = [_shell(name, cells) for name, cells in _shells(notebook).items() if name not in gathered]
    order = {name: index for index, name in enumerate(notebook.tasks)}
    both = sorted([*tasks, *shells], key=lambda task: order[task.name])
    return Flow(tuple(both), _sorted(walked.problems.values()))


def _task(walked: Walk, task: Gathered, apart: tuple[Apart, ...]) -> TaskFlow:
    outputs = dict.fromkeys(sorted(task.outputs))
    for cell in walked.cells_of(task.name):
        outputs.update(dict.fromkeys(cell.cell.options.outputs or ()))
    return TaskFlow(
        name=task.name,
        inputs=dict(sorted(task.inputs.items())),
        outputs=tuple(outputs),
        optional=tuple(name for name in walked.assigned(task.name, task.versions) if name not in outputs),
        definitions=task.sources(walked),
        common=tuple(walked.cells[index].cell.key for index in sorted(task.common)),
        params=tuple(sorted(task.params)),
        watched=dict(sorted(task.watched.items())),
        after=walked.after(task.name),
        apart=apart,
    )


def _shells(notebook: Notebook) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in notebook.cells:
        if cell.kind is CellKind.SHELL and cell.task:
            found.setdefault(cell.task, []).append(cell)
    return found


def _shell(name: str, cells: list[Cell]) -> TaskFlow:
    after = dict.fromkeys(one for cell in cells for one in cell.options.after)
    return TaskFlow(name, {}, (), (), (), (), (), {}, tuple(after))


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    ranks = {"error": 0, "warning": 1, "notice": 2}
    return tuple(sorted(problems, key=lambda one: ranks[one.severity]))
