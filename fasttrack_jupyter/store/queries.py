"""Reads: each function is one look at the database through one connection."""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from statistics import median

from fasttrack_jupyter.engine.storing import JobFilter, PipelineRecord, TaskHistory
from fasttrack_jupyter.errors import Conflict, NotFound
from fasttrack_jupyter.model.artifacts import folders_of_places
from fasttrack_jupyter.model.job import Attempt, JobEvent, PipelineJob, TaskInstance
from fasttrack_jupyter.store import rows
from fasttrack_jupyter.store.places import ORDINAL_BITS, instance_range

_JOBS = f"SELECT {rows.JOB_COLUMNS} FROM jobs j JOIN pipelines p ON p.num = j.pipeline"
_EVENTS = (
    f"SELECT {rows.EVENT_COLUMNS} FROM events e "
    "LEFT JOIN jobs j ON j.num = e.job LEFT JOIN instances i ON i.num = e.instance"
)
_PIPELINES = (
    "SELECT p.name, p.folder, p.source, p.created_at, (SELECT count(*) FROM jobs j WHERE j.pipeline = p.num), "
    "l.id, l.idx, l.status, l.result, l.created_at, l.started_at, l.ended_at FROM pipelines p LEFT JOIN jobs l "
    "ON l.num = (SELECT num FROM jobs j WHERE j.pipeline = p.num ORDER BY idx DESC LIMIT 1)"
)
_OF_JOB = f"i.num BETWEEN j.num << {ORDINAL_BITS} AND (j.num + 1 << {ORDINAL_BITS}) - 1"
_SUCCEEDED = (
    f"FROM jobs j JOIN pipelines p ON p.num = j.pipeline JOIN instances i ON {_OF_JOB} "
    "WHERE p.name = ? AND i.status = 'TERMINATED' AND i.result = 'SUCCESS'"
)
_LEARNT_FROM = 10
"""Newest successes per task that a history looks at."""
_RECENT = 100
"""Newest jobs of a pipeline that a history looks at."""
_HAS_INDEX = re.compile(r"#[0-9]{1,17}$")
_WITH_TEXT = (
    "(j.name || char(10) || j.note || char(10) || p.name || char(10) || j.id || char(10) || iif(j.tags = '[]', '', "
    "(SELECT group_concat(value, char(10)) FROM json_each(j.tags)))) LIKE ? ESCAPE '\\'"
)
_WITH_TEXT_OR_INDEX = f"({_WITH_TEXT} OR (p.name || '#' || j.idx) LIKE ? ESCAPE '\\')"


def events(con: sqlite3.Connection, after: int, limit: int, job_id: str | None) -> list[JobEvent]:
    """See :meth:`JobStore.events`."""
    if job_id is None:
        found = con.execute(f"{_EVENTS} WHERE e.seq > ? ORDER BY e.seq LIMIT ?", (after, limit))
    else:
        query = f"{_EVENTS} WHERE e.job = ? AND e.seq > ? ORDER BY e.seq LIMIT ?"
        found = con.execute(query, (_num(con, job_id), after, limit))
    return [rows.event_from(row) for row in found]


def unfinished(con: sqlite3.Connection) -> list[PipelineJob]:
    """See :meth:`JobStore.unfinished`."""
    return _jobs(con, con.execute(f"{_JOBS} WHERE j.status IN ('PENDING', 'RUNNING') ORDER BY j.num"))


def job(con: sqlite3.Connection, job_id: str) -> PipelineJob:
    """See :meth:`JobStore.job`."""
    found = _jobs(con, con.execute(f"{_JOBS} WHERE j.id = ?", (job_id,)))
    if not found:
        raise NotFound(f"no job {job_id}", hint="`fasttrack jobs` lists them")
    return found[0]


def job_by_key(con: sqlite3.Connection, key: str) -> PipelineJob | None:
    """The job that was made with that idempotency key."""
    found = _jobs(con, con.execute(f"{_JOBS} WHERE j.key = ?", (key,)))
    return found[0] if found else None


def find_job(con: sqlite3.Connection, word: str) -> PipelineJob:
    """See :meth:`JobStore.find_job`."""
    where, arguments = _meaning(word.strip())
    found = con.execute(
        f"SELECT j.id, p.name, j.idx FROM jobs j JOIN pipelines p ON p.num = j.pipeline {where}", arguments
    ).fetchall()
    found = [row for row in found if row[0] == word.strip().lower()] or found
    if len(found) > 1:
        candidates = [f"{name}#{index} ({job_id})" for job_id, name, index in found[:8]]
        more = f" and {len(found) - 8} more" if len(found) > 8 else ""
        raise Conflict(
            f"{word!r} may mean {len(found)} jobs: {', '.join(candidates)}{more}",
            hint="write more of the id, or name#12",
            details={"candidates": [job_id for job_id, _, _ in found]},
        )
    if not found:
        raise NotFound(f"no job {word!r}", hint=_meant(con, word.strip()))
    return job(con, found[0][0])


def _meant(con: sqlite3.Connection, word: str) -> str:
    """The newest job of the pipeline that ``word`` names, or nearly names; else how jobs are named."""
    names = [name for (name,) in con.execute("SELECT name FROM pipelines ORDER BY num DESC LIMIT 1000")]
    for name in get_close_matches(word.rpartition("#")[0] or word, names, n=3):
        newest = con.execute(
            "SELECT max(j.idx) FROM jobs j JOIN pipelines p ON p.num = j.pipeline WHERE p.name = ?", (name,)
        ).fetchone()[0]
        if newest is not None:
            return f"the newest job of pipeline {name!r} is {name}#{newest}; `fasttrack jobs` lists all"
    return "give an id or its beginning, name#12, #12 or last; `fasttrack jobs` lists them"


def _meaning(word: str) -> tuple[str, tuple[str | int, ...]]:
    if word == "last":
        return "ORDER BY j.num DESC LIMIT 1", ()
    name, mark, index = word.rpartition("#")
    if mark and index.isascii() and index.isdigit() and len(index) < 18:
        return ("WHERE p.name = ? AND j.idx = ?", (name, int(index))) if name else ("WHERE j.idx = ?", (int(index),))
    if not (word.isascii() and word.isalnum()):
        return "WHERE false", ()
    prefix = word.lower()
    return "WHERE j.id >= ? AND j.id < ? ORDER BY j.num DESC", (prefix, prefix + "~")


def jobs(con: sqlite3.Connection, which: JobFilter) -> list[PipelineJob]:
    """See :meth:`JobStore.jobs`."""
    where, values = matching(con, which)
    return _jobs(con, con.execute(f"{_JOBS} {where} ORDER BY j.num DESC LIMIT ?", (*values, which.limit)))


def matching(con: sqlite3.Connection, which: JobFilter) -> tuple[str, list[str | int]]:
    """The WHERE clause of a filter (over jobs ``j`` and pipelines ``p``), and its values. Raises NotFound."""
    wanted: dict[str, str | int | None] = {
        "p.name = ?": which.pipeline,
        "j.status IN (SELECT value FROM json_each(?))": json.dumps(which.status) if which.status else None,
        "j.result IN (SELECT value FROM json_each(?))": json.dumps(which.result) if which.result else None,
        "? IN (SELECT value FROM json_each(j.tags))": which.tag,
        "j.num < ?": None if which.before is None else _num(con, which.before),
    }
    used: dict[str, list[str | int]] = {clause: [value] for clause, value in wanted.items() if value is not None}
    if which.text:
        text = f"%{_like(which.text)}"
        used |= {_WITH_TEXT_OR_INDEX: [text + "%", text]} if _HAS_INDEX.search(text) else {_WITH_TEXT: [text + "%"]}
    where = f"WHERE {' AND '.join(used)}" if used else ""
    return where, [value for values in used.values() for value in values]


def instances(con: sqlite3.Connection, job_id: str, path: str | None) -> list[TaskInstance]:
    """See :meth:`JobStore.instances`."""
    query = (
        f"SELECT {rows.INSTANCE_COLUMNS} FROM instances "
        "WHERE num BETWEEN ?1 AND ?2 AND (?3 IS NULL OR path = ?3) ORDER BY num"
    )
    found = con.execute(query, (*instance_range(_num(con, job_id)), path)).fetchall()
    return [rows.instance_from(job_id, row) for row in found]


def attempts(con: sqlite3.Connection, job_id: str, path: str | None) -> list[Attempt]:
    """See :meth:`JobStore.attempts`."""
    query = (
        f"SELECT {rows.ATTEMPT_COLUMNS} FROM attempts a JOIN instances i ON i.num = a.instance "
        "WHERE a.instance BETWEEN ?1 AND ?2 AND (?3 IS NULL OR i.path = ?3) ORDER BY a.instance, a.number"
    )
    found = con.execute(query, (*instance_range(_num(con, job_id)), path))
    return [rows.attempt_from(job_id, row) for row in found]


def kept_outputs(con: sqlite3.Connection, folders: Collection[str], gone: Collection[str]) -> set[tuple[str, str]]:
    """See :meth:`JobStore.kept_outputs`."""
    query = (
        f"SELECT DISTINCT j.folder, i.outputs_dir FROM jobs j JOIN instances i ON {_OF_JOB} "
        "WHERE i.outputs_dir IS NOT NULL AND j.folder IN (SELECT value FROM json_each(?)) "
        "AND j.id NOT IN (SELECT value FROM json_each(?))"
    )
    values = (json.dumps(list(folders)), json.dumps(list(gone)))
    found = set(con.execute(query, values))
    # What loops and groups hand on lies wherever those inside left it, perhaps in an older job's folder.
    collecting = query.replace("i.outputs_dir IS NOT NULL", "instr(i.outputs, '\"place\":')").replace(
        "i.outputs_dir FROM", "i.outputs FROM"
    )
    for folder, outputs in con.execute(collecting, values):
        found |= {(folder, place) for place in folders_of_places(json.loads(outputs))}
    return found


def standing_in(con: sqlite3.Connection, folder: str, outputs_dir: str, limit: int) -> list[tuple[str, str]]:
    """See :meth:`JobStore.standing_in`."""
    query = (
        f"SELECT j.id, i.path FROM instances i JOIN jobs j ON j.num = i.num >> {ORDINAL_BITS} "
        "WHERE i.attempts = 0 AND i.outputs_dir = ? AND j.folder = ? ORDER BY i.num LIMIT ?"
    )
    return list(con.execute(query, (outputs_dir, folder, limit)))


def kept_means(con: sqlite3.Connection, gone: Collection[str]) -> set[str]:
    """See :meth:`JobStore.kept_means`."""
    query = (
        f"SELECT DISTINCT i.git_commit, i.environment FROM jobs j JOIN instances i ON {_OF_JOB} "
        "WHERE (i.git_commit IS NOT NULL OR i.environment IS NOT NULL) "
        "AND j.id NOT IN (SELECT value FROM json_each(?))"
    )
    return {word for row in con.execute(query, (json.dumps(list(gone)),)) for word in row if word}


def latest_successes(con: sqlite3.Connection, pipeline: str) -> Mapping[str, TaskInstance]:
    """See :meth:`JobStore.latest_successes`."""
    columns = ", ".join(f"i.{column}" for column in rows.INSTANCE_COLUMNS.split(", "))
    # Beside a max() SQLite gives the other columns of the row that holds it.
    query = (
        f"SELECT j.id, {columns}, max(i.num) {_SUCCEEDED} AND i.outputs_dir IS NOT NULL "
        "GROUP BY coalesce(i.task, i.path)"
    )
    found = (rows.instance_from(row[0], row[1:-1]) for row in con.execute(query, (pipeline,)).fetchall())
    return {instance.task: instance for instance in found}


def history(con: sqlite3.Connection, pipeline: str) -> Mapping[str, TaskHistory]:
    """See :meth:`JobStore.history`. What was reused had no attempt of its own and teaches nothing."""
    tried = _SUCCEEDED.replace(" WHERE", " JOIN attempts a ON a.instance = i.num AND a.number = i.attempts WHERE")
    query = (
        "SELECT task, seconds, usage FROM ("
        "SELECT coalesce(i.task, i.path) AS task, (a.ended_at - a.started_at) / 1e6 AS seconds, i.usage AS usage, "
        "row_number() OVER (PARTITION BY coalesce(i.task, i.path) ORDER BY i.num DESC) AS nth "
        f"{tried} AND j.num IN (SELECT num FROM jobs WHERE pipeline = p.num ORDER BY idx DESC LIMIT ?)"
        ") WHERE nth <= ?"
    )
    samples: dict[str, list[tuple[float, str | None]]] = {}
    for task, seconds, usage in con.execute(query, (pipeline, _RECENT, _LEARNT_FROM)).fetchall():
        samples.setdefault(task, []).append((max(seconds or 0.0, 0.0), usage))
    return {task: _learn(found) for task, found in samples.items()}


def pipelines(con: sqlite3.Connection) -> list[PipelineRecord]:
    """See :meth:`JobStore.pipelines`."""
    return [rows.pipeline_from(row) for row in con.execute(f"{_PIPELINES} ORDER BY p.name")]


def pipeline(con: sqlite3.Connection, name: str) -> PipelineRecord | None:
    """See :meth:`JobStore.pipeline`."""
    found = con.execute(f"{_PIPELINES} WHERE p.name = ?", (name,)).fetchone()
    return rows.pipeline_from(found) if found else None


def _num(con: sqlite3.Connection, job_id: str) -> int:
    row = con.execute("SELECT num FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise NotFound(f"no job {job_id}", hint="`fasttrack jobs` lists them")
    return int(row[0])


def _jobs(con: sqlite3.Connection, found: Iterable[rows.Row]) -> list[PipelineJob]:
    listed = list(found)
    texts: dict[int, str] = {}
    for num in {row[4] for row in listed}:
        packed = con.execute("SELECT text FROM texts WHERE num = ?", (num,)).fetchone()[0]
        texts[num] = zlib.decompress(packed).decode("utf-8", "surrogatepass")
    return [rows.job_from(row, texts[row[4]]) for row in listed]


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _learn(found: list[tuple[float, str | None]]) -> TaskHistory:
    peak_mem, peak_cpu = 0, 0.0
    for seconds, text in found:
        usage = json.loads(text) if text else {}
        peak_mem = max(peak_mem, int(usage.get("peak_mem") or 0))
        if seconds > 0:
            peak_cpu = max(peak_cpu, float(usage.get("cpu_seconds") or 0.0) / seconds)
    return TaskHistory(median(seconds for seconds, _ in found), peak_mem, peak_cpu, len(found))
