"""Plans that may still be true: a plan is made again only if something that it was made from is another one.

That is what a build tool calls a verifying trace: beside a plan is kept what its making met with, namely the request
and the text, the code as tasks see it, the names of the secrets, what the backends said of images and capacities and of
the tasks, the images' identities, mounted folders, the contents of all output folders that it looked at, and which
output folders were gone; and of the store its version, which any write makes another one. To look all of that up once
more costs little beside making the plan, since nothing of it is done for each task but two looks at the times of files.
Where something could not be told, or a service is deployed (whose model is looked up far away), no plan is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from fasttrack_jupyter.engine.cache_plan import SeenCode, Trace
from fasttrack_jupyter.engine.plan import Ground, Question
from fasttrack_jupyter.engine.preflight import Found, Outlines
from fasttrack_jupyter.engine.prepared import Prepared
from fasttrack_jupyter.engine.storing import PipelineRecord
from fasttrack_jupyter.engine.views import JobRequest
from fasttrack_jupyter.model.problems import Problem

_KEPT = 4
_KEPT_TASKS = 20_000
"""In all, about 4 kB each; a larger plan is made each time."""
Missing = Mapping[str, Mapping[str, str]]
"""By backend and place in the pipeline's folder: in words, why earlier outputs cannot be had."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at once of what a plan is made from; equal ones say the same."""

    request: JobRequest
    """Without its key, which says nothing about the plan."""
    text: bytes
    """Its digest."""
    secrets: frozenset[str]
    code: SeenCode
    files: frozenset[str]
    grounds: Mapping[str, Ground]
    store: int
    """Its version before anything was read."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A plan, and what else it met with."""

    facts: Facts
    question: Question
    outlines: Outlines
    answers: Found
    """Of the preflight."""
    record: PipelineRecord | None
    folder: str | None
    places: Mapping[str, frozenset[str]]
    """By backend, the earlier outputs that were asked for; ``missing`` of them could not be had."""
    missing: Missing
    notices: tuple[Problem, ...]
    trace: Trace
    prepared: Prepared


class PlanMemory:
    """The last plan of each of the last few pipelines."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Remembered] = OrderedDict()

    def find(self, pipeline: str, facts: Facts) -> Remembered | None:
        """The plan of that pipeline, if it was made from the same; the rest of what it met with is still to be seen."""
        known = self._kept.get(pipeline)
        return known if known is not None and known.facts == facts else None

    def keep(self, pipeline: str, plan: Remembered) -> None:
        """In place of an earlier one."""
        self._kept.pop(pipeline, None)
        self._kept[pipeline] = plan
        while len(self._kept) > _KEPT or self._tasks() > _KEPT_TASKS:
            self._kept.popitem(last=False)

    def _tasks(self) -> int:
        return sum(len(plan.prepared.tasks) for plan in self._kept.values())
