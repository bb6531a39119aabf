"""Approval tasks: what they must ask, and what they have no use for."""

from __future__ import annotations

from collections.abc import Iterator

from fasttrack_jupyter.model.approvals import ANSWERED_BY, COMMENT, Answer, Approval
from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.parameters import check_parameters
from fasttrack_jupyter.model.pipeline import Task
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.yaml_events import Path

_NO_USE = ("command", "notebook", "module_uri", "resources", "mounts", "outputs", "service", "backend", "retry")
"""Keys of what has a session."""


def check_approval(number: int, task: Task) -> Iterator[Finding]:
    """What is wrong with an approval task."""
    path: Path = ("tasks", number)
    if task.approval is None:
        hint = "add approval: {question: Serve this model?}"
        yield Finding("no-question", path, f"approval {task.name!r} asks nothing", hint, task.name)
        return
    if not task.approval.question.strip():
        at = (*path, "approval", "question")
        yield Finding("no-question", at, f"the question of approval {task.name!r} is empty", "write one", "")
    for key in _NO_USE:
        if key in task.model_fields_set and getattr(task, key):
            message = f"approval {task.name!r} has no session, so {key} has no use"
            yield Finding("approval-no-session", (*path, key), message, f"remove {key}", at_key=True)
    yield from _fields(path, task.name, task.approval)
    if task.approval.on_timeout is Answer.APPROVE:
        yield from _without_answer(path, task, task.approval)


def _fields(path: Path, name: str, approval: Approval) -> Iterator[Finding]:
    for problem in check_parameters(approval.fields):
        at = (*path, "approval", "fields", *problem.path)
        message = problem.message.replace("parameter", "field")
        yield Finding(problem.code, at, f"approval {name!r}: {message}", problem.hint, problem.value, problem.severity)
    for position, field in enumerate(approval.fields):
        if field.name in (COMMENT, ANSWERED_BY):
            at = (*path, "approval", "fields", position, "name")
            message = f"approval {name!r} has the output {field.name} already: every answer has one"
            yield Finding("taken-field-name", at, message, "give the field another name", field.name)


def _without_answer(path: Path, task: Task, approval: Approval) -> Iterator[Finding]:
    """Of one that is approved when nobody answers."""
    at = (*path, "approval", "on_timeout")
    if task.timeout is None:
        message = f"approval {task.name!r} has no timeout, so nothing happens when nobody answers"
        yield Finding("no-timeout", at, message, "add timeout: 24h to the task", severity=Severity.WARNING)
    for position, field in enumerate(approval.fields):
        if field.is_required:
            place = (*path, "approval", "fields", position)
            message = f"field {field.name} of approval {task.name!r} has no default to approve with when nobody answers"
            yield Finding("no-default", place, message, "add default: …, or write on_timeout: reject", field.name)


def unused_approval(number: int, task: Task) -> Finding:
    """A question that nobody is asked."""
    message = f"task {task.name!r} has an approval, which only a task of type approval asks"
    hint = "write type: approval, or remove it"
    at: Path = ("tasks", number, "approval")
    return Finding("approval-unused", at, message, hint, severity=Severity.WARNING, at_key=True)
