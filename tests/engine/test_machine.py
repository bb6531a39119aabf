"""The job machine, told as stories and tried on random DAGs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.engine.machine import CANCEL_REQUESTED, JobMachine
from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Decision,
    Event,
    FinishJob,
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
from fasttrack_jupyter.model.job import Change, TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED, LIVE, JobStatus, Result, Status
from fasttrack_jupyter.model.pipeline import Retry

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


# ---------------------------------------------------------------------- random jobs


class Simulation:
    """A job on a random DAG, a store that is a dict, a backend that does what the dice say, engines that die."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        count = data.draw(st.integers(1, 9), label="tasks")
        self.plans = [self._plan(i) for i in range(count)]
        self.rows: dict[str, TaskInstance] = {
            plan.path: TaskInstance(JOB, plan.path, i, plan.path) for i, plan in enumerate(self.plans)
        }
        self.job: tuple[JobStatus, Result, str] = (JobStatus.PENDING, Result.UNDEFINED, "")
        self.offered: list[str] = []
        self.retrying: list[str] = []
        self.sessions: dict[tuple[str, int], str] = {}
        """Attempts that were started, and ``live`` or ``over``."""
        self.starts: list[tuple[str, int]] = []
        self.machine = JobMachine(JOB, self.plans)
        self.crashes_left = 3

    def _plan(self, i: int) -> InstancePlan:
        draw = self.data.draw
        upstream = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        ends_as = draw(st.sampled_from([None, None, None, None, Status.SKIPPED, Status.TERMINATED]))
        return InstancePlan(
            f"t{i}",
            tuple(sorted(upstream)),
            Retry(max_attempts=draw(st.integers(1, 3))),
            draw(st.booleans()),
            ends_as,
        )

    def take(self, decision: Decision) -> None:
        """Record, then act; now and then the engine dies in between."""
        for change in decision.changes:
            self.record(change)
        if self.crashes_left and self.data.draw(st.integers(0, 7), label="dies after recording at 0") == 0:
            self.crashes_left -= 1
            self.crash()
            return
        for instruction in decision.instructions:
            match instruction:
                case Offer(path):
                    self.offered.append(path)
                case Withdraw(path):
                    self.offered.remove(path)
                case Submit(path, attempt):
                    self.start(path, attempt)
                case Adopt(path, attempt, may_create):
                    if (path, attempt) not in self.sessions:
                        self.start_again(path, attempt, may_create)
                case CancelSession(path, attempt):
                    if self.sessions.get((path, attempt)) == "live":
                        self.sessions[path, attempt] = "cancelling"
                case WaitForRetry(path, _):
                    self.retrying.append(path)

    def record(self, change: Change) -> None:
        """As a store does: compare and set."""
        if change.path is None:
            assert self.job[0] == change.expected
            result = change.result if change.result is not None else self.job[1]
            reason = change.reason if change.reason is not None else self.job[2]
            assert isinstance(change.status, JobStatus)
            self.job = (change.status, result, reason)
            return
        row = self.rows[change.path]
        assert row.status == change.expected, "two changes of one instance contradict each other"
        assert row.status not in ENDED, "an ended instance was moved"
        assert isinstance(change.status, Status)
        self.rows[change.path] = TaskInstance(
            JOB, row.path, row.ordinal, row.task, change.status, change.result or row.result, attempts=change.attempt
        )

    def start(self, path: str, attempt: int) -> None:
        assert (path, attempt) not in self.sessions, "started twice"
        plan = self.plans[self.rows[path].ordinal]
        for i in plan.upstream:
            upstream = self.rows[self.plans[i].path]
            is_satisfied = upstream.result is Result.SUCCESS or (
                upstream.result is Result.FAILURE and self.plans[i].continue_on_failure
            )
            assert upstream.status in ENDED, f"{path} started before {upstream.path} ended"
            assert is_satisfied, f"{path} started although {upstream.path} failed"
        assert attempt <= plan.retry.max_attempts
        self.sessions[path, attempt] = "live"
        self.starts.append((path, attempt))

    def start_again(self, path: str, attempt: int, may_create: bool) -> None:
        """An intended session that never came to be."""
        if may_create:
            self.start(path, attempt)
        else:
            assert self.rows[path].status is Status.TERMINATING, "a session that was seen alive is gone"
            self.sessions[path, attempt] = "over"
            lost = SessionReported(path, attempt, Status.ERROR, 0.0, Result.FAILURE, reason="lost")
            self.take(self.machine.handle(lost))

    def live_sessions(self) -> list[tuple[str, int]]:
        return [key for key, state in self.sessions.items() if state != "over"]

    def step(self) -> None:
        """One thing that can happen now, chosen by the dice."""
        if not (self.live_sessions() or self.offered or self.retrying):
            self.crash()  # nothing else is left: it died in the middle of something
            return
        choices = ["end"] * bool(self.live_sessions()) + ["admit"] * bool(self.offered)
        choices += ["retry"] * bool(self.retrying) + ["crash"] * bool(self.crashes_left)
        if self.job[2] != CANCEL_REQUESTED:
            choices += ["cancel one", "cancel job"] if self.data.draw(st.integers(0, 5)) == 0 else []
        match self.data.draw(st.sampled_from(sorted(choices)), label="next"):
            case "end":
                self.end(*self.data.draw(st.sampled_from(self.live_sessions())))
            case "admit":
                path = self.data.draw(st.sampled_from(sorted(self.offered)))
                self.offered.remove(path)
                self.take(self.machine.handle(admitted(path)))
            case "retry":
                self.take(self.machine.handle(RetryDue(self.retrying.pop(), 0.0)))
            case "cancel one":
                path = self.data.draw(st.sampled_from([plan.path for plan in self.plans]))
                self.take(self.machine.handle(CancelRequested(path, 0.0)))
            case "cancel job":
                self.take(self.machine.handle(CancelRequested(None, 0.0)))
            case "crash":
                self.crashes_left -= 1
                self.crash()

    def end(self, path: str, attempt: int) -> None:
        was_cancelled = self.sessions[path, attempt] == "cancelling"
        self.sessions[path, attempt] = "over"
        if was_cancelled and self.data.draw(st.booleans()):
            report = SessionReported(path, attempt, Status.CANCELLED, 0.0, reason="cancelled")
        else:
            report = ended(path, self.data.draw(st.sampled_from([0, 0, 1])), attempt)
        self.take(self.machine.handle(report))

    def crash(self) -> None:
        """The engine dies; the next one knows what was recorded, and what the backend has."""
        self.offered.clear()
        self.retrying.clear()
        self.machine = JobMachine(JOB, self.plans)
        rows: Sequence[TaskInstance] = list(self.rows.values())
        status, _, reason = self.job
        if status is JobStatus.PENDING:
            self.take(self.machine.handle(JobStarted(0.0)))
        else:
            self.take(self.machine.restore(status, reason, rows, 0.0))
        for path, attempt in [key for key, state in self.sessions.items() if state == "over"]:
            if self.rows[path].attempts == attempt and self.rows[path].status in LIVE:
                self.end(path, attempt)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_random_jobs_keep_every_promise(data: st.DataObject) -> None:
    """Never started before its dependencies, never twice, always ends; a cancelled job leaves nothing running."""
    job = Simulation(data)
    job.take(job.machine.handle(JobStarted(0.0)))
    for _ in range(200):
        if job.job[0] in (JobStatus.TERMINATED, JobStatus.CANCELLED):
            break
        job.step()
    else:
        # Enough dice: let everything end by itself.
        while job.job[0] not in (JobStatus.TERMINATED, JobStatus.CANCELLED):
            drive(job)
    assert not job.live_sessions(), "the job is over and a session lives"
    assert all(row.status in ENDED for row in job.rows.values())
    check_verdict(job)


def drive(job: Simulation) -> None:
    """The next ordinary thing."""
    if job.live_sessions():
        job.end(*job.live_sessions()[0])
    elif job.offered:
        job.take(job.machine.handle(admitted(job.offered.pop())))
    else:
        assert job.retrying, "nothing runs, nothing waits, and the job is not over"
        job.take(job.machine.handle(RetryDue(job.retrying.pop(), 0.0)))


def check_verdict(job: Simulation) -> None:
    """The job's result says what its instances say."""
    failed = any(
        row.result is Result.FAILURE and not job.plans[row.ordinal].continue_on_failure for row in job.rows.values()
    )
    if job.job[0] is JobStatus.CANCELLED:
        assert job.job[1] is Result.UNDEFINED
        assert any(row.status is Status.CANCELLED for row in job.rows.values())
    else:
        assert job.job[1] is (Result.FAILURE if failed else Result.SUCCESS)
    for row in job.rows.values():
        if row.status is Status.TERMINATED and job.plans[row.ordinal].ends_as is None:
            assert row.attempts >= 1
