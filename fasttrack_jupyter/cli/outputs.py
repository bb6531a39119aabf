"""``outputs``: what task instances left, listed or copied.

Names come from outside, so a copy trusts none of them: every target is checked to lie below the
folder that was asked for, symbolic links included, and a file appears under its name only when it is whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import click

from fasttrack_jupyter.api.words import ago, job_word, plural, size
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import job_argument, json_option, pass_face, task_argument
from fasttrack_jupyter.errors import BadRequest, Conflict, Forbidden, NotFound

Json = dict[str, Any]
Copy = tuple[str, str, Path]
"""Task path, file in its outputs, target."""


@click.command()
@job_argument
@task_argument
@click.option("--output", "-o", "folder", metavar="DIR", type=click.Path(), help="Copy everything into DIR.")
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
@json_option
@pass_face
def outputs(face: Face, job: str, task: str | None, folder: str | None, force: bool) -> None:
    """List what a job left, or copy it.

    With TASK only that task instance's files, straight into DIR; else each task instance's in a folder of its own.
    Nothing is overwritten without --force, and then only files. Links out of the outputs are left out, and named.

    \b
    Examples:
      fasttrack outputs last
      fasttrack outputs digits#12 report -o results

    \b
    Exit status: 0, 2 if there is no such job or task, or if something would be overwritten.
    """
    found = face.client.job(job)
    paths = [task] if task is not None else [str(one["path"]) for one in found["tasks"]]
    files = {path: face.client.outputs(found["id"], path) for path in paths}
    if folder is None:
        _list(face, found, files)
        return
    target = Path(folder).expanduser()
    copies = _plan_copies(target, files, is_single=task is not None)
    if not force:
        _refuse_overwriting(copies)
    copied = []
    for path, file, place in copies:
        if (parts := _read(face, found["id"], path, file)) is not None:
            write_file(target, place, parts, force=force)
            copied.append({"task": path, "path": file, "copied_to": str(place)})
    if face.as_json:
        face.json(copied)
    else:
        face.say(f"{plural(len(copied), 'file')} copied to {folder}")


def _list(face: Face, job: Json, files: dict[str, list[Json]]) -> None:
    from fasttrack_jupyter.cli.tables import table

    listed = [{"task": path, **file} for path, entries in files.items() for file in entries]
    if face.as_json:
        face.json(listed)
        return
    rows = [
        (file["task"], file["path"], size(file["size"]), ago(file["modified_at"]))
        for file in listed
        if not file["is_dir"]
    ]
    table(face, ("task", "<file", ">size", "written"), rows, empty=f"{job_word(job)} has left no files")


def _plan_copies(target: Path, files: dict[str, list[Json]], *, is_single: bool) -> list[Copy]:
    """What goes where.

    Raises:
        Forbidden: a name leads out of ``target``.
    """
    copies = []
    for path, entries in files.items():
        for file in entries:
            if not file["is_dir"]:
                parts = _parts(file["path"]) if is_single else _parts(path) + _parts(file["path"])
                copies.append((path, str(file["path"]), target.joinpath(*parts)))
    return copies


def _read(face: Face, job: str, path: str, file: str) -> Iterator[bytes] | None:
    """The bytes of one output; None, said on stderr, of what is no file to read (a link elsewhere, a pipe)."""
    parts = face.client.read_output(job, path, file)
    try:
        first = next(parts, b"")
    except (BadRequest, Forbidden, NotFound) as error:
        face.note(f"left out: {path}: {error.message}")
        return None
    return chain((first,), parts)


def _parts(name: str) -> tuple[str, ...]:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in name:
        raise Forbidden(f"the output {name!r} leads out of its folder", hint="It was not copied, nor anything else.")
    return pure.parts


def _refuse_overwriting(copies: list[Copy]) -> None:
    there = [place for _, _, place in copies if os.path.lexists(place)]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise Conflict(f"{there[0]}{more} would be overwritten", hint="Name another folder, or give --force.")


def write_file(target: Path, place: Path, parts: Iterator[bytes], *, force: bool) -> None:
    """Write one file beside its place and give it its name when it is whole.

    Raises:
        Forbidden: a symbolic link on the way leads out of ``target``.
        Conflict: something is at ``place`` that may not be replaced.
    """
    _make_parents(target, place)
    descriptor, name = tempfile.mkstemp(prefix=".fasttrack-", suffix=".part", dir=place.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for data in parts:
                file.write(data)
        part.chmod(0o666 & ~_umask())
        _put(part, place, force=force)
    finally:
        part.unlink(missing_ok=True)


def _make_parents(target: Path, place: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    root, folder = target.resolve(), target
    for part in place.parent.relative_to(target).parts:
        folder = folder / part
        with suppress(FileExistsError):
            folder.mkdir()
        if not folder.is_dir():
            raise Conflict(f"{folder} is not a folder", hint="Move it away, or name another folder.")
        if not folder.resolve().is_relative_to(root):
            raise Forbidden(f"{folder} is a link that leads out of {target}", hint="Name another folder.")


def _put(part: Path, place: Path, *, force: bool) -> None:
    if place.is_dir() and not place.is_symlink():
        raise Conflict(f"{place} is a folder", hint="Move it away, or name another folder.")
    if force:
        part.replace(place)
        return
    try:
        os.link(part, place)  # unlike a rename, fails if somebody was quicker
    except FileExistsError as error:
        raise Conflict(f"{place} would be overwritten", hint="Name another folder, or give --force.") from error
    except OSError:  # a file system without hard links
        if os.path.lexists(place):
            raise Conflict(f"{place} would be overwritten", hint="Name another folder, or give --force.") from None
        part.replace(place)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
