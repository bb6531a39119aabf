"""Where things are inside a pipeline's vfolder, and what the vfolder is called.

::

    jobs/<n>/<task>                what a task leaves              → /pipeline/outputs, /pipeline/input1 …
    .pipeline/                     shared by all jobs              → /pipeline/vfroot
    .code/<digest>/                a snapshot of the code          → /pipeline/code
    .code/<digest>.whole           it is complete (see code.py)
    .sessions/<attempt>/control/   begun, log, end                 → /pipeline/.session
    .sessions/<attempt>/inputs/    named inputs                    → /pipeline/inputs
    .sessions/<attempt>/empty<k>/  for an input with nothing in it → /pipeline/input<k>

No place that a session mounts lies inside another one, and none is mounted twice: releases refuse the first of
these, or mount only one of the two without a word.
"""

from __future__ import annotations

import hashlib
import re

from fasttrack_jupyter.errors import Forbidden

VFROOT = ".pipeline"
SESSIONS = ".sessions"
CODE = ".code"
WHOLE = ".whole"

_LONGEST = 48
"""Characters in the name of a vfolder: 26.x takes no more (23.09: 64)."""
_PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


def cluster_name(folder: str) -> str:
    """The name of the vfolder for a pipeline folder: one that every release accepts, always the same.

    What is plain already (letters, digits, ``.``, ``_``, ``-``, at most 48) stays as it is.
    """
    if len(folder) <= _LONGEST and _PLAIN.fullmatch(folder):
        return folder
    digest = hashlib.sha256(folder.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    slug = _OTHER.sub("-", folder)[: _LONGEST - len(digest) - 1].strip("._-")
    return f"{slug}-{digest}" if slug else f"folder-{digest}"


def session(attempt_id: str) -> str:
    """All that one attempt has beside its outputs: to be removed with its records."""
    return f"{SESSIONS}/{attempt_id}"


def control(attempt_id: str) -> str:
    """Where the session says how it goes, and how it ended."""
    return f"{session(attempt_id)}/control"


def inputs(attempt_id: str) -> str:
    """Where the session puts its named inputs together."""
    return f"{session(attempt_id)}/inputs"


def empty(attempt_id: str, number: int) -> str:
    """Input ``number`` (from 1) of an attempt that finds nothing there."""
    return f"{session(attempt_id)}/empty{number}"


def code(digest: str) -> str:
    """A snapshot of the code."""
    return f"{CODE}/{digest}"


def code_marker(digest: str) -> str:
    """The file that is there when all of a snapshot is."""
    return f"{CODE}/{digest}{WHOLE}"


def relative(path: str) -> str:
    """``path`` inside a vfolder, without empty names and dots; empty: the vfolder itself.

    Raises:
        Forbidden: it is absolute, climbs with ``..``, or holds what no path can.
    """
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise Forbidden(f"the path {path!r} leaves its folder", hint="give a path relative to the folder, without `..`")
    return "/".join(part for part in parts if part not in ("", "."))


def ours(path: str) -> str:
    """The beginning of ``path`` that only we make: no task sees what lies around it, so no link is put there."""
    parts = path.split("/")
    depth = {"jobs": 3, SESSIONS: 3, CODE: 2, VFROOT: 1}.get(parts[0], 0)
    return "/".join(parts[:depth]) if len(parts) > depth else ""
