"""Numbers, times, states: what the terminal says them as."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.api import states, words
from fasttrack_jupyter.model.lifecycle import ENDED, LIVE, Result, Status

STATES = Path(__file__).resolve().parents[2] / "labextension" / "src" / "fixtures" / "states.json"
"""What the TypeScript is checked against as well."""


def test_every_status_has_a_state() -> None:
    """No status of a session is unknown to the terminal."""
    assert set(states.BY_STATUS) | {"TERMINATED"} == set(Status)


def test_ended_statuses_are_shown_as_ended() -> None:
    """What has ended looks ended, what lives does not."""
    assert all(states.state_of(status, "FAILURE").is_ended for status in ENDED)
    assert not any(states.state_of(status).is_ended for status in LIVE | {Status.WAITING})


def test_a_state_is_the_same_as_in_the_browser() -> None:
    """Status and result (which decides what TERMINATED means) are read alike by both languages."""
    cases = json.loads(STATES.read_text(encoding="utf-8"))["states"]
    assert {(status, result) for status, result, _, _ in cases} == {(s, r) for s in Status for r in Result}
    assert [
        (case, states.state_of(*case[:3]).name) for case in cases if states.state_of(*case[:3]).name != case[3]
    ] == []


def test_states_can_be_told_apart_without_colour() -> None:
    """Icon, ASCII icon and word each tell the eight apart."""
    for field in ("icon", "ascii", "word"):
        assert len({getattr(state, field) for state in states.STATES}) == 8


def test_icons_fall_back_to_ascii() -> None:
    """An output that cannot carry the icon gets a letter."""
    assert states.icon(states.SUCCESS, "ascii") == "+"
    assert states.icon(states.SUCCESS, "utf-8") == "✓"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 ms"),
        (0.0123, "12 ms"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (7320, "2 h 2 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    """Durations are said in the two units that matter."""
    assert words.duration(seconds) == said


def test_last_lines_are_those_of_a_terminal() -> None:
    """A bar that was drawn over and over is one line, and no colour is left of it."""
    bar = "".join(f"\r{share} %" for share in range(100))
    assert words.last_lines(f"one\r\n\n{bar}\n\x1b[31mtwo\x1b[0m\n", 3) == ["", "99 %", "two"]
    assert words.last_lines("", 3) == []


def test_relative_times(shapes: Any) -> None:
    """Times are relative while that helps."""
    moment = words.parse_time(shapes.at(0))
    assert moment is not None
    told = [words.ago(shapes.at(0), moment + timedelta(seconds=after)) for after in (1, 30, 200, 8000)]
    assert told == ["just now", "30 s ago", "3 min ago", "2 h ago"]


@pytest.mark.parametrize(("count", "said"), [(0, "0 B"), (1536, "1.5 KiB"), (4 << 30, "4 GiB"), (300 << 20, "300 MiB")])
def test_sizes(count: int, said: str) -> None:
    """Sizes are in binary units."""
    assert words.size(count) == said


@pytest.mark.parametrize(
    ("amount", "said"), [("24684092k", "23.5 GiB"), ("16g", "16 GiB"), ("0", "0 B"), ("odd", "odd")]
)
def test_memory_slots(amount: str, said: str) -> None:
    """Memory is said in the largest unit that fits, whatever unit it was written in."""
    assert words.amount_of("mem", amount) == said
    assert words.slots({"cpu": "4", "mem": amount}) == f"4 cpu · {said}"


def test_log_lines_cannot_move_the_cursor() -> None:
    """Escape sequences and control characters of a log never reach the screen's own lines."""
    assert words.clean("\x1b[2J\x1b]0;title\x07red \x1b[31mhot\x1b[0m\x07\u202e") == "red hot"


def test_the_last_line_is_what_a_terminal_would_show() -> None:
    """A progress bar that rewrites its line shows its last state."""
    assert words.last_line("start\n 10%\r 20%\r 30%\n\n") == "30%"


def test_commands_can_be_pasted() -> None:
    """What a shell would take apart is quoted, a job's word stays readable."""
    assert words.command("fasttrack", "logs", "digits#12", "my task") == "fasttrack logs digits#12 'my task'"
    assert words.command("fasttrack", "attach", "#12") == "fasttrack attach '#12'"
