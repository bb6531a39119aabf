"""The task instances of one job, and what follows for the others when one of them ends. No I/O, no clock, no await.

This is the lower half of the job machine: it moves instances and offers, considers, skips and
cancels them as their dependencies tell (:mod:`~fasttrack_jupyter.engine.fates`). Which events move
them first is the upper half, :mod:`~fasttrack_jupyter.engine.machine`.

A *container* (a loop, an iteration of one, a group) is an instance without a session. When it may go on
it is opened: those inside join the job, under the next ordinals, and depend on each other and on what has
ended outside. It ends with the last of them, and comes out as they did. Only what is not inside of anything
counts for the job's end and for its final tasks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from fasttrack_jupyter.engine.endings import Ending, ending_of, ending_of_container
from fasttrack_jupyter.engine.fates import Fate, Tally, fate_of, fate_of_final
from fasttrack_jupyter.engine.instance import Instance
from fasttrack_jupyter.engine.stimuli import Consider, Decision, Growth, InstancePlan, Offer
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.job import Change
from fasttrack_jupyter.model.lifecycle import ENDED, JobStatus, Result, Status, check_transition

SKIPPED, REUSED, NOT_RUN = "TaskInstanceSkipped", "TaskInstanceReused", "TaskInstanceCancelled"
"""The events of instances that end without a session."""
EXPANDED, CLOSED = "TaskInstancesAdded", "TaskInstancesEnded"
"""The events of containers."""


class JobBoard:
    """The instances of one job. See the module's text."""

    def __init__(self, job_id: str, plans: Sequence[InstancePlan], growth: Growth | None = None) -> None:
        self.job_id = job_id
        self._growth = growth
        self.status = JobStatus.PENDING
        self.is_cancelling = False
        self._cancels_finals = False
        self._instances = [Instance(plan) for plan in plans]
        self._top = tuple(self._instances)
        """Those that are not inside of others."""
        self._index = {plan.path: i for i, plan in enumerate(plans)}
        self._unended = len(plans)
        """Of these, how many have not ended."""
        self._finals = [instance for instance in self._instances if instance.plan.is_final]
        self._others = Tally(unended=len(plans) - len(self._finals))
        """How all that is not final came out."""
        for i, instance in enumerate(self._instances):
            for upstream in instance.plan.upstream:
                if instance.plan.is_final and not plans[upstream].is_final:
                    continue  # final tasks wait for all of these anyway
                self._instances[upstream].downstream.append(i)
                instance.seen.unended += 1

    def status_of(self, path: str) -> tuple[Status, Result, int]:
        """Status, result and number of attempts of an instance."""
        instance = self._find(path)
        return instance.status, instance.result, instance.attempts

    def is_considering(self, path: str) -> bool:
        """Whether it is to be found out what becomes of an instance."""
        return self._find(path).is_considering

    def is_offered(self, path: str) -> bool:
        """Whether an instance waits for slots."""
        return self._find(path).is_offered

    def why_held(self, path: str) -> str:
        """In words, why an instance waits although its dependencies let it go on; empty if nobody holds it back."""
        instance = self._find(path)
        if not instance.is_held or instance.plan.parent is None:
            return ""
        around = self._instances[instance.plan.parent].plan
        return f"waits for its turn ({around.at_once} of {around.path} at a time)"

    def may_begin(self, path: str) -> bool:
        """Whether an instance may be started that has not been: nothing of a cancelled job, but its final tasks."""
        return self._may_begin(self._find(path))

    def others_ended(self) -> Ending:
        """How all came out that is not final: what final tasks are told. Only once it has ended."""
        return ending_of([x for x in self._top if not x.plan.is_final], is_cancelling=self.is_cancelling)

    def _ended(self, instance: Instance, at: float, decision: Decision, why: str = "") -> None:
        """``instance`` has just ended: what depends on it goes on, or is skipped, or is taken along (for ``why``)."""
        self._count(instance)
        spreading = [(instance, why or _why_not(instance))]
        while spreading:
            ended, why = spreading.pop()
            found = []
            for i in ended.downstream:
                other = self._instances[i]
                ended.tell(other.seen)
                if (reason := self._settle(other, why, at, decision)) is not None:
                    self._count(other)
                    found.append((other, reason))
            if ended.plan.parent is not None:
                found += self._ended_inside(ended, self._instances[ended.plan.parent], at, decision)
            spreading += reversed(found)

    def _count(self, ended: Instance) -> None:
        if ended.plan.parent is not None:
            self._instances[ended.plan.parent].unended -= 1
            return
        self._unended -= 1
        if not ended.plan.is_final:
            ended.tell(self._others)

    # -------------------------------------------------------------- containers

    def grow(self, path: str, data: Mapping[str, Any]) -> list[InstancePlan]:
        """Those inside of a container, which is expanded by ``data``, join the job."""
        assert self._growth is not None, "nobody knows what is inside"
        container, first = self._find(path), len(self._instances)
        plans = list(self._growth.expand(path, data))
        container.children, container.unended = range(first, first + len(plans)), len(plans)
        self._instances += [Instance(plan) for plan in plans]
        self._index |= {plan.path: i for i, plan in enumerate(plans, first)}
        for i, plan in enumerate(plans, first):
            instance = self._instances[i]
            for upstream in plan.upstream:
                other = self._instances[upstream]
                instance.seen.unended += 1
                if other.status in ENDED:
                    other.tell(instance.seen)
                else:
                    other.downstream.append(i)
        return plans

    def _hold(self, container: Instance) -> None:
        """Let only so many of those inside go on as may at a time."""
        if (limit := container.plan.at_once) is None or container.children is None:
            return
        waiting = [i for i in container.children if self._instances[i].status is Status.WAITING]
        going_on = container.unended - len(waiting)
        container.held = deque(waiting[max(limit - going_on, 0) :])
        for i in container.held:
            self._instances[i].is_held = True

    def _ended_inside(
        self, ended: Instance, container: Instance, at: float, decision: Decision
    ) -> list[tuple[Instance, str]]:
        """One inside has ended: the next of those held back goes on; after the last the container has ended as well.

        Gives what has ended by that, each with why those behind it go. One that was cancelled while it
        was held back leaves no room for another.
        """
        if container.status in ENDED:
            return []
        if container.unended == 0:
            self._close(container, at, decision)
            self._count(container)
            return [(container, _why_not(container))]
        while container.held and not ended.is_held:
            child = self._instances[container.held.popleft()]
            if child.status is not Status.WAITING:
                continue  # cancelled meanwhile
            child.is_held = False
            reason = self._settle(child, self._why_hindered(child), at, decision)
            if reason is None:
                break
            self._count(child)
            return [(child, reason)]
        return []

    def _close(self, container: Instance, at: float, decision: Decision) -> None:
        assert self._growth is not None
        assert container.children is not None
        inside = self._instances[container.children.start : container.children.stop]
        end = ending_of_container(inside, is_loop=container.plan.is_loop, is_cancelled=container.is_cancelled)
        container.result = end.result
        data = self._growth.collect(container.plan.path)
        fields = {"result": end.result, "reason": end.reason, "data": data}
        self._change(decision, container, end.status, CLOSED, at, **fields)

    def _settle_inside(self, container: Instance, at: float, decision: Decision) -> None:
        """Let those go on that can; where there is nothing inside that could, the container has ended."""
        assert container.children is not None
        for i in container.children:
            if self._instances[i].plan.ends_as is not None:
                self._end_as_planned(self._instances[i], at, decision)
        self._hold(container)
        for i in container.children:
            child = self._instances[i]
            if (reason := self._settle(child, self._why_hindered(child), at, decision)) is not None:
                self._ended(child, at, decision, reason)
        if container.unended == 0 and container.status not in ENDED:
            self._close(container, at, decision)
            self._ended(container, at, decision)

    def _settle(self, instance: Instance, why: str, at: float, decision: Decision) -> str | None:
        """Do with an instance what its dependencies let be done; if that is its end, why those behind it go as well.

        Final ones hear of each other's ends here, and wait for all others: see :meth:`_settle_finals`.
        """
        if instance.plan.is_final or not instance.is_idle:
            return None
        fate, reason = fate_of(instance.plan.run_if, instance.seen)
        if fate is Fate.GO:
            self._go_on(instance, decision)
        if fate in (Fate.WAIT, Fate.GO) or (fate is Fate.SKIP and not self._may_begin(instance)):
            return None
        if fate is Fate.SKIP:
            self._end_unbegun(instance, Status.SKIPPED, Result.SUCCESS, SKIPPED, at, reason, decision)
            return ""
        self._end_unbegun(instance, Status.CANCELLED, Result.UNDEFINED, NOT_RUN, at, reason or why, decision)
        return _why_not(instance) if reason else why

    def _settle_all(self, at: float, decision: Decision) -> None:
        """Let everything go on that can."""
        for instance in self._instances:
            if (reason := self._settle(instance, self._why_hindered(instance), at, decision)) is not None:
                self._ended(instance, at, decision, reason)

    def _why_hindered(self, instance: Instance) -> str:
        """Why something that an instance waits for does not let it go on; empty if nothing does not."""
        if not instance.seen.hindering:
            return ""
        failed = (self._instances[i] for i in instance.plan.upstream if not self._satisfies(self._instances[i]))
        return next((_why_not(x) for x in failed if x.status in ENDED), "")

    def _settle_finals(self, at: float, decision: Decision) -> None:
        """Let the final tasks go on that can, once all others have ended."""
        if self.status is not JobStatus.RUNNING:
            return
        settling = self._finals[::-1] if self._others.unended == 0 else []
        while settling:
            instance = settling.pop()
            if not instance.is_idle:
                continue
            fate, reason = fate_of_final(instance.plan.run_if, instance.seen + self._others)
            if fate is Fate.SKIP:
                self._end_unbegun(instance, Status.SKIPPED, Result.SUCCESS, SKIPPED, at, reason, decision)
                self._ended(instance, at, decision)
                settling += [self._instances[i] for i in instance.downstream]  # whose turn may have been before it
            elif fate is Fate.GO:
                self._go_on(instance, decision)

    def _end_unbegun(
        self,
        instance: Instance,
        status: Status,
        result: Result,
        event: str,
        at: float,
        reason: str,
        decision: Decision,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """An instance that never had a session ends; whoever calls tells those that depend on it."""
        instance.result = result
        self._change(decision, instance, status, event, at, result=result, reason=reason, data=data or {})

    def _end_as_planned(self, instance: Instance, at: float, decision: Decision) -> None:
        plan = instance.plan
        assert plan.ends_as is not None
        name = SKIPPED if plan.ends_as is Status.SKIPPED else REUSED
        self._end_unbegun(instance, plan.ends_as, Result.SUCCESS, name, at, plan.reason, decision, plan.data)
        self._count(instance)
        for i in instance.downstream:
            instance.tell(self._instances[i].seen)

    def _satisfies(self, instance: Instance) -> bool:
        """Whether what depends on this ended instance may go on."""
        if instance.result is Result.SUCCESS:
            return True
        return instance.result is Result.FAILURE and instance.plan.continue_on_failure

    def _may_begin(self, instance: Instance) -> bool:
        return not self.is_cancelling or (
            (instance.plan.is_final or instance.plan.is_in_final) and not self._cancels_finals
        )

    def _go_on(self, instance: Instance, decision: Decision) -> None:
        """Its dependencies let it: to the admission, or first to whoever decides what becomes of it."""
        if not self._may_begin(instance):
            return
        if instance.plan.is_considered:
            instance.is_considering = True
            decision.instructions.append(Consider(instance.plan.path))
        else:
            self._offer(instance, decision)

    def _offer(self, instance: Instance, decision: Decision) -> None:
        if not instance.is_offered and self._may_begin(instance):
            instance.is_offered = True
            decision.instructions.append(Offer(instance.plan.path))

    def _find(self, path: str) -> Instance:
        try:
            return self._instances[self._index[path]]
        except KeyError:
            raise NotFound(f"job {self.job_id} has no task instance {path!r}") from None

    def _change(
        self, decision: Decision, instance: Instance, status: Status, event: str, at: float, **fields: Any
    ) -> None:
        old, path = instance.status, instance.plan.path
        if status is not old:
            check_transition(path, old, status)
        instance.status = status
        decision.changes.append(Change(self.job_id, path, old, status, event, at, attempt=instance.attempts, **fields))

    def _change_job(self, decision: Decision, status: JobStatus, event: str, at: float, **fields: Any) -> None:
        old, self.status = self.status, status
        decision.changes.append(Change(self.job_id, None, old, status, event, at, **fields))


def _why_not(instance: Instance) -> str:
    """Why what depends on an ended instance does not go on."""
    return f"dependency {instance.plan.path} {'failed' if instance.result is Result.FAILURE else 'cancelled'}"
