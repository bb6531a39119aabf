"""How sessions end: every status, the wrapper's record, what the cluster says and who ended it on purpose."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.backend_ai import statuses
from fasttrack_jupyter.backends.backend_ai.ends import EndRecord, Kill, Outcome, Seen, error_words, outcome_of
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status

PUBLISHED = (
    "PENDING", "DEPRIORITIZING", "RESERVED", "SCHEDULED", "PREPARING", "PULLING", "PREPARED", "CREATING", "RUNNING",
    "RESTARTING", "RUNNING_DEGRADED", "PREEMPTED", "RESCHEDULING", "TERMINATING", "TERMINATED", "ERROR", "CANCELLED",
    "BUILDING", "RESIZING", "SUSPENDED",
)  # fmt: skip
"""Of all releases, as FastTrack's documents and the managers' sources name them."""
DEAD = Seen(Status.TERMINATED, Result.UNDEFINED, "", {})


@pytest.mark.parametrize("word", PUBLISHED)
def test_every_published_status_is_ours(word: str) -> None:
    """By the same name, in any case."""
    assert statuses.status_of(word) is Status(word)
    assert statuses.status_of(word.lower()) is Status(word)


def test_every_status_of_the_installed_managers_is_ours() -> None:
    """Of each cluster that is on this machine, by the manager's own source."""
    manager = "venv/lib/python3.*/site-packages/ai/backend/manager"
    files = (
        file
        for venv in ("*", "*/*")
        for source in ("models/session.py", "data/session/types.py")
        for file in Path("/var/tmp").glob(f"{venv}/{manager}/{source}")
    )
    found = set(itertools.chain.from_iterable(_declared(file.read_text("utf-8")) for file in files))
    if not found:
        pytest.skip("no cluster is installed here")
    assert found <= set(PUBLISHED)


def _declared(source: str) -> list[str]:
    body = re.search(r"^class SessionStatus\(.*?\n(.*?)(?=^\S)", source, re.MULTILINE | re.DOTALL)
    return re.findall(r"^    ([A-Z_]+) = ", body[1], re.MULTILINE) if body else []


def test_only_three_statuses_are_ends() -> None:
    """A session that goes down still lives."""
    assert {statuses.status_of(word) for word in PUBLISHED} & ENDED == {
        Status.TERMINATED, Status.ERROR, Status.CANCELLED
    }  # fmt: skip


@pytest.mark.parametrize("word", ["WAITING", "SKIPPED", "", None, "NEVER_HEARD_OF"])
def test_words_that_no_cluster_has_are_no_status(word: object) -> None:
    """What is ours alone, or unknown."""
    assert statuses.status_of(word) is None


@pytest.mark.parametrize(
    ("word", "result"),
    [("SUCCESS", Result.SUCCESS), ("success", Result.SUCCESS), ("failure", Result.FAILURE), (None, Result.UNDEFINED)],
)
def test_results_are_read_in_each_releases_case(word: object, result: Result) -> None:
    """23.09 writes them large, later ones small."""
    assert statuses.result_of(word) is result


RECORD = b"""fasttrack-end 1
code 0
began 1763824000.25
ended 1763824003.5
missing a model
value 7 two words
whole
\xff
large value table
large outputs -
outputs 2 -
{}
whole
"""


def test_a_record_is_read_whole() -> None:
    """Names with spaces, contents that look like the record itself, bytes that are no text."""
    record = EndRecord.parse(RECORD)
    assert (record.code, record.began, record.ended) == (0, 1763824000.25, 1763824003.5)
    assert record.values == {"two words": "whole\n\ufffd"}
    assert (record.missing, record.large, record.outputs_json) == (("a model",), ("table", ""), "{}")


@pytest.mark.parametrize("cut", range(0, len(RECORD) - 1, 7))
def test_a_record_that_breaks_off_is_none(cut: int) -> None:
    """Wherever that is: it is read again, or counts as not there."""
    with pytest.raises(ValueError, match=r"no record|breaks off|another size"):
        EndRecord.parse(RECORD[:cut])


def test_a_clock_that_a_session_does_not_have_is_no_moment() -> None:
    """Images without ``date``, and such whose ``date`` knows no fractions."""
    record = EndRecord.parse(b"fasttrack-end 1\ncode 1\nbegan 0\nended 1763824003.%N\nwhole\n")
    assert (record.began, record.ended) == (None, 1763824003.0)


def _ended(seen: Seen = DEAD, record: EndRecord | None = None, kill: Kill | None = None) -> Outcome:
    return outcome_of(record, seen, kill, 3600.0)


def test_the_record_stands_above_what_the_cluster_says() -> None:
    """The command did end; a container that is killed afterwards changes nothing."""
    seen = Seen(Status.TERMINATED, Result.FAILURE, "task-failed", {})
    assert _ended(seen, EndRecord(0)) == Outcome(Status.TERMINATED, Result.SUCCESS, 0, "")


def test_an_exit_code_is_told() -> None:
    """With the task's own words."""
    found = _ended(record=EndRecord(3, failure="KeyError: x"))
    assert found == Outcome(Status.TERMINATED, Result.FAILURE, 3, "exit 3", failure="KeyError: x")


def test_whoever_cancels_has_the_last_word() -> None:
    """Whatever the command made of it."""
    found = _ended(record=EndRecord(0), kill=Kill("cancel", "dependency train failed"))
    assert found == Outcome(Status.CANCELLED, Result.UNDEFINED, 0, "dependency train failed")


@pytest.mark.parametrize(
    ("seen", "record", "kill"),
    [
        (DEAD, EndRecord(143, timed_out=True), None),
        (Seen(Status.TERMINATED, Result.FAILURE, "task-timeout", {}), None, None),
        (DEAD, None, Kill("timeout", "timeout 1h")),
    ],
)
def test_a_timeout_is_told_by_whoever_saw_it(seen: Seen, record: EndRecord | None, kill: Kill | None) -> None:
    """The wrapper, the cluster or we."""
    found = _ended(seen, record, kill)
    assert (found.status, found.result, found.reason) == (Status.TERMINATED, Result.FAILURE, "timeout 1h")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (DEAD._replace(info="user-requested"), "terminated on the cluster by somebody (user-requested)"),
        (DEAD._replace(info="idle-timeout"), "terminated by the cluster: it did nothing for too long (idle-timeout)"),
        (DEAD._replace(status=Status.CANCELLED, info="failed-to-start"), "it could not be started: failed-to-start"),
        (DEAD, "terminated on the cluster (no reason given)"),
        (DEAD._replace(info="container-not-found"), "its container was gone (container-not-found)"),
        (DEAD._replace(data={"error": {"name": "E", "repr": "E('no such\n mount')"}}), "started: E('no such mount')"),
        (DEAD._replace(log="fasttrack: refused: nothing is mounted at /x\n"), "started: nothing is mounted at /x"),
        (DEAD._replace(log="fasttrack: refused: this attempt has begun once already"), "a second time"),
        (Seen(Status.TERMINATED, Result.SUCCESS, "", {}), "was it removed?"),
    ],
)
def test_an_end_without_a_record_is_an_error_with_a_reason(seen: Seen, words: str) -> None:
    """ERROR, FAILURE: there was no command that failed."""
    found = _ended(seen)
    assert (found.status, found.result, found.exit_code) == (Status.ERROR, Result.FAILURE, None)
    assert words in found.reason


@pytest.mark.parametrize(
    ("seen", "is_told"),
    [
        (DEAD._replace(info="failed-to-start", has_begun=False), True),
        (DEAD._replace(has_begun=False), True),
        (DEAD._replace(info="failed-to-start", has_begun=True), False),
        (DEAD._replace(info="failed-to-start"), False),
        (DEAD._replace(info="user-requested", has_begun=False), False),
    ],
)
def test_who_lost_a_session_that_did_nothing_hears_what_to_do(seen: Seen, is_told: bool) -> None:
    """Only where its records say that its command had not begun, and nobody ended it on purpose."""
    assert _ended(seen).reason.endswith("rerun the job from what failed, or give the task `retry`") is is_told


def test_a_wrapper_that_was_killed_is_a_failure() -> None:
    """Out of memory, say: the cluster knows that something failed, and no more."""
    found = _ended(Seen(Status.TERMINATED, Result.FAILURE, "task-failed", {"session": {"exit_code": 137}}))
    assert (found.status, found.exit_code, found.reason) == (Status.TERMINATED, 137, "exit 137")


def test_errors_of_several_agents_are_told_once() -> None:
    """``MultiAgentError`` has them in a collection."""
    one: dict[str, Any] = {"src": "agent", "name": "DockerError", "repr": "DockerError(no such image)"}
    data = {"error": {"src": "agent", "name": "MultiAgentError", "repr": "…", "collection": [one, one]}}
    assert error_words(data) == "DockerError(no such image)"


def test_a_word_about_a_kill_survives_its_file() -> None:
    """Whoever comes after us reads it."""
    kill = Kill("cancel", "cancelled: “später”")
    assert Kill.parse(kill.dump()) == kill
    with pytest.raises(ValueError, match="no object"):
        Kill.parse(json.dumps([1]).encode())
