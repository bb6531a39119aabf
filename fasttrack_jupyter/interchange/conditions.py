"""What decides here whether a task runs, for a FastTrack that runs every task when those before it have succeeded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fasttrack_jupyter.interchange.losses import Losses, Path
from fasttrack_jupyter.model.conditions import parse_condition
from fasttrack_jupyter.model.expressions import ExpressionError, Slot
from fasttrack_jupyter.model.graph import build_graph, needed
from fasttrack_jupyter.model.pipeline import Pipeline, RunIf, Task

_RULES = {
    RunIf.ALL_DONE: "it runs only if all before it succeeded",
    RunIf.ANY_FAILED: "it runs if all before it succeeded, which is the opposite",
    RunIf.ONE_SUCCESS: "it runs only if all before it succeeded",
}


def orders(pipeline: Pipeline) -> list[tuple[str, ...]]:
    """For each task all that it waits for, in the order of its inputs; final tasks wait for the ends of all others."""
    names = pipeline.by_name
    found = [(*dict.fromkeys(name for name in needed(task) if name in names),) for task in pipeline.tasks]
    if any(task.final for task in pipeline.tasks):
        ends = tuple(_ends(pipeline))
        found = [
            (*dict.fromkeys((*order, *ends)),) if task.final else order
            for task, order in zip(pipeline.tasks, found, strict=True)
        ]
    return found


def _ends(pipeline: Pipeline) -> Iterator[str]:
    """The tasks that are not final, and that no other of these waits for."""
    graph = build_graph(pipeline)
    for number, behind in enumerate(graph.downstream):
        if number not in graph.finals and graph.finals.issuperset(behind):
            yield graph.names[number]


def drop_conditions(task: Task, written: dict[str, Any], path: Path, params: Mapping[str, Any], losses: Losses) -> None:
    """Take out of ``written``, the data of ``task`` at ``path``, what only we know, and report what it meant.

    A condition over parameters alone is settled with their defaults, ``params``.
    """
    _drop_when(task, written, path, params, losses)
    if written.pop("run_if", None) is not None and task.run_if in _RULES:
        losses.lose((*path, "run_if"), f"task {task.name}: run_if {task.run_if}: FastTrack: {_RULES[task.run_if]}")
    if written.pop("final", None) is not None and task.final:
        message = "FastTrack has no final tasks: it waits for all others, and runs only if they succeeded"
        losses.lose((*path, "final"), f"task {task.name}: final: {message}", "clean up in another way if it must run")
    if written.pop("cache", None) and task.cache:
        losses.lose((*path, "cache"), f"task {task.name}: cache: FastTrack reuses no results: it always runs")
    for key in ("files", "side_effects"):
        written.pop(key, None)
    for name, given in task.inputs.items():
        first, *others = given.refs
        if others:
            message = f"task {task.name}: input {name}: FastTrack has no alternatives: it is always {first}"
            losses.lose((*path, "inputs", name), message, f"else it was {' or '.join(map(str, others))}")


def _drop_when(task: Task, written: dict[str, Any], path: Path, params: Mapping[str, Any], losses: Losses) -> None:
    if written.pop("when", None) is None or task.when is None:
        return
    path = (*path, "when")
    settled = _settled(parse_condition(task.when), params)
    if settled is None:
        message = f"task {task.name}: when {task.when}: FastTrack has no conditions: it always runs"
        losses.lose(path, message, "put the test into its command")
        return
    if not settled:
        written["skip"] = True
    how = "it always runs" if settled else "it is written as skip: true"
    losses.adapt(path, f"task {task.name}: when {task.when}: with the defaults of the parameters {how}")


def _settled(condition: Slot, params: Mapping[str, Any]) -> bool | None:
    """What a condition comes to that depends on nothing but parameters with defaults; None of any other."""
    if any(reference.root != "params" for reference in condition.references):
        return None
    try:
        value = condition.evaluate({"params": params})
    except ExpressionError:  # a parameter without a default, or a mistake that would have shown in the job
        return None
    return value if isinstance(value, bool) else None
