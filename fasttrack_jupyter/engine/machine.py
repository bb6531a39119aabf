"""One pipeline job's decisions: event in, changes and instructions out. No I/O, no clock, no await.

The machine holds, per task instance, its status, its result, how many attempts it had and how
many dependencies it still waits for. ``handle(event)`` checks that the event is legal, moves the
instances that it concerns, and returns

- *changes*: the moves, to be recorded durably **before** anything else happens;
- *instructions*: what the runner is to do then (offer to the admission, submit, cancel, wait).

An illegal event raises and changes nothing. A report about an attempt that is no longer the
current one, or that tells nothing new, is legal and yields nothing: reports may repeat.

The cost of an event is the out-degree of its instance; a failure's cascade visits each victim
once in the whole life of the job (:mod:`~fasttrack_jupyter.engine.fates`). A cancelled job's
instances are cancelled :data:`AT_ONCE` at a time, the living first, so that 100,000 of them hold
nobody up; meanwhile nothing new is offered. Then the final tasks have their turn, as they have
whenever all others have ended; whoever cancels once more ends them too.
Instances are found by path, and nothing here assumes that a path is a task's name: loops and
groups add instances while the job runs, not another machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fasttrack_jupyter.engine.board import EXPANDED, NOT_RUN, REUSED, SKIPPED, JobBoard
from fasttrack_jupyter.engine.endings import CANCELLED, ending_of
from fasttrack_jupyter.engine.instance import Instance
from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Decision,
    Event,
    FinishJob,
    GoOnCancelling,
    Growth,
    InstanceAdmitted,
    InstanceDecided,
    InstancePlan,
    JobStarted,
    Release,
    RetryDue,
    SessionReported,
    Submit,
    VerdictKind,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.errors import IllegalTransition
from fasttrack_jupyter.model.job import TaskInstance
from fasttrack_jupyter.model.lifecycle import (
    BEFORE_RUNNING,
    ENDED,
    LIVE,
    JobStatus,
    Result,
    Status,
)
from fasttrack_jupyter.model.quantities import format_duration

_ENDS_BY = {
    VerdictKind.SKIP: (Status.SKIPPED, Result.SUCCESS, SKIPPED),
    VerdictKind.REUSE: (Status.TERMINATED, Result.SUCCESS, REUSED),
    VerdictKind.FAIL: (Status.ERROR, Result.FAILURE, "TaskInstanceFailed"),
}
CANCEL_REQUESTED = "cancel requested"
"""A job's reason between the request and its end; it survives the engine, so the request does too."""
FINALS_CANCELLED = "cancel requested, of the final tasks too"
"""The same once it was asked for again."""
CANCEL_REQUESTS = (CANCEL_REQUESTED, FINALS_CANCELLED)
RETRYING = "SessionRetrying"
"""The event of an attempt that has ended while its instance waits for the next one."""
AT_ONCE = 500
"""Instances of a cancelled job that one event cancels: about 10 ms."""


class JobMachine(JobBoard):
    """The decisions of one job. See the module's text."""

    def __init__(
        self,
        job_id: str,
        plans: Sequence[InstancePlan],
        *,
        growth: Growth | None = None,
        cancel_at_once: int = AT_ONCE,
    ) -> None:
        super().__init__(job_id, plans, growth)
        self._at_once = cancel_at_once
        self._uncancelled: deque[Instance] | None = None
        self._cancelled_for = CANCELLED

    def handle(self, event: Event) -> Decision:
        """Decide. Raises IllegalTransition or NotFound for an event that cannot be, and then nothing has changed."""
        decision = Decision()
        match event:
            case SessionReported():
                self._on_report(event, decision)
            case InstanceAdmitted():
                self._on_admitted(event, decision)
            case InstanceDecided():
                self._on_decided(event, decision)
            case RetryDue():
                self._on_retry_due(event, decision)
            case CancelRequested():
                self._on_cancel(event, decision)
            case JobStarted():
                self._on_started(event, decision)
        return decision

    def restore(
        self,
        status: JobStatus,
        reason: str,
        rows: Sequence[TaskInstance],
        at: float,
        ended_at: Mapping[str, float] | None = None,
    ) -> Decision:
        """Take the state that the store remembers, on a fresh machine, and say what to do to go on.

        It has grown already by all that the ``rows`` have and its plans had not: see :meth:`grow`.
        ``ended_at`` is when the last attempt of each instance ended that waits for its next: what is
        left of the wait is waited for.
        """
        decision = Decision()
        self.status, self._cancels_finals = status, reason == FINALS_CANCELLED
        self.is_cancelling = reason in CANCEL_REQUESTS
        for row in rows:
            instance = self._find(row.path)
            instance.status, instance.result, instance.attempts = row.status, row.result, row.attempts
            is_ending = row.status in (Status.TERMINATING, Status.CANCELLED)
            instance.is_cancelled = is_ending and row.reason.startswith(CANCELLED)
            instance.is_held = False
        for instance in self._instances:
            if instance.status in ENDED:
                self._count(instance)
                for i in instance.downstream:
                    instance.tell(self._instances[i].seen)
        for instance in self._instances:
            if instance.children is not None and instance.status not in ENDED:
                self._hold(instance)
        if status is JobStatus.RUNNING or self.is_cancelling:
            self._resume(decision, at, ended_at or {})
        return decision

    # -------------------------------------------------------------- events

    def _on_started(self, event: JobStarted, decision: Decision) -> None:
        if self.status is not JobStatus.PENDING:
            raise IllegalTransition(f"job {self.job_id} has started already")
        self._change_job(decision, JobStatus.RUNNING, "JobStarted", event.at)
        for instance in self._instances:
            if instance.plan.ends_as is not None and instance.status is Status.WAITING:  # not cancelled meanwhile
                self._end_as_planned(instance, event.at, decision)
        self._settle_all(event.at, decision)
        self._finish_if_done(event.at, decision)

    def _on_admitted(self, event: InstanceAdmitted, decision: Decision) -> None:
        instance = self._find(event.path)
        if not instance.is_offered:
            raise IllegalTransition(f"task instance {event.path!r} was not waiting for slots")
        instance.is_offered = False
        instance.attempts += 1
        self._change(
            decision,
            instance,
            Status.PENDING,
            "SessionRequested",
            event.at,
            reason="",
            data={"outputs_dir": event.outputs_dir} | ({"resources": event.resources} if event.resources else {}),
        )
        decision.instructions.append(Submit(event.path, instance.attempts))

    def _on_report(self, event: SessionReported, decision: Decision) -> None:
        instance = self._find(event.path)
        if event.attempt != instance.attempts or instance.status not in LIVE:
            return
        if event.status in ENDED:
            self._on_session_end(instance, event, decision)
            return
        is_news = event.status is not instance.status or event.reason != instance.reason or event.data
        if not is_news or not instance.hears(event.status, event.reason, CANCELLED):
            return
        instance.reason = event.reason
        name = "SessionProgressed" if event.data.keys() == {"progress"} else "SessionNoted"
        name = "SessionStatusChanged" if event.status is not instance.status else name
        self._change(decision, instance, event.status, name, event.at, reason=event.reason, data=event.data)

    def _on_decided(self, event: InstanceDecided, decision: Decision) -> None:
        instance, verdict = self._find(event.path), event.verdict
        if not instance.is_considering:
            return  # cancelled meanwhile
        instance.is_considering = False
        if verdict.kind is VerdictKind.RUN:
            self._offer(instance, decision)
            return
        if verdict.kind is VerdictKind.EXPAND and not self._may_begin(instance):
            return  # its turn to be cancelled comes
        if verdict.kind is VerdictKind.EXPAND:
            self._expand(instance, event.at, verdict.data, decision)
            self._finish_if_done(event.at, decision)
            return
        status, result, name = _ENDS_BY[verdict.kind]
        self._end_unbegun(instance, status, result, name, event.at, verdict.reason, decision, verdict.data)
        self._ended(instance, event.at, decision)
        self._finish_if_done(event.at, decision)

    def _expand(self, container: Instance, at: float, data: Mapping[str, Any], decision: Decision) -> None:
        """Those inside join the job, in the same step that lets their container run."""
        plans = self.grow(container.plan.path, data)
        about = {"iterations": len(plans)} if container.plan.is_loop else {"tasks": [plan.path for plan in plans]}
        added = [(plan.path, plan.task) for plan in plans]
        self._change(decision, container, Status.RUNNING, EXPANDED, at, data=about, expansion=data, instances=added)
        self._settle_inside(container, at, decision)

    def _on_retry_due(self, event: RetryDue, decision: Decision) -> None:
        instance = self._find(event.path)
        if instance.is_retrying and instance.status is Status.WAITING:
            instance.is_retrying = False
            self._offer(instance, decision)

    def _on_cancel(self, event: CancelRequested, decision: Decision) -> None:
        if self._unended == 0:
            return
        self._cancelled_for = event.reason or self._cancelled_for
        if event.path is not None:
            self._cancel_instance(self._find(event.path), event.at, CANCELLED, decision)
        else:
            if not event.goes_on:
                self._cancel_job(event.at, decision)
            self._cancel_some(event.at, decision)
        self._finish_if_done(event.at, decision)

    def _cancel_job(self, at: float, decision: Decision) -> None:
        if not self.is_cancelling:
            self.is_cancelling = True
            self._change_job(decision, self.status, "JobCancelRequested", at, reason=CANCEL_REQUESTED)
        elif not self._cancels_finals and self._unended > self._others.unended:
            self._cancels_finals, self._uncancelled = True, None
            self._change_job(decision, self.status, "JobCancelRequested", at, reason=FINALS_CANCELLED)

    def _cancel_some(self, at: float, decision: Decision) -> None:
        """Cancel the next of the job's instances, and ask to be called again while there are more."""
        if self._uncancelled is None:
            is_all = self._cancels_finals or self.status is JobStatus.PENDING  # which has nothing to clean up after
            victims = [x for x in self._instances if is_all or not (x.plan.is_final or x.plan.is_in_final)]
            self._uncancelled = deque(sorted(victims, key=lambda instance: instance.status not in LIVE))
        for _ in range(min(self._at_once, len(self._uncancelled))):
            self._cancel_instance(self._uncancelled.popleft(), at, CANCELLED, decision, cascade=False)
        if self._uncancelled:
            decision.instructions.append(GoOnCancelling())

    # -------------------------------------------------------------- ends

    def _on_session_end(self, instance: Instance, event: SessionReported, decision: Decision) -> None:
        if instance.status in BEFORE_RUNNING:
            self._note_unseen_start(instance, event, decision)
        if event.result is Result.FAILURE and not event.is_final and self._may_retry(instance):
            self._retry(instance, event, decision)
            return
        if instance.is_cancelled and event.status is Status.ERROR:
            # It vanished while it was being ended, or never came to be: that is what was asked for.
            event = replace(event, status=Status.CANCELLED, result=Result.UNDEFINED, reason=CANCELLED)
        path, attempt = instance.plan.path, instance.attempts
        instance.result = event.result
        self._change(
            decision, instance, event.status, "SessionEnded", event.at,
            result=event.result, reason=event.reason, exit_code=event.exit_code, data=event.data,
        )  # fmt: skip
        decision.instructions.append(Release(path, attempt))
        self._ended(instance, event.at, decision)
        self._finish_if_done(event.at, decision)

    def _note_unseen_start(self, instance: Instance, event: SessionReported, decision: Decision) -> None:
        """A short session is never reported RUNNING, but when it started is known: durations are learnt from it."""
        started_at = event.data.get("started_at")
        if started_at is not None:
            self._change(decision, instance, Status.RUNNING, "SessionStatusChanged", started_at)

    def _may_retry(self, instance: Instance) -> bool:
        wanted = self._may_begin(instance) and not instance.is_cancelled
        return wanted and instance.attempts < instance.plan.retry.max_attempts

    def _retry(self, instance: Instance, event: SessionReported, decision: Decision) -> None:
        path, attempt = instance.plan.path, instance.attempts
        wait = instance.plan.retry.wait_before(attempt + 1)
        instance.is_retrying = True
        self._change(
            decision, instance, Status.WAITING, RETRYING, event.at,
            reason=f"attempt {attempt}: {event.reason}; again in {format_duration(wait)}",
            exit_code=event.exit_code, data=event.data,
            attempt_status=event.status, attempt_result=event.result, attempt_reason=event.reason,
        )  # fmt: skip
        decision.instructions += [Release(path, attempt), WaitForRetry(path, wait)]

    def _cancel_instance(
        self, instance: Instance, at: float, reason: str, decision: Decision, *, cascade: bool = True
    ) -> None:
        path = instance.plan.path
        if instance.status in ENDED or instance.is_cancelled:
            return
        if instance.children is not None:
            self._cancel_container(instance, at, reason, decision, cascade=cascade)
            return
        if instance.status is not Status.WAITING and instance.attempts:
            instance.is_cancelled = True
            self._change(decision, instance, Status.TERMINATING, "SessionCancelRequested", at, reason=reason)
            decision.instructions.append(CancelSession(path, instance.attempts, reason))
            return
        if instance.is_offered or instance.is_considering:
            instance.is_offered = instance.is_considering = False
            decision.instructions.append(Withdraw(path))
        instance.is_retrying, instance.is_cancelled = False, True
        self._end_unbegun(instance, Status.CANCELLED, Result.UNDEFINED, NOT_RUN, at, reason, decision)
        if cascade:
            self._ended(instance, at, decision)
        else:
            self._count(instance)
            self._close_around(instance, at, decision)

    def _cancel_container(
        self, container: Instance, at: float, reason: str, decision: Decision, *, cascade: bool
    ) -> None:
        """With all that is inside; where there is no ``cascade``, those have their own turn."""
        assert container.children is not None
        container.is_cancelled, container.held = True, None
        self._change(decision, container, Status.TERMINATING, "TaskInstanceCancelRequested", at, reason=reason)
        for i in container.children if cascade else ():
            self._cancel_instance(self._instances[i], at, reason, decision)

    def _close_around(self, ended: Instance, at: float, decision: Decision) -> None:
        """End the containers of which this was the last inside, where nobody waits for them any more."""
        while ended.plan.parent is not None:
            container = self._instances[ended.plan.parent]
            if container.unended or container.status in ENDED:
                return
            self._close(container, at, decision)
            self._count(container)
            ended = container

    def _finish_if_done(self, at: float, decision: Decision) -> None:
        if self._finals and self._unended:
            self._settle_finals(at, decision)
        if self._unended or self.status in (JobStatus.TERMINATED, JobStatus.CANCELLED):
            return
        end = ending_of(self._top, is_cancelling=self.is_cancelling)
        reason = self._cancelled_for if end.reason == CANCELLED else end.reason
        self._change_job(decision, end.status, "JobEnded", at, result=end.result, reason=reason)
        decision.instructions.append(FinishJob())

    def _resume(self, decision: Decision, at: float, ended_at: Mapping[str, float]) -> None:
        """Go on after a restart: adopt the living, offer the ready, repeat what was being cancelled."""
        for instance in self._instances:
            path = instance.plan.path
            if instance.children is not None or (instance.status in LIVE and not instance.attempts):
                continue  # no session is its own
            if instance.status in LIVE:
                may_create = instance.status in BEFORE_RUNNING
                decision.instructions.append(Adopt(path, instance.attempts, may_create))
                if instance.is_cancelled:
                    decision.instructions.append(CancelSession(path, instance.attempts, CANCELLED))
            elif instance.status is Status.WAITING and instance.attempts and self._may_begin(instance):
                instance.is_retrying = True
                wait = instance.plan.retry.wait_before(instance.attempts + 1)
                left = ended_at.get(path, at) + wait - at  # clocks jump: never longer than it was to be
                decision.instructions.append(WaitForRetry(path, min(max(left, 0.0), wait)))
        self._settle_all(at, decision)
        if self.is_cancelling:
            self._cancel_some(at, decision)
        self._finish_if_done(at, decision)
