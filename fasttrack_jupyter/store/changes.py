"""``record``: many changes of many callers, applied by a handful of SQL statements.

Python's sqlite3 lets go of the interpreter lock at every single row that it steps over, and takes
it back in competition with the event loop's thread; under load that wait, not SQLite, is what a
change costs. So a whole batch goes to SQLite as one JSON text into a temporary table, and four
statements apply it, however many changes there are:

1. ``UPDATE instances … WHERE status = expected`` (once per *turn*: the second change of the same
   instance within a batch is turn 1, because one UPDATE touches a row once);
2. the same for jobs;
3. an upsert of the attempts, in order;
4. ``INSERT`` of the events, whose ``seq`` is the newest one plus their place in the batch.

Instances that come to be with a change are rows before all that.

SQL alone decides what is legal: fewer rows updated than asked for means that some status was
not the expected one, and the transaction is rolled back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.errors import BadRequest, Conflict, IllegalTransition
from fasttrack_jupyter.model.job import Change
from fasttrack_jupyter.model.lifecycle import ENDED, JOB_ENDED
from fasttrack_jupyter.store.places import Places

_JSON_KEYS = ("outputs", "usage", "resources", "session", "notes")
_COLUMNS = (
    "turn", "job", "instance", "expected", "status", "event", "at", "attempt", "result", "reason", "exit_code",
    "attempt_status", "attempt_result", "attempt_reason", "data", *_JSON_KEYS, "mode", "git_commit", "outputs_dir",
    "priority", "environment", "expansion",
)  # fmt: skip

_ENDED = "('" + "', '".join(sorted(ENDED)) + "')"
_JOB_ENDED = "('" + "', '".join(sorted(JOB_ENDED)) + "')"

BATCH_TABLE = f"CREATE TEMP TABLE batch (k INTEGER PRIMARY KEY, {', '.join(_COLUMNS)})"

_FILL = (
    "INSERT INTO temp.batch SELECT key, "
    + ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(_COLUMNS)))
    + " FROM json_each(?)"
)

# A new attempt starts with a clean slate; everything else that a change leaves out stays as it is.
# Notes add up, each said once.
_UPDATE_INSTANCES = f"""
UPDATE instances SET
  status = b.status,
  result = coalesce(b.result, instances.result),
  reason = coalesce(b.reason, iif(b.attempt > instances.attempts, NULL, instances.reason)),
  exit_code = coalesce(b.exit_code, iif(b.attempt > instances.attempts, NULL, instances.exit_code)),
  attempts = max(instances.attempts, b.attempt),
  started_at = coalesce(instances.started_at, iif(
    b.status = 'RUNNING' OR (max(instances.attempts, b.attempt) > 0
      AND (b.status IN {_ENDED} OR b.attempt_status IN {_ENDED})), b.at, NULL)),
  ended_at = coalesce(instances.ended_at, iif(b.status IN {_ENDED}, b.at, NULL)),
  outputs_dir = coalesce(b.outputs_dir, instances.outputs_dir),
  outputs = coalesce(b.outputs, instances.outputs),
  usage = coalesce(b.usage, instances.usage),
  resources = coalesce(b.resources, instances.resources),
  session = coalesce(b.session, instances.session),
  mode = coalesce(b.mode, instances.mode),
  git_commit = coalesce(b.git_commit, instances.git_commit),
  environment = coalesce(b.environment, instances.environment),
  expansion = coalesce(b.expansion, instances.expansion),
  notes = CASE WHEN b.notes IS NULL THEN instances.notes WHEN instances.notes IS NULL THEN b.notes ELSE (
    SELECT json_group_array(value) FROM (
      SELECT value FROM json_each(instances.notes) UNION ALL
      SELECT value FROM json_each(b.notes) WHERE value NOT IN (SELECT value FROM json_each(instances.notes)))) END
FROM temp.batch AS b
WHERE b.turn = ? AND instances.num = b.instance AND instances.status = b.expected
  AND (b.status = b.expected OR instances.status NOT IN {_ENDED})
"""

_UPDATE_JOBS = f"""
UPDATE jobs SET
  status = b.status,
  result = coalesce(b.result, jobs.result),
  reason = coalesce(b.reason, jobs.reason),
  priority = coalesce(b.priority, jobs.priority),
  started_at = coalesce(jobs.started_at, iif(b.status = 'RUNNING', b.at, NULL)),
  ended_at = coalesce(jobs.ended_at, iif(b.status IN {_JOB_ENDED}, b.at, NULL))
FROM temp.batch AS b
WHERE b.turn = ? AND b.instance IS NULL AND jobs.num = b.job AND jobs.status = b.expected
  AND (b.status = b.expected OR jobs.status NOT IN {_JOB_ENDED})
"""

# An instance that waits between two attempts says nothing of its last one, unless attempt_status does.
_UPSERT_ATTEMPTS = f"""
INSERT INTO attempts (instance, number, status, result, reason, exit_code, created_at, started_at, ended_at,
  usage, resources, session, mode, git_commit)
SELECT instance, attempt, coalesce(attempt_status, status), coalesce(attempt_result, result),
  coalesce(attempt_reason, reason), exit_code, at,
  iif(coalesce(attempt_status, status) = 'RUNNING' OR coalesce(attempt_status, status) IN {_ENDED}, at, NULL),
  iif(coalesce(attempt_status, status) IN {_ENDED}, at, NULL),
  usage, resources, session, mode, git_commit
FROM temp.batch WHERE attempt > 0 AND coalesce(attempt_status, status) <> 'WAITING' ORDER BY k
ON CONFLICT (instance, number) DO UPDATE SET
  status = excluded.status,
  result = coalesce(excluded.result, result),
  reason = coalesce(excluded.reason, reason),
  exit_code = coalesce(excluded.exit_code, exit_code),
  started_at = coalesce(started_at, excluded.started_at),
  ended_at = coalesce(ended_at, excluded.ended_at),
  usage = coalesce(excluded.usage, usage),
  resources = coalesce(excluded.resources, resources),
  session = coalesce(excluded.session, session),
  mode = coalesce(excluded.mode, mode),
  git_commit = coalesce(excluded.git_commit, git_commit)
WHERE attempts.status NOT IN {_ENDED} OR attempts.status = excluded.status
"""

_ADD_INSTANCES = """
INSERT INTO instances (num, path, task, status)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), 'WAITING'
FROM json_each(?)
"""

_INSERT_EVENTS = """
INSERT INTO events (seq, at, job, instance, type, attempt, status, result, reason, exit_code, data)
SELECT ? + k, at, job, instance, event, attempt, status, result, reason, exit_code, data FROM temp.batch ORDER BY k
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One caller's changes as rows of the batch table (``turn`` still to be given)."""

    changes: Sequence[Change]
    rows: list[list[Any]]
    added: list[tuple[int, str, str | None]]
    """Instances that come to be: ``(num, path, task)``."""


class MovesRefused(Exception):
    """Some row of the batch was not in its expected status."""


def prepare(places: Places, changes: Sequence[Change]) -> Prepared:
    """Look up what the changes name and write out their data.

    Raises:
        NotFound: no such job or task instance.
        BadRequest: data that is not JSON, or more instances than a job can have.
    """
    rows: list[list[Any]] = []
    added: list[tuple[int, str, str | None]] = []
    for change in changes:
        rows.append(_row(places, change))
        for path, task in change.instances:
            added.append((places.add(change.job_id, path), path, None if task in ("", path) else task))
    return Prepared(changes, rows, added)


def apply(con: sqlite3.Connection, calls: Sequence[Prepared], last_seq: int) -> int:
    """Apply all ``calls`` within the open transaction; the seq of the last event.

    Raises:
        MovesRefused: roll back; :func:`refusal` tells a single call's caller why.
    """
    rows = [row for call in calls for row in call.rows]
    turns = _give_turns(rows)
    con.execute("DELETE FROM temp.batch")
    con.execute(_FILL, (json.dumps(rows),))
    if added := [one for call in calls for one in call.added]:
        con.execute(_ADD_INSTANCES, (json.dumps(added),))
    for turn, (instances, jobs) in enumerate(turns):
        if instances and con.execute(_UPDATE_INSTANCES, (turn,)).rowcount != instances:
            raise MovesRefused
        if jobs and con.execute(_UPDATE_JOBS, (turn,)).rowcount != jobs:
            raise MovesRefused
    con.execute(_UPSERT_ATTEMPTS)
    con.execute(_INSERT_EVENTS, (last_seq + 1,))
    return last_seq + len(rows)


def refusal(con: sqlite3.Connection, call: Prepared) -> Conflict:
    """Why this call was refused, from what the rows say now."""
    for change, (turn, job, instance, *_rest) in zip(call.changes, call.rows, strict=True):
        if turn > 0:
            continue
        if instance is None:
            what, status = f"job {change.job_id}", _status(con, "jobs", job)
        else:
            what, status = f"task instance {change.path!r} of job {change.job_id}", _status(con, "instances", instance)
        if status != change.expected:
            return Conflict(f"{what} is {status}, not {change.expected}; {change.event} was not recorded")
        if status in ENDED | JOB_ENDED and change.status != change.expected:
            return IllegalTransition(f"{what} has ended ({status}) and cannot become {change.status}")
    # Each row is as the caller's first change of it expects: a later change of the same call is at fault.
    return Conflict(f"the changes of job {call.changes[0].job_id} contradict each other; nothing was recorded")


def _status(con: sqlite3.Connection, table: str, num: int) -> str:
    row = con.execute(f"SELECT status FROM {table} WHERE num = ?", (num,)).fetchone()
    return str(row[0]) if row else "gone"


def _give_turns(rows: list[list[Any]]) -> list[tuple[int, int]]:
    """Number the changes of each row of the database; ``(instances, jobs)`` to be updated per turn."""
    seen: dict[int, int] = {}
    turns: list[list[int]] = []
    for row in rows:
        key = -row[1] if row[2] is None else row[2]
        row[0] = turn = seen.get(key, 0)
        seen[key] = turn + 1
        if turn == len(turns):
            turns.append([0, 0])
        turns[turn][row[2] is None] += 1
    return [(instances, jobs) for instances, jobs in turns]


def _row(places: Places, change: Change) -> list[Any]:
    job, instance = places.find(change.job_id, change.path)
    data = change.data
    row: list[Any] = [
        0, job, instance, change.expected, change.status, change.event, round(change.at * 1e6), change.attempt,
        change.result, plain(change.reason), change.exit_code, change.attempt_status, change.attempt_result,
        plain(change.attempt_reason),
    ]  # fmt: skip
    if not data and change.expansion is None:
        return row
    row.append(to_json(data) if data else None)
    row += [to_json(data[key]) if data.get(key) is not None else None for key in _JSON_KEYS]
    row += [plain(data.get("mode")), plain(data.get("commit")), plain(data.get("outputs_dir")), data.get("priority")]
    row += [plain(data.get("environment")), None if change.expansion is None else to_json(change.expansion)]
    return row


def to_json(data: Any) -> str:
    """Compact JSON, ASCII. NaN and infinities stay as Python's json writes them. Raises BadRequest."""
    try:
        return json.dumps(data, separators=(",", ":"), default=_as_dict)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"an event's data is not JSON: {error}", hint="use strings, numbers, lists, dicts") from error


def _as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} {value!r}")


def plain(text: str | None) -> str | None:
    """``text`` as SQLite can keep it: what UTF-8 cannot say, and NUL, as backslash escapes."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
