"""Puts jobs side by side: collects what each was given and what came out, from the store and from its outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fasttrack_jupyter.engine.classification import figures_of
from fasttrack_jupyter.engine.compare_views import Classification, FiguresView, JobComparison
from fasttrack_jupyter.engine.comparing import Column, compared
from fasttrack_jupyter.engine.makers import Made, Makers
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.present import present_job
from fasttrack_jupyter.engine.reads import LogReader
from fasttrack_jupyter.engine.staging import Stage
from fasttrack_jupyter.engine.storing import JobStore
from fasttrack_jupyter.engine.whereabouts import backend_of
from fasttrack_jupyter.errors import BadRequest, FastTrackError
from fasttrack_jupyter.model.artifacts import OutputSpec
from fasttrack_jupyter.model.groups import leaf_tasks, outside
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.pipeline import Pipeline

MOST_JOBS = 20
_MOST_BYTES = 1 << 20
"""Of an artifact that is read."""
_MOST_EVENTS = 50_000
"""Of one job, looked through for what its tasks noted."""
_PAGE = 5_000
_MOST_NAMES, _LONGEST = 500, 500
_Products = Mapping[str, Mapping[str, OutputSpec]]
_CLASSIFICATION = ("ClassificationMetrics", "SlicedClassificationMetrics")


class CompareDesk:
    """Of one home."""

    def __init__(
        self, store: JobStore, backends: Callable[[str], ExecutionBackend], stage: Stage, logs: LogReader
    ) -> None:
        self._store, self._backends, self._stage, self._logs = store, backends, stage, logs

    async def compare(self, jobs: Sequence[str]) -> JobComparison:
        """These jobs, in this order. Raises NotFound, Conflict (ambiguous), BadRequest (too few, too many)."""
        found = [await self._store.find_job(word) for word in jobs]
        found = list({job.id: job for job in found}.values())
        if not 2 <= len(found) <= MOST_JOBS:
            what = f"{len(found)} jobs cannot be compared" if len(found) != 1 else "one job cannot be compared"
            raise BadRequest(what, hint=f"name 2 to {MOST_JOBS} different jobs; `fasttrack jobs` lists them")
        makers, masked = Makers(self._store), await self._logs.masker_of_all()
        gathering = _Gathering(self._store, self._backends, makers, masked)
        columns = [await self._column(job, gathering) for job in found]
        return compared(columns, tuple(dict.fromkeys(gathering.left_out)))

    async def figures(self, job: str, path: str) -> FiguresView:
        """What the artifacts of one task instance tell. Raises NotFound."""
        found = await self._store.find_job(job)
        row = await self._logs.instance(found, path)
        gathering = _Gathering(self._store, self._backends, Makers(self._store), await self._logs.masker_of_all())
        column = Column(present_job(found), {}, (row,))
        await gathering.outputs(column, found, row, _products_of((await self._stage.parse(found)).pipeline))
        return FiguresView(
            numbers={name: value for (_, name, source), value in column.values.items() if source == "artifact"},
            classifications=tuple(
                Classification(output=output, slice=part, matrix=pair[0], curve=pair[1])
                for (_, output, part), pair in column.figures.items()
            ),
            left_out=tuple(gathering.left_out),
        )

    async def _column(self, job: PipelineJob, gathering: _Gathering) -> Column:
        rows = await gathering.makers.rows(job)
        column = Column(present_job(job), dict(job.params), rows)
        try:
            products = _products_of((await self._stage.parse(job)).pipeline)
        except FastTrackError as error:
            gathering.left_out.append(f"{_word(job)}: {error.message}")
            return column
        for row in rows:
            await gathering.outputs(column, job, row, products)
        await gathering.noted(column, job, rows)
        return column


class _Gathering:
    """One question: what is known of its jobs, and what could not be read."""

    def __init__(
        self,
        store: JobStore,
        backends: Callable[[str], ExecutionBackend],
        makers: Makers,
        masked: Callable[[Any], Any],
    ) -> None:
        self.makers, self.left_out = makers, list[str]()
        self._store, self._backends, self._masked = store, backends, masked
        self._noted: dict[str, Mapping[str, Mapping[str, Any]]] = {}

    async def outputs(self, column: Column, job: PipelineJob, row: TaskInstance, products: _Products) -> None:
        """Add what one instance handed on; a container has no artifacts of its own."""
        outputs = row.data.get("outputs", {})
        for name, spec in products.get(row.task.replace("[]", ""), {}).items():
            if name not in outputs:
                continue
            if spec.is_value:
                column.values[row.path, name, "output"] = outputs[name]
            elif row.outputs_dir is None:
                continue
            elif spec.type == "Metrics":
                for key, value in _scalars(await self._artifact(job, row, outputs[name])):
                    column.values[row.path, f"{name}.{key}", "artifact"] = value
            elif spec.type in _CLASSIFICATION:
                for part, pair in figures_of(await self._artifact(job, row, outputs[name])).items():
                    column.figures[row.path, name, part] = pair

    async def noted(self, column: Column, job: PipelineJob, rows: Sequence[TaskInstance]) -> None:
        """Add what its instances noted of themselves."""
        for row in rows:
            made = await self.makers.maker(job, row) if row.outputs_dir else Made(job, row)
            metrics = (await self._metrics_of(made.job)).get(made.row.path, {}) if made else {}
            for name, series in metrics.items():
                if isinstance(series, Mapping):
                    column.values[row.path, name, "metric"] = series.get("last")
                    column.series[row.path, name] = series

    async def _artifact(self, job: PipelineJob, row: TaskInstance, told: Any) -> dict[str, Any]:
        """An artifact's metadata and, over it, what its file says if that is a JSON object."""
        about = told if isinstance(told, Mapping) else {}
        metadata, path = about.get("metadata"), str(about.get("path", ""))
        known = dict(metadata) if isinstance(metadata, Mapping) else {}
        try:
            backend = self._backends(backend_of(job, row.path))
            data = await backend.read(job.folder, f"{row.outputs_dir}/{path}", 0, _MOST_BYTES + 1)
        except FastTrackError as error:
            if not known:
                self.left_out.append(f"{_word(job)}: {path} of {row.path}: {error.message}")
            data = b""
        if len(data) > _MOST_BYTES:
            self.left_out.append(f"{_word(job)}: {path} of {row.path} is more than {_MOST_BYTES >> 20} MiB")
            data = b""
        told_of: dict[str, Any] = self._masked({**known, **_object(data)})
        return told_of

    async def _metrics_of(self, job: PipelineJob) -> Mapping[str, Mapping[str, Any]]:
        """By path, the metrics of the last attempt that noted any."""
        if job.id not in self._noted:
            self._noted[job.id] = await self._read_metrics(job)
        return self._noted[job.id]

    async def _read_metrics(self, job: PipelineJob) -> Mapping[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        after, seen = 0, 0
        while events := await self._store.events(after, _PAGE, job.id):
            for event in events:
                metrics = event.data.get("metrics")
                if event.path is not None and isinstance(metrics, Mapping):
                    found[event.path] = metrics
                    if event.data.get("metrics_truncated"):
                        self.left_out.append(f"{_word(job)}: some metrics of {event.path}: their file is very large")
            after, seen = events[-1].seq, seen + len(events)
            if seen >= _MOST_EVENTS:
                self.left_out.append(f"{_word(job)}: metrics after its first {seen:,} events")
                break
        return found


def _products_of(pipeline: Pipeline) -> _Products:
    """What each task hands on, by where it is in the pipeline."""
    inner = {path: task.products for path, task in leaf_tasks(pipeline)}
    return {**inner, **{name: outside(task) for name, task in pipeline.by_name.items()}}


def _object(data: bytes) -> dict[str, Any]:
    """The JSON object that a file holds; what it says instead is in the artifact's metadata, if anywhere."""
    try:
        found = json.loads(data) if data else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _scalars(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Numbers and short texts of a ``Metrics`` artifact, also in the words of Kubeflow's first version."""
    listed = found.get("metrics")
    if isinstance(listed, list):
        old = {
            str(each.get("name")): each.get("numberValue") for each in listed[:_MOST_NAMES] if isinstance(each, Mapping)
        }
        found = {**old, **{name: value for name, value in found.items() if name != "metrics"}}
    for name, value in list(found.items())[:_MOST_NAMES]:
        if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST):
            yield str(name)[:_LONGEST], _plain(value)


def _plain(value: Any) -> Any:
    """A number as JSON can carry it."""
    if isinstance(value, float) and value - value != 0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


def _word(job: PipelineJob) -> str:
    return f"{job.pipeline}#{job.index}"
