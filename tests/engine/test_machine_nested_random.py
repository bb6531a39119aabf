"""Random jobs of random nested pipelines, with failures, cancels and crashes: what runs is what the rules say."""

from __future__ import annotations

from random import Random

import pytest
from engine.nested_pipelines import Ledger, Nest, Pipelines
from engine.nested_reference import End, Reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Consider,
    Decision,
    GoOnCancelling,
    InstanceAdmitted,
    InstanceDecided,
    Instruction,
    JobStarted,
    Offer,
    Release,
    RetryDue,
    SessionReported,
    Submit,
    Verdict,
    VerdictKind,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.model.job import TaskInstance
from fasttrack_jupyter.model.lifecycle import ENDED, JOB_ENDED, LIVE, JobStatus, Result, Status

OUTCOMES = {
    "success": (Result.SUCCESS, 0),
    "failure": (Result.FAILURE, 1),
    "refused": (Result.FAILURE, 1),
    "destroyed": (Result.UNDEFINED, None),
}


class Simulation:
    """A job, a store that is a dict, a backend that does what the dice say, engines that die."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.tasks = Pipelines(dice).job()
        self.ledger = Ledger(self.tasks)
        self.at_once = dice.choice([1, 3, 1000])
        self.nest = Nest(*self.tasks)
        self.machine = self.nest.machine(self.at_once)
        self.crashes_left, self.life = dice.choice([0, 3, 6]), 0
        self.cancels = dice.choice([0, 0, 1, 3])
        """Of ten things that happen."""
        self.offered: list[str] = []
        self.considering: list[str] = []
        self.retrying: list[str] = []
        self.goes_on = False
        self.sessions: dict[tuple[str, int], str] = {}
        """Attempts that were started: ``live``, ``cancelling`` or ``over``."""
        self.outcomes: dict[tuple[str, int], str] = {}
        self.verdicts: dict[str, VerdictKind] = {}
        self.items: dict[str, int] = {}
        self.hit: set[str] = set()
        """What had not ended when somebody cancelled it, what is around it, or the job."""
        self.hit_with_job: set[str] = set()
        self.requests = 0
        """How often somebody wanted the job to end."""

    @property
    def rows(self) -> dict[str, TaskInstance]:
        return self.ledger.rows

    @property
    def is_over(self) -> bool:
        return self.ledger.job[0] in JOB_ENDED

    def live(self) -> list[tuple[str, int]]:
        return [key for key, state in self.sessions.items() if state != "over"]

    # ------------------------------------------------------------------ the engine around the machine

    def take(self, decision: Decision) -> None:
        """Record, then act; now and then the engine dies in between."""
        self.ledger.take(decision)
        self.check_containers()
        life = self.life
        if self.crashes_left and self.dice.randint(1, 8) == 8:
            self.crash()
        for instruction in decision.instructions:
            if self.life != life:
                return
            self.act(instruction)
        self.check_places()

    def act(self, instruction: Instruction) -> None:
        match instruction:
            case Offer(path):
                self.offered.append(path)
            case Consider(path):
                self.considering.append(path)
            case Withdraw(path):
                for line in (self.offered, self.considering):
                    line[:] = [other for other in line if other != path]
            case Submit(path, attempt):
                assert path not in self.hit | self.hit_with_job, f"{path} began after it was cancelled"
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
            case Release(path, attempt):
                assert self.sessions[path, attempt] == "over"

    def start(self, path: str, attempt: int) -> None:
        """A session begins; everything that it, and whatever it is inside of, waits for has ended."""
        assert (path, attempt) not in self.sessions, "started twice"
        at: int | None = self.nest.index[path]
        assert attempt <= self.nest.places[self.rows[path].ordinal].task.attempts
        while at is not None:
            plan, around = self.machine._instances[at].plan, list(self.rows.values())[at]
            assert plan.path == around.path, "an ordinal changed"
            assert around.status not in ENDED, f"{path} started after {around.path} ended"
            assert all(list(self.rows.values())[i].status in ENDED for i in plan.upstream), f"{path} started too early"
            if plan.is_final:
                others = [task.name for task in self.tasks if not task.final]
                assert all(self.rows[name].status in ENDED for name in others), f"{path} is final"
            at = plan.parent
        self.sessions[path, attempt] = "live"

    def start_again(self, path: str, attempt: int, may_create: bool) -> None:
        """An intended session that never came to be."""
        if may_create:
            self.start(path, attempt)
            return
        assert self.rows[path].status is Status.TERMINATING, "a session that was seen alive is gone"
        self.sessions[path, attempt] = "over"
        self.take(self.machine.handle(SessionReported(path, attempt, Status.ERROR, 0.0, Result.FAILURE, reason="lost")))

    def crash(self) -> None:
        """The engine dies; the next one knows what was recorded, and what the backend has."""
        self.crashes_left, self.life = self.crashes_left - 1, self.life + 1
        for forgotten in (self.offered, self.retrying, self.considering):
            forgotten.clear()
        self.goes_on = False
        self.nest, self.machine = self.ledger.revive(self.at_once)
        status, _, reason = self.ledger.job
        if status is JobStatus.PENDING:
            self.take(self.machine.handle(JobStarted(0.0)))
        elif status is JobStatus.RUNNING:
            self.take(self.machine.restore(status, reason, list(self.rows.values()), 0.0))

    # ------------------------------------------------------------------ what can happen

    def step(self) -> None:
        """One thing that can happen now, chosen by the dice."""
        choices = ["end", "alive"] * bool(self.live()) + ["admit"] * bool(self.offered)
        choices += ["retry"] * bool(self.retrying) + ["go on"] * self.goes_on + ["decide"] * bool(self.considering)
        assert choices, "nothing runs, nothing waits, and the job is not over"
        choices += ["crash"] * bool(self.crashes_left)
        if self.cancels and self.dice.randint(1, 10) > 10 - self.cancels:
            choices = [*["cancel one"] * 7, "cancel job"]
        getattr(self, self.dice.choice(choices).replace(" ", "_"))()

    def drive(self) -> None:
        """The next ordinary thing, with no dice about what."""
        for waiting, go in (
            (self.goes_on, self.go_on), (self.live(), self.end), (self.considering, self.decide),
            (self.retrying, self.retry), (self.offered, self.admit),
        ):  # fmt: skip
            if waiting:
                go()
                return
        raise AssertionError("nothing runs, nothing waits, and the job is not over")

    def admit(self) -> None:
        path = self.dice.choice(self.offered)
        self.offered.remove(path)
        if self.machine.may_begin(path):
            self.take(self.machine.handle(InstanceAdmitted(path, 1.0, f"jobs/1/{path}")))

    def retry(self) -> None:
        self.take(self.machine.handle(RetryDue(self.retrying.pop(), 0.0)))

    def go_on(self) -> None:
        self.goes_on = False
        self.take(self.machine.handle(CancelRequested(None, 0.0, goes_on=True)))

    def decide(self) -> None:
        """What becomes of an instance is drawn once; whoever asks again hears the same."""
        path = self.dice.choice(self.considering)
        self.considering.remove(path)
        task = self.nest.task(path)
        goes = VerdictKind.EXPAND if task.is_container else VerdictKind.RUN
        if path not in self.verdicts:
            kinds = [*[goes] * 12, VerdictKind.SKIP, VerdictKind.REUSE, VerdictKind.FAIL]
            self.verdicts[path] = self.dice.choice(kinds)
            self.items[path] = self.dice.choice([3, 4, 2, 1, 0]) if task.is_loop else 0
        data = {"items": list(range(self.items[path]))} if task.is_loop else {}
        self.take(self.machine.handle(InstanceDecided(path, 0.0, Verdict(self.verdicts[path], data=data))))

    def alive(self) -> None:
        path, attempt = self.dice.choice(self.live())
        self.take(self.machine.handle(SessionReported(path, attempt, Status.RUNNING, 1.5)))

    def end(self) -> None:
        path, attempt = self.dice.choice(self.live())
        was_cancelled = self.sessions[path, attempt] == "cancelling"
        self.sessions[path, attempt] = "over"
        if was_cancelled and self.dice.choice([True, False]):
            report = SessionReported(path, attempt, Status.CANCELLED, 0.0, reason="cancelled")
        else:
            how = self.dice.choice([*["success"] * 5, *OUTCOMES])
            self.outcomes[path, attempt] = how
            result, code = OUTCOMES[how]
            report = SessionReported(path, attempt, Status.TERMINATED, 0.0, result, code, is_final=how == "refused")
        self.take(self.machine.handle(report))

    def cancel_one(self) -> None:
        unended = [path for path, row in self.rows.items() if row.status not in ENDED]
        path = self.dice.choice(unended if self.dice.randint(0, 9) else list(self.rows))
        below = {path} | {other for other in self.rows if other.startswith((f"{path}/", f"{path}["))}
        if self.rows[path].status not in ENDED:
            self.hit |= {other for other in below if self.rows[other].status not in ENDED}
        self.take(self.machine.handle(CancelRequested(path, 0.0)))

    def cancel_job(self) -> None:
        self.requests += 1
        finals = tuple(task.name for task in self.tasks if task.final)
        for path, row in self.rows.items():
            is_final = path.startswith(tuple(f"{name}{sign}" for name in finals for sign in "/[")) or path in finals
            if row.status not in ENDED and (self.requests > 1 or not is_final) and path not in self.hit:
                self.hit_with_job.add(path)
        self.take(self.machine.handle(CancelRequested(None, 0.0)))

    # ------------------------------------------------------------------ promises

    def check_containers(self) -> None:
        """A container has ended exactly when all inside has."""
        inside: dict[int, list[TaskInstance]] = {}
        rows = list(self.rows.values())
        for row, instance in zip(rows, self.machine._instances, strict=True):
            if instance.plan.parent is not None:
                inside.setdefault(instance.plan.parent, []).append(row)
        for i, children in inside.items():
            has_ended = all(row.status in ENDED for row in children)
            assert (rows[i].status in ENDED) is has_ended, f"{rows[i].path} and what is inside contradict each other"

    def check_places(self) -> None:
        """No more iterations of a loop go on than may, and no fewer than can."""
        waiting = {*self.offered, *self.considering, *self.retrying}
        for path, row in self.rows.items():
            limit = self.nest.task(path).at_once
            if limit is None or row.status not in LIVE:
                continue
            unended = [p for p in (f"{path}[{i}]" for i in range(self.items[path])) if self.rows[p].status not in ENDED]
            going = [p for p in unended if p in waiting or self.rows[p].status in LIVE]
            assert len(going) <= limit, f"{going} go on at a time"
            if not self.requests and row.status is not Status.TERMINATING:
                assert len(going) == min(limit, len(unended)), f"of {unended} only {going} go on"

    def check_against_reference(self) -> None:
        """Each instance, and no other, came out as a slow reading of the rules says, after as many attempts."""
        actual = {path: _end(row) for path, row in self.rows.items()}
        opened = frozenset(path for path, row in self.rows.items() if row.expansion is not None)
        given = {path for path in self.hit if path not in opened} | self.hit_with_job
        reference = Reference(
            self.verdicts.__getitem__,
            self.items.__getitem__,
            lambda path, attempt: self.outcomes[path, attempt],
            {path: actual[path] for path in given},
            frozenset(self.hit & opened),
            opened,
        )
        reference.evaluate(self.tasks)
        assert reference.ends == actual

    def check_verdict(self) -> None:
        """The job's result is that of its tasks; of what is inside of them it is theirs to tell."""
        ends = [(self.rows[task.name], task.tolerated) for task in self.tasks]
        words = {_end(row).word for row, tolerated in ends if not tolerated}
        status, result, reason = self.ledger.job
        if self.requests and any(row.status is Status.CANCELLED for row, _ in ends):
            assert (status, result, reason) == (JobStatus.CANCELLED, Result.UNDEFINED, "cancelled")
        elif "FAILURE" in words:
            assert (status, result) == (JobStatus.TERMINATED, Result.FAILURE)
            assert reason.startswith("task ")
        elif words & {"CANCELLED", "DESTROYED"}:
            assert (status, result) == (JobStatus.CANCELLED, Result.UNDEFINED)
            assert reason.startswith("task")
            assert reason.endswith("cancelled")
        else:
            assert (status, result, reason) == (JobStatus.TERMINATED, Result.SUCCESS, "")
        assert not any("tasks  were" in row.reason for row in self.rows.values()), "nobody is named"


def _end(row: TaskInstance) -> End:
    if row.status in (Status.SKIPPED, Status.CANCELLED):
        return End(str(row.status), row.attempts)
    return End("DESTROYED" if row.result is Result.UNDEFINED else str(row.result), row.attempts)


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_random_nested_jobs_do_what_the_rules_say(dice: Random) -> None:
    """Each instance runs exactly when the rules say, whatever is cancelled and whoever dies; the job always ends."""
    play(dice)


@pytest.mark.parametrize("campaign", range(4))
def test_larger_random_nested_jobs_do_so_too(campaign: int) -> None:
    """Of dice that prefer nothing; the seed is told."""
    for number in range(500):
        seed = f"{campaign}-{number}"
        try:
            play(Random(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed!r}") from error


def play(dice: Random) -> None:
    """A job from start to end, with every promise held."""
    job = Simulation(dice)
    job.take(job.machine.handle(JobStarted(0.0)))
    for _ in range(300):
        if job.is_over:
            break
        job.step()
    while not job.is_over:  # enough dice: let everything end by itself
        job.drive()
    assert not job.live(), "the job is over and a session lives"
    assert all(row.status in ENDED for row in job.rows.values())
    assert [row.ordinal for row in job.rows.values()] == list(range(len(job.rows)))
    job.check_verdict()
    job.check_against_reference()
