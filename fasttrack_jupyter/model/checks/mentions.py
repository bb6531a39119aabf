"""What ``${{ … }}`` mentions: parameters, inputs, tasks, secrets, the job; and where it may stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum

from fasttrack_jupyter.model.checks.comparisons import check_comparisons
from fasttrack_jupyter.model.checks.edges import unknown_output
from fasttrack_jupyter.model.checks.findings import Finding, Suggester
from fasttrack_jupyter.model.expressions import ExpressionError, Reference, parse_template
from fasttrack_jupyter.model.groups import outside
from fasttrack_jupyter.model.notebooks import texts_of
from fasttrack_jupyter.model.pipeline import Environment, Pipeline, RunIf, Task, TaskType
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.yaml_events import Path

JOB = ("id", "index", "name", "pipeline")
"""What ``job.`` knows."""
JOB_OF_FINALS = ("status", "reason")
"""What it knows besides in a final task: how all others came out, and why."""
_OPEN = "${{"
_MOST_BROKEN = 20
"""So many expressions of one text that cannot be read are told of: each costs a reading of the text."""


def _without(text: str, offset: int) -> str:
    """``text`` with the expression around ``offset`` blanked out: others in it may be wrong as well."""
    start = max(text.rfind(_OPEN, 0, offset + len(_OPEN)), 0)
    end = text.find("}}", max(offset, start + len(_OPEN)))
    end = len(text) if end < 0 else end + 2
    return text[:start] + " " * (end - start) + text[end:]


class _Place(Enum):
    """What kind of text an expression stands in."""

    COMMAND = "command"
    ENV = "env"
    WHEN = "when"
    QUESTION = "question"
    ITEMS = "items"


class Mentions:
    """Checks every expression of one pipeline. ``secrets``: the names that exist, or None if nobody knows.

    ``loops`` are the tasks whose iterations all of it is inside of.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        tasks: Suggester,
        secrets: Collection[str] | None,
        loops: Collection[str] = frozenset(),
    ) -> None:
        self._pipeline, self._loops = pipeline, loops
        self._tasks = tasks
        self._params = frozenset(param.name for param in pipeline.params)
        self._near_params = Suggester(self._params)
        self._secrets = None if secrets is None else frozenset(secrets)
        self._near_secrets = Suggester(self._secrets or ())

    def check(self) -> Iterator[Finding]:
        """Everything that is wrong, in the order of the tasks."""
        yield from self._environment(self._pipeline.environment, ("environment",), None)
        for number, task in enumerate(self._pipeline.tasks):
            path: Path = ("tasks", number)
            if task.when is not None and _OPEN in task.when:
                yield from self._text(task.when, (*path, "when"), task, _Place.WHEN)
            if _OPEN in task.question:
                yield from self._text(task.question, (*path, "approval", "question"), task, _Place.QUESTION)
            if task.command is not None and _OPEN in task.command:
                yield from self._text(task.command, (*path, "command"), task, _Place.COMMAND)
            for inner, text in texts_of(task):
                place = _Place.ITEMS if inner[0] == "for_each" else _Place.COMMAND
                yield from self._text(text, (*path, *inner), task, place)
            yield from self._environment(task.environment, (*path, "environment"), task)
            yield from _elsewhere(path, task)

    def _environment(self, environment: Environment, path: Path, task: Task | None) -> Iterator[Finding]:
        for name, value in environment.envs.items():
            if _OPEN in value:
                yield from self._text(value, (*path, "envs", name), task, _Place.ENV)
        for key, text in (("image", environment.image), ("project", environment.project)):
            if text and _OPEN in text:
                yield _not_here((*path, key), text)

    def _text(self, text: str, path: Path, task: Task | None, place: _Place) -> Iterator[Finding]:
        shown = None if place is _Place.ENV else text  # the text of a variable may hold a secret
        references: tuple[Reference, ...] = ()
        for _ in range(_MOST_BROKEN):
            try:
                template = parse_template(text)
                references = template.references
                yield from check_comparisons(template, path)
                break
            except ExpressionError as error:
                yield Finding("bad-expression", path, error.message, error.hint, shown, offset=error.offset)
                text = _without(text, error.offset)
        for reference in references:
            for code, message, hint in self._reference(reference, task, place):
                yield Finding(code, path, message, hint, str(reference), offset=reference.offset)
            yield from self._output(reference, path)

    def _reference(self, reference: Reference, task: Task | None, place: _Place) -> Iterator[tuple[str, str, str]]:
        """``(code, message, hint)`` of what is wrong with one mention."""
        root, names = reference.root, reference.names
        name = str(names[0]) if names else ""
        if root in ("item", "loop"):
            yield from self._loop(reference, task, place)
        elif not names:
            yield "bad-expression", f"{root} alone means nothing here", f"name one: {root}.{_EXAMPLES[root]}"
        elif root == "params" and name not in self._params:
            yield "unknown-parameter", f"there is no parameter {name!r}", self._near_params.hint(name, "parameters")
        elif root == "job":
            yield from _job(name, task)
        elif root == "secrets":
            yield from self._secret(name, place, task)
        elif root in ("inputs", "tasks"):
            yield from self._upstream(reference, name, task)

    def _loop(self, reference: Reference, task: Task | None, place: _Place) -> Iterator[tuple[str, str, str]]:
        """What is wrong with ``item``, ``loop.index``, ``loop.<task>.item``."""
        is_loop = task is not None and task.for_each is not None
        is_before = is_loop and place in (_Place.WHEN, _Place.ITEMS)
        loops = {*self._loops, *([task.name] if task is not None and is_loop and not is_before else [])}
        named = str(reference.names[0]) if reference.root == "loop" and reference.names else ""
        if not loops and is_before:
            message = f"{reference} is only known inside of a loop, and this is decided once, before it"
            yield "no-loop", message, "make it a group: when of a task inside is decided for each item"
        elif not loops:
            hint = "add for_each: {item: [1, 2, 3]} to the task"
            yield "no-loop", f"{reference} is only known inside of a loop", hint
        elif reference.root == "loop" and named not in loops and named != "index":
            yield "no-loop", f"{reference}: there is no loop {named!r} around", Suggester(loops).hint(named, "loops")
        elif reference.root == "loop" and named != "index" and reference.names[1:2] not in (("item",), ("index",)):
            yield "no-loop", f"{reference} means nothing", f"write loop.{named}.item, or loop.{named}.index"

    def _secret(self, name: str, place: _Place, task: Task | None) -> Iterator[tuple[str, str, str]]:
        if place is _Place.WHEN:
            hint = f'look at "${name}" in the command of a task before it, and hand on an output that says what to do'
            yield "secret-in-condition", f"secret {name!r} stands in a condition, which everybody is told", hint
        if place is _Place.QUESTION:
            message = f"secret {name!r} stands in a question, which everybody can read who answers"
            yield "secret-in-question", message, "leave it out"
        if place in (_Place.COMMAND, _Place.ITEMS):
            is_notebook = task is not None and task.type is TaskType.NOTEBOOK
            where = f'os.environ["{name}"] in the notebook' if is_notebook else f'"${name}" in the command'
            hint = f'add envs: {{{name}: "${{{{ secrets.{name} }}}}"}} and write {where}'
            yield "secret-in-command", f"secret {name!r} stands in a command, which everybody can see in ps", hint
        if self._secrets is not None and name not in self._secrets:
            near = self._near_secrets.near(name)
            hint = (f"did you mean {near!r}? Or " if near else "") + f"fasttrack secrets set {name}"
            yield "unknown-secret", f"there is no secret {name!r}", hint

    def _upstream(self, reference: Reference, name: str, task: Task | None) -> Iterator[tuple[str, str, str]]:
        if task is None:
            message = f"{reference} stands in the environment of the whole pipeline, where no task is meant"
            yield "bad-expression", message, "put it into the environment of the tasks that need it"
        elif reference.root == "inputs" and name not in task.inputs:
            yield (
                "unknown-input",
                f"task {task.name!r} has no input {name!r}",
                Suggester(task.inputs).hint(name, "inputs"),
            )
        elif reference.root == "tasks" and name not in self._pipeline.by_name:
            yield "unknown-task", f"there is no task {name!r}", self._tasks.hint(name, "tasks")
        elif reference.root == "tasks" and name == task.name:
            yield "self-dependency", f"task {name!r} mentions its own outputs", "name another task"
        elif reference.root == "tasks" and reference.names[1:] == ("result",):
            if task.run_if is RunIf.ALL_SUCCESS and not task.final:
                message = f"{reference} tells nothing here: task {task.name!r} runs only when all before it succeeded"
                yield "result-not-here", message, f"set run_if: all_done (or another) at task {task.name!r}"
        elif reference.root == "tasks" and (len(reference.names) < 3 or reference.names[1] != "outputs"):
            hint = f"write tasks.{name}.outputs.<output>" + (
                ", or .result" if task.final or task.run_if is not RunIf.ALL_SUCCESS else ""
            )
            yield "bad-expression", f"{reference} is none of the task's outputs", hint

    def _output(self, reference: Reference, path: Path) -> Iterator[Finding]:
        if reference.root != "tasks" or len(reference.names) < 3 or reference.names[1] != "outputs":
            return
        source, output = self._pipeline.by_name.get(str(reference.names[0])), str(reference.names[2])
        if source is not None and output not in source.products:
            yield unknown_output(path, str(reference), source, output, reference.offset)
        elif source is not None and source.is_container and not outside(source)[output].is_value:
            message = f"{reference} is an artifact of a {'loop' if source.for_each else 'group'}, which has no folder"
            hint = f"take it as an input, inputs: {{{output}: {source.name}.{output}}}, and write inputs.{output}"
            yield Finding("artifact-of-many", path, message, hint, str(reference), offset=reference.offset)


def _job(name: str, task: Task | None) -> Iterator[tuple[str, str, str]]:
    is_final = task is not None and task.final
    if name in JOB_OF_FINALS and not is_final:
        message = f"job.{name} is known only to final tasks, which run when all others have ended"
        who = f"task {task.name!r}" if task is not None else "the tasks that need it, and put it into their environment"
        yield "job-not-ended", message, f"set final: true at {who}"
    elif name not in (*JOB, *JOB_OF_FINALS):
        known = (*JOB, *JOB_OF_FINALS) if is_final else JOB
        yield "bad-expression", f"job has no {name!r}", "it has " + ", ".join(f"job.{key}" for key in known)


_EXAMPLES = {
    "params": "learning_rate",
    "inputs": "clean",
    "tasks": "prep.outputs.clean",
    "secrets": "TOKEN",
    "job": "id",
}


def _elsewhere(path: Path, task: Task) -> Iterator[Finding]:
    for key, text in (("module_uri", task.module_uri), ("notebook", task.notebook)):
        if text and _OPEN in text:
            yield _not_here((*path, key), text)
    for key, value in task.service or ():
        if isinstance(value, str) and _OPEN in value:
            yield _not_here((*path, "service", key), value)
    for position, mount in enumerate(task.mounts):
        if _OPEN in mount.folder or _OPEN in mount.target:
            yield _not_here((*path, "mounts", position), mount.written)


def _not_here(path: Path, text: str) -> Finding:
    message = "an expression stands where none is filled in"
    hint = "${{ … }} has a meaning in when, command, for_each, the values of envs, parameters of notebooks and groups"
    return Finding("expression-not-here", path, message, hint, text, Severity.ERROR)
