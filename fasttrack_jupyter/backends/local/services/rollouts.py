"""A deployment's attempt: how it stands, what was said about it, and how it ended, in the attempt's own directory.

``rollout.json`` is ``{service, outcome}``; the outcome is null while it goes on, and written before anybody is told.
An outcome that is ``pending`` waits until nothing of the attempt's revision runs any more. ``log`` is for people.
"""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from fasttrack_jupyter.backends.local.fresh import open_private
from fasttrack_jupyter.backends.local.services.records import write_safely
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result, Status

_LOG = logging.getLogger(__name__)
_FILE = "rollout.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollout ended, or will once its replicas are gone."""

    status: str
    result: str
    reason: str = ""
    endpoint: str = ""
    at: float = 0.0
    is_pending: bool = False
    is_final: bool = False


@dataclass(slots=True)
class Rollout:
    """One attempt's."""

    attempt_id: str
    control: Path
    service: str
    outcome: Outcome | None = None
    said: str | None = None
    """The last reason that was reported."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to say."""
        return self.outcome is not None and not self.outcome.is_pending

    def save(self, outcome: Outcome | None = None) -> None:
        """Write it down, with this outcome if there is one, which it has from then on. Raises OSError."""
        self.control.mkdir(mode=0o700, parents=True, exist_ok=True)
        outcome = outcome or self.outcome
        told = asdict(outcome) if outcome else None
        write_safely(self.control / _FILE, {"service": self.service, "outcome": told})
        self.outcome = outcome

    def note(self, words: str) -> None:
        """One line of the log, which is for people: where it cannot be written, nothing else is kept from going on."""
        try:
            with open(self.control / "log", "a", encoding="utf-8", opener=open_private) as log:
                log.write(f"{time.strftime('%H:%M:%S')} {words}\n")
        except OSError as error:
            _LOG.warning("the log of %s: %s: %s", self.attempt_id, words, error)

    def say(self, reason: str) -> SessionReport | None:
        """What to report while it goes on; None if that was said."""
        if reason == self.said or self.outcome is not None:
            return None
        self.said = reason
        if reason:
            self.note(reason)
        return SessionReport(self.attempt_id, Status.PREPARING, time.time(), reason=reason, data={"mode": "service"})

    def last(self) -> SessionReport:
        """The report that ends it."""
        assert self.outcome is not None
        values = {"endpoint": self.outcome.endpoint} if self.outcome.endpoint else {}
        return SessionReport(
            self.attempt_id, Status(self.outcome.status), self.outcome.at, Result(self.outcome.result),
            reason=self.outcome.reason, is_final=self.outcome.is_final, data={"mode": "service", "values": values},
        )  # fmt: skip


def load(attempt_id: str, control: Path) -> Rollout | None:
    """The rollout of an attempt, if there was one. Raises ValueError for a file that is none."""
    try:
        kept = json.loads((control / _FILE).read_bytes())
    except FileNotFoundError:
        return None
    outcome = Outcome(**kept["outcome"]) if kept["outcome"] else None
    return Rollout(attempt_id, control, kept["service"], outcome)


def is_one(control: str) -> bool:
    """Whether an attempt's directory is a rollout's."""
    return os.path.exists(f"{control}/{_FILE}")
