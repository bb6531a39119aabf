"""What the sessions of a plan would be asked for, as their backends give it, and what of it can never be had. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fasttrack_jupyter.engine.demands import Demands
from fasttrack_jupyter.engine.roll import Roll
from fasttrack_jupyter.model.pipeline import Task
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.resources import ResourceSlots, format_quantity, say_quantity

if TYPE_CHECKING:  # a plan is made with these
    from fasttrack_jupyter.engine.plan import Ground, Question


class Asked:
    """What each task's session would be asked for; each different demand on each backend is worked out once."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._demands: dict[str, Demands] = {}
        self._known: dict[tuple[str, ResourceSlots, int], tuple[ResourceSlots, tuple[str, ...]]] = {}
        self._too_much: dict[tuple[str, ResourceSlots, int], dict[str, tuple[int, int]]] = {}

    def of(self, index: int) -> tuple[ResourceSlots, tuple[str, ...]]:
        """The slots of one container as its backend gives them, and why they are others than the task's, in words.

        Shrunk, where that was wished for.
        """
        task, name = self._question.pipeline.tasks[index], self._question.backend(index)
        key = (name, self._demand(index, task), task.containers)
        if (known := self._known.get(key)) is None:
            known = self._known[key] = self._given(key[1], task.containers, self._question.ground(index))
        return known

    def inside(self, roll: Roll, index: int) -> ResourceSlots:
        """The slots of one container of any instance of ``roll``, as its backend gives them."""
        top = roll.top(index)
        if index == top:
            return self.of(index)[0]
        return self._question.ground(top).fit(self._demand(top, roll.tasks[index]))[0]

    def _demand(self, index: int, task: Task) -> ResourceSlots:
        name = self._question.backend(index)
        if (demands := self._demands.get(name)) is None:
            default = self._question.ground(index).default_slots
            demands = self._demands[name] = Demands(self._question.pipeline, default)
        return demands.of(task)

    def too_much(self, index: int) -> Mapping[str, tuple[int, int]]:
        """What of it can never be had: by slot, how much is asked and how much there is."""
        size, ground = self._question.pipeline.tasks[index].containers, self._question.ground(index)
        if ground.capacity is None:
            return {}
        key = (self._question.backend(index), self.of(index)[0], size)
        if (known := self._too_much.get(key)) is None:
            known = self._too_much[key] = key[1].times(size).exceeding(ground.capacity)
        return known

    def _given(self, slots: ResourceSlots, size: int, ground: Ground) -> tuple[ResourceSlots, tuple[str, ...]]:
        slots, notes = ground.fit(slots)
        if not self._question.shrink or ground.capacity is None:
            return slots, notes
        too_much = slots.times(size).exceeding(ground.capacity)
        if not too_much:
            return slots, notes
        fitting = shrunk(slots, size, ground.capacity)
        return fitting, (*notes, *(_shrunk_note(slot, slots, fitting) for slot in too_much))


def shrunk(slots: ResourceSlots, cluster_size: int, capacity: ResourceSlots) -> ResourceSlots:
    """``slots`` cut down so that ``cluster_size`` of them fit into ``capacity``."""
    return ResourceSlots({slot: min(amount, capacity.get(slot, 0) // cluster_size) for slot, amount in slots.items()})


def _shrunk_note(slot: str, slots: ResourceSlots, fitting: ResourceSlots) -> str:
    return f"shrunk: {slot} {format_quantity(slot, slots[slot])} → {say_quantity(slot, fitting.get(slot, 0))}"


def what_exceeds(members: int, too_much: Mapping[str, tuple[int, int]]) -> list[Problem]:
    """All that can never be had, one by one."""
    return [
        Problem(
            code="never_fits",
            message=_asked(members, slot, *amounts),
            path=("resources", slot),
            value=format_quantity(slot, amounts[0]),
            hint="ask for less, fit it to this machine, or run it on a cluster",
        )
        for slot, amounts in too_much.items()
    ]


def never_fits(members: int, too_much: Mapping[str, tuple[int, int]]) -> list[str]:
    """In one text, all that can never be had, and the remedy."""
    asked = [_asked(members, slot, *amounts) for slot, amounts in too_much.items()]
    return [f"{'; '.join(asked)} (ask for less, use --shrink, or run it on a cluster)"] if asked else []


def _asked(members: int, slot: str, amount: int, there: int) -> str:
    of = f" for its {members} members" if members > 1 else ""
    return f"asks for {format_quantity(slot, amount)} {slot}{of}, this machine has {say_quantity(slot, there)}"
