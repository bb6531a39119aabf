"""Results and statuses that are compared with what they can never be, such as ``FAILED``."""

from __future__ import annotations

from collections.abc import Iterator

from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.conditions import JOB_STATUSES, RESULTS
from fasttrack_jupyter.model.expressions import Reference, Slot, Template, did_you_mean
from fasttrack_jupyter.model.expressions.syntax import Binary, Expression, ListOf, Literal, Unary
from fasttrack_jupyter.model.yaml_events import Path


def check_comparisons(template: Template, path: Path) -> Iterator[Finding]:
    """What can never be so in the expressions of the text at ``path``."""
    todo: list[Expression] = [part.expression for part in template.parts if isinstance(part, Slot)]
    while todo:
        match todo.pop():
            case Unary(operand=operand):
                todo.append(operand)
            case Binary(operator="==" | "!=" | "in", left=left, right=right):
                yield from _impossible(path, left, right)
                yield from _impossible(path, right, left)
            case Binary(left=left, right=right):
                todo += [left, right]


def _impossible(path: Path, left: Expression, right: Expression) -> Iterator[Finding]:
    if not isinstance(left, Reference) or (possible := _words_of(left)) is None:
        return
    items = right.items if isinstance(right, ListOf) else (right,)
    for item in items:
        if isinstance(item, Literal) and item.value not in possible:
            message = f"{left} is never {item.value!r}"
            hint = did_you_mean(str(item.value).upper(), possible) or "it is one of " + ", ".join(possible)
            yield Finding("never-so", path, message, hint, str(item.value), offset=item.offset)


def _words_of(reference: Reference) -> tuple[str, ...] | None:
    match (reference.root, *map(str, reference.names)):
        case ("tasks", _, "result"):
            return RESULTS
        case ("job", "status"):
            return JOB_STATUSES
    return None
