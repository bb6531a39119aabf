"""What is kept of a trigger: the jobs of one pipeline start jobs of another when they end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fasttrack_jupyter.model.lifecycle import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrigger:
    """``of``: the pipeline whose jobs start others; ``seen``: the newest event that counts no more."""

    of: str
    result: str
    """``success``, ``failure`` or ``any``; a cancelled job starts nothing."""
    pipeline: str
    source: str
    backend: str
    params: Mapping[str, Any]
    created_at: float
    seen: int

    def fits(self, result: Result) -> bool:
        """Whether a job that came out like this starts one."""
        return result in (Result.SUCCESS, Result.FAILURE) and self.result in ("any", result.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(NewTrigger):
    """One that is kept; ``num`` is what people call it."""

    num: int
    fired_at: float | None = None
    job: str | None = None
    """The last one that it started: its id."""
    trouble: str = ""
    """Why it could start none the last time."""


class TriggerStore(Protocol):
    """The table of triggers."""

    async def trigger_add(self, new: NewTrigger) -> int:
        """Its number. Raises Conflict where there is one of this pipeline and this file."""
        ...

    async def triggers(self) -> list[Trigger]:
        """All of them, the oldest first."""
        ...

    async def trigger_drop(self, num: int) -> bool:
        """Forget one; whether there was any."""
        ...

    async def trigger_fired(self, num: int, seen: int, at: float, job: str | None, trouble: str) -> None:
        """It has started ``job`` for the event ``seen``, or could not."""
        ...

    async def triggers_seen(self, seen: int) -> None:
        """No event up to this one starts anything any more."""
        ...


def chain(triggers: Sequence[NewTrigger], start: str, end: str) -> list[str]:
    """How jobs of ``start`` come to start jobs of ``end``, pipeline by pipeline; empty where they do not."""
    todo, seen = [[start]], {start}
    while todo:
        way = todo.pop()
        if way[-1] == end:
            return way
        following = {each.pipeline for each in triggers if each.of == way[-1]} - seen
        seen |= following
        todo += [[*way, name] for name in sorted(following)]
    return []
