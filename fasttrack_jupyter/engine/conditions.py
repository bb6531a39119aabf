"""Whether a task instance runs that may go on: its ``when``, and whether what it uses was skipped. Pure.

A condition that is false skips its task. What only comes after a skipped task goes on; what uses its
*data* is skipped as well: an input of it without another to choose, or an expression that mentions its
outputs and comes to null (so ``tasks.a.outputs.x || tasks.b.outputs.x`` takes whichever is there). A
task that runs however its dependencies end (``run_if``, ``final``) is content with nothing instead.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fasttrack_jupyter.engine.stimuli import RUN, Verdict, VerdictKind
from fasttrack_jupyter.model.expressions import ExpressionError, Slot, Template, parse_template
from fasttrack_jupyter.model.graph import TaskGraph
from fasttrack_jupyter.model.notebooks import texts_of
from fasttrack_jupyter.model.pipeline import Pipeline, RunIf, Task, TaskType

_LONGEST = 200
"""Signs of a condition, or of what it gave, that become part of a reason."""
_MAY_BE_SKIPPED = (RunIf.ANY_FAILED, RunIf.ONE_SUCCESS)


def run_if_of(task: Task) -> RunIf:
    """When a task runs; a final one, unless it says otherwise, however all others have ended."""
    return RunIf.ALL_DONE if task.final and "run_if" not in task.model_fields_set else task.run_if


def is_cached(pipeline: Pipeline, task: Task) -> bool:
    """Whether an identical execution may stand in for the task."""
    wanted = task.cache if task.cache is not None else bool(pipeline.cache)
    return wanted and not task.side_effects and task.type not in (TaskType.DEPLOYMENT, TaskType.APPROVAL)


def considered(pipeline: Pipeline, graph: TaskGraph) -> frozenset[int]:
    """The tasks about which there is something to decide when their dependencies let them go on."""
    tasks = pipeline.tasks
    skippable = {i for i, task in enumerate(tasks) if task.when is not None or task.run_if in _MAY_BE_SKIPPED}
    found = {i for i, task in enumerate(tasks) if task.when is not None or is_cached(pipeline, task)}
    if not skippable:
        return frozenset(found)
    for i in graph.topological_order():
        if not skippable.isdisjoint(graph.upstream[i]):
            found.add(i)
            skippable.add(i)
    return frozenset(found)


def verdict_of(
    pipeline: Pipeline,
    task: Task,
    scope: Mapping[str, Any],
    skipped: Collection[str],
    *,
    known: Collection[str] | None = None,
) -> Verdict:
    """What becomes of an instance whose expressions have the values of ``scope``.

    ``skipped`` are those of its dependencies that were skipped with nothing of an earlier job in their place. With
    ``known``, expressions that mention outputs of other tasks are left alone.
    """
    for reason in lacking(pipeline, task, scope, skipped, known=known):
        return Verdict(VerdictKind.SKIP, reason)
    if task.when is None:
        return RUN
    try:
        value = parse_template(task.when).evaluate(scope)
    except ExpressionError as error:
        return Verdict(VerdictKind.FAIL, f"when cannot be worked out: {error.message}")
    if value is True:
        return RUN
    if value is False:
        return Verdict(VerdictKind.SKIP, f"when is false: {condition_of(task)}")
    shown = json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST]
    return Verdict(VerdictKind.FAIL, f"when gave {shown}, not true or false")


def condition_of(task: Task) -> str:
    """The condition as people say it, without its braces."""
    text = (task.when or "").strip()
    return text.removeprefix("${{").removesuffix("}}").strip()[:_LONGEST]


def lacking(
    pipeline: Pipeline,
    task: Task,
    scope: Mapping[str, Any],
    skipped: Collection[str],
    *,
    known: Collection[str] | None = None,
) -> Iterator[str]:
    """What a task uses of those that were ``skipped``, if that keeps it from running; see :func:`verdict_of`."""
    if not skipped or task.final or run_if_of(task) in (RunIf.ALL_DONE, RunIf.ANY_FAILED):
        return
    for name, given in task.inputs.items():
        sources = given.tasks
        if all(source in skipped for source in sources):
            were = f"{sources[0]}, which was" if len(sources) == 1 else f"{', '.join(sources)}, which were"
            yield f"input {name} comes from {were} skipped"
    for text in _texts(pipeline, task):
        for slot, sources in _mentions(parse_template(text)):
            source = next((name for name in sources if name in skipped), None)
            is_known = known is None or all(name in known for name in sources)
            if source is not None and is_known and _value(slot, scope) is None:
                yield f"it uses {source}, which was skipped"


def _texts(pipeline: Pipeline, task: Task) -> Iterator[str]:
    texts = [task.when, task.command, *(text for _, text in texts_of(task))]
    texts += pipeline.envs_of(task).values()
    return (text for text in texts if text and "${{" in text)


def _mentions(template: Template) -> Iterator[tuple[Slot, tuple[str, ...]]]:
    """The expressions that mention outputs of tasks, with the names of these."""
    for part in template.parts:
        if isinstance(part, Slot):
            found = [str(ref.names[0]) for ref in part.references if ref.root == "tasks" and "outputs" in ref.names]
            if found:
                yield part, tuple(found)


def _value(slot: Slot, scope: Mapping[str, Any]) -> Any:
    try:
        return slot.evaluate(scope)
    except ExpressionError:  # null does not go with other values
        return None
