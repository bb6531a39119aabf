"""What can be chosen about the engine process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from fasttrack_jupyter.errors import BadRequest


class HostSettings(NamedTuple):
    """How the engine process behaves; each is a variable ``FASTTRACK_<NAME>`` of whoever starts it."""

    idle: float = 60.0
    """Seconds without an unfinished job and without a connected client, after which it ends; 0: never."""
    journal_mode: str = "wal"
    """SQLite's; ``delete`` for a home on a network file system."""
    secrets: str = "auto"
    """Where secrets are kept: ``auto``, ``keyring`` or ``file``."""
    max_jobs: int = 50
    """Pipeline jobs that go on at a time; the others wait."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> HostSettings:
        """Raises BadRequest for a variable that makes no sense."""
        default = cls()
        return cls(
            idle=_number(environ, "FASTTRACK_IDLE", default.idle),
            journal_mode=environ.get("FASTTRACK_JOURNAL_MODE", default.journal_mode),
            secrets=_one_of(environ, "FASTTRACK_SECRETS", (default.secrets, "keyring", "file")),
            max_jobs=max(1, int(_number(environ, "FASTTRACK_MAX_JOBS", default.max_jobs))),
        )


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    try:
        number = float(text or default)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise BadRequest(f"{name} is {text!r}, which is no number from 0 on", hint=f"Correct it, or unset {name}.")
    return number


def _one_of(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    chosen = environ.get(name) or choices[0]
    if chosen not in choices:
        raise BadRequest(f"{name} is {chosen!r}", hint=f"Choose one of {', '.join(choices)}.")
    return chosen
