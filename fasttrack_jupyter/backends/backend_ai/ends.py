"""How a session ended: what the wrapper wrote down, what the cluster says, and what was asked of us, made into one end.

The record ``.session/end`` is text with the bytes of small files in between::

    fasttrack-end 1
    code 0
    began 1763824000.123
    ended 1763824003.456
    timeout                         its time was up
    missing model                   a declared output that is not there
    value 3 score                   a value: so many bytes, its name; the bytes and a line feed follow
    large value table               … one too large for here: read the file
    outputs 17 -                    outputs.json
    failure 31 -                    .failure.json of a command that failed
    artifacts 90 -                  .artifacts.json
    metrics                         there is a .metrics.jsonl
    ranks 56 -                      how the ranks of a launcher came out (see backends/ranks.py)
    whole

Whoever ends a session on purpose writes so first (``.session/killed``, JSON); that word stands above the exit code of
what it ended, as on the local backend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.backend_ai.wrapping import BEGUN_TWICE, REFUSED, UNTOLD
from fasttrack_jupyter.backends.launched import NO_RANKS, Launched, parse_launched
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.quantities import format_duration

_FIRST_LINE = "fasttrack-end 1"
_LARGE = {"outputs -": "", "artifacts -": "."}
_OURS = re.compile(r"^fasttrack: (.*)$", re.MULTILINE)
_MOMENT = re.compile(r"\d+(\.\d+)?")
_TIMED_OUT = ("task-timeout", "exec-timeout")
_USERS = ("user-requested", "force-terminated", "killed-by-event")
_ASKED = {
    "idle-timeout": "it did nothing for too long",
    "idle-utilization": "it used too little of what it had",
    "idle-session-lifetime": "it lived longer than sessions may there",
    "pending-timeout": "it waited too long for resources",
    "hang-timeout": "it did not go on",
}
_LOST = {
    "failed-to-create": "its container could not be made",
    "failed-to-start": "its container was not ready in time",
    "bootstrap-timeout": "its container was not ready in time",
    "container-not-found": "its container was gone",
    "already-terminated": "its container had ended already",
    "self-terminated": "its container ended by itself",
    "abnormal-termination": "its container ended by itself",
    "anomaly-detected": "its container was not as it should be",
    "agent-termination": "the agent that it was on was stopped",
    "not-found-in-manager": "the manager had forgotten it",
    "stale-kernel": "the manager had forgotten it",
    "exceeded-max-retries": "the manager has tried to start it, again and again",
}
"""How a cluster loses sessions, in its word and in ours."""
_AGAIN = "; its command had not begun: rerun the job from what failed, or give the task `retry`"


@dataclass(frozen=True)
class EndRecord:
    """What the wrapper wrote down."""

    code: int
    began: float | None = None
    ended: float | None = None
    timed_out: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    large: tuple[str, ...] = ()
    """Values that have to be read by themselves; ``""``: outputs.json, ``"."``: .artifacts.json."""
    outputs_json: str | None = None
    failure: str = ""
    artifacts: str = ""
    """What ``.artifacts.json`` says."""
    has_metrics: bool = False
    ranks: Launched = NO_RANKS
    """How the ranks of a launcher came out."""

    @classmethod
    def parse(cls, data: bytes) -> EndRecord:
        """Raises ValueError for anything but a whole record."""
        try:
            return _Reader(data).record()
        except LookupError as error:
            raise ValueError(f"it lacks {error}") from error


class Kill(NamedTuple):
    """Who ended a session on purpose: ``cancel`` or ``timeout``, and what to say."""

    kind: str
    reason: str

    def dump(self) -> bytes:
        """As it is kept in the vfolder."""
        return json.dumps(self._asdict(), ensure_ascii=False).encode()

    @classmethod
    def parse(cls, data: bytes) -> Kill:
        """Raises ValueError."""
        told = json.loads(data)
        if not isinstance(told, dict):
            raise ValueError("no object")
        return cls(str(told.get("kind")), str(told.get("reason")))


class Seen(NamedTuple):
    """What the cluster says of a session that is over."""

    status: Status
    result: Result
    info: str
    """``status_info``: not to be trusted for how the command ended, only for who ended it."""
    data: Mapping[str, Any]
    log: str = ""
    """What it wrote to its own log, where there is no record."""
    gone: str = ""
    """The vfolder that was to have its records, where it is not there any more."""
    has_begun: bool | None = None
    """Whether its command began, by its records; None: they do not tell."""


class Outcome(NamedTuple):
    """How a session ended, in the words of decisions.md."""

    status: Status
    result: Result
    exit_code: int | None
    reason: str
    is_final: bool = False
    failure: str = ""


LOST = Outcome(Status.ERROR, Result.FAILURE, None, "lost")
TWICE = Outcome(Status.ERROR, Result.FAILURE, None, "lost: the cluster ended it and would have begun it a second time")


def ended(kill: Kill) -> Outcome:
    """The end of what had not begun."""
    if kill.kind == "cancel":
        return Outcome(Status.CANCELLED, Result.UNDEFINED, None, kill.reason)
    return Outcome(Status.TERMINATED, Result.FAILURE, None, kill.reason)


def outcome_of(record: EndRecord | None, seen: Seen, kill: Kill | None, timeout: float | None) -> Outcome:
    """How it ended. ``timeout``: what the task may take, for the words."""
    code = record.code if record else None
    if kill is not None and kill.kind == "cancel":
        return Outcome(Status.CANCELLED, Result.UNDEFINED, code, kill.reason)
    over = f"timeout {format_duration(timeout)}" if timeout else "timeout"
    if kill is not None or (record is not None and record.timed_out):
        return Outcome(Status.TERMINATED, Result.FAILURE, code, over)
    if record is not None:
        return _told(record)
    if seen.info in _TIMED_OUT:
        return Outcome(Status.TERMINATED, Result.FAILURE, None, over)
    return _untold(seen)


def _told(record: EndRecord) -> Outcome:
    if record.code == 0:
        return Outcome(Status.TERMINATED, Result.SUCCESS, 0, "")
    why = record.ranks.reason or f"exit {record.code}"
    return Outcome(Status.TERMINATED, Result.FAILURE, record.code, why, failure=record.failure)


def _untold(seen: Seen) -> Outcome:
    """There is no record: the command never began, or was not there to see its end."""
    ours = _OURS.findall(seen.log)
    code = _exit_code(seen.data)
    if ours and ours[-1].startswith("refused: this attempt has begun"):
        return TWICE
    if ours and ours[-1].startswith("refused: "):
        why = f"it could not be started: {ours[-1].removeprefix('refused: ')}"
        return Outcome(Status.ERROR, Result.FAILURE, None, why, is_final=True)
    if seen.gone:
        why = f"the vfolder {seen.gone!r} was removed while it ran, and the record of its end with it"
        return Outcome(Status.ERROR, Result.FAILURE, None, why)
    if ours:
        return Outcome(Status.TERMINATED, Result.FAILURE, code if code != UNTOLD else None, ours[-1])
    if seen.result is Result.UNDEFINED:
        did_nothing = seen.has_begun is False and (seen.info in _LOST or not seen.info)
        return Outcome(Status.ERROR, Result.FAILURE, None, _who_ended_it(seen) + (_AGAIN if did_nothing else ""))
    if seen.result is Result.SUCCESS:
        why = "it ended, but the record of its end is not in the pipeline's vfolder: was it removed?"
        return Outcome(Status.ERROR, Result.FAILURE, None, why)
    said = f"exit {code}" if code is not None and code > 0 and code not in (REFUSED, BEGUN_TWICE) else "lost"
    why = said if said != "lost" else "lost: it ended without a word (killed, or out of memory)"
    return Outcome(Status.TERMINATED, Result.FAILURE, code if said != "lost" else None, why)


def _who_ended_it(seen: Seen) -> str:
    if words := error_words(seen.data):
        return f"it could not be started: {words}"
    if seen.info in _USERS:
        return f"terminated on the cluster by somebody ({seen.info})"
    if seen.info in _ASKED:
        return f"terminated by the cluster: {_ASKED[seen.info]} ({seen.info})"
    if seen.status is Status.CANCELLED:
        return f"it could not be started: {seen.info or 'the cluster gives no reason'}"
    if seen.info in _LOST:
        return f"lost by the cluster: {_LOST[seen.info]} ({seen.info})"
    return f"terminated on the cluster ({seen.info or 'no reason given'})"


def error_words(data: Mapping[str, Any]) -> str:
    """What ``status_data`` says went wrong, on one line; empty where it says nothing."""
    error = data.get("error")
    if not isinstance(error, Mapping):
        return ""
    inner = error.get("collection")
    several = [each for each in inner if isinstance(each, Mapping)] if isinstance(inner, list) else []
    words = dict.fromkeys(str(each.get("repr") or each.get("name") or "") for each in (several or [error]))
    return " ".join("; ".join(word for word in words if word).split())[:600]


def _exit_code(data: Mapping[str, Any]) -> int | None:
    for part in (data.get("session"), data.get("kernel")):
        if isinstance(part, Mapping) and isinstance(part.get("exit_code"), int):
            return int(part["exit_code"])
    return None


class _Reader:
    """Goes through a record once."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def record(self) -> EndRecord:
        if self._line() != _FIRST_LINE:
            raise ValueError("no record")
        facts: dict[str, str] = {}
        values: dict[str, str] = {}
        missing, large = [], []
        while (line := self._line()) != "whole":
            word, _, rest = line.partition(" ")
            if word in ("value", "outputs", "failure", "artifacts", "ranks"):
                size, _, name = rest.partition(" ")
                values[f"{word} {name}"] = self._bytes(int(size))
            elif word == "missing":
                missing.append(rest)
            elif word == "large":
                large.append(rest)
            else:
                facts[word] = rest
        return EndRecord(
            code=int(facts["code"]),
            began=_moment(facts.get("began")),
            ended=_moment(facts.get("ended")),
            timed_out="timeout" in facts,
            values={key.removeprefix("value "): text for key, text in values.items() if key.startswith("value ")},
            missing=tuple(missing),
            large=tuple(_LARGE.get(each, each.removeprefix("value ")) for each in large),
            outputs_json=values.get("outputs -"),
            failure=_failure(values.get("failure -", "")),
            artifacts=values.get("artifacts -", ""),
            has_metrics="metrics" in facts,
            ranks=parse_launched(values.get("ranks -", "")),
        )

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise ValueError("it breaks off")
        line, self._at = self._data[self._at : end], end + 1
        return line.decode("utf-8", "surrogateescape")

    def _bytes(self, size: int) -> str:
        end = self._at + size
        if size < 0:
            raise ValueError("a part of it has no size")
        if self._data[end : end + 1] != b"\n":
            raise ValueError("a part of it has another size")
        text, self._at = self._data[self._at : end], end + 1
        return text.decode("utf-8", "replace")


def _moment(text: str | None) -> float | None:
    found = _MOMENT.match(text or "")
    return (float(found[0]) or None) if found else None


def _failure(text: str) -> str:
    try:
        told = json.loads(text) if len(text) <= 4096 else None
    except (ValueError, RecursionError):
        return ""
    words = told.get("text") if isinstance(told, dict) else None
    return words if isinstance(words, str) else ""
