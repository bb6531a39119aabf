"""Objects that two variables share: in the notebook a change shows in both, between tasks each has its own copy."""

from __future__ import annotations

from collections.abc import Iterable

from fasttrack_jupyter.notebook.cells import CellKind
from fasttrack_jupyter.notebook.flow_cells import Seen, Walk, is_data
from fasttrack_jupyter.notebook.flow_tasks import Gathered
from fasttrack_jupyter.notebook.names_heap import Kind, Node, reach

Apart = dict[str, tuple[tuple[str, str], ...]]


def sharing(walked: Walk, gathered: dict[str, Gathered]) -> Apart:
    """Report what is shared for sure; return, for each task, the pairs that must be looked at when it runs."""
    pairs: dict[str, set[tuple[str, str]]] = {}
    for seen in list(walked.cells.values()):
        if seen.task and seen.record.mutations:
            _shared(walked, gathered, seen)
            for task, pair in _perhaps_shared(walked, gathered, seen):
                pairs.setdefault(task, set()).add(pair)
    return {task: tuple(sorted(found)) for task, found in pairs.items()}


def _came_in(walked: Walk, seen: Seen, nodes: Iterable[Node]) -> set[Node]:
    """Those of the objects that an earlier task made: this task has copies of them."""
    return {node for node in nodes if walked.task_of(node.cell) != seen.task or walked.task_of(node.cell) is None}


def _is_elsewhere(walked: Walk, seen: Seen, name: str) -> bool:
    """Whether the variable comes into this cell's task from another task."""
    variable = seen.start[name]
    return (
        walked.kind_of(variable.cell) is CellKind.TASK
        and walked.task_of(variable.cell) != seen.task
        and is_data(variable)
        and not any(own.index < seen.index and own.writes(name) for own in walked.cells_of(seen.task or ""))
    )


def _shared(walked: Walk, gathered: dict[str, Gathered], seen: Seen) -> None:
    changes = {node: change for node, change in seen.record.mutations.items() if not change.doubtful}
    for node in _came_in(walked, seen, changes):
        group = sorted(name for name, held in seen.held.items() if node in held and _is_elsewhere(walked, seen, name))
        if len(group) < 2:
            continue
        task = gathered[seen.task or ""]
        changed = [name for name in group if name in task.uses] or group
        for other in group:
            by = next((name for name in changed if name != other), None)
            if by is not None and (place := _used(walked, gathered, seen, other)):
                _say_shared(walked, seen, changes[node].line, by, other, place)
                break


def _used(walked: Walk, gathered: dict[str, Gathered], seen: Seen, name: str) -> str:
    """Where the variable is used with, or after, the change; empty: nowhere."""
    if name in gathered[seen.task or ""].uses:
        return f"task {seen.task!r}"
    for task in gathered.values():
        use = task.uses.get(name)
        if use and use.version == seen.index and use.seen.index > seen.index:
            return use.seen.at(use.line)
    return ""


def _say_shared(walked: Walk, seen: Seen, line: int, by: str, other: str, place: str) -> None:
    giver = walked.cells[seen.start[other].cell]
    walked.say(
        "shared_object", seen, line,
        f"{by!r} is changed here, and {other!r} ({giver.cell.label}) is the same object, or holds it, or is held by it: in"
        f" a pipeline each variable is a copy, so {place} would not see the change in {other!r}",
        f"change it in the task that makes {other!r}, use one name for both, or copy it (copy.deepcopy)",
    )  # fmt: skip


def _perhaps_shared(walked: Walk, gathered: dict[str, Gathered], seen: Seen) -> Iterable[tuple[str, tuple[str, str]]]:
    """Pairs that a library's function may have made one object of."""
    touched = _data(reach(_came_in(walked, seen, seen.record.mutations), maybe=True))
    if not touched:
        return
    sure = _data(_came_in(walked, seen, seen.record.mutations))
    direct = [name for name, held in seen.held.items() if held & sure and is_data(seen.start[name])]
    for name, variable in seen.start.items():
        if name in direct and not _only_doubtful(seen, name):
            continue
        if not is_data(variable) or not _data(reach(variable.value.nodes, maybe=True)) & touched:
            continue
        if not _still_used(walked, gathered, seen, name):
            continue
        for other in direct:
            if other != name and (task := _maker(walked, seen, other, name)):
                yield task, (other, name)


def _only_doubtful(seen: Seen, name: str) -> bool:
    return name not in seen.changed and name not in seen.record.writes


def _data(nodes: Iterable[Node]) -> set[Node]:
    return {node for node in nodes if node.kind in (Kind.OPAQUE, Kind.CONTAINER, Kind.INSTANCE)}


def _still_used(walked: Walk, gathered: dict[str, Gathered], seen: Seen, name: str) -> bool:
    version = seen.start[name].cell
    for task in gathered.values():
        use = task.uses.get(name)
        if use and use.version == version and (use.seen.index >= seen.index or task.name == seen.task):
            return True
    return False


def _maker(walked: Walk, seen: Seen, one: str, other: str) -> str | None:
    """The task in which both variables are there for the first time."""
    last = max(seen.start[one].cell, seen.start[other].cell)
    task = walked.task_of(last)
    return task if task != seen.task else None
