"""``logs``: what task instances wrote, as they wrote it (secrets masked by the engine)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from fasttrack_jupyter.api.words import command
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import job_argument, json_option, pass_face, task_argument
from fasttrack_jupyter.errors import BadRequest, FastTrackError, NotFound

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client

Json = dict[str, Any]

_PAGE = 1 << 18


@click.command()
@job_argument
@task_argument
@click.option("--follow", "-f", is_flag=True, help="Go on with what is being written, until it ends.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="Of this attempt instead of the last.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines of what is there.")
@json_option
@pass_face
def logs(face: Face, job: str, task: str | None, follow: bool, attempt: int | None, tail: int | None) -> None:
    """Print what a job's task instances wrote.

    Without TASK: all that have a log, one after the other, each under its name; with -f all at once, each line
    after its name. --json prints one object {path, data} per line.

    \b
    Examples:
      fasttrack logs last train-forest -f
      fasttrack logs digits#12 train-forest --attempt 1 --tail 50

    \b
    Exit status: 0, 2 if there is no such job, task or attempt.
    """
    if task is not None:
        _print_one(face, job, task, _pages(face.client, job, task, follow=follow, attempt=attempt, tail=tail))
        return
    if attempt is not None:
        raise BadRequest("--attempt needs a task", hint="fasttrack logs JOB TASK --attempt N.")
    found = face.client.job(job)
    paths = [str(one["path"]) for one in found["tasks"]]
    if len(paths) == 1:
        pages = _pages(face.client, found["id"], paths[0], follow=follow, attempt=None, tail=tail)
        _print_one(face, job, paths[0], pages)
    elif follow:
        _follow_all(face, found, tail)
    else:
        _print_all(face, found, tail)


def _print_one(face: Face, job: str, path: str, pages: Iterator[str]) -> None:
    """One log; that it is empty is said, for a blank answer could mean anything."""
    is_empty = True
    for data in pages:
        is_empty = is_empty and not data
        _print(face, path, data)
    if is_empty:
        face.note(f"{path} wrote nothing; how it came out: {command('fasttrack', 'show', job)}")


def _print(face: Face, path: str, data: str) -> None:
    if face.as_json:
        face.json_line({"path": path, "data": data})
    else:
        click.echo(data, nl=False)


def _pages(
    client: Client, job: str, path: str, *, follow: bool, attempt: int | None, tail: int | None
) -> Iterator[str]:
    """The log's text, part by part."""
    after = 0
    if tail is not None:
        text, after = _tail(client, job, path, attempt, tail)
        yield text
    if follow:
        yield from (page["data"] for page in client.follow_logs(job, path, attempt=attempt, after=after))
        return
    while True:
        page = client.logs(job, path, attempt=attempt, after=after, limit=_PAGE)
        yield page["data"]
        if page["next"] <= after or page["next"] >= page["size"]:
            return
        after = page["next"]


def _tail(client: Client, job: str, path: str, attempt: int | None, lines: int) -> tuple[str, int]:
    """The last ``lines`` lines of what is there now, and the byte behind them. Reads as far back as it must."""
    reach = max(4096, lines * 200)
    while True:
        parts, page = [], client.logs(job, path, attempt=attempt, after=-reach, limit=_PAGE)
        start, end = page["start"], page["size"]
        parts.append(page["data"])
        while 0 < page["next"] < end and page["data"]:
            page = client.logs(job, path, attempt=attempt, after=page["next"], limit=_PAGE)
            parts.append(page["data"])
        found = "".join(parts).splitlines(keepends=True)
        if start == 0 or len(found) > lines:
            return "".join(found[len(found) - lines :] if lines < len(found) else found), page["next"]
        reach *= 8


def _print_all(face: Face, job: Json, tail: int | None) -> None:
    """Every log that there is, each under its name."""
    for task in job["tasks"]:
        path = task["path"]
        if not task["attempts"] and task["status"] == "WAITING":
            continue
        try:
            pages = list(_pages(face.client, job["id"], path, follow=False, attempt=None, tail=tail))
        except NotFound:
            continue  # skipped, reused or never started: it wrote nothing in this job
        data = "".join(pages)
        if data and not face.as_json:
            click.echo(f"── {path} ──")
        if data:
            _print(face, path, data if data.endswith("\n") else f"{data}\n")


def _follow_all(face: Face, job: Json, tail: int | None) -> None:
    """Every log at once, line by line, each after its name; later attempts and late starters included."""
    width = max((len(task["path"]) for task in job["tasks"]), default=0)
    for path, line in Gathering(face.client, job["id"], tail).lines():
        if face.as_json:
            face.json_line({"path": path, "data": line})
        else:
            click.echo(f"{path:<{width}} │ {line}")


class Gathering:
    """All logs of one job, followed at once: a thread per running task instance, one for the event log."""

    def __init__(self, client: Client, job_id: str, tail: int | None) -> None:
        self._client = client
        self._job_id = job_id
        self._tail = tail
        self._queue: SimpleQueue[tuple[str, str] | FastTrackError | None] = SimpleQueue()
        self._readers: dict[tuple[str, int], threading.Thread | None] = {}

    def lines(self) -> Iterator[tuple[str, str]]:
        """``(path, line)`` as they are written, until the job has ended and everything is read."""
        threading.Thread(target=self._guard, args=(self._gather,), daemon=True).start()
        while (item := self._queue.get()) is not None:
            if isinstance(item, FastTrackError):
                raise item
            yield item

    def _guard(self, work: Callable[..., None], *args: Any) -> None:
        try:
            work(*args)
        except FastTrackError as error:
            self._queue.put(error)

    def _gather(self) -> None:
        after = self._client.info()["seq"]  # before the snapshot, so that nothing falls between the two
        job = self._client.job(self._job_id)
        for task in job["tasks"]:
            self._heard(task["path"], task["attempts"], task["status"], self._tail)
        if job["ended_at"] is None:
            for event in self._client.follow_events(after, job=self._job_id):
                if event["path"] is not None:
                    self._heard(event["path"], event["attempt"], event["status"], None)
                elif event["status"] in ("TERMINATED", "CANCELLED"):
                    break
        for reader in self._readers.values():
            if reader is not None:
                reader.join()
        self._queue.put(None)

    def _heard(self, path: str, attempt: int, status: str, tail: int | None) -> None:
        """Read what this attempt writes: on a thread while it runs, at once if it was over before it was seen."""
        key = (path, attempt)
        if not attempt or key in self._readers or status not in ("RUNNING", "TERMINATED", "ERROR", "CANCELLED"):
            return
        self._readers[key] = None
        if status != "RUNNING":
            self._read(path, attempt, tail)
            return
        reader = threading.Thread(target=self._guard, args=(self._read, path, attempt, tail), daemon=True)
        self._readers[key] = reader
        reader.start()

    def _read(self, path: str, attempt: int, tail: int | None) -> None:
        pages = _pages(self._client, self._job_id, path, follow=True, attempt=attempt, tail=tail)
        try:
            for line in _whole_lines(pages):
                self._queue.put((path, line))
        except NotFound:
            return  # it ended without ever writing


def _whole_lines(pages: Iterator[str]) -> Iterator[str]:
    rest = ""
    for page in pages:
        *lines, rest = (rest + page).split("\n")
        yield from lines
    if rest:
        yield rest
