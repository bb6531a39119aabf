"""Expressions written out for a FastTrack that knows none, but for secrets in envs.

A parameter becomes its default; an input artifact its path below ``/pipeline/inputN``; a value that
a task hands on becomes ``$(cat …)`` of its file; ``job.id`` and ``job.index`` become FastTrack's own
environment variables. Whatever else there is stays as it was, and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fasttrack_jupyter.model.artifacts import InputRef, OutputSpec
from fasttrack_jupyter.model.expressions import ExpressionError, Reference, Slot, as_text, parse_template
from fasttrack_jupyter.model.expressions.evaluate import evaluate
from fasttrack_jupyter.model.expressions.shell import ShellText
from fasttrack_jupyter.model.pipeline import Pipeline, Task

JOB_VARIABLES = {"id": "BACKENDAI_PIPELINE_JOB_ID", "index": "BACKENDAI_PIPELINE_JOB_INDEX"}
Report = Callable[[str], None]
_INPUT_PATH = re.compile(r"/pipeline/inputs/([\w-]+)")
_OPEN, _ESCAPED = "${{", "$${{"


@dataclass(frozen=True, slots=True)
class Source:
    """Where something comes from on the cluster: a task, a path, and whether that is a file that holds the value."""

    task: str
    path: str
    is_value: bool = False


class Substitution:
    """Writes out the expressions of one task, whose dependencies are ``order``; of the pipeline where it is None."""

    def __init__(
        self, pipeline: Pipeline, task: Task | None, order: tuple[str, ...], params: Mapping[str, object]
    ) -> None:
        self._pipeline = pipeline
        self._inputs = task.inputs if task is not None else {}
        self._order = order
        self._params = params
        self.values: dict[str, str] = {}
        """Files of values that the command now reads, each with the task that writes it."""

    def command(self, text: str, report: Report) -> str:
        """``text`` as a command without expressions; ``report`` is told of each that had to stay."""
        shell = ShellText()
        for part in parse_template(text).parts if _OPEN in text else (text,):
            if isinstance(part, str):
                shell.add(_INPUT_PATH.sub(self._input_path, part).replace(_OPEN, _ESCAPED))
            else:
                self._into_command(shell, part, text[part.start : part.end], report)
        return shell.text

    def env(self, text: str, report: Report) -> str:
        """``text`` as the value of an environment variable; secrets stay expressions."""
        if _OPEN not in text:
            return _INPUT_PATH.sub(self._input_path, text)
        words = []
        for part in parse_template(text).parts:
            if isinstance(part, str):
                words.append(_INPUT_PATH.sub(self._input_path, part).replace(_OPEN, _ESCAPED))
            else:
                words.append(self._in_env(part, text[part.start : part.end], report))
        return "".join(words)

    def _into_command(self, shell: ShellText, slot: Slot, written: str, report: Report) -> None:
        source = self._source(slot)
        try:
            if isinstance(slot.expression, Reference) and slot.expression.root == "job":
                self._run(shell, slot, "${" + JOB_VARIABLES[_only_name(slot.expression)] + "}")
            elif source is not None and source.is_value:
                self._run(shell, slot, f"$(cat '{source.path}')")
                self.values[source.path] = source.task
            elif source is not None:
                shell.insert(source.path, slot.start, written)
            else:
                shell.insert(self._constant(slot), slot.start, written)
        except (ExpressionError, KeyError) as error:
            shell.add(written)
            report(f"{written} stays in the command: {_why(error)}")

    def _run(self, shell: ShellText, slot: Slot, words: str) -> None:
        """Append what the shell itself shall expand, as one word."""
        if shell.place not in ("", "double quotes"):
            raise ExpressionError(f"it stands inside {shell.place}, where the shell would not fill it in", slot.start)
        shell.add(words if shell.place else f'"{words}"')

    def _in_env(self, slot: Slot, written: str, report: Report) -> str:
        if isinstance(slot.expression, Reference) and slot.expression.root == "secrets":
            return written
        source = self._source(slot)
        try:
            if source is not None and source.is_value:
                raise ExpressionError("FastTrack fills in no values of tasks", slot.start)
            return self._constant(slot) if source is None else source.path
        except ExpressionError as error:
            report(f"{written} stays in the env: {_why(error)}")
            return written

    def _constant(self, slot: Slot) -> str:
        """What an expression over parameters alone comes to, with their defaults."""
        for reference in slot.references:
            if reference.root != "params":
                raise ExpressionError(f"{reference} is known only when the job is under way", slot.start)
            if reference.names and reference.names[0] not in self._params:
                raise ExpressionError(f"{reference} has no default", slot.start)
        return as_text(evaluate(slot.expression, {"params": self._params}), slot.start)

    def _source(self, slot: Slot) -> Source | None:
        """Of an expression that is nothing but ``inputs.x`` or ``tasks.t.outputs.x``."""
        reference = slot.expression
        if not isinstance(reference, Reference):
            return None
        if reference.root == "inputs" and len(reference.names) == 1:
            return self._of_input(str(reference.names[0]))
        if reference.root == "tasks" and len(reference.names) == 3 and reference.names[1] == "outputs":
            return self._of_output(InputRef(str(reference.names[0]), str(reference.names[2])))
        return None

    def _of_input(self, name: str) -> Source | None:
        given = self._inputs.get(name)
        return None if given is None else self._of_output(given.refs[0])

    def _of_output(self, ref: InputRef) -> Source | None:
        if ref.task not in self._order or ref.task not in self._pipeline.by_name:
            return None
        folder = f"/pipeline/input{self._order.index(ref.task) + 1}"
        if ref.output is None:
            return Source(ref.task, folder)
        spec: OutputSpec | None = self._pipeline.by_name[ref.task].outputs.get(ref.output)
        return None if spec is None else Source(ref.task, f"{folder}/{spec.path_of(ref.output)}", spec.is_value)

    def _input_path(self, match: re.Match[str]) -> str:
        source = self._of_input(match[1])
        return match[0] if source is None else source.path


def _only_name(reference: Reference) -> str:
    return str(reference.names[0]) if len(reference.names) == 1 else ""


def _why(error: Exception) -> str:
    return error.message if isinstance(error, ExpressionError) else "FastTrack knows no such thing of a job"
