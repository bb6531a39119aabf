"""Tasks that need each other, and names that two tasks write in no order."""

from __future__ import annotations

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.flow_cells import Walk
from fasttrack_jupyter.notebook.flow_tasks import Gathered


def order_problems(walked: Walk, gathered: dict[str, Gathered]) -> None:
    """Report cycles, ``--after`` that leads nowhere, and writers in no order."""
    needs = {name: {*task.inputs.values(), *walked.after(name)} for name, task in gathered.items()}
    if cycle := _cycle(needs):
        _say_cycle(walked, gathered, cycle)
        return
    for task in gathered.values():
        _unordered_writers(walked, task, needs)


def ancestors(needs: dict[str, set[str]], name: str) -> set[str]:
    """All tasks that must come before."""
    found: set[str] = set()
    stack = list(needs.get(name, ()))
    while stack:
        one = stack.pop()
        if one not in found:
            found.add(one)
            stack.extend(needs.get(one, ()))
    return found


def _cycle(needs: dict[str, set[str]]) -> list[str]:
    """The tasks of one cycle, each needing the next; none: empty."""
    for name in needs:
        way = [name]
        seen: set[str] = set()
        while way:
            following = sorted(one for one in needs.get(way[-1], ()) if one == name or one not in seen)
            if name in following:
                return way
            if following:
                seen.add(following[0])
                way.append(following[0])
            else:
                way.pop()
    return []


def _say_cycle(walked: Walk, gathered: dict[str, Gathered], cycle: list[str]) -> None:
    parts = []
    for name, needed in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        task = gathered[name]
        uses = [use for variable, use in task.uses.items() if task.inputs[variable] == needed]
        if uses:
            use = min(uses, key=lambda one: one.seen.index)
            giver = walked.cells[use.version].cell.label
            parts.append(f"{name!r} ({use.seen.at(use.line)}) needs {use.name!r} of {needed!r} ({giver})")
        else:
            parts.append(f"{name!r} comes after {needed!r} (--after)")
    first = walked.cells_of(cycle[0])[0]
    walked.say("cycle", first, 1, "tasks need each other: " + ", and ".join(parts),
               "give one of the cells a task of its own, or leave one of these out")  # fmt: skip


def _unordered_writers(walked: Walk, task: Gathered, needs: dict[str, set[str]]) -> None:
    for name, use in task.uses.items():
        producer = task.inputs[name]
        before = ancestors(needs, producer)
        for other in walked.writers(name, use.version):
            if other.task in (producer, task.name) or other.task in before:
                continue
            giver = walked.cells[use.version]
            walked.say(
                "two_writers", use.seen, use.line,
                f"{name!r} is given by {giver.cell.label} (task {producer!r}) and by {other.cell.label} (task"
                f" {other.task!r}), which nothing puts in order; that of {giver.cell.label} is taken",
                f"use two names, or write --after {other.task} on task {producer!r}", Severity.NOTICE,
            )  # fmt: skip
