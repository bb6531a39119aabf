"""What the registry does for a job that runs: versions are made of what its tasks leave, and found for its deployments.

A task that promises to register an output has succeeded only when that version is there: its session has ended, its
success is not recorded yet. So a crash at any moment has the whole repeated, by the same attempt, whose key finds what
it had begun. A deployment of ``digits@latest`` (or of an alias) serves the version that there was when its attempt was
first asked for: that is noted in the home before, so that asking again never means another version.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.carrying import TOLD
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.model_origins import JobParts, Origin, registered_outputs
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.registry import ModelRegistry
from fasttrack_jupyter.engine.stimuli import SessionReported
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, FastTrackError, NotFound, SessionRejected
from fasttrack_jupyter.model.job import parse_attempt_id
from fasttrack_jupyter.model.lifecycle import Result
from fasttrack_jupyter.model.registry import LATEST, ModelRef, folder_of, is_version, parse_model_ref

REGISTERED = "registered"
"""Of an artifact among a task instance's outputs: ``{model, version, folder, backend}`` that it was registered as."""

Tell = Callable[[float, str], None]
"""Hears how far it is (0 to 1), and that in words."""


class ModelRegistrar:
    """The registry's part in the jobs of one home. ``notes`` is a folder of the home's."""

    def __init__(self, registry: ModelRegistry, clock: Clock, notes: Path) -> None:
        self._registry, self._clock, self._notes = registry, clock, notes

    # ------------------------------------------------------------ a task has succeeded

    def is_due(self, live: LiveJob, event: SessionReported) -> bool:
        """Whether something has to be registered before the success of an attempt can be recorded."""
        return event.result is Result.SUCCESS and any(
            REGISTERED not in event.data.get("outputs", {}).get(origin.output, {})
            for origin in registered_outputs(_parts(live), event.path, event.attempt)
        )

    async def finish(self, live: LiveJob, event: SessionReported, tell: Tell) -> SessionReported:
        """Register; the same event, with what came of it among the outputs. Repeatable.

        Raises:
            BackendUnreachable: ask again.
            BackendError: it cannot be registered.
        """
        outputs = dict(event.data["outputs"])
        for origin in registered_outputs(_parts(live), event.path, event.attempt):
            try:
                made = await self._register(origin, tell)
            except BackendUnreachable:
                raise
            except FastTrackError as error:
                words = f"output {origin.output} was not registered as {origin.model}: {error.message}"
                raise BackendError(words, hint=error.hint) from error
            outputs[origin.output] = {**outputs[origin.output], REGISTERED: made}
        live.outcomes[live.graph.index[event.path]].outputs = outputs
        return replace(event, at=self._clock.now(), data={**event.data, "outputs": outputs})

    async def _register(self, origin: Origin, tell: Tell) -> dict[str, Any]:
        told = self._clock.monotonic()  # what is done in a moment needs no words

        def say(version: str, done: int, of: int) -> None:
            nonlocal told
            now = self._clock.monotonic()
            if now - told >= TOLD:
                told, fraction = now, done / of if of else 1.0
                tell(fraction, f"registering {version}: {fraction:.0%} of {of / 1e6:.1f} MB")

        made = await self._registry.register(origin, say)
        name, version = made["model"], made["version"]
        return {"model": name, "version": version, "folder": folder_of(name, version), "backend": origin.backend}

    # ------------------------------------------------------------ a deployment begins

    async def settle(self, live: LiveJob, spec: SessionSpec) -> SessionSpec:
        """The spec of a deployment with the vfolder of the version that is meant, always the same for an attempt.

        Raises:
            SessionRejected: there is no such version.
            BackendUnreachable: ask again.
        """
        if spec.service is None or not is_version(spec.service.model):
            return spec
        note = self._notes / spec.attempt_id
        if not (folder := await asyncio.to_thread(_noted, note)):
            folder = await self._find(live, spec.path, spec.service.model)
            await asyncio.to_thread(_write_down, note, folder)
        return replace(spec, service=replace(spec.service, model=folder))

    async def sweep(self, store: JobStore) -> None:
        """Forget which versions attempts served whose jobs are gone."""
        for note in await asyncio.to_thread(lambda: list(self._notes.glob("[!.]*"))):
            try:
                await store.job(parse_attempt_id(note.name)[0])
            except NotFound:
                await asyncio.to_thread(note.unlink, missing_ok=True)

    async def _find(self, live: LiveJob, path: str, word: str) -> str:
        backend = live.where(path)
        try:
            ref = parse_model_ref(word)
            return await self._registry.resolve(backend, ref, _made_by(live, ref, backend))
        except BackendUnreachable:
            raise
        except (FastTrackError, ValueError) as error:
            hint = error.hint if isinstance(error, FastTrackError) else ""
            raise SessionRejected(str(error), hint=hint) from error


def _made_by(live: LiveJob, ref: ModelRef, backend: str) -> int | None:
    """The highest version that the job itself registered; None where that is not what is asked for."""
    registered = [
        value[REGISTERED]
        for outcome in live.outcomes
        for value in outcome.outputs.values()
        if ref.word == LATEST and isinstance(value, dict) and REGISTERED in value
    ]
    own = [each["version"] for each in registered if (each["model"], each["backend"]) == (ref.model, backend)]
    return max(own, default=None)


def _parts(live: LiveJob) -> JobParts:
    return JobParts(live.job, live.graph, live.outcomes, live.where)


def _noted(note: Path) -> str:
    return note.read_text("utf-8") if note.exists() else ""


def _write_down(note: Path, text: str) -> None:
    """Durably, whole or not at all."""
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = note.with_name(f".{note.name}.part")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(note)
