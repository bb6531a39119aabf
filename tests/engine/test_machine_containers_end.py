"""Loops and groups in the job machine, told as stories: cancelled, final, and taken over by the next engine."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from engine.nested_pipelines import (
    START,
    SWEEP,
    Ledger,
    Nest,
    T,
    begun,
    ended,
    gone,
    job,
    loop,
    moves,
    next_ones,
    opened,
    ran,
    tell,
)

from fasttrack_jupyter.engine.machine import CANCEL_REQUESTED, JobMachine
from fasttrack_jupyter.engine.stimuli import (
    Adopt,
    CancelRequested,
    CancelSession,
    Consider,
    Decision,
    Event,
    FinishJob,
    GoOnCancelling,
    RetryDue,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.model.pipeline import RunIf

# -------------------------------------------------------------- cancelling


def test_cancelling_a_container_ends_all_that_is_inside() -> None:
    """Held, offered and living ones each in its own way; it ends with the last of them."""
    machine = loop(3, at_once=2)
    decision = tell(machine, *begun("sweep[0]"), CancelRequested("sweep", 2.0))
    assert moves(decision) == [
        ("sweep", "TERMINATING", "cancelled"),
        ("sweep[0]", "TERMINATING", "cancelled"),
        ("sweep[1]", "CANCELLED", "cancelled"),
        ("sweep[2]", "CANCELLED", "cancelled"),
    ]
    assert decision.instructions == [CancelSession("sweep[0]", 1, "cancelled"), Withdraw("sweep[1]")]
    assert moves(tell(machine, gone("sweep[0]"))) == [
        ("sweep[0]", "CANCELLED", "cancelled"),
        ("sweep", "CANCELLED", "cancelled"),
        ("after", "CANCELLED", "dependency sweep cancelled"),
        (None, "CANCELLED", "task sweep was cancelled"),
    ]


def test_cancelling_a_container_in_which_nothing_lives_ends_it_at_once() -> None:
    """What is three levels further in as well."""
    machine = job(T("g", inside=(T("sweep", is_loop=True, inside=(T("a"),)),)))
    decision = tell(machine, opened("g"), opened("g/sweep", 2), opened("g/sweep[0]"), CancelRequested("g", 2.0))
    assert machine.status_of("g/sweep[0]/a")[0] is Status.CANCELLED
    assert moves(decision)[-2:] == [("g", "CANCELLED", "cancelled"), (None, "CANCELLED", "task g was cancelled")]
    assert tell(machine, opened("g/sweep[1]")) == Decision()


def test_a_container_that_is_cancelled_before_it_opens_never_does() -> None:
    """The verdict that comes later is not heard."""
    machine = job(SWEEP, T("other"))
    assert tell(machine, CancelRequested("sweep", 2.0)).instructions == [Withdraw("sweep")]
    assert tell(machine, opened("sweep", 2)) == Decision()


def test_nothing_inside_of_a_cancelled_container_is_tried_again() -> None:
    """It fails, and that is its end."""
    machine, words = loop(1, attempts=3), "1 of 1 iterations failed: sweep[0]"
    decision = tell(machine, *begun("sweep[0]"), CancelRequested("sweep", 2.0), ended("sweep[0]", 1))
    assert moves(decision)[:2] == [("sweep[0]", "TERMINATED", "exit 1"), ("sweep", "TERMINATED", words)]


def test_successes_that_outran_the_cancel_make_the_container_a_success() -> None:
    """A cancel is a request."""
    machine = loop(1)
    decision = tell(machine, *begun("sweep[0]"), CancelRequested("sweep", 2.0), ended("sweep[0]"))
    assert moves(decision) == [("sweep[0]", "TERMINATED", ""), ("sweep", "TERMINATED", "")]
    assert next_ones(decision) == ["after"]


def test_cancelling_one_iteration_leaves_the_others_and_the_loop_is_not_whole() -> None:
    """The loop and the job are cancelled, not failed, and say on whose account."""
    machine = loop(3)
    tell(machine, CancelRequested("sweep[1]", 2.0), *ran("sweep[0]"))
    assert moves(tell(machine, *ran("sweep[2]"))) == [
        ("sweep[2]", "TERMINATED", ""),
        ("sweep", "CANCELLED", "task sweep[1] was cancelled"),
        ("after", "CANCELLED", "dependency sweep cancelled"),
        (None, "CANCELLED", "task sweep was cancelled"),
    ]


def test_cancelling_the_job_in_portions_ends_containers_too() -> None:
    """One instance at a time, the living first; nothing goes on in between, nothing opens."""
    machine = Nest(T("sweep", is_loop=True, at_once=1, inside=(T("a"),)), T("after", "sweep")).machine(at_once=1)
    tell(machine, START, opened("sweep", 2), opened("sweep[0]"), *begun("sweep[0]/a"))
    again = CancelRequested(None, 2.0, goes_on=True)
    first = tell(machine, CancelRequested(None, 2.0))
    assert moves(first) == [(None, "RUNNING", CANCEL_REQUESTED), ("sweep", "TERMINATING", "cancelled")]
    assert first.instructions == [GoOnCancelling()]
    assert moves(tell(machine, again)) == [("sweep[0]", "TERMINATING", "cancelled")]
    assert tell(machine, again).instructions == [CancelSession("sweep[0]/a", 1, "cancelled"), GoOnCancelling()]
    assert moves(tell(machine, again)) == [("after", "CANCELLED", "cancelled")]
    assert moves(tell(machine, again)) == [("sweep[1]", "CANCELLED", "cancelled")]
    assert moves(tell(machine, gone("sweep[0]/a"))) == [
        ("sweep[0]/a", "CANCELLED", "cancelled"),
        ("sweep[0]", "CANCELLED", "cancelled"),
        ("sweep", "CANCELLED", "cancelled"),
        (None, "CANCELLED", "cancelled"),
    ]


def test_a_verdict_that_comes_between_two_portions_opens_nothing() -> None:
    """Its turn to be cancelled comes."""
    machine = Nest(T("a"), SWEEP).machine(at_once=1)
    tell(machine, START, CancelRequested(None, 2.0))
    assert tell(machine, opened("sweep", 2)) == Decision()
    assert moves(tell(machine, CancelRequested(None, 2.0, goes_on=True)))[0] == ("sweep", "CANCELLED", "cancelled")


# -------------------------------------------------------------- final containers

CLEAN_UP = T("clean", final=True, run_if=RunIf.ALL_DONE, inside=(T("a"), T("b", "a", run_if=RunIf.ANY_FAILED)))


def test_a_final_container_opens_when_all_others_have_ended() -> None:
    """What is inside of it runs after the job was cancelled, too."""
    machine = job(SWEEP, CLEAN_UP)
    decision = tell(machine, opened("sweep", 1), CancelRequested(None, 2.0))
    assert decision.instructions[-1] == Consider("clean")
    assert next_ones(tell(machine, opened("clean"))) == ["clean/a"]


def test_what_has_no_reason_to_run_in_a_final_container_is_skipped_after_a_cancel() -> None:
    """And so the job ends."""
    machine = job(T("x"), CLEAN_UP)
    decision = tell(machine, CancelRequested(None, 2.0), opened("clean"), *ran("clean/a"))
    assert moves(decision) == [
        ("clean/a", "TERMINATED", ""),
        ("clean/b", "SKIPPED", "no dependency failed"),
        ("clean", "TERMINATED", ""),
        (None, "CANCELLED", "cancelled"),
    ]


def test_asking_twice_ends_the_inside_of_a_final_container() -> None:
    """As it ends final tasks."""
    machine = job(T("x"), CLEAN_UP)
    tell(machine, CancelRequested(None, 2.0), opened("clean"), *begun("clean/a"))
    decision = tell(machine, CancelRequested(None, 3.0))
    assert moves(decision)[1:] == [
        ("clean", "TERMINATING", "cancelled"),
        ("clean/a", "TERMINATING", "cancelled"),
        ("clean/b", "CANCELLED", "cancelled"),
    ]
    assert tell(machine, gone("clean/a")).instructions[-1] == FinishJob()


# -------------------------------------------------------------- restarts

STORY: Sequence[Event] = [
    START,
    *ran("prep"),
    opened("sweep", 3),
    opened("sweep[0]"),
    opened("sweep[1]"),
    *ran("sweep[1]/train"),
    *begun("sweep[0]/train"),
    ended("sweep[0]/train", 1),
    RetryDue("sweep[0]/train", 2.0),
    *begun("sweep[0]/train"),
    ended("sweep[0]/train", 0, 2),
    *ran("sweep[0]/test", 1),
    opened("sweep[2]"),
    *ran("sweep[1]/test"),
    *ran("sweep[2]/train"),
    *ran("sweep[2]/test"),
    opened("clean"),
    *ran("clean/a"),
    *ran("clean/b"),
]
INSIDE = (T("train", "prep", attempts=2), T("test", "train"))
TASKS = (
    T("prep"),
    T("sweep", "prep", is_loop=True, at_once=2, inside=INSIDE),
    T("after", "sweep"),
    T("clean", final=True, run_if=RunIf.ALL_DONE, inside=(T("a"), T("b", "a"))),
)


def told(ledger: Ledger, machine: JobMachine, events: Sequence[Event]) -> None:
    for event in events:
        ledger.take(machine.handle(event))


def revived(ledger: Ledger) -> tuple[JobMachine, Decision]:
    """The next engine's machine, and what it does first."""
    _, machine = ledger.revive()
    return machine, ledger.take(machine.restore(ledger.job[0], ledger.job[2], list(ledger.rows.values()), 5.0))


@pytest.mark.parametrize("died_after", range(1, len(STORY)))
def test_a_job_comes_out_the_same_wherever_its_engine_died(died_after: int) -> None:
    """The next machine grows by the rows, and what comes then has the same effect: paths, ordinals, results, words."""
    whole, ledger = Ledger(TASKS), Ledger(TASKS)
    told(whole, Nest(*TASKS).machine(), STORY)
    assert whole.job[:2] == (JobStatus.TERMINATED, Result.FAILURE)
    told(ledger, Nest(*TASKS).machine(), STORY[:died_after])
    machine, decision = revived(ledger)
    told(ledger, machine, [RetryDue(i.path, 2.0) for i in decision.instructions if isinstance(i, WaitForRetry)])
    told(ledger, machine, STORY[died_after:])
    assert (ledger.job, ledger.rows) == (whole.job, whole.rows)


def test_after_a_restart_no_more_go_on_than_may_at_a_time() -> None:
    """Who waits for its next attempt has its place, who was held back is held back."""
    ledger = Ledger((T("sweep", is_loop=True, at_once=2, attempts=2),))
    told(ledger, Nest(*ledger.tasks).machine(), [START, opened("sweep", 4), *begun("sweep[1]"), *ran("sweep[0]", 1)])
    machine, decision = revived(ledger)
    assert decision.instructions == [WaitForRetry("sweep[0]", 0.0), Adopt("sweep[1]", 1, True)]
    assert next_ones(ledger.take(machine.handle(ended("sweep[1]")))) == ["sweep[2]"]


def test_a_container_that_was_being_cancelled_is_cancelled_after_a_restart() -> None:
    """Those alive inside are asked again to end; it has no session of its own."""
    ledger = Ledger((T("sweep", is_loop=True), T("after", "sweep")))
    events = [START, opened("sweep", 2), *begun("sweep[0]"), CancelRequested("sweep", 2.0)]
    told(ledger, Nest(*ledger.tasks).machine(), events)
    machine, decision = revived(ledger)
    assert decision.instructions == [Adopt("sweep[0]", 1, False), CancelSession("sweep[0]", 1, "cancelled")]
    assert moves(tell(machine, gone("sweep[0]")))[1] == ("sweep", "CANCELLED", "cancelled")


def test_a_restart_while_a_container_is_considered_considers_it_again() -> None:
    """Nothing of what was found out before it opened is remembered."""
    ledger = Ledger((SWEEP,))
    told(ledger, Nest(SWEEP).machine(), [START])
    assert revived(ledger)[1].instructions == [Consider("sweep")]
