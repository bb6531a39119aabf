"""Containers of a live job: what they are opened by, what the machine must know of those inside, what they hand on.

Pure.

A container hands on what its own outputs name inside (a group), or lists of what its iterations hand on (a loop). An
artifact goes with its ``place`` in the pipeline folder, as those inside may be anywhere: an iteration that was reused
lies in an older job's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fasttrack_jupyter.engine.conditions import run_if_of
from fasttrack_jupyter.engine.plan import SET_ASIDE
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.sessions import Outcome, outputs_dir_of
from fasttrack_jupyter.engine.stimuli import InstancePlan, Verdict, VerdictKind
from fasttrack_jupyter.model.expressions import ExpressionError, parse_template
from fasttrack_jupyter.model.groups import MAX_INSIDE, MAX_ITEMS
from fasttrack_jupyter.model.lifecycle import Status
from fasttrack_jupyter.model.pipeline import Task

_LONGEST = 200
"""Signs of what was no list that become part of a reason."""


def opening(task: Task, scope: Mapping[str, Any], room: int = MAX_INSIDE) -> Verdict:
    """What a container is opened by, whose expressions have the values of ``scope``; so many more may be inside."""
    try:
        data = _opened_by(task, scope)
    except ExpressionError as error:
        return Verdict(VerdictKind.FAIL, f"{'for_each' if task.for_each else 'parameters'}: {error.message}")
    items = data.get("items", task.tasks)
    if not isinstance(items, list | tuple):
        return Verdict(VerdictKind.FAIL, f"for_each goes over a list, and this is none: {str(items)[:_LONGEST]}")
    if len(items) > MAX_ITEMS:
        return Verdict(VerdictKind.FAIL, f"for_each has {len(items)} items; at most {MAX_ITEMS} are possible")
    if len(items) > room:
        why = f"the job would have more than {MAX_INSIDE:,} task instances inside of loops and groups"
        return Verdict(VerdictKind.FAIL, why)
    return Verdict(VerdictKind.EXPAND, data=data)


def _opened_by(task: Task, scope: Mapping[str, Any]) -> dict[str, Any]:
    if task.for_each is None:
        return {"params": _filled(task.parameters, scope)}
    return {"items": _filled(task.for_each.items, scope)}


def _filled(value: Any, scope: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return parse_template(value).evaluate(scope) if "${{" in value else value
    if isinstance(value, list):
        return [_filled(each, scope) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, scope) for key, each in value.items()}
    return value


def at_once(task: Task) -> int | None:
    """How many of those inside of a container may go on at a time."""
    return task.for_each.max_parallel if task.for_each is not None else None


def reused_inside(
    roll: Roll, added: Sequence[int], data: Mapping[str, Any], kept: Mapping[str, Any]
) -> dict[int, Mapping[str, Any]]:
    """Which of those inside of a container, opened by ``data``, stand for an old job's: what these left, by ordinal.

    ``kept`` is as :func:`~fasttrack_jupyter.engine.plan_inside.kept_inside` made it. What depends on a sibling that
    runs again runs again as well.
    """
    parent = roll.parent(added[0]) if added else None
    if parent is None or kept.get("opened", {}).get(roll.names[parent]) != data:
        return {}
    done: Mapping[str, Any] = kept["done"]
    found = {i: done[roll.names[i]] for i in added if roll.names[i] in done}
    siblings = set(added)
    while lost := {i for i in found if any(j in siblings and j not in found for j in roll.upstream[i])}:
        found = {i: left for i, left in found.items() if i not in lost}
    return found


def plan_inside(
    roll: Roll, index: int, *, in_final: bool, reused: Mapping[str, Any] | None = None, reason: str = ""
) -> InstancePlan:
    """What the machine has to know of an instance that is inside of a container; ``reused``: what it stands for.

    An iteration waits for nothing: what its loop waited for has ended.
    """
    task, parent = roll.tasks[index], roll.parent(index)
    assert parent is not None
    is_iteration = roll.tasks[parent].for_each is not None
    ends_as = Status.TERMINATED if reused is not None else Status.SKIPPED if task.skip else None
    return InstancePlan(
        path=roll.names[index],
        upstream=() if is_iteration else roll.upstream[index],
        retry=task.retry,
        continue_on_failure=task.continue_on_failure,
        ends_as=ends_as,
        reason=reason if reused is not None else SET_ASIDE[0] if task.skip else "",
        data=reused or {},
        run_if=run_if_of(task),
        is_in_final=in_final,
        is_considered=True,
        task=roll.static(index),
        parent=parent,
        is_loop=task.for_each is not None,
        at_once=at_once(task),
    )


def collected(roll: Roll, index: int, outcomes: Sequence[Outcome], result_of: Callable[[int], str]) -> Outcome:
    """What a container hands on, all inside of which has ended."""
    task, children = roll.tasks[index], roll.children(index)
    if task.for_each is None:
        return Outcome(None, {name: _of_group(roll, index, name, outcomes, result_of) for name in task.outputs})
    names = task.products if children else ()
    return Outcome(None, {name: [_of(roll, i, name, outcomes) for i in children] for name in names or task.products})


def folder_of(roll: Roll, index: int, outcomes: Sequence[Outcome], job_index: int) -> str | None:
    """The folder with what those inside of a container left, if any of them ran in this job."""
    folder = outputs_dir_of(job_index, roll.names[index], 1)
    places = (outcomes[i].outputs_dir or "" for i in roll.children(index))
    return folder if any(place == folder or place.startswith(f"{folder}/") for place in places) else None


def _of_group(roll: Roll, index: int, name: str, outcomes: Sequence[Outcome], result_of: Callable[[int], str]) -> Any:
    """An output of a group: that of the first of its sources that succeeded."""
    found = [(ref, roll.inner(index, ref.task)) for ref in roll.tasks[index].outputs[name].refs]
    sources = [(ref, i) for ref, i in found if i is not None]
    chosen = next((each for each in sources if result_of(each[1]) == "SUCCESS"), None)
    return _of(roll, chosen[1], chosen[0].output or "", outcomes) if chosen else None


def _of(roll: Roll, index: int, name: str, outcomes: Sequence[Outcome]) -> Any:
    """An output as a container hands it on: a value, or an artifact with its place; None where there is none."""
    value, spec = outcomes[index].outputs.get(name), roll.tasks[index].products.get(name)
    folder = outcomes[index].outputs_dir
    if value is None or spec is None or spec.is_value or roll.tasks[index].is_container:
        return value
    return {**value, "place": f"{folder}/{value['path']}"} if folder is not None else None
