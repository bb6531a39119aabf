"""Types of outputs: whether those that an input may come from are what it wants, and go together."""

from __future__ import annotations

from collections.abc import Iterator

from fasttrack_jupyter.model.artifacts import ARTIFACTS, InputRef, InputSpec, accepts
from fasttrack_jupyter.model.checks.findings import Finding
from fasttrack_jupyter.model.groups import outside
from fasttrack_jupyter.model.pipeline import Pipeline, Task
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.yaml_events import Path

_SPELLINGS = {name.lower(): name for name in ARTIFACTS}


def check_input_types(pipeline: Pipeline, path: Path, place: Path, who: str, given: InputSpec) -> Iterator[Finding]:
    """What is wrong with the types of an input at ``path``, whose sources, written at ``place``, all exist."""
    kinds = [(ref, _kind(pipeline, ref)) for ref in given.refs]
    wanted = given.type
    if wanted is not None:
        for ref, kind in kinds:
            if not accepts(wanted, kind):
                message = f"{who} must be {_a(wanted)}, but {ref} is {_a(kind)}"
                hint = f"set type: {kind or 'Folder'}, or name another output"
                yield Finding("wrong-input-type", (*path, "type"), message, hint, wanted)
                return
        yield from spelling(wanted, (*path, "type"), who)
        return
    first, kind = kinds[0]
    for (offset, written), (other, other_kind) in zip(given.parts, kinds, strict=True):
        if not (accepts(kind or "Folder", other_kind) or accepts(other_kind or "Folder", kind)):
            message = f"{who} is either {first}, {_a(kind)}, or {other}, {_a(other_kind)}: these do not go together"
            hint = "name outputs of one type; or say type: File, if any artifact will do"
            yield Finding("wrong-input-type", place, message, hint, written, offset=offset)
            return


def check_output_types(number: int, task: Task) -> Iterator[Finding]:
    """Types of outputs that are almost known ones."""
    for name, spec in task.outputs.items():
        yield from spelling(spec.type, ("tasks", number, "outputs", name), f"output {name!r} of task {task.name!r}")


def spelling(kind: str, path: Path, who: str) -> Iterator[Finding]:
    """A type of the author's own that is spelled as a known one is, but for large and small letters."""
    if kind not in ARTIFACTS and (known := _SPELLINGS.get(kind.lower())) is not None:
        message = f"{who} has a type of your own, {kind!r}, which is not {known!r}"
        yield Finding("almost-a-type", path, message, f"did you mean {known!r}?", kind, Severity.WARNING)


def _kind(pipeline: Pipeline, ref: InputRef) -> str | None:
    spec = outside(pipeline.by_name[ref.task]).get(ref.output or "")
    return None if spec is None else spec.type


def _a(kind: str | None) -> str:
    return "a whole output folder" if kind is None else f"of type {kind}"
