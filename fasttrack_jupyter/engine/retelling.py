"""What exactly an attempt runs or ran, told again from what the job keeps: its text, its parameters, its plan.

A session's spec is a function of these and of what the instances before it left, so it is worked out
anew and never stored. Secrets are not asked for: a variable whose text names one is shown as null, and
whatever else holds the value of one, by whatever way it got there, is starred out as in logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fasttrack_jupyter.engine.demands import GivenSlots
from fasttrack_jupyter.engine.masking import Masker
from fasttrack_jupyter.engine.overviews import GitView, MountView, SessionView
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.sessions import Outcome, SessionBuilder
from fasttrack_jupyter.engine.staging import Parsed
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.expressions import parse_template
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED
from fasttrack_jupyter.model.resources import ResourceSlots, format_size


class Retelling:
    """Tells the sessions of one job. ``rows`` are all its instances, ``secrets`` all values that it could have seen."""

    def __init__(
        self,
        job: PipelineJob,
        parsed: Parsed,
        rows: Sequence[TaskInstance],
        default_slots: Callable[[str], ResourceSlots],
        secrets: Sequence[str],
    ) -> None:
        self._parsed, self._rows, self._masker = parsed, rows, Masker(secrets)
        self._roll = Roll.of_rows(parsed.pipeline, parsed.graph, rows)
        slots = GivenSlots(job, parsed.pipeline, default_slots).of_roll(self._roll)
        self._builder = SessionBuilder(job, self._roll, slots, lambda name: "")

    def tell(self, row: TaskInstance, number: int, data: Mapping[str, Any]) -> SessionView:
        """Attempt ``number`` of ``row`` (0: there was none yet); ``data`` is what is stored of the attempt."""
        index = self._roll.index[row.path]
        if why := self._why_not(row, number, index):
            return SessionView(attempt=number, reason=why)
        outcomes = [Outcome(other.outputs_dir, other.data.get("outputs", {})) for other in self._rows]
        try:
            spec = self._builder.build(index, max(number, 1), outcomes)
        except FastTrackError as error:
            return SessionView(attempt=number, reason=self._mask(error.message))
        told = self._masked(_written(spec, number, data))
        told["environ"] |= dict.fromkeys(self._secret_names(index))
        return SessionView.model_validate(told)

    def _why_not(self, row: TaskInstance, number: int, index: int) -> str:
        if number == 0 and row.status in ENDED:
            return f"it did not run: {row.reason}" if row.reason else "it did not run"
        upstream = [self._rows[i] for i in self._roll.upstream[index]]
        unended = [other.path for other in upstream if other.status not in ENDED]
        if number == 0 and unended:
            return f"what it runs is known once {', '.join(unended[:5])} {'have' if len(unended) > 1 else 'has'} ended"
        return ""

    def _secret_names(self, index: int) -> list[str]:
        """Variables of a task whose text names a secret."""
        texts = self._parsed.pipeline.envs_of(self._roll.tasks[index])
        return [
            name
            for name, text in texts.items()
            if "${{" in text and any(ref.root == "secrets" for ref in parse_template(text).references)
        ]

    def _masked(self, told: dict[str, Any]) -> dict[str, Any]:
        """Every text in it without secrets. Masking is done on each text, whatever JSON would make of it."""
        return {key: _each_text(value, self._mask) for key, value in told.items()}

    def _mask(self, text: str) -> str:
        return self._masker.mask(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


def _each_text(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(part, change) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(part, change) for part in value]
    return value


def _written(spec: SessionSpec, number: int, data: Mapping[str, Any]) -> dict[str, Any]:
    git = spec.git and GitView(
        url=spec.git.url, ref=spec.git.ref, subfolder=spec.git.subfolder, commit=data.get("commit")
    )
    return {
        "attempt": number,
        "command": spec.command,
        "image": spec.image,
        "environ": dict(spec.environ),
        "inputs": list(spec.inputs),
        "named_inputs": {**spec.named_inputs, **spec.input_values},
        "outputs": spec.outputs,
        "mounts": [MountView(folder=m.folder, target=m.target).model_dump() for m in spec.mounts],
        "slots": spec.slots.written(),
        "cluster_size": spec.cluster_size,
        "shmem": None if spec.shmem is None else format_size(spec.shmem),
        "timeout": spec.timeout,
        "code": spec.code,
        "git": git.model_dump() if git else None,
        "mode": data.get("mode") or None,
    }
