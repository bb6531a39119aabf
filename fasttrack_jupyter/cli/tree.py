"""Task instances as people read them: each below the loop or the group that it is inside of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fasttrack_jupyter.api.words import clean

Json = dict[str, Any]

MOST_INSIDE = 25
"""Iterations of one loop that are shown; of more, those that matter."""
_LONGEST_ITEM = 40


def step_of(task: Json) -> str:
    """A task instance by its own name below what it is inside of; an iteration with its item."""
    path: str = task["path"]
    parent: str | None = task.get("parent")
    if parent is None or not path.endswith("]"):
        return path if parent is None else path[len(parent) + 1 :]
    return f"{path[len(parent) :]} {clean(str(task['item']))[:_LONGEST_ITEM]}"


def in_tree(tasks: list[Json]) -> Iterator[tuple[Json, int, int]]:
    """The task instances, each below what it is inside of, with its depth; of many iterations those that matter.

    Where some are left out there is a row with how many.
    """
    inside: dict[str | None, list[Json]] = {}
    for task in tasks:
        inside.setdefault(task.get("parent"), []).append(task)
    todo = [(task, 0, 0) for task in reversed(inside.get(None, []))]
    while todo:
        task, depth, left_out = todo.pop()
        yield task, depth, left_out
        children = inside.get(task["path"], []) if not left_out else []
        shown = children if len(children) <= MOST_INSIDE else sorted(children, key=_matters)[:MOST_INSIDE]
        if len(shown) < len(children):
            todo.append((task, depth + 1, len(children) - len(shown)))
        todo += [(child, depth + 1, 0) for child in reversed(shown)]


def _matters(task: Json) -> int:
    """What failed first, then what goes on."""
    return 0 if task["result"] == "FAILURE" else 2 if task["ended_at"] or task["status"] == "WAITING" else 1
