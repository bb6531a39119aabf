"""Dependencies, inputs and outputs: who needs what of whom."""

from __future__ import annotations

from collections.abc import Iterator

from fasttrack_jupyter.model.artifacts import (
    FAILURE,
    OUTPUTS_JSON,
    PROGRESS,
    VALUES,
    InputRef,
    InputSpec,
    check_names,
)
from fasttrack_jupyter.model.checks.findings import Finding, Suggester
from fasttrack_jupyter.model.checks.kinds import check_input_types, check_output_types
from fasttrack_jupyter.model.checks.types import said
from fasttrack_jupyter.model.graph import TaskGraph, build_graph, needed
from fasttrack_jupyter.model.metrics import ARTIFACT_LIST, METRICS
from fasttrack_jupyter.model.notebooks import texts_of
from fasttrack_jupyter.model.pipeline import ENDPOINT, Pipeline, Task, TaskType
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.yaml_events import Path


def check_edges(pipeline: Pipeline, tasks: Suggester) -> Iterator[Finding]:
    """What is wrong between tasks; ``tasks`` suggests their names."""
    for number, task in enumerate(pipeline.tasks):
        if task.dependencies:
            yield from _dependencies(pipeline, number, task, tasks)
        if task.inputs:
            yield from _inputs(pipeline, number, task, tasks)
        if task.outputs:
            yield from _outputs(number, task)
            yield from check_output_types(number, task)
    yield from _cycles(pipeline)


def _dependencies(pipeline: Pipeline, number: int, task: Task, tasks: Suggester) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for position, name in enumerate(task.dependencies):
        path = ("tasks", number, "dependencies", position)
        if name == task.name:
            yield Finding("self-dependency", path, f"task {name!r} depends on itself", "remove it", name)
        elif name not in pipeline.by_name:
            message = f"task {task.name!r} depends on {name!r}, which is no task"
            yield Finding("unknown-task", path, message, tasks.hint(name, "tasks"), name)
        if name in seen:
            message = f"task {task.name!r} depends on {name!r} twice"
            hint = "keep one of them: the order of dependencies numbers /pipeline/input1, /pipeline/input2 …"
            yield Finding("duplicate-dependency", path, message, hint, name)
        seen.setdefault(name, position)


def _inputs(pipeline: Pipeline, number: int, task: Task, tasks: Suggester) -> Iterator[Finding]:
    for problem in check_names(task.inputs, "input"):
        yield _named(problem.code, ("tasks", number, "inputs", *problem.path), problem.message, problem.hint)
    for name, given in task.inputs.items():
        path, who = ("tasks", number, "inputs", name), f"input {name!r} of task {task.name!r}"
        place = path if given.is_short else (*path, "from")
        findings = list(_sources(pipeline, place, who, task, given, tasks))
        yield from findings or check_input_types(pipeline, path, place, who, given)


def _sources(
    pipeline: Pipeline, path: Path, who: str, task: Task, given: InputSpec, tasks: Suggester
) -> Iterator[Finding]:
    """What is wrong with the outputs that an input names."""
    seen: set[InputRef] = set()
    for offset, written in given.parts:
        at = offset or None
        try:
            ref = InputRef.parse(written)
        except ValueError as error:
            message, hint = said(error)
            yield Finding("bad-input", path, f"{who}: {message}", hint, given.source, offset=at)
            continue
        if ref.task == task.name:
            message = f"{who} is an output of the task itself"
            yield Finding("self-dependency", path, message, "name another task", written, offset=at)
        elif ref.task not in pipeline.by_name:
            message = f"{who} names {ref.task!r}, which is no task"
            yield Finding("unknown-task", path, message, tasks.hint(ref.task, "tasks"), written, offset=at)
        elif ref.output is not None and ref.output not in pipeline.by_name[ref.task].products:
            yield unknown_output(path, who, pipeline.by_name[ref.task], ref.output, at)
        elif ref in seen:
            message, hint = f"{who} names {str(ref)!r} twice", "keep the first of them"
            yield Finding("duplicate-dependency", path, message, hint, written, offset=at)
        seen.add(ref)


def unknown_output(
    path: tuple[str | int, ...], who: str, source: Task, output: str, offset: int | None = None
) -> Finding:
    """``source`` declares no ``output``."""
    message = f"{who} names the output {output!r}, which task {source.name!r} does not declare"
    near = Suggester(source.products).near(output)
    declare = f"declare it: outputs: {{{output}: File}} at task {source.name!r}"
    if source.type is TaskType.DEPLOYMENT:
        declare = f"a deployment has one: {ENDPOINT}"
    hint = f"did you mean {near!r}?" if near else declare
    return Finding("unknown-output", path, message, hint, output, offset=offset)


_TAKEN = {
    OUTPUTS_JSON: "values are written",
    PROGRESS: "the task tells how far it is",
    FAILURE: "the task tells why it failed",
    METRICS: "the task tells metrics",
    ARTIFACT_LIST: "the task tells what it has logged",
}


def _outputs(number: int, task: Task) -> Iterator[Finding]:
    for problem in check_names(task.outputs, "output"):
        yield _named(problem.code, ("tasks", number, "outputs", *problem.path), problem.message, problem.hint)
    places: dict[str, str] = {}
    for name, spec in task.outputs.items():
        place, path = spec.path_of(name), ("tasks", number, "outputs", name)
        if not spec.is_value and (place in _TAKEN or place.split("/")[0] == VALUES):
            what = _TAKEN.get(place, _TAKEN[OUTPUTS_JSON])
            message = f"output {name!r} of task {task.name!r} has the path {place!r}, where {what}"
            yield Finding("output-collision", path, message, "give it another path", place)
        elif place in places:
            message = f"outputs {places[place]!r} and {name!r} of task {task.name!r} have one path, {place!r}"
            yield Finding("output-collision", path, message, "give each its own path", place)
        places.setdefault(place, name)


def _named(code: str, path: tuple[str | int, ...], message: str, hint: str) -> Finding:
    return Finding(code, path, message, hint, path[-1], at_key=True)


def _cycles(pipeline: Pipeline) -> Iterator[Finding]:
    graph = build_graph(pipeline)
    others = [tuple(other for other in upstream if other != task) for task, upstream in enumerate(graph.upstream)]
    for cycle in TaskGraph(graph.names, others).cycles():
        task = pipeline.by_name[cycle[0]]
        number = graph.index[cycle[0]]
        message = "these tasks wait for each other: " + " → ".join(_shortened(cycle))
        hint = f"remove one of these dependencies, such as {cycle[1]!r} from task {cycle[0]!r}"
        yield Finding("cycle", edge_of(number, task, cycle[1]), message, hint, cycle[0], Severity.ERROR)


def _shortened(cycle: list[str]) -> list[str]:
    return cycle if len(cycle) <= 24 else [*cycle[:12], f"… {len(cycle) - 23} more …", *cycle[-11:]]


def edge_of(number: int, task: Task, other: str) -> tuple[str | int, ...]:
    """Where ``task`` says that it needs ``other``."""
    if other in task.dependencies:
        return ("tasks", number, "dependencies", task.dependencies.index(other))
    for name, given in task.inputs.items():
        if other in given.tasks:
            return ("tasks", number, "inputs", name) if given.is_short else ("tasks", number, "inputs", name, "from")
    if task.when is not None and other in needed(Task(name=task.name, when=task.when)):
        return ("tasks", number, "when")
    for name, text in task.environment.envs.items():
        if other in needed(Task(name=task.name, command=text)):
            return ("tasks", number, "environment", "envs", name)
    for path, text in texts_of(task):
        if other in needed(Task(name=task.name, command=text)):
            return ("tasks", number, *path)
    return ("tasks", number, "command")
