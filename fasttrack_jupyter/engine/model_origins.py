"""Where a model version comes from: the output of an attempt, and all that went into it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.engine.fetching import key_of
from fasttrack_jupyter.engine.ports import ExecutionBackend, OnThisMachine
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.sessions import Outcome
from fasttrack_jupyter.model.artifacts import InputRef, OutputSpec
from fasttrack_jupyter.model.groups import outside
from fasttrack_jupyter.model.job import PipelineJob, attempt_id
from fasttrack_jupyter.model.pipeline import Task

_MOST_HASHED = 1 << 30
"""Bytes of an input that are read again for its digest."""


@dataclass(frozen=True, slots=True)
class JobParts:
    """A job, its pipeline, and what its task instances have left."""

    job: PipelineJob
    roll: Roll
    outcomes: Sequence[Outcome]
    """By ordinal."""
    where: Callable[[str], str]
    """The backend of a task instance."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One artifact of one attempt, to be registered as a version of ``model``."""

    parts: JobParts
    path: str
    attempt: int
    output: str
    model: str

    @property
    def ordinal(self) -> int:
        """Of the task instance."""
        return self.parts.roll.index[self.path]

    @property
    def task(self) -> Task:
        """Whose output it is."""
        return self.parts.roll.tasks[self.ordinal]

    @property
    def spec(self) -> OutputSpec:
        """The output as it is declared."""
        return self.task.outputs[self.output]

    @property
    def backend(self) -> str:
        """Where it is, and where the version will be."""
        return self.parts.where(self.path)

    @property
    def place(self) -> str:
        """Where it is in the pipeline folder."""
        return f"{self.parts.outcomes[self.ordinal].outputs_dir}/{self.spec.path_of(self.output)}"

    @property
    def attempt_id(self) -> str:
        """The attempt's."""
        return attempt_id(self.parts.job.id, self.ordinal, self.attempt)

    @property
    def key(self) -> str:
        """The same, however often it is registered."""
        return f"{self.attempt_id}.{key_of(f'{self.output}/{self.model}')}"

    @property
    def metrics(self) -> dict[str, Any]:
        """The values that its task handed on."""
        specs, found = self.task.outputs, self.parts.outcomes[self.ordinal].outputs
        return {name: found[name] for name, spec in specs.items() if spec.is_value and name in found}

    async def lineage(self, home: str, backends: Callable[[str], ExecutionBackend]) -> dict[str, Any]:
        """All that is to be known of where it comes from, as JSON."""
        job = self.parts.job
        return {
            "home": home, "pipeline": job.pipeline, "job": job.id, "index": job.index, "task": self.path,
            "attempt": self.attempt_id, "output": self.output, "key": self.key, "backend": self.backend,
            "image": self.parts.roll.pipeline.image_of(self.task), "code": job.code, "params": dict(job.params),
            "inputs": await self._inputs(backends),
        }  # fmt: skip

    async def _inputs(self, backends: Callable[[str], ExecutionBackend]) -> list[dict[str, Any]]:
        named = {name: self._chosen(given.refs) for name, given in self.task.inputs.items()}
        refs = {**{name: InputRef(name) for name in self.task.dependencies}, **named}
        return [await self._input(name, ref, backends) for name, ref in refs.items()]

    def _chosen(self, refs: Sequence[InputRef]) -> InputRef:
        """Of several, the one that was there."""
        places = {ref: self._outcome(ref).outputs_dir for ref in refs}
        return next((ref for ref, place in places.items() if place is not None), refs[0])

    def _outcome(self, ref: InputRef) -> Outcome:
        return self.parts.outcomes[self.parts.roll.find(self.ordinal, ref.task)]

    async def _input(self, name: str, ref: InputRef, backends: Callable[[str], ExecutionBackend]) -> dict[str, Any]:
        index, outcome = self.parts.roll.find(self.ordinal, ref.task), self._outcome(ref)
        source = self.parts.roll.tasks[index]
        spec = outside(source).get(ref.output or "")
        about: dict[str, Any] = {"name": name, "source": str(ref)}
        if spec is not None and (spec.is_value or source.is_container):
            return about | {"value": outcome.outputs.get(ref.output or "")}
        if (place := outcome.outputs_dir) is None:
            return about
        backend = backends(self.parts.where(self.parts.roll.names[index]))
        digest = await _digest(backend, self.parts.job.folder, place)
        return about | {"path": f"{place}/{spec.path_of(ref.output or '')}" if spec else place, "digest": digest}


def registered_outputs(parts: JobParts, path: str, attempt: int) -> list[Origin]:
    """The outputs of a task instance that its author wants to be registered."""
    task = parts.roll.tasks[parts.roll.index[path]]
    return [
        Origin(parts, path, attempt, name, spec.register_as)
        for name, spec in task.outputs.items()
        if spec.register_as is not None
    ]


async def _digest(backend: ExecutionBackend, folder: str, path: str) -> str | None:
    """What stands for all that a task has left; None where its files are not here, or too many bytes."""
    if not isinstance(backend, OnThisMachine) or await backend.missing(folder, [path]):
        return None
    if sum(entry.size for entry in await backend.files(folder, path)) > _MOST_HASHED:
        return None
    lent = await backend.lend(folder, path)
    return await asyncio.to_thread(_of_all, {name: file.sha256 for name, file in lent.items()})


def _of_all(sums: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(sums.items())).encode()).hexdigest()
