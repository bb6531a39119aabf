"""Where an artifact comes from and what became of it.

The nodes are executions: an attempt of a task instance that really ran, however many later jobs took its outputs as
their own. *Back* from one go the inputs that its job gave it, each to its maker; *forward* the tasks that read it, in
its own job and in every job that reused it, and the model versions and services that were made of it. Each node is
entered once, nearest first, so that there is no cycle, and an answer holds at most :data:`MOST` of each direction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fasttrack_jupyter.engine.lineage_jobs import JobLooker, Link
from fasttrack_jupyter.engine.lineage_views import LineageEdge, LineageKind, LineageNode, LineageQuery, LineageView
from fasttrack_jupyter.engine.makers import Made, job_index_of
from fasttrack_jupyter.engine.model_views import ModelVersion
from fasttrack_jupyter.engine.ports import ExecutionBackend, OnThisMachine
from fasttrack_jupyter.engine.present import moment
from fasttrack_jupyter.engine.registry import ModelRegistry
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.whereabouts import LOCAL, backend_of
from fasttrack_jupyter.errors import BackendError, BadRequest, FastTrackError, NotFound
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.job import PipelineJob, parse_attempt_id
from fasttrack_jupyter.model.notebooks import command_of
from fasttrack_jupyter.model.registry import LATEST, parse_model_ref

MOST = 500
"""Nodes of one direction."""
_REUSES, _FILES = 100, 100


class LineageDesk:
    """Of one home."""

    def __init__(self, store: JobStore, backends: Callable[[str], ExecutionBackend], models: ModelRegistry) -> None:
        self._store, self._backends, self._models = store, backends, models

    async def lineage(self, query: LineageQuery) -> LineageView:
        """Both directions of what is asked for. Raises NotFound, BadRequest, Conflict."""
        tracing = _Tracing(self._store, self._backends, self._models)
        if query.model is not None:
            return await tracing.of_model(query.backend, query.model)
        if query.file is not None:
            return await tracing.of_file(Path(query.file))
        assert query.job is not None
        assert query.task is not None
        return await tracing.of_task(await self._store.find_job(query.job), query.task)


class _Tracing:
    """One question."""

    def __init__(self, store: JobStore, backends: Callable[[str], ExecutionBackend], models: ModelRegistry) -> None:
        self._store, self._backends, self._models = store, backends, models
        self._jobs = JobLooker(store)
        self._nodes: dict[str, LineageNode] = {}
        self._edges: dict[tuple[str, str, str | None, str | None], LineageEdge] = {}
        self._truncated = False

    # ------------------------------------------------------------ where it begins

    async def of_task(self, job: PipelineJob, word: str) -> LineageView:
        """A task instance, or ``task.output``."""
        rows = await self._jobs.by_path(job)
        path, dot, output = (word, "", "") if word in rows else word.rpartition(".")
        name = f"{job.pipeline}#{job.index}"
        if path not in rows:
            raise NotFound(f"job {name} has no task {word!r}", hint=did_you_mean(word, rows))
        products = await self._jobs.products(job, rows[path])
        if dot and output not in products:
            raise NotFound(
                f"task {path!r} of {name} declares no output {output!r}", hint=did_you_mean(output, products)
            )
        made = await self._jobs.maker(job, rows[path])
        if made is None:
            index = job_index_of(rows[path].outputs_dir or "")
            raise NotFound(f"{path!r} of {name} shows outputs of {job.pipeline}#{index}, which was deleted")
        note = "" if made.job.id == job.id else f"reused from {made.job.pipeline}#{made.job.index}"
        return await self._told(made, f"{name} {word}", output or None, note)

    async def of_file(self, file: Path) -> LineageView:
        """A file in an outputs folder of this machine."""
        backend = self._backends(LOCAL)
        for record in await self._store.pipelines():
            place = backend.place_of(record.folder) if isinstance(backend, OnThisMachine) else None
            for root in {Path(place), Path(place).resolve()} if place else ():
                if file.is_relative_to(root):
                    return await self._of_output(record.name, file.relative_to(root), file)
        raise NotFound(f"{file} is not in the outputs of any pipeline of this home", hint=_WHERE)

    async def _of_output(self, pipeline: str, inner: Path, file: Path) -> LineageView:
        index = job_index_of(str(inner))
        job = await self._jobs.job_at(pipeline, index) if index is not None else None
        if job is None:
            raise NotFound(f"{file} is not of a job of pipeline {pipeline!r} that is still there", hint=_WHERE)
        by_place = {row.outputs_dir: row for row in await self._jobs.rows(job) if row.attempts}
        for depth in range(len(inner.parts), 2, -1):  # what is inside of others lies below them
            row = by_place.get("/".join(inner.parts[:depth]))
            if row is not None:
                rest, products = "/".join(inner.parts[depth:]), await self._jobs.products(job, row)
                output = next((name for name, spec in products.items() if _holds(spec.path_of(name), rest)), None)
                return await self._told(Made(job, row), str(file), output, "")
        raise NotFound(f"{file} is not of the last attempt of a task of {pipeline}#{index}", hint=_WHERE)

    async def of_model(self, backend: str, word: str) -> LineageView:
        """A version of a model."""
        try:
            ref = parse_model_ref(word)
        except ValueError as error:
            raise BadRequest(str(error), hint="write digits@3, or digits@latest") from error
        view = await self._models.model(backend, ref.model)
        number = view.versions[0].version if ref.word == LATEST else view.aliases.get(ref.word, ref.version)
        version = next((each for each in view.versions if each.version == number), None)
        if version is None:
            known = [*view.aliases, *(str(each.version) for each in view.versions)]
            raise NotFound(f"{ref.model} has no version {ref.word!r}", hint=did_you_mean(ref.word, known))
        self._add_version(version)
        subject, come_from = _model_id(version), version.lineage
        try:
            job = await self._store.job(come_from.job)
            row = (await self._jobs.by_path(job))[come_from.task]
        except (NotFound, KeyError):
            note = f"{come_from.pipeline}#{come_from.index}, which made it, is not here any more"
            return self._view(subject, word, None, note, ())
        maker = await self._add(Made(job, row))
        self._link(maker, subject, come_from.output, None)
        await self._back([Made(job, row)])
        return self._view(subject, word, None, "", await self._files(job))

    # ------------------------------------------------------------ the walks

    async def _told(self, made: Made, asked: str, output: str | None, note: str) -> LineageView:
        subject = await self._add(made)
        await self._back([made])
        await self._forward(made, output)
        return self._view(subject, asked, output, note, await self._files(made.job))

    async def _back(self, start: Sequence[Made]) -> None:
        queue = deque(start)
        seen = {_id(made) for made in start}
        while queue:
            made = queue.popleft()
            for link in await self._jobs.before(made):
                if _id(link.made) not in seen:
                    if len(seen) >= MOST:
                        self._truncated = True
                        continue
                    seen.add(_id(link.made))
                    queue.append(link.made)
                self._link(await self._add(link.made), _id(made), link.output, link.name)

    async def _forward(self, start: Made, output: str | None) -> None:
        versions = await self._versions_by_task({backend_of(start.job, start.row.path), LOCAL})
        queue = deque([start])
        seen = {_id(start)}
        while queue:
            made = queue.popleft()
            wanted = output if _id(made) == _id(start) else None
            self._add_versions(made, versions, wanted)
            for link in await self._readers(made):
                if wanted is not None and link.output not in (None, wanted):
                    continue
                if _id(link.made) not in seen:
                    if len(seen) >= MOST:
                        self._truncated = True
                        continue
                    seen.add(_id(link.made))
                    queue.append(link.made)
                self._link(_id(made), await self._add(link.made), link.output, link.name)

    async def _readers(self, made: Made) -> list[Link]:
        found = list(await self._jobs.after(made.job, made.row.path))
        for job_id, path in await self._standing_in(made):
            found += await self._jobs.after(await self._store.job(job_id), path)
        return found

    async def _standing_in(self, made: Made) -> list[tuple[str, str]]:
        place = made.row.outputs_dir
        return await self._store.standing_in(made.job.folder, place, MOST) if place else []

    # ------------------------------------------------------------ nodes and edges

    async def _add(self, made: Made) -> str:
        node = _id(made)
        if node not in self._nodes:
            self._nodes[node] = await self._node(made)
        return node

    async def _node(self, made: Made) -> LineageNode:
        job, row = made
        roll = await self._jobs.roll(job)
        task = roll.tasks[row.ordinal] if roll is not None else None
        text = ""
        if roll is not None and task:
            text = " ".join([command_of(task), task.when or "", *roll.pipeline.envs_of(task).values()])
        reused = [await self._store.job(job_id) for job_id, _ in (await self._standing_in(made))[:_REUSES]]
        return LineageNode(
            id=_id(made), kind=LineageKind.TASK, name=f"{job.pipeline}#{job.index} {row.path}", job=job.id,
            task=row.path, attempt=row.attempts, result=row.result, ended_at=moment(row.ended_at),
            backend=backend_of(job, row.path), code=job.code, commit=row.data.get("commit"),
            image=roll.pipeline.image_of(task) if roll is not None and task else None,
            command=command_of(task) if task else None, outputs_dir=row.outputs_dir,
            params={name: value for name, value in job.params.items() if f"params.{name}" in text},
            reused_by=tuple(f"{each.pipeline}#{each.index}" for each in reused),
        )  # fmt: skip

    def _link(self, from_: str, to: str, output: str | None, name: str | None) -> None:
        self._edges[from_, to, output, name] = LineageEdge(from_=from_, to=to, output=output, input=name)

    async def _versions_by_task(self, backends: set[str]) -> Mapping[tuple[str, str], list[ModelVersion]]:
        """By job id and task, the versions that were made of it; of a backend that does not answer, none."""
        found: dict[tuple[str, str], list[ModelVersion]] = {}
        for backend in sorted(backends):
            try:
                for model in (await self._models.models(backend)).models:
                    for version in (await self._models.model(backend, model.name)).versions:
                        found.setdefault((version.lineage.job, version.lineage.task), []).append(version)
            except (BackendError, NotFound):
                continue
        return found

    def _add_versions(
        self, made: Made, versions: Mapping[tuple[str, str], list[ModelVersion]], output: str | None
    ) -> None:
        for version in versions.get((made.job.id, made.row.path), ()):
            is_of = parse_attempt_id(version.lineage.attempt)[2] == made.row.attempts
            if is_of and output in (None, version.lineage.output):
                self._add_version(version)
                self._link(_id(made), _model_id(version), version.lineage.output, None)

    def _add_version(self, version: ModelVersion) -> None:
        node, name = _model_id(version), f"{version.model}@{version.version}"
        self._nodes[node] = LineageNode(
            id=node, kind=LineageKind.MODEL, name=name, backend=version.backend, ended_at=version.created_at,
            params=dict(version.lineage.params), code=version.lineage.code, image=version.lineage.image,
        )  # fmt: skip
        for service in version.services:
            served = f"service {version.backend} {service}"
            self._nodes[served] = LineageNode(
                id=served, kind=LineageKind.SERVICE, name=service, backend=version.backend
            )  # fmt: skip
            self._link(node, served, None, None)

    async def _files(self, job: PipelineJob) -> tuple[str, ...]:
        """Of a job's code; nothing where that is gone."""
        try:
            manifest = await self._backends(LOCAL).code_manifest(job.code) if job.code else {}
        except FastTrackError:
            return ()
        return tuple(sorted(manifest)[:_FILES])

    def _view(self, subject: str, asked: str, output: str | None, note: str, files: tuple[str, ...]) -> LineageView:
        return LineageView(
            subject=subject, asked=asked, output=output, note=note, files=files, nodes=tuple(self._nodes.values()),
            edges=tuple(self._edges.values()), truncated=self._truncated,
        )  # fmt: skip


_WHERE = "give a file below jobs/ of a pipeline folder; `fasttrack outputs JOB` lists them"


def _id(made: Made) -> str:
    return f"task {made.job.id} {made.row.path}"


def _model_id(version: ModelVersion) -> str:
    return f"model {version.backend} {version.model}@{version.version}"


def _holds(place: str, file: str) -> bool:
    return file == place or file.startswith(f"{place}/")
