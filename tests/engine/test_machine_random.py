"""Random jobs on random DAGs with random failures, cancels and crashes: every promise of the machine, kept."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.engine.machine import CANCEL_REQUESTS, JobMachine
from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Consider,
    Decision,
    GoOnCancelling,
    InstanceAdmitted,
    InstanceDecided,
    InstancePlan,
    JobStarted,
    Offer,
    RetryDue,
    SessionReported,
    Submit,
    Verdict,
    VerdictKind,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.model.job import Change, TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED, LIVE, JobStatus, Result, Status
from fasttrack_jupyter.model.pipeline import Retry, RunIf

JOB = "j"
VERDICTS = [kind for kind in VerdictKind if kind is not VerdictKind.EXPAND]
"""Containers have random jobs of their own."""


def admitted(path: str) -> InstanceAdmitted:
    return InstanceAdmitted(path, 1.0, f"jobs/1/{path}")


def ended(path: str, exit_code: int = 0, attempt: int = 1, **fields: object) -> SessionReported:
    result = Result.FAILURE if exit_code else Result.SUCCESS
    reason = f"exit {exit_code}" if exit_code else ""
    return SessionReported(path, attempt, Status.TERMINATED, 2.0, result, exit_code, reason, **fields)  # type: ignore[arg-type]


class Simulation:
    """A job on a random DAG, a store that is a dict, a backend that does what the dice say, engines that die."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.finals: set[int] = set()
        self.verdicts: list[VerdictKind] = []
        self.considering: list[str] = []
        self.cancelled = False
        """Whether anybody asked for the end of anything."""
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
        self.goes_on = False
        """Whether the machine wants to go on cancelling."""
        self.at_once = data.draw(st.sampled_from([1, 3, 1000]), label="cancelled at once")
        self.machine = JobMachine(JOB, self.plans, cancel_at_once=self.at_once)
        self.crashes_left = 3

    def _plan(self, i: int) -> InstancePlan:
        draw = self.data.draw
        is_final = draw(st.integers(0, 5), label="final at 0") == 0
        upstream = draw(st.sets(st.integers(0, i - 1), max_size=3)) if i else set()
        if not is_final:
            upstream = {j for j in upstream if j not in self.finals}
        self.finals |= {i} if is_final else set()
        is_considered = draw(st.integers(0, 3), label="considered at 0") == 0
        self.verdicts.append(draw(st.sampled_from(VERDICTS)) if is_considered else VerdictKind.RUN)
        ends_as = draw(st.sampled_from([None, None, None, None, Status.SKIPPED, Status.TERMINATED]))
        return InstancePlan(
            f"t{i}",
            tuple(sorted(upstream)),
            Retry(max_attempts=draw(st.integers(1, 3))),
            draw(st.booleans()),
            ends_as,
            run_if=draw(st.sampled_from([RunIf.ALL_SUCCESS, RunIf.ALL_SUCCESS, *RunIf])),
            is_final=is_final,
            is_considered=is_considered,
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
                case Consider(path):
                    self.considering.append(path)
                case Withdraw(path):
                    (self.offered if path in self.offered else self.considering).remove(path)
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
                case GoOnCancelling():
                    self.goes_on = True

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
        others = [i for i in range(len(self.plans)) if i not in self.finals]
        for i in {*plan.upstream, *(others if plan.is_final else ())}:
            upstream = self.rows[self.plans[i].path]
            is_satisfied = upstream.result is Result.SUCCESS or (
                upstream.result is Result.FAILURE and self.plans[i].continue_on_failure
            )
            assert upstream.status in ENDED, f"{path} started before {upstream.path} ended"
            assert is_satisfied or plan.run_if is not RunIf.ALL_SUCCESS, f"{path} started, {upstream.path} failed"
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
        if not (self.live_sessions() or self.offered or self.retrying or self.goes_on or self.considering):
            self.crash()  # nothing else is left: it died in the middle of something
            return
        choices = ["end"] * bool(self.live_sessions()) + ["admit"] * bool(self.offered)
        choices += ["retry"] * bool(self.retrying) + ["crash"] * bool(self.crashes_left)
        choices += ["go on"] * self.goes_on + ["decide"] * bool(self.considering)
        if self.job[2] not in CANCEL_REQUESTS or self.data.draw(st.integers(0, 3), label="cancels again at 0") == 0:
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
            case "decide":
                self.decide(self.data.draw(st.sampled_from(sorted(self.considering))))
            case "cancel one":
                self.cancelled = True
                path = self.data.draw(st.sampled_from([plan.path for plan in self.plans]))
                self.take(self.machine.handle(CancelRequested(path, 0.0)))
            case "cancel job":
                self.cancelled = True
                self.take(self.machine.handle(CancelRequested(None, 0.0)))
            case "go on":
                self.go_on()
            case "crash":
                self.crashes_left -= 1
                self.crash()

    def go_on(self) -> None:
        self.goes_on = False
        self.take(self.machine.handle(CancelRequested(None, 0.0, goes_on=True)))

    def decide(self, path: str) -> None:
        self.considering.remove(path)
        kind = self.verdicts[self.rows[path].ordinal]
        self.take(self.machine.handle(InstanceDecided(path, 0.0, Verdict(kind))))

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
        self.considering.clear()
        self.goes_on = False
        self.machine = JobMachine(JOB, self.plans, cancel_at_once=self.at_once)
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
    if not job.cancelled:
        check_against_reference(job)


def check_against_reference(job: Simulation) -> None:
    """Each instance ended as a slow reading of the rules says, given how those ended that ran."""
    ends: dict[int, str] = {}
    order = [i for i in range(len(job.plans)) if i not in job.finals] + sorted(job.finals)
    for i in order:
        row, expected = job.rows[job.plans[i].path], reference(job, i, ends)
        word = str(row.status if row.status in (Status.SKIPPED, Status.CANCELLED) else row.result)
        assert expected == word or (expected == "RUNS" and row.attempts and word in ("SUCCESS", "FAILURE")), row.path
        ends[i] = word


def reference(job: Simulation, i: int, ends: dict[int, str]) -> str:
    """What becomes of instance ``i`` where others came out as ``ends``: a word, or RUNS."""
    plan = job.plans[i]
    if plan.ends_as is not None:
        return "SKIPPED" if plan.ends_as is Status.SKIPPED else "SUCCESS"
    seen = {*plan.upstream, *(j for j in range(len(job.plans)) if plan.is_final and j not in job.finals)}
    failed = [j for j in seen if ends[j] in ("FAILURE", "CANCELLED")]
    hindering = [j for j in failed if ends[j] == "CANCELLED" or not job.plans[j].continue_on_failure]
    succeeded = [j for j in seen if ends[j] == "SUCCESS"]
    lost = "SKIPPED" if plan.is_final else "CANCELLED"
    if plan.run_if is RunIf.ALL_SUCCESS and hindering:
        return lost
    if plan.run_if is RunIf.ANY_FAILED and not failed:
        return "SKIPPED"
    if plan.run_if is RunIf.ONE_SUCCESS and not succeeded:
        return lost if failed else "SKIPPED"
    decided = {VerdictKind.SKIP: "SKIPPED", VerdictKind.REUSE: "SUCCESS", VerdictKind.FAIL: "FAILURE"}
    return decided.get(job.verdicts[i], "RUNS")


def drive(job: Simulation) -> None:
    """The next ordinary thing."""
    if job.goes_on:
        job.go_on()
    elif job.live_sessions():
        job.end(*job.live_sessions()[0])
    elif job.considering:
        job.decide(job.considering[0])
    elif job.offered:
        job.take(job.machine.handle(admitted(job.offered.pop())))
    else:
        assert job.retrying, "nothing runs, nothing waits, and the job is not over"
        job.take(job.machine.handle(RetryDue(job.retrying.pop(), 0.0)))


def is_reused(job: Simulation, row: TaskInstance) -> bool:
    """Whether a verdict let another execution stand in."""
    return job.verdicts[row.ordinal] is VerdictKind.REUSE


def check_verdict(job: Simulation) -> None:
    """The job's result says what its instances say."""
    failed = any(
        row.result is Result.FAILURE and not job.plans[row.ordinal].continue_on_failure for row in job.rows.values()
    )
    if job.job[0] is JobStatus.CANCELLED:
        assert job.job[1] is Result.UNDEFINED
        assert any(row.status is Status.CANCELLED for row in job.rows.values())
        assert job.job[2] == "cancelled" or (job.job[2].startswith("task") and not failed)
    else:
        assert job.job[1] is (Result.FAILURE if failed else Result.SUCCESS)
        missing = [row for row in job.rows.values() if row.status is Status.CANCELLED]
        assert failed or all(job.plans[row.ordinal].continue_on_failure for row in missing)
    for row in job.rows.values():
        if row.status is Status.TERMINATED and job.plans[row.ordinal].ends_as is None and not is_reused(job, row):
            assert row.attempts >= 1
