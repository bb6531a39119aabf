"""``events``: the event log, which everything else is told from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from fasttrack_jupyter.api.words import clean, clock_time, job_word, local_time, progress_words
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, pass_face

Json = dict[str, Any]

_PAGE = 1000


@click.command()
@click.option("--after", default=0, metavar="SEQ", help="Only events after this sequence number.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens, until interrupted.")
@click.option("--job", metavar="JOB", help="Only of this job; with -f it ends when the job does.")
@json_option
@pass_face
def events(face: Face, after: int, follow: bool, job: str | None) -> None:
    """Print the event log.

    Sequence numbers only grow: a program that remembers the last one it saw misses nothing. --json prints one
    object per line.

    \b
    Examples:
      fasttrack events --job last
      fasttrack events --after 1200 -f --json

    \b
    Exit status: 0, 130 interrupted.
    """
    found = face.client.job(job) if job is not None else None
    names: dict[str, str] = {}
    for event in _events(face, after, found, follow=follow):
        if face.as_json:
            face.json_line(event)
        else:
            click.echo(_line(event, _name(face, names, event["job_id"])))


def _events(face: Face, after: int, job: Json | None, *, follow: bool) -> Iterator[Json]:
    word = job["id"] if job else None
    while True:
        page = face.client.events(after, limit=_PAGE, job=word)
        yield from page["events"]
        after = page["next"]
        if len(page["events"]) < _PAGE:
            break
    if not follow or (job is not None and job["ended_at"] is not None):
        return
    for event in face.client.follow_events(after, job=word):
        yield event
        if job is not None and event["path"] is None and event["status"] in ("TERMINATED", "CANCELLED"):
            return


def _name(face: Face, names: dict[str, str], job_id: str) -> str:
    """``digits#12``, asked once per job; the id where the job is forgotten already."""
    if job_id not in names:
        found = face.client.jobs(text=job_id, limit=1)
        names[job_id] = job_word(found[0]) if found else job_id
    return names[job_id]


def _line(event: Json, name: str) -> str:
    when = f"{local_time(event['at'])[:10]} {clock_time(event['at'])}"
    result = event["result"] if event["result"] not in (None, "UNDEFINED") else ""
    said = progress_words(event["data"].get("progress"))
    what = [event["type"], event["status"], result, clean(event["reason"] or ""), said]
    where = f"{name} {event['path']}" if event["path"] is not None else name
    return f"{event['seq']:>7}  {when}  {clean(where)}  " + " ".join(word for word in what if word)
