"""Whether the result of an execution is there already: asked when a task instance may go on, remembered when it ended.

What an execution depends on is a key (:mod:`~fasttrack_jupyter.model.fingerprint`). An instance whose key is that of
an entry, and whose outputs are still what they were, takes these. One whose key is that of an instance which runs just
now, in whichever job, waits for its end and looks again. Any other runs, and its key, noted before it begins (so that
an engine that takes it over knows it), becomes an entry when it succeeded. What follows for those behind it follows by
itself: their keys are made of what it left, whether it ran again or not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fasttrack_jupyter.engine.cache_keys import Execution, Keys, NoKey
from fasttrack_jupyter.engine.caching import CacheEntry, CacheStore, about_of
from fasttrack_jupyter.engine.conditions import is_cached
from fasttrack_jupyter.engine.digests import Digests, Place
from fasttrack_jupyter.engine.live import LiveJob
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.engine.stimuli import RUN, Verdict, VerdictKind
from fasttrack_jupyter.engine.surroundings import Clock
from fasttrack_jupyter.engine.task_files import HELPED
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.fingerprint import Fingerprint
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status

log = logging.getLogger(__name__)

OPTION = "cache"
"""Of a job: ``{code: {task: digest}, off: bool}``, see :mod:`~fasttrack_jupyter.engine.cache_plan`."""
_LOOK_AGAIN = 1.0
"""Seconds after which an instance that is waited for is looked at: it may have ended without a word."""

At = tuple[str, str]
"""Job id and path."""


@dataclass(slots=True)
class _UnderWay:
    """An execution that an instance is about to do, or does."""

    live: LiveJob
    path: str
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def at(self) -> At:
        return (self.live.job.id, self.path)


class CacheJudge:
    """Of one home; see :class:`~fasttrack_jupyter.engine.judging.Judge`. ``make_keys`` gives fresh :class:`Keys`."""

    def __init__(
        self,
        store: CacheStore,
        digests: Digests,
        clock: Clock,
        make_keys: Callable[[], Keys],
        live_job: Callable[[str], LiveJob | None],
    ) -> None:
        self._store, self._digests, self._clock = store, digests, clock
        self._make_keys, self._live_job = make_keys, live_job
        self._under_way: dict[tuple[str, str], _UnderWay] = {}
        """By pipeline folder and key."""
        self._keys: dict[At, CacheEntry] = {}
        self._waits_for: dict[At, str] = {}
        self._ends: dict[At, asyncio.Task[None]] = {}

    def wants(self, live: LiveJob, path: str) -> bool:
        """See :class:`Judge`."""
        task = live.graph.tasks[live.graph.index[path]]
        return is_cached(live.pipeline, task) and not task.is_container

    def why_waiting(self, live: LiveJob, path: str) -> str:
        """See :class:`Judge`."""
        return self._waits_for.get((live.job.id, path), "it is found out whether its result is there already")

    async def judge(self, live: LiveJob, path: str) -> Verdict:
        """See :class:`Judge`."""
        try:
            fingerprint = await self._fingerprint(live, path)
        except (NoKey, FastTrackError) as error:  # what is wrong with it is said when it is to begin
            log.info("job %s: %s is not looked up: %s", live.job.id, path, error)
            return RUN
        entry = self._draft(live, path, fingerprint)
        if is_off(live.job.options):
            return await self._begin(entry)
        mine = _UnderWay(live, path)
        try:
            verdict = await self._decide(mine, entry)
        except BaseException:
            self._release(mine, entry)
            raise
        finally:
            self._waits_for.pop(mine.at, None)
        return verdict

    def ended(self, live: LiveJob, path: str, attempt: int) -> None:
        """See :class:`Judge`."""
        status, result, _ = live.machine.status_of(path)
        if status not in ENDED:
            return  # there is another attempt
        outcome = live.outcomes[live.graph.index[path]]
        succeeded = status is Status.TERMINATED and result is Result.SUCCESS
        place, outputs = (outcome.outputs_dir, outcome.outputs) if succeeded else (None, {})
        self._later((live.job.id, path), self._remember((live.job.id, path), place, outputs))

    def finished(self, live: LiveJob) -> None:
        """A job has ended: of what was cancelled before it began nobody has told."""
        for at in [at for at in self._keys if at[0] == live.job.id and at not in self._ends]:
            self._later(at, self._remember(at, None, {}))

    async def aclose(self) -> None:
        """Finish what is being remembered."""
        await asyncio.gather(*self._ends.values(), return_exceptions=True)

    async def settled(self) -> None:
        """Return when all ends that were told of until now are remembered."""
        await asyncio.gather(*self._ends.values(), return_exceptions=True)

    # ------------------------------------------------------------------ keys

    async def _fingerprint(self, live: LiveJob, path: str) -> Fingerprint:
        index = live.graph.index[path]
        _, _, attempts = live.machine.status_of(path)
        options: Mapping[str, Any] = live.job.options.get(OPTION, {})
        code: Mapping[str, str] = options.get("code", {})
        roll, upstream = live.graph, live.graph.upstream[index]
        execution = Execution(
            live.pipeline, roll.tasks[index], live.spec(path, attempts + 1), live.where(path),
            [(roll.names[i], _place(live, i)) for i in upstream],
            code.get(_place_in_file(roll, index), code.get("", live.job.code or "")),
            {**live.job.params, **roll.frame(index).params}, bool(live.job.options.get(HELPED)),
            [place for i in upstream if roll.tasks[i].is_container for place in _inside(live, i)],
        )  # fmt: skip
        keys = self._make_keys()
        return replace(await keys.fingerprint(execution), told=keys.told(execution))

    def _draft(self, live: LiveJob, path: str, fingerprint: Fingerprint) -> CacheEntry:
        job = live.job
        task = _place_in_file(live.graph, live.graph.index[path])
        return CacheEntry(
            job.folder, fingerprint.key, job.pipeline, task, job.id, job.index, path, live.where(path),
            about_of(fingerprint), self._clock.now(),
        )  # fmt: skip

    # ------------------------------------------------------------------ hits

    async def _decide(self, mine: _UnderWay, entry: CacheEntry) -> Verdict:
        slot = (entry.folder, entry.key)
        while True:
            other = self._under_way.setdefault(slot, mine)  # from now on all others of this key wait for this one
            if other.at == mine.at:
                if found := await self._hit(entry):
                    self._release(mine, entry)
                    await self._store.cache_used([found.num], self._clock.now())
                    return reuse_of(found)
                taken = await self._taken_over(entry)
                if taken is None:
                    return await self._begin(entry)
                self._under_way[slot] = other = taken
                mine.over.set()
                mine.over = asyncio.Event()
            await self._end_of(other, mine.at)
            if self._under_way.get(slot) is other:
                del self._under_way[slot]

    async def _begin(self, entry: CacheEntry) -> Verdict:
        self._keys[entry.job_id, entry.path] = entry
        await self._store.cache_begin(entry)
        return RUN

    async def _hit(self, wanted: CacheEntry) -> CacheEntry | None:
        """The entry of that key whose outputs are still what they were."""
        entry = (await self._store.cache_find(wanted.folder, [wanted.key])).get(wanted.key)
        if entry is None or entry.outputs_dir is None:
            return None
        place = place_of(entry)
        digest = (await self._digests.outputs([place]))[place]
        return entry if digest is not None and digest.text == entry.digest else None

    async def _end_of(self, other: _UnderWay, at: At) -> None:
        """Wait for the end of the same execution."""
        self._waits_for[at] = f"waits for the same execution, {other.path} of job #{other.live.job.index}"
        while not other.over.is_set() and self._goes_on(other):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(other.over.wait(), _LOOK_AGAIN)

    async def _taken_over(self, entry: CacheEntry) -> _UnderWay | None:
        """An execution that began under an earlier engine."""
        for each in await self._store.cache_running(entry.folder, entry.key):
            live = self._live_job(each.job_id)
            if live is not None and (each.job_id, each.path) != (entry.job_id, entry.path):
                status, _, attempts = live.machine.status_of(each.path)
                if status not in ENDED and attempts:
                    return _UnderWay(live, each.path)
        return None

    def _goes_on(self, other: _UnderWay) -> bool:
        """Whether its end is still to be told; of what was cancelled before it began nobody tells."""
        if other.at in self._ends:
            return True
        is_live = self._live_job(other.live.job.id) is other.live
        return is_live and other.live.machine.status_of(other.path)[0] is not Status.CANCELLED

    # ------------------------------------------------------------------ ends

    def _later(self, at: At, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._ends[at] = task
        task.add_done_callback(lambda done: self._ends.pop(at) if self._ends.get(at) is done else None)

    async def _remember(self, at: At, place: str | None, outputs: Mapping[str, Any]) -> None:
        entry = self._keys.pop(at, None)
        try:
            entry = entry or await self._store.cache_begun(*at)
            if entry is not None:
                await self._store.cache_end(*at, await self._ended(entry, place, outputs) if place else None)
        except FastTrackError as error:
            log.warning("job %s: the result of %s is not remembered: %s", *at, error)
        finally:
            if entry is not None:
                found = self._under_way.get((entry.folder, entry.key))
                if found is not None and found.at == at:
                    self._release(found, entry)

    async def _ended(self, entry: CacheEntry, place: str, outputs: Mapping[str, Any]) -> CacheEntry | None:
        done = replace(entry, outputs_dir=place, outputs=outputs, created_at=self._clock.now())
        at = place_of(done)
        digest = (await self._digests.outputs([at]))[at]
        return replace(done, digest=digest.text, size=digest.size) if digest is not None else None

    def _release(self, mine: _UnderWay, entry: CacheEntry) -> None:
        slot = (entry.folder, entry.key)
        if self._under_way.get(slot) is mine:
            del self._under_way[slot]
        mine.over.set()


def place_of(entry: CacheEntry) -> Place:
    """Where its outputs are."""
    return (entry.backend, entry.folder, entry.outputs_dir or "")


def reuse_of(entry: CacheEntry) -> Verdict:
    """The verdict that an entry's outputs stand in."""
    told = {"key": entry.key, "entry": entry.num, "job": entry.job_id}
    data = {"outputs_dir": entry.outputs_dir, "outputs": dict(entry.outputs or {}), "cache": told}
    return Verdict(VerdictKind.REUSE, f"reused from job #{entry.job_index}", data)


def is_off(options: Mapping[str, Any]) -> bool:
    """Whether a job was asked not to look for results that are there."""
    return bool(options.get(OPTION, {}).get("off"))


def _place_in_file(roll: Roll, index: int) -> str:
    """Where an instance's task is in the pipeline, whichever iteration it is of: ``sweep/train``."""
    return roll.static(index).replace("[]", "")


def _inside(live: LiveJob, index: int) -> Iterator[Place]:
    """Where all that is inside of a container is, but for containers."""
    todo = [index]
    while todo:
        at = todo.pop()
        if not live.graph.tasks[at].is_container:
            if (place := _place(live, at)) is not None:
                yield place
        else:
            todo += live.graph.children(at)


def _place(live: LiveJob, index: int) -> Place | None:
    """Where what an instance left is; a container's is in its parts, which are inputs by name."""
    place = None if live.graph.tasks[index].is_container else live.outcomes[index].outputs_dir
    return (live.where(live.graph.names[index]), live.job.folder, place) if place is not None else None
