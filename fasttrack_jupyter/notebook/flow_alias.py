"""Objects that two variables share: in the notebook a change shows in both, between tasks each has its own copy.

A task has several *copies* of the notebook's objects: each input is one, and all that common cells and parameters
made are one. Where a task changes an object of which it has two copies, or one that a variable holds which it does
not have, somebody will see the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.cells import CellKind
from fasttrack_jupyter.notebook.flow_cells import Seen, Walk, is_data
from fasttrack_jupyter.notebook.flow_tasks import Gathered, Use
from fasttrack_jupyter.notebook.flow_types import Apart
from fasttrack_jupyter.notebook.names_heap import Kind, Node, reach

_NONE: frozenset[Node] = frozenset()
_Uses = dict[str, list[Use]]
"""By variable, in the order of the tasks."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A variable as it is when the task begins."""

    name: str
    copy: str
    """Which copy it leads to."""
    cell: int
    """The cell that gave it."""
    nodes: frozenset[Node]
    is_here: bool
    """Whether the task has it at all."""


def sharing(walked: Walk, gathered: dict[str, Gathered]) -> dict[str, tuple[Apart, ...]]:
    """Report what is shared for sure; return, for each task, the pairs that must be looked at when it runs."""
    pairs: dict[str, set[Apart]] = {}
    uses: _Uses = {}
    for task in gathered.values():
        for name, use in task.uses.items():
            uses.setdefault(name, []).append(use)
    for task in gathered.values():
        cells = walked.cells_of(task.name)
        if not any(seen.record.mutations or seen.record.identities for seen in cells):
            continue
        held = list(_held(walked, task, cells))
        said: set[frozenset[str]] = set()
        for seen in cells:
            _identities(walked, seen, held)
        for seen in cells:
            _shared(walked, uses, seen, held, said)
        for maker, pair in _perhaps_shared(walked, uses, cells, held):
            if frozenset(pair[:2]) not in said:
                pairs.setdefault(maker, set()).add(pair)
    return {task: tuple(sorted(found)) for task, found in pairs.items()}


def _held(walked: Walk, task: Gathered, cells: list[Seen]) -> Iterator[_Held]:
    first = cells[0]
    common = {name for cell in cells for name in cell.record.reads}
    for name, variable in first.start.items():
        if not is_data(variable):
            continue
        if walked.kind_of(variable.cell) in (CellKind.COMMON, CellKind.PARAMS):
            yield _Held(name, "common", variable.cell, first.held.get(name, _NONE), name in common)
        elif name not in task.uses:
            yield _Held(name, f"elsewhere {name}", variable.cell, first.held.get(name, _NONE), False)
    for name, use in task.uses.items():
        start = first if name in first.start and first.start[name].cell == use.version else use.seen
        yield _Held(name, f"input {name}", use.version, start.held.get(name, _NONE), True)


def _from_outside(walked: Walk, seen: Seen, nodes: Iterable[Node]) -> set[Node]:
    """Those of the objects that the task did not make: it has copies of them."""
    return {node for node in nodes if walked.task_of(node.cell) != seen.task}


def _shared(walked: Walk, uses: _Uses, seen: Seen, held: list[_Held], said: set[frozenset[str]]) -> None:
    changes = {node: change for node, change in seen.record.mutations.items() if not change.doubtful}
    for node in _from_outside(walked, seen, changes):
        holders = [one for one in held if node in one.nodes]
        for one, other in _pairs(holders):
            pair = frozenset((one.name, other.name))
            if pair not in said and (place := _used(walked, uses, seen, other)):
                said.add(pair)
                _say_shared(walked, seen, changes[node].line, one, other, place)


def _identities(walked: Walk, seen: Seen, held: list[_Held]) -> None:
    """``a is b`` where the two come from variables that are copies of each other's objects."""
    told: set[int] = set()
    for node in _from_outside(walked, seen, seen.record.identities):
        line = seen.record.identities[node]
        pair = next(((a, b) for a, b in _pairs([one for one in held if node in one.nodes]) if b.is_here), None)
        if pair is None or line in told:
            continue
        told.add(line)
        one, other = sorted(pair, key=lambda held: held.name)
        walked.say(
            "shared_identity", seen, line,
            f"this asks whether two objects are one; {one.name!r} and {other.name!r} hold the same object in the"
            " notebook, and a copy each in a pipeline: the answer will be another one",
            "compare a value of theirs (a name, a number), give the class an __eq__ and __hash__, or take both out of"
            " one variable", Severity.WARNING,
        )  # fmt: skip


def _pairs(holders: list[_Held]) -> Iterator[tuple[_Held, _Held]]:
    """Variables that lead to different copies, the first of which the task has."""
    return ((one, other) for one in holders if one.is_here for other in holders if one.copy != other.copy)


def _used(walked: Walk, uses: _Uses, seen: Seen, held: _Held) -> str:
    """Where the variable is used with, or after, the change; empty: nowhere."""
    cells = walked.cells_of(seen.task or "")
    if any(held.name in cell.record.reads for cell in cells):
        return f"task {seen.task!r}"
    later = {cell.index for cell in cells if held.name in cell.changed}
    return next((use.seen.at(use.line) for use in uses.get(held.name, ()) if use.version in later), "")


def _say_shared(walked: Walk, seen: Seen, line: int, one: _Held, other: _Held, place: str) -> None:
    giver = walked.cells[other.cell]
    walked.say(
        "shared_object", seen, line,
        f"{one.name!r} is changed here, and {other.name!r} ({giver.cell.label}) is the same object, or holds it, or is"
        f" held by it: in a pipeline each variable is a copy, so {place} would not see the change in {other.name!r}",
        f"change it in the task that makes {other.name!r}, use one name for both, or copy it (copy.deepcopy)",
    )  # fmt: skip


def _perhaps_shared(walked: Walk, uses: _Uses, cells: list[Seen], held: list[_Held]) -> Iterator[tuple[str, Apart]]:
    """Pairs that a library's function may have made one object of, with the task in which both are there."""
    changed = {node for seen in cells for node in _from_outside(walked, seen, seen.record.mutations)}
    rewrites = {node for seen in cells for node in seen.record.rewrites}
    touched = _data(reach(changed, maybe=True))
    if not touched:
        return
    near = {one.name: _data(reach(one.nodes, maybe=True)) & touched for one in held}
    holders = [one for one in held if near[one.name]]
    for one, other in _pairs(holders):
        if near[one.name] & near[other.name] and (other.is_here or _used_later(uses, cells[-1], other)):
            maker = walked.task_of(max(one.cell, other.cell))
            if maker is not None and maker != cells[0].task:
                seen_there = changed & (near[one.name] | near[other.name])
                how = "columns" if seen_there and not seen_there & rewrites else "any"
                first, second = sorted((one.name, other.name))
                yield maker, Apart(first, second, cells[0].task or "", how)


def _used_later(uses: _Uses, last: Seen, held: _Held) -> bool:
    return any(use.version == held.cell and use.seen.index > last.index for use in uses.get(held.name, ()))


def _data(nodes: Iterable[Node]) -> set[Node]:
    return {node for node in nodes if node.kind in (Kind.OPAQUE, Kind.CONTAINER, Kind.INSTANCE)}
