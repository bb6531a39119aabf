"""Loops and groups in the job machine, told as stories: what opens, what waits, and how it comes out."""

from __future__ import annotations

import pytest
from engine.nested_pipelines import (
    GROUP,
    SWEEP,
    Ledger,
    T,
    begun,
    decided,
    ended,
    job,
    loop,
    moves,
    next_ones,
    opened,
    ran,
    tell,
)

from fasttrack_jupyter.engine.stimuli import (
    RUN,
    CancelRequested,
    Consider,
    Decision,
    FinishJob,
    InstanceDecided,
    Offer,
    Release,
    RetryDue,
    Verdict,
    VerdictKind,
    WaitForRetry,
    Withdraw,
)
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.lifecycle import JobStatus, Result, Status
from fasttrack_jupyter.model.pipeline import RunIf

# -------------------------------------------------------------- opening


def test_nothing_is_inside_of_a_container_until_it_is_opened() -> None:
    """It is considered as a task with a condition is; until then nobody can name what will be inside."""
    machine = job(T("prep"), T("sweep", "prep", is_loop=True))
    assert tell(machine, *ran("prep")).instructions == [Release("prep", 1), Consider("sweep")]
    with pytest.raises(NotFound, match=r"no task instance 'sweep\[0\]'"):
        machine.status_of("sweep[0]")


def test_a_loop_opens_into_its_iterations() -> None:
    """As many as the verdict has items, all of which may go on; the loop runs, without a session."""
    decision = tell(job(T("sweep", is_loop=True)), opened("sweep", 3))
    assert moves(decision) == [("sweep", "RUNNING", "")]
    assert decision.instructions == [Offer("sweep[0]"), Offer("sweep[1]"), Offer("sweep[2]")]


def test_a_group_opens_into_its_tasks_and_those_wait_for_each_other() -> None:
    """In whatever order they are written."""
    machine = job(T("g", inside=(T("test", "train"), T("train"))))
    assert next_ones(tell(machine, opened("g"))) == ["g/train"]
    assert next_ones(tell(machine, *ran("g/train"))) == ["g/test"]


def test_a_container_waits_for_what_those_inside_need_from_outside() -> None:
    """The name is used two levels further in."""
    machine = job(T("prep"), T("g", inside=(T("sweep", is_loop=True, inside=(T("train", "prep"),)),)))
    assert machine.status_of("g")[0] is Status.WAITING
    assert next_ones(tell(machine, *ran("prep"))) == ["g"]
    assert next_ones(tell(machine, opened("g"), opened("g/sweep", 1))) == ["g/sweep[0]"]
    assert next_ones(tell(machine, opened("g/sweep[0]"))) == ["g/sweep[0]/train"]


def test_the_store_learns_who_is_inside_with_the_change_that_opens() -> None:
    """Their paths and tasks in order, and what it was opened by, so that the next engine opens it to the same."""
    machine = job(T("sweep", is_loop=True))
    (change,) = tell(machine, opened("sweep", 2)).changes
    assert (change.event, change.expected, change.status) == ("TaskInstancesAdded", Status.WAITING, Status.RUNNING)
    assert change.instances == [("sweep[0]", "sweep"), ("sweep[1]", "sweep")]
    assert change.expansion == {"items": [0, 1]}
    assert change.data == {"iterations": 2}
    (change,) = tell(job(GROUP), opened("g")).changes
    assert change.data == {"tasks": ["g/a", "g/b"]}


def test_ordinals_follow_the_order_of_opening() -> None:
    """Not that of the file; none is given twice."""
    ledger = Ledger((T("x", is_loop=True), T("y", is_loop=True)))
    machine = job(*ledger.tasks)
    ledger.job = (JobStatus.RUNNING, Result.UNDEFINED, "")
    ledger.take(tell(machine, opened("y", 2)))
    ledger.take(tell(machine, opened("x", 2)))
    assert [path for path, _ in ledger.rows.items()] == ["x", "y", "y[0]", "y[1]", "x[0]", "x[1]"]
    assert [row.ordinal for row in ledger.rows.values()] == list(range(6))


def test_a_verdict_to_run_inside_offers() -> None:
    """An iteration that is considered and runs."""
    machine = loop(1, considered=True)
    assert tell(machine, InstanceDecided("sweep[0]", 1.0, RUN)).instructions == [Offer("sweep[0]")]


def test_an_empty_loop_has_ended_and_what_is_behind_it_goes_on() -> None:
    """Nothing went wrong: it is a success, of no iterations."""
    machine = job(T("sweep", is_loop=True), T("after", "sweep"))
    decision = tell(machine, InstanceDecided("sweep", 1.0, Verdict(VerdictKind.EXPAND, data={"items": []})))
    assert moves(decision) == [("sweep", "RUNNING", ""), ("sweep", "TERMINATED", "")]
    assert decision.changes[1].result is Result.SUCCESS
    assert decision.instructions == [Offer("after")]


def test_a_job_of_an_empty_loop_is_over() -> None:
    """No event would ever come to end it."""
    machine = job(T("sweep", is_loop=True))
    decision = tell(machine, InstanceDecided("sweep", 1.0, Verdict(VerdictKind.EXPAND, data={"items": []})))
    assert decision.instructions == [FinishJob()]


# -------------------------------------------------------------- dependencies outside


def outer(run_if: RunIf, exit_code: int) -> Decision:
    """A task inside, with ``run_if``, that needs one outside which came out so; its container runs anyway."""
    machine = job(T("prep"), T("g", inside=(T("a", "prep", run_if=run_if), T("b")), run_if=RunIf.ALL_DONE))
    tell(machine, *ran("prep", exit_code))
    return tell(machine, opened("g"))


def test_a_dependency_that_ended_before_the_container_opened_counts() -> None:
    """For each rule of those inside."""
    assert next_ones(outer(RunIf.ALL_SUCCESS, 0)) == ["g/a", "g/b"]
    assert next_ones(outer(RunIf.ANY_FAILED, 1)) == ["g/a", "g/b"]
    assert moves(outer(RunIf.ANY_FAILED, 0))[1] == ("g/a", "SKIPPED", "no dependency failed")


def test_what_a_failure_outside_hinders_names_it() -> None:
    """And only that is cancelled."""
    decision = outer(RunIf.ALL_SUCCESS, 1)
    assert moves(decision)[1:] == [("g/a", "CANCELLED", "dependency prep failed")]
    assert next_ones(decision) == ["g/b"]


def test_a_group_that_a_failure_outside_left_unfinished_says_what_did_not_run() -> None:
    """Although nobody cancelled anything inside, and nothing inside failed."""
    machine = job(T("prep"), T("g", inside=(T("a", "prep"), T("b")), run_if=RunIf.ALL_DONE))
    tell(machine, *ran("prep", 1), opened("g"))
    assert moves(tell(machine, *ran("g/b")))[1] == ("g", "CANCELLED", "task g/a was cancelled")


# -------------------------------------------------------------- so many at a time


def test_no_more_iterations_go_on_than_may_at_a_time() -> None:
    """The next goes on as one ends, in order, whether that was a success or a failure."""
    machine = loop(4, at_once=2)
    assert machine.is_offered("sweep[1]")
    assert not machine.is_offered("sweep[2]")
    assert next_ones(tell(machine, *ran("sweep[1]"))) == ["sweep[2]"]
    assert next_ones(tell(machine, *ran("sweep[0]", 1))) == ["sweep[3]"]
    assert next_ones(tell(machine, *ran("sweep[2]"))) == []


def test_one_that_is_held_back_says_so() -> None:
    """Until its turn has come."""
    machine = loop(3, at_once=2)
    assert machine.why_held("sweep[2]") == "waits for its turn (2 of sweep at a time)"
    tell(machine, *ran("sweep[0]"))
    assert [machine.why_held(path) for path in ("sweep", "sweep[1]", "sweep[2]")] == ["", "", ""]


def test_an_iteration_that_ends_without_running_makes_room_for_the_next() -> None:
    """A verdict is an end as well."""
    machine = loop(3, at_once=1, considered=True)
    assert tell(machine, decided("sweep[0]", VerdictKind.SKIP)).instructions == [Consider("sweep[1]")]
    assert tell(machine, decided("sweep[1]", VerdictKind.REUSE)).instructions == [Consider("sweep[2]")]


def test_an_iteration_with_tasks_inside_keeps_its_place_until_its_last_has_ended() -> None:
    """Its first task's end is not its own."""
    machine = job(T("sweep", is_loop=True, at_once=1, inside=SWEEP.inside))
    tell(machine, opened("sweep", 2), opened("sweep[0]"))
    assert next_ones(tell(machine, *ran("sweep[0]/train"))) == ["sweep[0]/test"]
    assert next_ones(tell(machine, *ran("sweep[0]/test"))) == ["sweep[1]"]


def test_an_iteration_that_waits_for_its_next_attempt_keeps_its_place() -> None:
    """It is going on."""
    machine = loop(2, at_once=1, attempts=2)
    assert next_ones(tell(machine, *ran("sweep[0]", 1))) == []
    assert next_ones(tell(machine, RetryDue("sweep[0]", 2.0))) == ["sweep[0]"]


def test_cancelling_one_that_is_held_back_leaves_no_room_for_another() -> None:
    """It had no place; who goes on next does not lose its turn."""
    machine = loop(4, at_once=1)
    assert moves(tell(machine, CancelRequested("sweep[1]", 2.0))) == [("sweep[1]", "CANCELLED", "cancelled")]
    assert not machine.is_offered("sweep[2]")
    assert next_ones(tell(machine, *ran("sweep[0]"))) == ["sweep[2]"]


def test_cancelling_one_that_is_offered_makes_room_for_the_next() -> None:
    """It had a place."""
    decision = tell(loop(2, at_once=1), CancelRequested("sweep[0]", 2.0))
    assert decision.instructions == [Withdraw("sweep[0]"), Offer("sweep[1]")]


# -------------------------------------------------------------- how it comes out


def test_a_loop_ends_with_its_last_iteration() -> None:
    """Not with the last of the list; what waits for it goes on then."""
    machine = loop(2)
    assert moves(tell(machine, *ran("sweep[1]"))) == [("sweep[1]", "TERMINATED", "")]
    decision = tell(machine, *ran("sweep[0]"))
    assert moves(decision) == [("sweep[0]", "TERMINATED", ""), ("sweep", "TERMINATED", "")]
    assert decision.instructions == [Release("sweep[0]", 1), Offer("after")]
    change = decision.changes[1]
    assert (change.event, change.result) == ("TaskInstancesEnded", Result.SUCCESS)
    assert change.data == {"outputs_dir": "jobs/1/sweep"}


def test_others_go_on_when_an_iteration_fails_and_then_the_loop_has_failed() -> None:
    """It says how many of how many, and which."""
    machine = loop(3)
    assert moves(tell(machine, *ran("sweep[1]", 3))) == [("sweep[1]", "TERMINATED", "exit 3")]
    tell(machine, *ran("sweep[0]"))
    decision = tell(machine, *ran("sweep[2]"))
    assert moves(decision) == [
        ("sweep[2]", "TERMINATED", ""),
        ("sweep", "TERMINATED", "1 of 3 iterations failed: sweep[1]"),
        ("after", "CANCELLED", "dependency sweep failed"),
        (None, "TERMINATED", "task sweep failed"),
    ]
    assert decision.changes[1].result is decision.changes[3].result is Result.FAILURE


def test_of_many_that_failed_three_are_named() -> None:
    """The rest is a number."""
    machine = loop(5)
    decision = tell(machine, *(event for i in range(5) for event in ran(f"sweep[{i}]", 1)))
    words = "5 of 5 iterations failed: sweep[0], sweep[1], sweep[2] and 2 more"
    assert ("sweep", "TERMINATED", words) in moves(decision)


def test_a_group_says_which_of_its_tasks_failed() -> None:
    """What hung on it inside is cancelled, and is not the cause."""
    machine = job(GROUP)
    decision = tell(machine, opened("g"), *ran("g/a", 1))
    assert moves(decision) == [
        ("g/a", "TERMINATED", "exit 1"),
        ("g/b", "CANCELLED", "dependency g/a failed"),
        ("g", "TERMINATED", "task g/a failed"),
        (None, "TERMINATED", "task g failed"),
    ]


def test_a_failure_inside_that_is_tolerated_does_not_fail_the_container() -> None:
    """``continue_on_failure`` inside."""
    machine = job(T("g", inside=(T("a", tolerated=True), T("b", "a"))))
    assert next_ones(tell(machine, opened("g"), *ran("g/a", 1))) == ["g/b"]
    assert moves(tell(machine, *ran("g/b")))[1:] == [("g", "TERMINATED", ""), (None, "TERMINATED", "")]


def test_a_container_whose_failure_is_tolerated_hinders_nobody() -> None:
    """``continue_on_failure`` on the container: it has failed, what waits for it goes on, the job succeeds."""
    machine = loop(1, tolerated=True)
    decision = tell(machine, *ran("sweep[0]", 1))
    assert moves(decision)[1] == ("sweep", "TERMINATED", "1 of 1 iterations failed: sweep[0]")
    assert next_ones(decision) == ["after"]
    assert tell(machine, *ran("after")).changes[-1].result is Result.SUCCESS


@pytest.mark.parametrize(
    ("kind", "status", "result"),
    [
        (VerdictKind.SKIP, Status.SKIPPED, Result.SUCCESS),
        (VerdictKind.REUSE, Status.TERMINATED, Result.SUCCESS),
        (VerdictKind.FAIL, Status.ERROR, Result.FAILURE),
    ],
)
def test_a_container_may_end_without_being_opened(kind: VerdictKind, status: Status, result: Result) -> None:
    """By its verdict; nothing inside comes to be."""
    (change, *_) = tell(job(SWEEP, T("other")), decided("sweep", kind)).changes
    assert (change.status, change.result, change.reason) == (status, result, f"said {kind.value}")
    assert not change.instances


def test_verdicts_inside_count_as_they_do_outside() -> None:
    """A skipped one satisfies, a refused one hinders."""
    inside = (T("a", considered=True), T("b", "a", considered=True), T("c", "b"))
    machine = job(T("g", inside=inside))
    assert next_ones(tell(machine, opened("g"), decided("g/a", VerdictKind.SKIP))) == ["g/b"]
    assert moves(tell(machine, decided("g/b", VerdictKind.FAIL))) == [
        ("g/b", "ERROR", "said fail"),
        ("g/c", "CANCELLED", "dependency g/b failed"),
        ("g", "TERMINATED", "task g/b failed"),
        (None, "TERMINATED", "task g failed"),
    ]


def test_what_is_always_skipped_inside_ends_as_its_container_opens() -> None:
    """It satisfies; a group of nothing else has ended at once."""
    machine = job(T("g", inside=(T("a", skip=True), T("b", "a"))), T("h", inside=(T("x", skip=True),)))
    decision = tell(machine, opened("g"))
    assert moves(decision)[1:] == [("g/a", "SKIPPED", "skip: true")]
    assert next_ones(decision) == ["g/b"]
    assert moves(tell(machine, opened("h")))[1:] == [("h/x", "SKIPPED", "skip: true"), ("h", "TERMINATED", "")]


def test_a_loop_all_iterations_of_which_were_skipped_is_a_success() -> None:
    """It was not skipped itself: ``one_success`` behind it goes on."""
    machine = job(T("sweep", is_loop=True, considered=True), T("after", "sweep", run_if=RunIf.ONE_SUCCESS))
    tell(machine, opened("sweep", 2), decided("sweep[0]", VerdictKind.SKIP))
    decision = tell(machine, decided("sweep[1]", VerdictKind.SKIP))
    assert moves(decision)[1] == ("sweep", "TERMINATED", "")
    assert next_ones(decision) == ["after"]


@pytest.mark.parametrize(
    ("run_if", "exit_code", "status"),
    [
        (RunIf.ALL_DONE, 1, Status.WAITING),
        (RunIf.ANY_FAILED, 1, Status.WAITING),
        (RunIf.ANY_FAILED, 0, Status.SKIPPED),
        (RunIf.ONE_SUCCESS, 1, Status.CANCELLED),
        (RunIf.ONE_SUCCESS, 0, Status.WAITING),
        (RunIf.ALL_SUCCESS, 1, Status.CANCELLED),
    ],
)
def test_a_container_counts_as_one_for_what_waits_for_it(run_if: RunIf, exit_code: int, status: Status) -> None:
    """By the rules of any task; one iteration's success is not the loop's."""
    machine = job(T("sweep", is_loop=True), T("after", "sweep", run_if=run_if))
    tell(machine, opened("sweep", 2), *ran("sweep[0]"), *ran("sweep[1]", exit_code))
    assert machine.status_of("after")[0] is status
    assert machine.is_offered("after") is (status is Status.WAITING)


def test_three_deep_the_last_end_closes_all_around_it() -> None:
    """From the inside out, in one decision."""
    machine = job(T("g", inside=(T("sweep", is_loop=True, inside=(T("h", inside=(T("a"),)),)),)), T("after", "g"))
    decision = tell(
        machine, opened("g"), opened("g/sweep", 1), opened("g/sweep[0]"), opened("g/sweep[0]/h"),
        *ran("g/sweep[0]/h/a"),
    )  # fmt: skip
    closing = ["g/sweep[0]/h/a", "g/sweep[0]/h", "g/sweep[0]", "g/sweep", "g"]
    assert moves(decision) == [(path, "TERMINATED", "") for path in closing]
    assert next_ones(decision) == ["after"]


def test_three_deep_a_failure_is_told_on_every_level() -> None:
    """Each names what is inside of it."""
    machine = job(T("g", inside=(T("sweep", is_loop=True, inside=(T("a"),)),)))
    decision = tell(machine, opened("g"), opened("g/sweep", 1), opened("g/sweep[0]"), *ran("g/sweep[0]/a", 1))
    assert moves(decision) == [
        ("g/sweep[0]/a", "TERMINATED", "exit 1"),
        ("g/sweep[0]", "TERMINATED", "task g/sweep[0]/a failed"),
        ("g/sweep", "TERMINATED", "1 of 1 iterations failed: g/sweep[0]"),
        ("g", "TERMINATED", "task g/sweep failed"),
        (None, "TERMINATED", "task g failed"),
    ]


# -------------------------------------------------------------- retries


def test_an_iteration_is_tried_again_as_any_task() -> None:
    """Its loop neither ends nor fails by the attempt."""
    machine = loop(1, attempts=2)
    assert tell(machine, *ran("sweep[0]", 1)).instructions == [Release("sweep[0]", 1), WaitForRetry("sweep[0]", 0.0)]
    decision = tell(machine, RetryDue("sweep[0]", 2.0), *begun("sweep[0]"), ended("sweep[0]", attempt=2))
    assert moves(decision) == [("sweep[0]", "TERMINATED", ""), ("sweep", "TERMINATED", "")]
