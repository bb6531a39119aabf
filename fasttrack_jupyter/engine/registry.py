"""The model registry: versions of models that tasks made, where they come from, and which of them is in use.

A version is a vfolder on the backend of the task that made it (see :mod:`fasttrack_jupyter.engine.model_shelf`), and
nothing about it is kept anywhere else: what a vfolder says is what there is, for every home of this user.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine import model_copying as copying
from fasttrack_jupyter.engine.model_comparing import compare
from fasttrack_jupyter.engine.model_origins import JobParts, Origin
from fasttrack_jupyter.engine.model_shelf import MANIFEST, Manifest, Shelf
from fasttrack_jupyter.engine.model_views import (
    ModelComparison,
    ModelSummary,
    ModelsView,
    ModelVersion,
    ModelView,
    RegisterRequest,
)
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.roster import Roster
from fasttrack_jupyter.engine.serving import Serving
from fasttrack_jupyter.engine.sessions import Outcome
from fasttrack_jupyter.engine.staging import Stage
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.errors import BackendError, BackendUnreachable, BadRequest, Conflict, NotFound
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.job import parse_attempt_id
from fasttrack_jupyter.model.lifecycle import JOB_ENDED, Result
from fasttrack_jupyter.model.registry import (
    LATEST,
    ModelRef,
    check_alias,
    check_model_name,
    folder_of,
    parse_model_ref,
)

Say = Callable[[str, int, int], None]
"""Hears which version is being made, how many bytes of it have arrived, and how many there are."""


class ModelRegistry:
    """The registry on all backends of one home. ``spool`` is a folder for files that are on their way."""

    def __init__(self, roster: Roster, store: JobStore, stage: Stage, clock: Clock, home: str) -> None:
        self._roster, self._store, self._stage, self._clock, self._home = roster, store, stage, clock, home
        self._spool = Path(home) / "registering"
        self._shelves: dict[str, Shelf] = {}
        self._busy: list[str] = []
        """Keys that are being registered now, each as often as somebody does."""

    # ------------------------------------------------------------ what there is

    async def models(self, backend: str | None = None) -> ModelsView:
        """By name, on one backend or on all; then one that does not answer keeps nothing from being shown."""
        if backend is not None:
            return ModelsView(models=tuple(await self._models(backend)))
        found: list[ModelSummary] = []
        silent: dict[str, str] = {}
        for name in list(self._roster):
            try:
                found += await self._models(name)
            except (NotFound, BackendError) as error:
                silent[name] = error.message
        return ModelsView(models=tuple(sorted(found, key=lambda each: (each.name, each.backend))), silent=silent)

    async def model(self, backend: str, name: str) -> ModelView:
        """One model, the newest version first. Raises NotFound."""
        shelf = self._shelf(backend)
        aliases = (await shelf.aliases(name)).get(name, {})
        found = await self._manifests(shelf, backend, name)
        services = await self._services(backend)
        versions = [self._present(backend, each, found[-1], aliases, services) for each in reversed(found)]
        return ModelView(name=name, backend=backend, versions=tuple(versions), aliases=aliases)

    async def resolve(self, backend: str, ref: ModelRef, own: int | None = None) -> str:
        """The vfolder that is meant; ``own`` is the version that the asking job itself made, which is its latest.

        Raises:
            NotFound: there is no such model, version or alias.
        """
        return folder_of(ref.model, own if ref.word == LATEST and own else await self._number(backend, ref))

    async def compare(self, backend: str, name: str, one: str, other: str) -> ModelComparison:
        """Two versions side by side, each by number or alias. Raises NotFound, BadRequest."""
        view = await self.model(backend, name)
        return compare(*[await self._version(view, word) for word in (one, other)])

    async def sizes(self) -> tuple[int, int]:
        """How many versions there are on all backends that answer, and how many bytes they hold."""
        found = (await self.models()).models
        return sum(each.versions for each in found), sum(each.size for each in found)

    async def doctor(self) -> list[dict[str, Any]]:
        """``{check, ok, found, remedy}`` of each version that cannot be read: it is listed nowhere, and left alone."""
        rows = []
        for name in list(self._roster):
            with contextlib.suppress(NotFound, BackendError):
                for folder, why in (await self._shelf(name).odd()).items():
                    remedy = f"put back {MANIFEST} in it, or remove it: fasttrack folders remove {folder}"
                    found = f"vfolder {folder} on {name} is a version whose {MANIFEST} cannot be read: {why}"
                    rows.append({"check": "model", "ok": False, "found": found, "remedy": remedy})
        return rows

    # ------------------------------------------------------------ changes

    async def register(self, origin: Origin, say: Say) -> Manifest:
        """Make a version of an artifact, or find the one that it is already. Repeatable; whole or not at all.

        Raises:
            NotFound, BadRequest, Forbidden: what is to be registered is not there, or no model.
            BackendUnreachable: ask again, it goes on where it was.
        """
        self._busy.append(origin.key)
        try:
            return await self._register(origin, say)
        finally:
            self._busy.remove(origin.key)

    async def origin(self, request: RegisterRequest) -> Origin:
        """What somebody wants to register by hand. Raises NotFound, BadRequest, Conflict."""
        job = await self._store.find_job(request.job)
        rows = await self._store.instances(job.id)
        row = next((row for row in rows if row.path == request.task), None)
        what = f"{job.pipeline}#{job.index}"
        if row is None:
            raise NotFound(
                f"{what} has no task {request.task!r}", hint=did_you_mean(request.task, [each.path for each in rows])
            )
        parsed = await self._stage.parse(job)
        roll = Roll.of_rows(parsed.pipeline, parsed.graph, rows)
        task = roll.tasks[row.ordinal]
        outputs = {} if task.is_container else task.outputs
        spec = outputs.get(request.output)
        if spec is None or spec.is_value:
            names = [name for name, each in outputs.items() if not each.is_value]
            hint = did_you_mean(request.output, names) if names else "declare one: outputs: {model: {type: Model}}"
            raise NotFound(f"task {row.path!r} of {what} declares no file or folder {request.output!r}", hint=hint)
        if row.result is not Result.SUCCESS or row.outputs_dir is None:
            raise Conflict(f"task {row.path!r} of {what} has not succeeded", hint="only what a success left is a model")
        if (model := request.name or spec.register_as) is None:
            raise BadRequest("no model is named", hint="say under which name to register it")
        _checked(check_model_name, model)
        outcomes = [Outcome(each.outputs_dir, each.data.get("outputs", {})) for each in rows]
        parts = JobParts(job, roll, outcomes, lambda path: backend_of(job, path))
        return Origin(parts, row.path, row.attempts, request.output, model)

    async def shown(self, backend: str, manifest: Manifest) -> ModelVersion:
        """A version as faces see it. Raises NotFound."""
        view = await self.model(backend, manifest["model"])
        return await self._version(view, str(manifest["version"]))

    async def promote(self, backend: str, name: str, alias: str, version: int) -> ModelView:
        """Let an alias stand for a version. Raises NotFound, BadRequest."""
        _checked(check_alias, alias)
        await self._version(await self.model(backend, name), str(version))
        await self._shelf(backend).promote(name, alias, version)
        return await self.model(backend, name)

    async def drop_alias(self, backend: str, name: str, alias: str) -> None:
        """Forget an alias. Raises NotFound."""
        view = await self.model(backend, name)
        if alias not in view.aliases:
            raise NotFound(f"{name} has no alias {alias!r}", hint=did_you_mean(alias, list(view.aliases)))
        await self._shelf(backend).drop_alias(name, alias)

    async def delete(self, backend: str, name: str, word: str) -> None:
        """Remove a version for good. Raises NotFound; Conflict while an alias or a service uses it."""
        found = await self._version(await self.model(backend, name), word)
        version = found.version
        if aliases := [alias for alias in found.aliases if alias != LATEST]:
            hint = f"point the alias elsewhere, or drop it: fasttrack models demote {name} {aliases[0]}"
            raise Conflict(f"{name}@{version} is {' and '.join(aliases)}", hint=hint)
        if found.services:
            names = ", ".join(found.services)
            raise Conflict(
                f"{name}@{version} is served by {names}", hint=f"fasttrack services remove {found.services[0]}"
            )
        await self._shelf(backend).remove(found.model_dump(mode="json"))

    async def sweep(self, *, dry_run: bool) -> tuple[list[str], int]:
        """Remove versions that stayed half made, because their job ended in the middle: vfolders, and bytes."""
        found, size = [], 0
        for name in list(self._roster):
            with contextlib.suppress(NotFound, BackendUnreachable):
                shelf = self._shelf(name)
                for folder, key in (await shelf.half_made()).items():
                    if await self._is_given_up(key):
                        size += await (shelf.size(folder) if dry_run else shelf.give_up(folder, key))
                        found.append(folder)
        for spool in [] if dry_run else await asyncio.to_thread(lambda: list(self._spool.glob("*"))):
            if await self._is_given_up(spool.name):
                await copying.clear(spool)
        return found, size

    async def _is_given_up(self, key: str) -> bool:
        """Whether nobody will go on with what is being registered under a key. Another home's we cannot know."""
        try:
            job = await self._store.job(parse_attempt_id(key.partition(".")[0])[0])
        except (NotFound, ValueError):
            return False
        return job.status in JOB_ENDED and key not in self._busy

    # ------------------------------------------------------------ parts

    async def _register(self, origin: Origin, say: Say) -> Manifest:
        backend, shelf, folder = (
            self._roster.opened(origin.backend),
            self._shelf(origin.backend),
            origin.parts.job.folder,
        )
        spool = Path(self._home) / "registering" / origin.key
        while True:
            number = await shelf.take(origin.model, origin.key)
            if (known := await shelf.manifest(origin.model, number)) is not None:
                return known
            name = folder_of(origin.model, number)
            content = await copying.content_of(backend, folder, origin.place)
            files = await copying.copy(
                backend,
                content,
                backend,
                name,
                spool,
                lambda done, of, name=name: say(name, done, of),  # type: ignore[misc]
            )
            manifest = await self._manifest(origin, number, content, files)
            if await shelf.finish(manifest, origin.key):
                await copying.clear(spool)
                return manifest

    def _shelf(self, backend: str) -> Shelf:
        opened = self._roster.opened(backend)
        shelf = self._shelves.get(backend)
        if shelf is None or shelf.backend is not opened:
            shelf = self._shelves[backend] = Shelf(opened)
        return shelf

    async def _models(self, backend: str) -> list[ModelSummary]:
        shelf = self._shelf(backend)
        by_name: dict[str, list[Manifest]] = {}
        for each in await shelf.manifests():
            by_name.setdefault(each["model"], []).append(each)
        aliases = await shelf.aliases() if by_name else {}
        return [
            ModelSummary(
                name=name, backend=backend, versions=len(found), size=sum(each["size"] for each in found),
                latest=self._present(backend, found[-1], found[-1], aliases.get(name, {}), {}),
                aliases=aliases.get(name, {}),
            )
            for name, found in by_name.items()
        ]  # fmt: skip

    async def _manifests(self, shelf: Shelf, backend: str, name: str) -> list[Manifest]:
        found = await shelf.manifests(name)
        if not found:
            names = sorted({each["model"] for each in await shelf.manifests()})
            hint = (
                did_you_mean(name, names) if names else "register one: outputs: {model: {type: Model, register: NAME}}"
            )
            raise NotFound(f"no model {name!r} is registered on {backend}", hint=hint)
        return found

    async def _number(self, backend: str, ref: ModelRef) -> int:
        shelf = self._shelf(backend)
        versions = [each["version"] for each in await self._manifests(shelf, backend, ref.model)]
        aliases = {} if ref.word == LATEST or ref.version else (await shelf.aliases(ref.model)).get(ref.model, {})
        number = versions[-1] if ref.word == LATEST else ref.version or aliases.get(ref.word)
        if number is None or number not in versions:
            has = ", ".join([*aliases, *map(str, versions[-5:])])
            raise NotFound(f"there is no {ref} on {backend}", hint=f"there is {ref.model}@ {has}, latest")
        return number

    async def _version(self, view: ModelView, word: str) -> ModelVersion:
        ref = _checked(parse_model_ref, f"{view.name}@{word}")
        number = await self._number(view.backend, ref)
        return next(each for each in view.versions if each.version == number)

    async def _services(self, backend: str) -> Mapping[str, list[str]]:
        """Which services serve each vfolder."""
        found: dict[str, list[str]] = {}
        serving = self._roster.opened(backend)
        for service in await serving.services() if isinstance(serving, Serving) else ():
            for model in {service.model, *service.models}:
                found.setdefault(model, []).append(service.name)
        return found

    async def _manifest(
        self, origin: Origin, number: int, content: copying.Content, files: list[dict[str, Any]]
    ) -> Manifest:
        return {
            "model": origin.model, "version": number,
            "created_at": datetime.fromtimestamp(self._clock.now(), UTC).isoformat(),
            "digest": copying.digest_of(files), "size": content.size, "files": files,
            "left_out": list(content.left_out), "metrics": origin.metrics,
            "lineage": await origin.lineage(self._home, self._roster.opened),
        }  # fmt: skip

    @staticmethod
    def _present(
        backend: str,
        manifest: Manifest,
        latest: Manifest,
        aliases: Mapping[str, int],
        services: Mapping[str, list[str]],
    ) -> ModelVersion:
        number, folder = manifest["version"], folder_of(manifest["model"], manifest["version"])
        names = sorted(alias for alias, stands_for in aliases.items() if stands_for == number)
        if number == latest["version"]:
            names.append(LATEST)
        about = {
            **manifest,
            "folder": folder,
            "backend": backend,
            "aliases": names,
            "services": services.get(folder, ()),
        }
        return ModelVersion.model_validate(about)


def _checked(check: Callable[[str], Any], text: str) -> Any:
    """What ``check`` finds in ``text``. Raises BadRequest where it raises ValueError."""
    try:
        return check(text)
    except ValueError as error:
        message, _, hint = str(error).partition(": ")
        raise BadRequest(message, hint=hint) from error
