"""What a plan can say of conditions before the job: what is skipped for certain, and what else depends on what. Pure.

Nothing of this is kept by the job, whose machine decides again when the time has come.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.engine.conditions import condition_of, lacking, run_if_of, verdict_of
from fasttrack_jupyter.engine.stimuli import Verdict, VerdictKind
from fasttrack_jupyter.engine.views import Decision
from fasttrack_jupyter.model.expressions import ExpressionError, parse_template
from fasttrack_jupyter.model.pipeline import RunIf, Task

if TYPE_CHECKING:
    from fasttrack_jupyter.engine.plan import PlannedTask, Question

_RULES = {
    RunIf.ALL_DONE: "however what it waits for ends",
    RunIf.ANY_FAILED: "only if something that it waits for fails",
    RunIf.ONE_SUCCESS: "if something that it waits for succeeds",
}


def with_conditions(question: Question, planned: Sequence[PlannedTask]) -> list[PlannedTask]:
    """The plan, in which what these parameters keep from running is skipped; the rest says on what terms it runs."""
    found, tasks, graph = list(planned), question.pipeline.tasks, question.graph
    if not any(task.when is not None or task.final or task.run_if is not RunIf.ALL_SUCCESS for task in tasks):
        return found
    for index in graph.topological_order():
        if found[index].decision not in (Decision.RUN, Decision.REFUSE):
            continue
        skipped = {graph.names[i] for i in graph.upstream[index] if found[i].is_foreseen}
        verdict = _verdict(question, tasks[index], skipped)
        if verdict is not None and verdict.kind is VerdictKind.SKIP:
            found[index] = replace(
                found[index], decision=Decision.SKIP, reason=verdict.reason, notes=(), problems=(), is_foreseen=True
            )
        else:
            found[index] = replace(found[index], terms=tuple(_terms(tasks[index], is_open=verdict is None)))
    return found


def _verdict(question: Question, task: Task, skipped: Collection[str]) -> Verdict | None:
    """What becomes of a task, as far as is known when those are ``skipped``; None: that depends on what others give."""
    nothing = {name: {"outputs": dict.fromkeys(question.pipeline.by_name[name].products)} for name in skipped}
    scope: Mapping[str, Any] = {"params": question.params, "tasks": nothing}
    if _is_known(task, skipped):
        return verdict_of(question.pipeline, task, scope, skipped, known=skipped)
    for reason in lacking(question.pipeline, task, scope, skipped, known=skipped):
        return Verdict(VerdictKind.SKIP, reason)
    return None


def _is_known(task: Task, skipped: Collection[str]) -> bool:
    """Whether the task's condition needs nothing that only the job brings."""
    if task.when is None:
        return True
    try:
        references = parse_template(task.when).references
    except ExpressionError:
        return False
    return all(
        ref.root == "params" or (ref.root == "tasks" and ref.names and ref.names[0] in skipped) for ref in references
    )


def _terms(task: Task, *, is_open: bool) -> list[str]:
    """On what terms a task runs, in words."""
    found = ["at the end, whatever comes out"] if task.final else []
    rule = run_if_of(task)
    if rule in _RULES and not (task.final and rule is RunIf.ALL_DONE):
        found.append(_RULES[rule])
    return [*found, f"only if {condition_of(task)}"] if is_open else found
