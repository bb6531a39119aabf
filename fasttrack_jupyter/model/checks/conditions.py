"""Whether tasks run: ``when``, ``run_if``, ``final``, ``cache``; and whether what a loop goes over is a list."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from fasttrack_jupyter.model.checks.edges import edge_of
from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.conditions import parse_condition
from fasttrack_jupyter.model.expressions import ExpressionError, Reference, Slot, parse_template
from fasttrack_jupyter.model.expressions.syntax import Binary, Expression, ListOf, Literal, Unary
from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.groups import outside
from fasttrack_jupyter.model.parameters import ValueType
from fasttrack_jupyter.model.pipeline import Pipeline, RunIf, Task, TaskType
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.yaml_events import Path

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
_ORDER = ("<", "<=", ">", ">=")
_TOO_STRICT = (RunIf.ANY_FAILED, RunIf.ONE_SUCCESS)


def check_conditions(pipeline: Pipeline, untyped: Collection[str] = ()) -> Iterator[Finding]:
    """What is wrong with when and whether tasks run. ``untyped`` are parameters whose types nobody knows."""
    graph = build_graph(pipeline)
    params = {param.name: param.type for param in pipeline.params if param.name not in untyped}
    for number, task in enumerate(pipeline.tasks):
        if task.when is not None:
            yield from _when(pipeline, params, number, task)
        if task.for_each is not None and isinstance(task.for_each.items, str):
            yield from _items(_Kinds(pipeline, task, params), number, task, task.for_each.items)
        if task.run_if is not RunIf.ALL_SUCCESS and not task.final and not graph.upstream[number]:
            yield _alone(number, task)
        if graph.finals and number not in graph.finals:
            yield from _behind_finals(pipeline, graph, number, task)
        yield from _cache(pipeline, number, task)


def _when(pipeline: Pipeline, params: Mapping[str, str], number: int, task: Task) -> Iterator[Finding]:
    assert task.when is not None
    path: Path = ("tasks", number, "when")
    try:
        expression = parse_condition(task.when).expression
    except ExpressionError as error:
        if _is_readable(task.when):  # of others the check of all expressions tells
            message = f"task {task.name!r}, when: {error.message}"
            yield Finding("bad-condition", path, message, error.hint, task.when, offset=error.offset or None)
        return
    kinds = _Kinds(pipeline, task, params)
    for symbol, left, right in kinds.clashes(expression):
        message = (
            f"task {task.name!r}, when: {symbol.operator!r} does not go between {_THINGS[left]} and {_THINGS[right]}"
        )
        hint = _VALUE if "artifact" in (left, right) else "compare numbers with numbers, and texts with texts"
        yield Finding("bad-condition", path, message, hint, task.when, offset=symbol.offset)
    kind = kinds.of(expression)
    if kind not in (None, "bool"):
        message = f"task {task.name!r}, when: this gives {_THINGS[str(kind)]}, not true or false"
        hint = "compare it: ${{ tasks.check.outputs.accuracy > 0.9 }}"
        yield Finding("bad-condition", path, message, hint, task.when)


def _items(kinds: _Kinds, number: int, task: Task, text: str) -> Iterator[Finding]:
    """A loop over one expression that will be no list; of a text with more in it the check of loops tells."""
    try:
        parts = parse_template(text).parts
    except ExpressionError:  # the check of all expressions tells of it
        return
    slot = parts[0] if len(parts) == 1 else None
    kind = kinds.of(slot.expression) if isinstance(slot, Slot) else None
    if kind not in (None, "list"):
        message = f"for_each of task {task.name!r} goes over a list, and this gives {_THINGS[str(kind)]}"
        hint = "declare a list there: outputs: {files: list}, or write one: [a, b]"
        yield Finding("not-a-list", ("tasks", number, "for_each", "item"), message, hint, text)


def _is_readable(text: str) -> bool:
    try:
        parse_template(text)
    except ExpressionError:
        return False
    return True


_THINGS = {
    "int": "a whole number", "float": "a number", "str": "a text", "list": "a list", "struct": "a struct",
    "null": "null", "bool": "true or false", "artifact": "the path of an artifact",
}  # fmt: skip


_NUMBERS = ("int", "float")
_VALUE = "declare a value there: outputs: {accuracy: float}; of a notebook's cell, --value accuracy=float"


class _Kinds:
    """Types of expressions, as far as they are known before the job."""

    def __init__(self, pipeline: Pipeline, task: Task, params: Mapping[str, str]) -> None:
        self._pipeline, self._task, self._params = pipeline, task, params

    def of(self, expression: Expression) -> str | None:
        """The type that a value will have, or None where that is open."""
        match expression:
            case Literal(value=value):
                return "null" if value is None else type(value).__name__
            case ListOf():
                return "list"
            case Unary(operator=symbol):
                return "bool" if symbol == "!" else "float"
            case Binary(operator=symbol) if symbol in _COMPARISONS:
                return "bool"
            case Binary(operator="&&" | "||", left=left, right=right):
                kind = self.of(left)
                return kind if kind == self.of(right) else None
            case Binary(operator="-" | "*" | "/" | "%"):
                return "float"
            case Reference():
                return self._named(expression)
        return None

    def clashes(self, expression: Expression) -> Iterator[tuple[Binary, str, str]]:
        """Where sizes are compared that cannot be, with the types of the two."""
        todo = [expression]
        while todo:
            match todo.pop():
                case Unary(operand=operand):
                    todo.append(operand)
                case Binary(operator=symbol, left=left, right=right) as found:
                    todo += [right, left]
                    kinds = (self.of(left), self.of(right))
                    if symbol in _ORDER and None not in kinds and not _is_comparable(*map(str, kinds)):
                        yield found, str(kinds[0]), str(kinds[1])

    def _named(self, reference: Reference) -> str | None:
        match (reference.root, *map(str, reference.names)):
            case ("params", name):
                return self._params.get(name)
            case ("inputs", name) if name in self._task.inputs:
                try:
                    ref = self._task.inputs[name].refs[0]
                except ValueError:  # the check of inputs tells of it
                    return None
                return self._output(ref.task, ref.output or "")
            case ("tasks", task, "outputs", output):
                return self._output(task, output)
            case ("job", "index"):
                return "int"
            case ("job", _) | ("tasks", _, "result"):
                return "str"
        return None

    def _output(self, task: str, output: str) -> str | None:
        source = self._pipeline.by_name.get(task)
        if source is None or (output and output not in source.products):
            return None
        spec = outside(source).get(output)
        return spec.type if spec is not None and spec.type in frozenset(ValueType) else "artifact"


def _is_comparable(left: str, right: str) -> bool:
    return (left in _NUMBERS and right in _NUMBERS) or left == right == "str"


def _alone(number: int, task: Task) -> Finding:
    what = "it never runs" if task.run_if in _TOO_STRICT else "that says nothing"
    message = f"task {task.name!r} has run_if: {task.run_if} but waits for no task: {what}"
    hint = "add dependencies, or final: true to wait for all others"
    severity = Severity.ERROR if task.run_if in _TOO_STRICT else Severity.NOTICE
    return Finding("run-if-alone", ("tasks", number, "run_if"), message, hint, str(task.run_if), severity)


def _behind_finals(pipeline: Pipeline, graph: TaskGraph, number: int, task: Task) -> Iterator[Finding]:
    for other in graph.upstream[number]:
        if other in graph.finals:
            name = pipeline.tasks[other].name
            message = f"task {task.name!r} needs {name!r}, which is final: it runs when all others have ended"
            hint = f"set final: true here too, or remove it from task {name!r}"
            yield Finding("needs-final", edge_of(number, task, name), message, hint, name)


def _cache(pipeline: Pipeline, number: int, task: Task) -> Iterator[Finding]:
    if not task.cache:
        return
    path: Path = ("tasks", number, "cache")
    if task.type is TaskType.DEPLOYMENT:
        message = f"deployment {task.name!r} is never reused: a service that was there once may be gone by now"
        yield Finding("cache-unused", path, message, "remove cache", True, Severity.WARNING, at_key=True)
    elif task.side_effects:
        message = f"task {task.name!r} has cache: true and side_effects: true; what has side effects is never reused"
        yield Finding("cache-unused", path, message, "remove one of them", True, Severity.WARNING, at_key=True)
