"""Why tasks failed: the file ``.failure.json`` that each may leave in its outputs, ``{"text": "KeyError: 'x'"}``.

Read once the command has ended with another status than 0, and nobody had ended it. The text is told as it is: only
the engine knows which of it is a secret. The file stays until the end is stored, for an engine that dies
before that is followed by one that must find the same.
"""

from __future__ import annotations

import contextlib
import json
import os

from fasttrack_jupyter.backends.local.fresh import read_small
from fasttrack_jupyter.model.artifacts import FAILURE

_LARGEST = 4096
"""Bytes of a file that may tell why."""


def failure_told(outputs: str) -> str:
    """Why the task failed, in its own words; empty where it does not say, or what it says makes no sense."""
    try:
        found = json.loads(read_small(f"{outputs}/{FAILURE}", _LARGEST))
    except (OSError, ValueError, RecursionError):
        return ""
    text = found.get("text") if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""


def remove_failure(outputs: str) -> None:
    """The end is stored: why it was is no output."""
    with contextlib.suppress(OSError):
        os.unlink(f"{outputs}/{FAILURE}")
