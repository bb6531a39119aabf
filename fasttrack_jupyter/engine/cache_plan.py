"""Which tasks of a plan are reused because the same execution was done before; and of the others, what is new.

A task whose dependencies are all known beforehand (reused, or left out) has a key before the job. Whoever depends on
one that runs is decided when that has ended: it may give the same outputs again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fasttrack_jupyter.engine.cache import OPTION, place_of
from fasttrack_jupyter.engine.cache_code import Manifest, VisibleCode, changes
from fasttrack_jupyter.engine.cache_keys import Execution, Keys, NoKey
from fasttrack_jupyter.engine.caching import CacheEntry, CacheStore
from fasttrack_jupyter.engine.conditions import is_cached, run_if_of
from fasttrack_jupyter.engine.digests import LISTED, Place
from fasttrack_jupyter.engine.plan import PlannedTask, Question
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.scripts import LIST
from fasttrack_jupyter.engine.sessions import Outcome, SessionBuilder
from fasttrack_jupyter.engine.storing import PipelineRecord
from fasttrack_jupyter.engine.task_files import HELPED
from fasttrack_jupyter.engine.views import Decision, JobRequest
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.fingerprint import Fingerprint, differences
from fasttrack_jupyter.model.groups import leaf_tasks
from fasttrack_jupyter.model.job import PipelineJob, TaskInstance
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.model.pipeline import Pipeline, RunIf, Task

_AT_ONCE = 20
"""Tasks that are looked at before others get a turn: about 2 ms."""
_NOT_READ = "its outputs are told by their names, sizes and times there, not by content"
_NAMED = 3
"""Tasks that a reason names at most."""


@dataclass(frozen=True, slots=True)
class SeenCode:
    """The code of a job as its tasks see it."""

    snapshot: str | None
    """Of the whole."""
    visible: VisibleCode | None = None
    """What tasks see of it; None where ``digests`` are known."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """See :meth:`VisibleCode.digests`; of a task inside of others, by where it is."""
    is_helped: bool = False
    """Whether programs can ask for the job's parameters."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, beside what the plan knows."""

    request: JobRequest
    record: PipelineRecord | None
    params: Mapping[str, Any]
    code: SeenCode


@dataclass(frozen=True, slots=True)
class Trace:
    """All that a look met with outside the store: as long as it is the same, the look finds the same."""

    keys: Keys
    pipeline: str
    secrets: Mapping[str, str | None]
    """By name, those whose values went into keys."""


@dataclass(frozen=True, slots=True)
class CachedPlan:
    """``tasks`` with what is reused; ``options`` is what the job must remember; ``used`` are the entries, by number.

    ``trace`` is there if all was looked up.
    """

    tasks: Sequence[PlannedTask]
    options: Mapping[str, Any] = field(default_factory=dict)
    used: Sequence[int] = ()
    trace: Trace | None = None


class CachePlanner:
    """Plans of one home. ``secret(name, pipeline)`` gives a secret's value; ``remembered`` waits for ends."""

    def __init__(
        self,
        store: CacheStore,
        backends: Callable[[str], ExecutionBackend],
        make_keys: Callable[[], Keys],
        secret: Callable[[str, str | None], str | None],
        remembered: Callable[[], Awaitable[None]],
    ) -> None:
        self._store, self._backends, self._make_keys, self._secret = store, backends, make_keys, secret
        self._remembered = remembered

    async def code_of(
        self,
        request: JobRequest,
        pipeline: Pipeline,
        files: Mapping[str, str | bytes],
        kept: str | None,
        old: PipelineJob | None,
    ) -> SeenCode:
        """What tasks see of ``files``, laid over the snapshot ``kept`` of the ``old`` job, if any may be reused."""
        if not any(is_cached(pipeline, task) for _, task in leaf_tasks(pipeline)):
            return SeenCode(None)
        backend = self._backends(request.backend)
        snapshot = await backend.put_code(files, onto=kept) if files else kept
        if not files and (known := _kept(request, kept, old)):
            return SeenCode(snapshot, None, known, bool(old and old.options.get(HELPED)))
        manifest = await backend.code_manifest(snapshot) if snapshot else {}
        visible = await asyncio.to_thread(VisibleCode, manifest, files, request.source)
        return SeenCode(snapshot, visible, is_helped=visible.is_helped)

    async def plan(self, question: Question, planned: Sequence[PlannedTask], asked: Asked) -> CachedPlan:
        """``planned``, with what is reused; it costs nothing where no task allows that."""
        pipeline, code = question.pipeline, asked.code
        tasks = _cached(pipeline)
        if not tasks:
            return CachedPlan(planned)
        if code.visible is not None:
            code = replace(code, digests=await asyncio.to_thread(code.visible.digests, tasks))
            asked = replace(asked, code=code)
        options = {OPTION: {"code": dict(code.digests), **({} if asked.request.cache else {"off": True})}}
        if not asked.request.cache:
            return CachedPlan(planned, options)
        newest = await self._store.cache_newest(asked.record.folder) if asked.record else {}
        look = _Look(self, question, planned, asked, newest)
        return CachedPlan(await look.run(), options, look.used, look.trace())

    async def remembered(self) -> None:
        """Return when all that ended until now can be found."""
        await self._remembered()

    async def still_holds(self, trace: Trace) -> bool:
        """Whether a look would meet with the same things again."""
        told = {name: self._secret(name, trace.pipeline) for name in trace.secrets}
        return told == trace.secrets and await trace.keys.still_hold()

    async def find(self, folder: str, key: str) -> CacheEntry | None:
        """The entry of that key."""
        return (await self._store.cache_find(folder, [key])).get(key)

    def keys(self) -> Keys:
        """Fresh ones."""
        return self._make_keys()

    def secret(self, name: str, pipeline: str) -> str | None:
        """A secret as a pipeline sees it."""
        return self._secret(name, pipeline)

    async def changed_files(self, backend: str, then: Any, code: SeenCode, task: Task) -> Mapping[str, str]:
        """By path, what happened to the files that a task sees since the snapshot ``then``; empty if nobody knows."""
        if not then or not code.snapshot or code.visible is None:
            return {}
        try:
            at = self._backends(backend)
            before, now = await at.code_manifest(str(then)), await at.code_manifest(code.snapshot)
        except (FastTrackError, LookupError):
            return {}
        seen = code.visible.paths(task)
        return dict(_seen(changes(before, now), seen, now))


class _Look:
    """One look at one plan."""

    def __init__(
        self,
        planner: CachePlanner,
        question: Question,
        planned: Sequence[PlannedTask],
        asked: Asked,
        newest: Mapping[str, CacheEntry],
    ) -> None:
        self._planner, self._question, self._asked, self._newest = planner, question, asked, newest
        self._tasks = list(planned)
        self._folder = asked.record.folder if asked.record else None
        self._secrets: dict[str, str | None] = {}
        self._keys = planner.keys()
        self._outcomes = [Outcome() for _ in planned]
        self._places: dict[int, Place | None] = {}
        """By ordinal of the tasks about which all is known: where their outputs are, if there are any."""
        self.used: list[int] = []
        job = _draft(question, asked)
        self._builder = SessionBuilder(
            job, Roll(question.pipeline, question.graph), [task.slots for task in planned],
            self._secret, result_of=self._result_of,
        )  # fmt: skip

    def trace(self) -> Trace | None:
        """What was met with, if all of it was told."""
        return Trace(self._keys, self._question.pipeline.name, self._secrets) if self._keys.is_certain else None

    async def run(self) -> list[PlannedTask]:
        """The plan."""
        folder, names = self._folder or "", self._question.graph.names
        for i, task in enumerate(self._tasks):
            if task.decision in (Decision.SKIP, Decision.REUSE):
                self._know(i, task.reuse, (task.backend, folder))
        wanted = [i for i in self._question.graph.topological_order() if self._is_open(i)]
        newest = [place_of(entry) for i in wanted if (entry := self._newest.get(names[i]))]
        await self._keys.look_at([*newest, *(place for place in self._places.values() if place)])
        for count, i in enumerate(wanted, start=1):
            self._tasks[i] = await self._look_at(i)
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return self._tasks

    def _is_open(self, i: int) -> bool:
        pipeline, task = self._question.pipeline, self._question.pipeline.tasks[i]
        if task.is_container or self._tasks[i].decision is not Decision.RUN or not is_cached(pipeline, task):
            return False
        return task.when is None and not task.final and run_if_of(task) is RunIf.ALL_SUCCESS

    def _know(self, i: int, instance: TaskInstance | None, where: tuple[str, str]) -> None:
        place = instance.outputs_dir if instance else None
        self._places[i] = (*where, place) if place else None
        self._outcomes[i] = Outcome(place, instance.data.get("outputs", {}) if instance else {})

    def _secret(self, name: str) -> str | None:
        if name not in self._secrets:
            self._secrets[name] = self._planner.secret(name, self._question.pipeline.name)
        return self._secrets[name]

    def _result_of(self, i: int) -> str:
        return "SKIPPED" if self._tasks[i].decision is Decision.SKIP else "SUCCESS"

    async def _look_at(self, i: int) -> PlannedTask:
        graph, planned = self._question.graph, self._tasks[i]
        running = [graph.names[j] for j in graph.upstream[i] if j not in self._places]
        if running:
            return replace(planned, reason=_depends(running))
        task = self._question.pipeline.tasks[i]
        spec_of, code = self._builder.build, self._asked.code.digests
        try:
            execution = Execution(
                self._question.pipeline, task, spec_of(i, 1, self._outcomes), planned.backend,
                [(graph.names[j], self._places[j]) for j in graph.upstream[i]],
                code.get(task.name, code.get("", "")), self._asked.params, self._asked.code.is_helped,
            )  # fmt: skip
            fingerprint = await self._keys.fingerprint(execution)
        except NoKey as error:
            return replace(planned, reason=f"never reused: {error}")
        except FastTrackError as error:
            return replace(planned, notes=(*planned.notes, f"not looked up: {error.message}"))
        return await self._compared(i, planned, fingerprint, execution)

    async def _compared(self, i: int, planned: PlannedTask, now: Fingerprint, execution: Execution) -> PlannedTask:
        newest, key = self._newest.get(planned.path), now.key
        entry = newest
        if entry is None or entry.key != key:
            entry = await self._planner.find(self._folder, key) if self._folder else None
        if entry is None:
            now = replace(now, told=self._keys.told(execution))
            return replace(planned, reason=await self._why(i, planned, now, newest))
        place = place_of(entry)
        await self._keys.look_at([place])
        digest = self._keys.outputs[place]
        if digest is None or digest.text != entry.digest:
            how = "gone, or nobody can vouch for them" if digest is None else "not what they were"
            return replace(planned, reason=f"its outputs of job #{entry.job_index} are {how}")
        instance = _instance(entry, i)
        self._know(i, instance, (entry.backend, entry.folder))
        self.used.append(entry.num)
        reason = f"reused from job #{entry.job_index}"
        notes = (_NOT_READ,) if digest.text.startswith(LISTED) else ()
        return replace(planned, decision=Decision.REUSE, reason=reason, notes=notes, reuse=instance)

    async def _why(self, i: int, planned: PlannedTask, now: Fingerprint, newest: CacheEntry | None) -> str:
        if newest is None:
            return "no result of it is kept"
        then, task = newest.fingerprint, self._question.pipeline.tasks[i]
        files: Mapping[str, str] = {}
        if then.parts.get("code") != now.parts.get("code"):
            files = await self._planner.changed_files(planned.backend, then.told.get("code"), self._asked.code, task)
        words = differences(then, now, files)
        return f"{', '.join(words) or 'the rules of reuse changed'} since job #{newest.job_index}"


def _cached(pipeline: Pipeline) -> dict[str, Task]:
    """The tasks that may be reused, by where they are."""
    return {path: task for path, task in leaf_tasks(pipeline) if is_cached(pipeline, task)}


def _kept(request: JobRequest, code: str | None, old: PipelineJob | None) -> Mapping[str, str]:
    """What the old job knew of code that is kept as it was."""
    if old is None or code != old.code or request.text != old.text:
        return {}
    known: Mapping[str, str] = old.options.get(OPTION, {}).get("code", {})
    return known


def _depends(running: Sequence[str]) -> str:
    more = f" and {len(running) - _NAMED} more" if len(running) > _NAMED else ""
    those = "those give" if len(running) > 1 else "that gives"
    return f"what it depends on runs ({', '.join(running[:_NAMED])}{more}); reused if {those} the same outputs"


def _seen(found: Mapping[str, str], seen: Manifest, now: Manifest) -> Iterator[tuple[str, str]]:
    """Of the files that changed, those that a task sees; of what is gone, all that it could have seen."""
    for path, how in found.items():
        if path in seen or (path not in now and not path.endswith(f"/{LIST}")):
            yield path, how


def _instance(entry: CacheEntry, ordinal: int) -> TaskInstance:
    return TaskInstance(
        entry.job_id, entry.path, ordinal, entry.task, Status.TERMINATED, Result.SUCCESS,
        outputs_dir=entry.outputs_dir, data={"outputs": dict(entry.outputs or {})},
    )  # fmt: skip


def _draft(question: Question, asked: Asked) -> PipelineJob:
    """The job as far as it is known: tasks that mention the rest are never reused."""
    request, name = asked.request, question.pipeline.name
    return PipelineJob(
        id="", index=0, pipeline=name, folder=asked.record.folder if asked.record else "", text="",
        source=request.source, backend=request.backend, params=asked.params, status=JobStatus.PENDING,
        result=Result.UNDEFINED, reason="", created_at=0.0, started_at=None, ended_at=None, code=asked.code.snapshot,
        name=request.name,
    )  # fmt: skip
