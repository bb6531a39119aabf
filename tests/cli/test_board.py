"""The board: a followed job, moved by events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fasttrack_jupyter.api.states import CANCELLED, FAILURE, PREPARING, RUNNING, SUCCESS, WAITING
from fasttrack_jupyter.api.words import parse_time
from fasttrack_jupyter.cli.board import Board
from fasttrack_jupyter.cli.estimate import Estimate


def test_events_move_a_row(shapes: Any) -> None:
    """From waiting to its end, with the times that the events tell."""
    board = Board.of(shapes.job(shapes.task("train")))
    moves = [
        board.apply(shapes.event(1, "train", "PREPARING")),
        board.apply(shapes.event(2, "train", "RUNNING")),
        board.apply(shapes.event(5, "train", "TERMINATED", "FAILURE", "exit 3")),
    ]
    assert [move and move.before for move in moves] == [WAITING, PREPARING, RUNNING]
    row = board.rows["train"]
    assert (row.state, row.reason, row.started_at, row.ended_at) == (FAILURE, "exit 3", shapes.at(2), shapes.at(5))


def test_an_event_that_was_seen_already_does_no_harm(shapes: Any) -> None:
    """Events older than the snapshot may come again."""
    board = Board.of(shapes.job(shapes.task("train", "TERMINATED", "SUCCESS")))
    assert board.apply(shapes.event(1, "train", "RUNNING")) is None
    assert board.rows["train"].state is SUCCESS


def test_a_retry_is_said_though_the_state_stays(shapes: Any) -> None:
    """A failed attempt that goes back to waiting tells why."""
    board = Board.of(shapes.job(shapes.task("train", "PENDING", attempts=1)))
    move = board.apply(shapes.event(3, "train", "WAITING", None, "attempt 1: exit 1; again in 30s"))
    assert move is not None
    assert move.row.reason == "attempt 1: exit 1; again in 30s"
    assert board.apply(shapes.event(4, "train", "PENDING", None, "")) is None


def test_each_tenth_that_a_task_says_is_done_is_said_once(shapes: Any) -> None:
    """What lies between is shown and no news; the end and another attempt begin anew."""
    board = Board.of(shapes.job(shapes.task("train", "RUNNING")))

    def says(second: int, fraction: float | None, text: str = "") -> bool:
        event = shapes.event(second, "train", "RUNNING")
        event["data"] = {"progress": {"fraction": fraction, "text": text}}
        return board.apply(event) is not None

    assert [says(n, part) for n, part in enumerate((None, 0.02, 0.1, 0.15, 0.31, 0.25, 0.39, 1.0))] == [
        False, False, True, False, True, False, True, True,
    ]  # fmt: skip
    assert board.rows["train"].progress == {"fraction": 1.0, "text": ""}
    assert board.apply(shapes.event(9, "train", "RUNNING")) is None
    assert board.rows["train"].progress == {"fraction": 1.0, "text": ""}
    board.apply(shapes.event(10, "train", "WAITING", None, "attempt 1: exit 1; again in 30s"))
    assert board.rows["train"].progress is None


def test_the_job_ends_by_its_own_event(shapes: Any) -> None:
    """Status, result and end of the job are kept up to date."""
    board = Board.of(shapes.job())
    assert not board.has_ended
    board.apply(shapes.event(9, None, "TERMINATED", "SUCCESS"))
    assert board.has_ended
    assert (board.state, board.job["ended_at"]) == (SUCCESS, shapes.at(9))


def test_task_instances_may_appear_on_the_way(shapes: Any) -> None:
    """Loops make instances that the snapshot did not have."""
    board = Board.of(shapes.job())
    board.apply(shapes.event(1, "sweep[2]/train", "RUNNING"))
    assert board.count(RUNNING) == 1


def test_rows_that_fit_keep_the_pipeline_s_order(shapes: Any) -> None:
    """Nothing jumps about on a screen that is large enough."""
    board = Board.of(shapes.job(shapes.task("a", "WAITING"), shapes.task("b", "RUNNING"), shapes.task("c", "ERROR")))
    assert [row.path for row in board.visible(3)] == ["a", "b", "c"]


def test_rows_that_do_not_fit_are_chosen_by_relevance(shapes: Any) -> None:
    """What runs comes first, then what failed, then what comes next, then what ended last."""
    tasks = [
        shapes.task("done", "TERMINATED", "SUCCESS"),
        shapes.task("waits"),
        shapes.task("fails", "ERROR", "FAILURE"),
    ]
    board = Board.of(shapes.job(*tasks, shapes.task("runs", "RUNNING")))
    assert [row.path for row in board.visible(3)] == ["runs", "fails", "waits"]


def test_failures_and_waiting_ones_leave_room_for_each_other(shapes: Any) -> None:
    """Each gets a third of the screen at most while there is anything else to see."""
    fails = [shapes.task(f"f{n}", "ERROR", "FAILURE") for n in range(9)]
    tasks = [*fails, *(shapes.task(f"w{n}") for n in range(9)), shapes.task("done", "TERMINATED", "SUCCESS")]
    assert [row.path for row in Board.of(shapes.job(*tasks)).visible(6)] == ["f0", "f1", "w0", "w1", "done", "w2"]


def test_totals_count_every_state(shapes: Any) -> None:
    """Totals follow the events."""
    board = Board.of(shapes.job(*(shapes.task(name) for name in "abc")))
    board.apply(shapes.event(1, "a", "RUNNING"))
    board.apply(shapes.event(2, "b", "CANCELLED", "UNDEFINED", "dependency a failed"))
    assert board.totals() == [(1, RUNNING), (1, WAITING), (1, CANCELLED)]


def test_the_first_failure_is_the_cause(shapes: Any) -> None:
    """Failures come in the order in which they happened, not in the pipeline's."""
    late = shapes.task("a", "TERMINATED", "FAILURE", ended_at=shapes.at(9))
    early = shapes.task("b", "TERMINATED", "FAILURE", ended_at=shapes.at(3))
    assert [row.path for row in Board.of(shapes.job(late, early)).failures()] == ["b", "a"]


def _chain(shapes: Any) -> Board:
    running = shapes.task("a", "RUNNING", started_at=shapes.at(0))
    return Board.of(shapes.job(running, shapes.task("b", dependencies=("a",)), shapes.task("c")))


def test_the_estimate_is_the_longest_chain_that_is_left(shapes: Any) -> None:
    """What has been running for a while counts less."""
    moment = parse_time(shapes.at(4))
    assert moment is not None
    assert Estimate({"a": 10.0, "b": 20.0, "c": 1.0}).remaining(_chain(shapes), moment) == 27.0
    assert Estimate({"a": 10.0, "b": 20.0, "c": 1.0}).remaining(_chain(shapes), moment + timedelta(hours=1)) == 21.0


def test_half_an_estimate_is_none(shapes: Any) -> None:
    """Where nothing is known of a task that is left, nothing is said."""
    moment = parse_time(shapes.at(4))
    assert moment is not None
    assert Estimate({"a": 10.0, "b": None}).remaining(_chain(shapes), moment) is None


def test_a_long_chain_is_estimated_without_recursion(shapes: Any) -> None:
    """Chains are longer than Python's stack."""
    tasks = [shapes.task(f"t{n}", dependencies=(f"t{n - 1}",) if n else ()) for n in range(3000)]
    moment = parse_time(shapes.at(0))
    assert moment is not None
    assert Estimate({f"t{n}": 1.0 for n in range(3000)}).remaining(Board.of(shapes.job(*tasks)), moment) == 3000.0


def test_what_a_preparing_task_waits_for_is_said_once_per_stage(shapes: Any) -> None:
    """Building an environment takes long: the first word of it is a line, the progress after it is not."""
    board = Board.of(shapes.job(shapes.task("train")))
    assert board.apply(shapes.event(1, "train", "PREPARING", None, "")) is not None
    move = board.apply(shapes.event(2, "train", "BUILDING", None, "building environment dd573ed9"))
    assert move is not None
    assert move.row.reason == "building environment dd573ed9"
    assert board.apply(shapes.event(3, "train", "BUILDING", None, "resolved 17 packages")) is None
