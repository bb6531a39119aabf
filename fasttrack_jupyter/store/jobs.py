"""Making, annotating and forgetting jobs: functions that run on the writer's thread, in a transaction."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
import string
import zlib
from collections.abc import Sequence

from fasttrack_jupyter.engine.storing import NewJob, PipelineRecord
from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.store import queries
from fasttrack_jupyter.store.changes import plain, to_json
from fasttrack_jupyter.store.places import MAX_INSTANCES, ORDINAL_BITS, instance_range
from fasttrack_jupyter.store.writer import Session

_BASE62 = string.digits + string.ascii_letters
_SLUG_LENGTH = 40


def ensure_pipeline(session: Session, name: str, source: str | None, now: float) -> PipelineRecord:
    """The pipeline of that name, made if new; its ``source`` follows the newest one that was given."""
    _pipeline(session.con, name, folder_name(name), source, now)
    record = queries.pipeline(session.con, name)
    assert record is not None
    return record


def folder_name(pipeline: str) -> str:
    """``<slug>-<6 random letters and digits>``: plain ASCII, good as a vfolder's name anywhere."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", pipeline).strip("-")[:_SLUG_LENGTH].rstrip("-") or "pipeline"
    return f"{slug}-{''.join(secrets.choice(_BASE62) for _ in range(6))}"


def _pipeline(con: sqlite3.Connection, name: str, folder: str, source: str | None, now: float) -> int:
    con.execute(
        "INSERT INTO pipelines (name, folder, source, created_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET source = coalesce(excluded.source, source)",
        (name, folder, plain(source), round(now * 1e6)),
    )
    return int(con.execute("SELECT num FROM pipelines WHERE name = ?", (name,)).fetchone()[0])


def create(session: Session, job: NewJob) -> PipelineJob:
    """See :meth:`JobStore.create_job`; a job that was made with the same key comes back as well."""
    con, key = session.con, job.options.get("key")
    known = con.execute("SELECT id FROM jobs WHERE id = ? OR key = ?", (job.id, key)).fetchone()
    if known is None:
        num = _insert_job(session, job, key)
        _insert_instances(con, num, job)
        _insert_created(session, num, job)
        known = (job.id,)
    return queries.job(con, known[0])


def _insert_job(session: Session, job: NewJob, key: str | None) -> int:
    con = session.con
    pipeline = _pipeline(con, job.pipeline, job.folder, job.source, job.created_at)
    con.execute("UPDATE pipelines SET last_index = last_index + 1 WHERE num = ?", (pipeline,))
    con.execute(
        "INSERT INTO jobs (id, pipeline, idx, folder, text, source, backend, params, created_at, name, tags, note, "
        "priority, rerun_of, code, options, key) "
        "SELECT ?, num, last_index, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM pipelines WHERE num = ?",
        (
            job.id, job.folder, _text(con, job.text), plain(job.source), job.backend, to_json(job.params),
            round(job.created_at * 1e6), plain(job.name), to_json(job.tags), plain(job.note), job.priority,
            job.rerun_of, job.code, to_json(job.options), key, pipeline,
        ),
    )  # fmt: skip
    return int(con.execute("SELECT num FROM jobs WHERE id = ?", (job.id,)).fetchone()[0])


def _text(con: sqlite3.Connection, text: str) -> int:
    raw = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(raw).digest()
    query = "SELECT num FROM texts WHERE sha256 = ?"
    found = con.execute(query, (digest,)).fetchone()
    if found is None:
        con.execute("INSERT INTO texts (sha256, text) VALUES (?, ?)", (digest, zlib.compress(raw, 1)))
        found = con.execute(query, (digest,)).fetchone()
    return int(found[0])


def _insert_instances(con: sqlite3.Connection, job: int, new: NewJob) -> None:
    if len(new.instances) > MAX_INSTANCES:
        raise BadRequest(f"job {new.id} has {len(new.instances)} task instances; at most {MAX_INSTANCES} are possible")
    if len({path for path, _ in new.instances}) < len(new.instances):
        raise BadRequest(f"job {new.id} has two task instances of one path")
    rows = json.dumps([(path, None if task == path else task) for path, task in new.instances])
    con.execute(
        "INSERT INTO instances (num, path, task, status) SELECT (? << ?) + key, "
        "json_extract(value, '$[0]'), json_extract(value, '$[1]'), 'WAITING' FROM json_each(?)",
        (job, ORDINAL_BITS, rows),
    )


def _insert_created(session: Session, num: int, job: NewJob) -> None:
    session.con.execute(
        "INSERT INTO events (seq, at, job, type, attempt, status, data) "
        "VALUES (?, ?, ?, 'JobCreated', 0, 'PENDING', ?)",
        (
            session.last_seq + 1, round(job.created_at * 1e6), num,
            to_json({"pipeline": job.pipeline, "tasks": len(job.instances)}),
        ),
    )  # fmt: skip
    session.last_seq += 1


def annotate(
    session: Session, job_id: str, at: float, name: str | None, tags: Sequence[str] | None, note: str | None
) -> None:
    """See :meth:`JobStore.annotate`. Raises NotFound."""
    name, note = plain(name), plain(note)
    found = session.con.execute(
        "UPDATE jobs SET name = coalesce(?, name), tags = coalesce(?, tags), note = coalesce(?, note) WHERE id = ?",
        (name, None if tags is None else to_json(list(tags)), note, job_id),
    )
    if found.rowcount == 0:
        raise NotFound(f"no job {job_id}", hint="`fasttrack jobs` lists them")
    told = {key: value for key, value in {"name": name, "tags": tags, "note": note}.items() if value is not None}
    session.con.execute(
        "INSERT INTO events (seq, at, job, type, attempt, status, data) "
        "SELECT ?, ?, num, 'JobAnnotated', 0, status, ? FROM jobs WHERE id = ?",
        (session.last_seq + 1, round(at * 1e6), to_json(told), job_id),
    )
    session.last_seq += 1


def delete(session: Session, job_ids: Sequence[str], at: float) -> None:
    """See :meth:`JobStore.delete_jobs`. Jobs that are not there are gone already."""
    con = session.con
    wanted = "SELECT num FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
    ids = json.dumps(list(job_ids))
    unfinished = con.execute(
        "SELECT id, status FROM jobs WHERE status IN ('PENDING', 'RUNNING') AND id IN (SELECT value FROM json_each(?))",
        (ids,),
    ).fetchall()
    if unfinished:
        job_id, status = unfinished[0]
        raise Conflict(f"job {job_id} is {status}: only ended jobs can be deleted", hint=f"fasttrack cancel {job_id}")
    con.execute("UPDATE counters SET value = ? WHERE name = 'seq'", (session.last_seq,))
    for (num,) in con.execute(wanted, (ids,)).fetchall():
        con.execute("DELETE FROM attempts WHERE instance BETWEEN ? AND ?", instance_range(num))
        con.execute("DELETE FROM instances WHERE num BETWEEN ? AND ?", instance_range(num))
        con.execute("DELETE FROM events WHERE job = ?", (num,))
        _insert_deleted(session, num, at)
        con.execute("DELETE FROM jobs WHERE num = ?", (num,))
    con.execute("DELETE FROM cache WHERE digest IS NULL AND job IN (SELECT value FROM json_each(?))", (ids,))
    con.execute("DELETE FROM texts WHERE num NOT IN (SELECT text FROM jobs)")
    for job_id in job_ids:
        session.places.forget(job_id)


def _insert_deleted(session: Session, num: int, at: float) -> None:
    """The event outlives its job (whose ``num`` is never used again), so it tells by itself which job that was."""
    session.con.execute(
        "INSERT INTO events (seq, at, job, type, attempt, status, result, data) "
        "SELECT ?, ?, j.num, 'JobDeleted', 0, j.status, j.result, "
        "json_object('job', j.id, 'pipeline', p.name, 'index', j.idx) "
        "FROM jobs j JOIN pipelines p ON p.num = j.pipeline WHERE j.num = ?",
        (session.last_seq + 1, round(at * 1e6), num),
    )
    session.last_seq += 1


def delete_pipeline(session: Session, name: str) -> None:
    """See :meth:`JobStore.delete_pipeline`. One that is not there is gone already."""
    record = queries.pipeline(session.con, name)
    if record is None:
        return
    if record.jobs:
        raise Conflict(f"pipeline {name!r} has {record.jobs} jobs", hint="delete them first")
    session.con.execute("DELETE FROM cache WHERE folder = ?", (record.folder,))
    session.con.execute("DELETE FROM pipelines WHERE name = ?", (name,))
