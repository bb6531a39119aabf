"""The job machine, told as stories and tried on random DAGs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fasttrack_jupyter.engine.machine import CANCEL_REQUESTED, JobMachine
from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Decision,
    Event,
    FinishJob,
    GoOnCancelling,
    InstanceAdmitted,
    InstancePlan,
    JobStarted,
    Offer,
    Release,
    RetryDue,
    SessionReported,
    Submit,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.errors import IllegalTransition, NotFound
from fasttrack_jupyter.model.job import TaskInstance
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.model.pipeline import Retry, RunIf

JOB = "j"


def plans(**upstream: str) -> list[InstancePlan]:
    """Instances by name, each with the names of its dependencies: ``plans(a="", b="a")``."""
    names = list(upstream)
    return [
        InstancePlan(name, tuple(names.index(word) for word in needed.split())) for name, needed in upstream.items()
    ]


def admitted(path: str) -> InstanceAdmitted:
    return InstanceAdmitted(path, 1.0, f"jobs/1/{path}")


def ended(path: str, exit_code: int = 0, attempt: int = 1, **fields: object) -> SessionReported:
    result = Result.FAILURE if exit_code else Result.SUCCESS
    reason = f"exit {exit_code}" if exit_code else ""
    return SessionReported(path, attempt, Status.TERMINATED, 2.0, result, exit_code, reason, **fields)  # type: ignore[arg-type]


def running(path: str, attempt: int = 1) -> SessionReported:
    return SessionReported(path, attempt, Status.RUNNING, 1.5)


def tell(machine: JobMachine, *events: Event) -> Decision:
    """Hand the machine events in a row; what the last one led to."""
    decision = Decision()
    for event in events:
        decision = machine.handle(event)
    return decision


def moves(decision: Decision) -> list[tuple[str | None, str, str]]:
    """``(path, status, reason)`` of each change."""
    return [(c.path, c.status, c.reason or "") for c in decision.changes]


def test_a_job_starts_by_offering_what_depends_on_nothing() -> None:
    """Only heads are ready at first."""
    decision = tell(JobMachine(JOB, plans(a="", b="a", c="")), JobStarted(0.0))
    assert decision.instructions == [Offer("a"), Offer("c")]
    assert moves(decision) == [(None, "RUNNING", "")]


def test_the_intent_is_a_change_that_comes_with_the_submission() -> None:
    """What is to be started is recorded as PENDING, with the place of its outputs."""
    machine = JobMachine(JOB, plans(a=""))
    decision = tell(machine, JobStarted(0.0), admitted("a"))
    assert [(c.status, c.attempt, c.data) for c in decision.changes] == [
        (Status.PENDING, 1, {"outputs_dir": "jobs/1/a"})
    ]
    assert decision.instructions == [Submit("a", 1)]


def test_success_offers_the_dependents_whose_last_dependency_it_was() -> None:
    """A join waits for all."""
    machine = JobMachine(JOB, plans(a="", b="", c="a b"))
    first = tell(machine, JobStarted(0.0), admitted("a"), admitted("b"), ended("a"))
    assert first.instructions == [Release("a", 1)]
    assert tell(machine, ended("b")).instructions == [Release("b", 1), Offer("c")]


def test_failure_cancels_all_that_hangs_on_it_and_nothing_else() -> None:
    """The cause is named on each victim; the independent branch goes on; the job fails in the end."""
    machine = JobMachine(JOB, plans(a="", b="a", c="b", other=""))
    decision = tell(machine, JobStarted(0.0), admitted("a"), admitted("other"), ended("a", 3))
    assert moves(decision) == [
        ("a", "TERMINATED", "exit 3"),
        ("b", "CANCELLED", "dependency a failed"),
        ("c", "CANCELLED", "dependency a failed"),
    ]
    decision = tell(machine, ended("other"))
    assert decision.changes[-1].status is JobStatus.TERMINATED
    assert decision.changes[-1].result is Result.FAILURE
    assert decision.changes[-1].reason == "task a failed"
    assert decision.instructions[-1] == FinishJob()


def test_continue_on_failure_satisfies_dependents_and_does_not_fail_the_job() -> None:
    """decisions: FAILURE only of a task that has not ``continue_on_failure``."""
    machine = JobMachine(JOB, [InstancePlan("a", continue_on_failure=True), InstancePlan("b", (0,))])
    decision = tell(machine, JobStarted(0.0), admitted("a"), ended("a", 1))
    assert Offer("b") in decision.instructions
    decision = tell(machine, admitted("b"), ended("b"))
    assert decision.changes[-1].result is Result.SUCCESS


def test_retry_ends_the_attempt_and_sends_the_instance_back_to_waiting() -> None:
    """The instance never leaves an ended status: the machine decides before it ends."""
    machine = JobMachine(JOB, [InstancePlan("a", retry=Retry(max_attempts=3, delay=10, backoff=2))])
    decision = tell(machine, JobStarted(0.0), admitted("a"), running("a"), ended("a", 1))
    (change,) = decision.changes
    assert (change.status, change.attempt_status, change.attempt_result) == (
        Status.WAITING,
        Status.TERMINATED,
        Result.FAILURE,
    )
    assert change.reason == "attempt 1: exit 1; again in 10s"
    assert decision.instructions == [Release("a", 1), WaitForRetry("a", 10.0)]
    assert tell(machine, RetryDue("a", 12.0)).instructions == [Offer("a")]
    decision = tell(machine, admitted("a"), ended("a", 1, attempt=2))
    assert decision.instructions[-1] == WaitForRetry("a", 20.0)
    decision = tell(machine, RetryDue("a", 40.0), admitted("a"), ended("a", 1, attempt=3))
    assert decision.changes[0].status is Status.TERMINATED


def test_what_can_never_start_is_not_tried_again() -> None:
    """``is_final``: a retry would be no use."""
    machine = JobMachine(JOB, [InstancePlan("a", retry=Retry(max_attempts=3))])
    decision = tell(machine, JobStarted(0.0), admitted("a"), ended("a", 1, is_final=True))
    assert decision.changes[0].status is Status.TERMINATED


def test_a_report_of_an_attempt_that_is_over_changes_nothing() -> None:
    """Reports may repeat, and may be late."""
    machine = JobMachine(JOB, [InstancePlan("a", retry=Retry(max_attempts=2)), InstancePlan("b")])
    tell(machine, JobStarted(0.0), admitted("a"), ended("a", 1), RetryDue("a", 3.0), admitted("a"))
    assert tell(machine, ended("a", 1, attempt=1)) == Decision()
    tell(machine, running("a", attempt=2))
    assert tell(machine, running("a", attempt=2)) == Decision()
    tell(machine, ended("a", 0, attempt=2))
    assert tell(machine, ended("a", 0, attempt=2)) == Decision()


def test_a_start_that_nobody_saw_is_told_from_the_end() -> None:
    """Durations are learnt from it."""
    machine = JobMachine(JOB, plans(a=""))
    decision = tell(machine, JobStarted(0.0), admitted("a"), ended("a", data={"started_at": 1.25}))
    assert [(c.status, c.at) for c in decision.changes[:2]] == [(Status.RUNNING, 1.25), (Status.TERMINATED, 2.0)]


def test_why_a_session_takes_its_time_to_end_is_noted() -> None:
    """Of one that was cancelled only where that is still said first; it never goes back."""
    machine = JobMachine(JOB, plans(a=""))
    tell(machine, JobStarted(0.0), admitted("a"), running("a"), SessionReported("a", 1, Status.TERMINATING, 2.0))
    slow = SessionReported("a", 1, Status.TERMINATING, 3.0, reason="no storage")
    assert moves(tell(machine, slow)) == [("a", "TERMINATING", "no storage")]
    assert tell(machine, slow) == Decision()
    assert tell(machine, running("a")) == Decision()
    tell(machine, CancelRequested("a", 4.0))
    assert tell(machine, replace(slow, reason="no agent")) == Decision()
    slower = replace(slow, reason="cancelled; no manager")
    assert moves(tell(machine, slower)) == [("a", "TERMINATING", "cancelled; no manager")]


def test_cancelling_the_job_ends_everything_in_its_own_way() -> None:
    """Waiting ones at once, offered ones leave the line, living ones when their backend says so."""
    machine = JobMachine(JOB, plans(a="", b="", c="a"))
    tell(machine, JobStarted(0.0), admitted("a"), running("a"))
    decision = tell(machine, CancelRequested(None, 5.0))
    assert moves(decision) == [
        (None, "RUNNING", CANCEL_REQUESTED),
        ("a", "TERMINATING", "cancelled"),
        ("b", "CANCELLED", "cancelled"),
        ("c", "CANCELLED", "cancelled"),
    ]
    assert decision.instructions == [CancelSession("a", 1, "cancelled"), Withdraw("b")]
    assert tell(machine, CancelRequested(None, 6.0)) == Decision()
    decision = tell(machine, SessionReported("a", 1, Status.CANCELLED, 7.0, reason="cancelled"))
    assert decision.changes[-1].status is JobStatus.CANCELLED
    assert decision.changes[-1].result is Result.UNDEFINED


def test_cancelling_one_instance_takes_its_dependents_along() -> None:
    """They say on whose account."""
    machine = JobMachine(JOB, plans(a="", b="a"))
    tell(machine, JobStarted(0.0), admitted("a"), CancelRequested("a", 2.0))
    decision = tell(machine, SessionReported("a", 1, Status.CANCELLED, 3.0, reason="cancelled"))
    assert ("b", "CANCELLED", "dependency a cancelled") in moves(decision)


def cancelled(path: str) -> SessionReported:
    return SessionReported(path, 1, Status.CANCELLED, 3.0, reason="cancelled")


def outcome(decision: Decision) -> tuple[str, str | None, str | None]:
    """Status, result and reason of the job that this decision ends."""
    end = decision.changes[-1]
    assert end.path is None
    return end.status, end.result, end.reason


def test_a_job_of_which_somebody_cancelled_a_task_is_cancelled() -> None:
    """Although all others succeeded: what was to be done is not done."""
    machine = JobMachine(JOB, plans(a="", b="a", other=""))
    tell(machine, JobStarted(0.0), admitted("a"), admitted("other"), ended("other"), CancelRequested("a", 2.0))
    assert outcome(tell(machine, cancelled("a"))) == ("CANCELLED", "UNDEFINED", "task a was cancelled")


def test_the_tasks_that_somebody_cancelled_are_named_and_their_victims_are_not() -> None:
    """Whether they ran or waited."""
    machine = JobMachine(JOB, plans(a="", b="a", c="b", d="c"))
    tell(machine, JobStarted(0.0), admitted("a"), CancelRequested("c", 2.0), CancelRequested("a", 2.0))
    assert outcome(tell(machine, cancelled("a"))) == ("CANCELLED", "UNDEFINED", "tasks a, c were cancelled")
    many = JobMachine(JOB, plans(a="", b="", c="", d="", e=""))
    decision = tell(many, JobStarted(0.0), *(CancelRequested(path, 2.0) for path in "abcde"))
    assert outcome(decision)[2] == "tasks a, b, c and 2 more were cancelled"


def test_a_session_that_somebody_destroyed_cancels_the_job_too() -> None:
    """It ends without a result, and nobody asked us for it."""
    machine = JobMachine(JOB, plans(a="", b="a"))
    gone = SessionReported("a", 1, Status.TERMINATED, 3.0, reason="user-requested")
    assert outcome(tell(machine, JobStarted(0.0), admitted("a"), gone)) == (
        "CANCELLED", "UNDEFINED", "task a was cancelled",
    )  # fmt: skip


def test_a_failure_outweighs_a_task_that_was_cancelled() -> None:
    """In either order."""
    for last in (ended("b", 1), cancelled("a")):
        machine = JobMachine(JOB, plans(a="", b=""))
        first = cancelled("a") if last.path == "b" else ended("b", 1)
        tell(machine, JobStarted(0.0), admitted("a"), admitted("b"), CancelRequested("a", 2.0), first)
        assert outcome(tell(machine, last)) == ("TERMINATED", "FAILURE", "task b failed")


def test_a_cancelled_task_with_continue_on_failure_does_not_matter() -> None:
    """As its failure would not; but what could not run without it does."""
    machine = JobMachine(JOB, [InstancePlan("a", continue_on_failure=True), InstancePlan("b")])
    tell(machine, JobStarted(0.0), admitted("a"), admitted("b"), CancelRequested("a", 2.0), cancelled("a"))
    assert outcome(tell(machine, ended("b"))) == ("TERMINATED", "SUCCESS", "")
    machine = JobMachine(JOB, [InstancePlan("a", continue_on_failure=True), InstancePlan("b", (0,))])
    tell(machine, JobStarted(0.0), admitted("a"), CancelRequested("a", 2.0))
    assert outcome(tell(machine, cancelled("a"))) == ("CANCELLED", "UNDEFINED", "task a was cancelled")


def test_which_tasks_were_cancelled_survives_the_engine() -> None:
    """The next one names the same."""
    rows = [
        TaskInstance(JOB, "a", 0, "a", Status.RUNNING, attempts=1),
        TaskInstance(JOB, "b", 1, "b", Status.CANCELLED, reason="cancelled"),
        TaskInstance(JOB, "c", 2, "c", Status.CANCELLED, reason="dependency b cancelled"),
    ]
    machine = JobMachine(JOB, plans(a="", b="a", c="b"))
    machine.restore(JobStatus.RUNNING, "", rows, 5.0)
    assert outcome(tell(machine, ended("a")))[2] == "task b was cancelled"


def test_a_session_that_vanished_while_it_was_cancelled_counts_as_cancelled() -> None:
    """That is what was asked for."""
    machine = JobMachine(JOB, plans(a=""))
    tell(machine, JobStarted(0.0), admitted("a"), CancelRequested(None, 2.0))
    decision = tell(machine, SessionReported("a", 1, Status.ERROR, 3.0, Result.FAILURE, reason="lost"))
    assert moves(decision)[0] == ("a", "CANCELLED", "cancelled")


def test_success_that_outran_the_cancel_stays_a_success() -> None:
    """A cancel is a request; the report decides."""
    machine = JobMachine(JOB, plans(a=""))
    tell(machine, JobStarted(0.0), admitted("a"), CancelRequested(None, 2.0))
    decision = tell(machine, ended("a"))
    assert decision.changes[-1].status is JobStatus.TERMINATED
    assert decision.changes[-1].result is Result.SUCCESS


def test_cancelling_during_the_wait_for_a_retry_ends_the_instance() -> None:
    """And the timer that still comes is ignored."""
    machine = JobMachine(JOB, [InstancePlan("a", retry=Retry(max_attempts=2, delay=60))])
    tell(machine, JobStarted(0.0), admitted("a"), ended("a", 1))
    decision = tell(machine, CancelRequested("a", 3.0))
    assert moves(decision)[0] == ("a", "CANCELLED", "cancelled")
    assert tell(machine, RetryDue("a", 60.0)) == Decision()


def test_skipped_and_reused_instances_end_at_the_start_and_satisfy() -> None:
    """They run nothing and count as successes."""
    machine = JobMachine(
        JOB,
        [
            InstancePlan("a", ends_as=Status.SKIPPED, reason="skip: true"),
            InstancePlan(
                "b", ends_as=Status.TERMINATED, reason="reused from job #11", data={"outputs_dir": "jobs/11/b"}
            ),
            InstancePlan("c", (0, 1)),
        ],
    )
    decision = tell(machine, JobStarted(0.0))
    assert moves(decision)[1:] == [("a", "SKIPPED", "skip: true"), ("b", "TERMINATED", "reused from job #11")]
    assert all(c.result is Result.SUCCESS for c in decision.changes[1:])
    assert decision.instructions == [Offer("c")]


def test_a_job_in_which_nothing_runs_is_over_at_once() -> None:
    """No event would ever come to end it."""
    machine = JobMachine(JOB, [InstancePlan("a", ends_as=Status.SKIPPED)])
    assert tell(machine, JobStarted(0.0)).instructions == [FinishJob()]


@pytest.mark.parametrize("event", [admitted("b"), admitted("a"), JobStarted(9.0)])
def test_an_illegal_event_raises_and_changes_nothing(event: Event) -> None:
    """``b`` was never offered, ``a`` has its slots already, the job runs."""
    machine = JobMachine(JOB, plans(a="", b="a"))
    tell(machine, JobStarted(0.0), admitted("a"))
    before = [machine.status_of(path) for path in "ab"]
    with pytest.raises(IllegalTransition):
        machine.handle(event)
    assert [machine.status_of(path) for path in "ab"] == before


def test_an_unknown_path_is_said_to_be_unknown() -> None:
    """Not a KeyError."""
    with pytest.raises(NotFound, match="no task instance 'nowhere'"):
        JobMachine(JOB, plans(a="")).handle(RetryDue("nowhere", 0.0))


def test_a_restart_in_the_wait_for_a_retry_leaves_what_is_left_of_it() -> None:
    """Counted from the end of the attempt; never longer than the wait itself, whatever the clock did."""
    for at, left in ((1_010.0, 50.0), (5_000.0, 0.0), (10.0, 60.0)):
        machine = JobMachine("j", [InstancePlan("a", retry=Retry(max_attempts=2, delay=60))])
        row = TaskInstance("j", "a", 0, "a", Status.WAITING, attempts=1)
        decision = machine.restore(JobStatus.RUNNING, "", [row], at, {"a": 1_000.0})
        assert decision.instructions == [WaitForRetry("a", left)]


def test_a_large_job_is_cancelled_in_portions_the_living_first() -> None:
    """Each event cancels some, nothing new is offered meanwhile, and the request is recorded once."""
    machine = JobMachine(JOB, plans(a="", b="", c="", d="c"), cancel_at_once=2)
    tell(machine, JobStarted(0.0), admitted("c"))
    first = tell(machine, CancelRequested(None, 2.0))
    assert moves(first) == [
        (None, "RUNNING", CANCEL_REQUESTED), ("c", "TERMINATING", "cancelled"), ("a", "CANCELLED", "cancelled"),
    ]  # fmt: skip
    assert first.instructions == [CancelSession("c", 1, "cancelled"), Withdraw("a"), GoOnCancelling()]
    assert tell(machine, ended("c")).instructions == [Release("c", 1)]
    last = tell(machine, CancelRequested(None, 3.0))
    assert [path for path, _, _ in moves(last)] == ["b", "d", None]
    assert last.instructions == [Withdraw("b"), FinishJob()]


def test_a_large_job_whose_engine_died_while_it_was_cancelled_is_cancelled_by_the_next() -> None:
    """Also what the dead engine had not come to yet, and also a job that had not started."""
    rows = [TaskInstance(JOB, name, i, name, attempts=i) for i, name in enumerate("ab")]
    rows[1] = replace(rows[1], status=Status.RUNNING)
    machine = JobMachine(JOB, plans(a="", b=""))
    decision = machine.restore(JobStatus.RUNNING, CANCEL_REQUESTED, rows, 5.0)
    assert moves(decision) == [("b", "TERMINATING", "cancelled"), ("a", "CANCELLED", "cancelled")]
    assert decision.instructions == [Adopt("b", 1, False), CancelSession("b", 1, "cancelled")]
    waiting = JobMachine(JOB, plans(a=""))
    decision = waiting.restore(JobStatus.PENDING, CANCEL_REQUESTED, [TaskInstance(JOB, "a", 0, "a")], 5.0)
    assert decision.instructions == [FinishJob()]
    assert waiting.status is JobStatus.CANCELLED


def test_final_tasks_hear_of_each_other_in_whatever_order_they_are_written() -> None:
    """One that is skipped lets another go on that stands before it."""
    tasks = [
        InstancePlan("tell", (1,), is_final=True, run_if=RunIf.ALL_DONE),
        InstancePlan("repair", is_final=True, run_if=RunIf.ANY_FAILED),
        InstancePlan("a"),
    ]
    decision = tell(JobMachine(JOB, tasks), JobStarted(0.0), admitted("a"), ended("a"))
    assert moves(decision)[1:] == [("repair", "SKIPPED", "no dependency failed")]
    assert decision.instructions == [Release("a", 1), Offer("tell")]
