"""From what an attempt's directory says to how the session ended, and what it left behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any, NamedTuple

from fasttrack_jupyter.backends.local import attempts, launching
from fasttrack_jupyter.backends.local.durable import has_entries, sync_tree
from fasttrack_jupyter.backends.local.failure import failure_told
from fasttrack_jupyter.backends.local.noted import artifacts_in, noted_in
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.metrics import METRICS

VALUE_CAP = 1 << 20
"""Bytes of a value's file that are read at most."""


class Outcome(NamedTuple):
    """How a session ended, in the words of decisions.md."""

    status: Status
    result: Result
    exit_code: int | None
    reason: str
    is_final: bool = False
    """Whether another attempt would be no use."""
    told: str = ""
    """Why it failed, in the task's own words."""
    ranks: tuple[int | None, ...] = ()
    """The exit codes of a launcher's ranks."""

    def report_data(self) -> dict[str, Any]:
        """As the data of a report carries it."""
        told = {"failure": self.told} if self.told else {}
        return {**told, "ranks": list(self.ranks)} if self.ranks else told


LOST = Outcome(Status.ERROR, Result.FAILURE, None, "lost")


def outcome_of(control: str, outputs: str) -> Outcome:
    """How the session ended whose tree is gone, and what it says about that in its ``outputs``.

    A killer's word stands above the exit code of what it killed.
    """
    code, kill = attempts.exit_code(control), attempts.killed(control)
    if kill and kill.kind == "cancel":
        return Outcome(Status.CANCELLED, Result.UNDEFINED, code, kill.reason)
    if kill and kill.kind != "lost":
        return Outcome(Status.TERMINATED, Result.FAILURE, code, kill.reason)
    if code is None:
        return _never_ended(control)
    ranks = launching.launched(control)
    if code == 0:
        return Outcome(Status.TERMINATED, Result.SUCCESS, 0, "", ranks=ranks.codes)
    member = attempts.failed_member(control)
    reason = ranks.reason or f"exit {code}" + (f" ({member})" if member else "")
    return Outcome(Status.TERMINATED, Result.FAILURE, code, reason, told=failure_told(outputs), ranks=ranks.codes)


def _never_ended(control: str) -> Outcome:
    try:
        with open(f"{control}/failed", encoding="utf-8", errors="replace") as file:
            return Outcome(Status.ERROR, Result.FAILURE, None, f"it could not be started: {file.read()}")
    except FileNotFoundError:
        return LOST


def has_noted(outputs: str) -> bool:
    """Whether a session that failed has left anything to :func:`finish`: one look."""
    return os.path.lexists(f"{outputs}/{METRICS}")


def finish(
    outcome: Outcome, outputs: str, root: str, wanted: Sequence[tuple[str, str]]
) -> tuple[Outcome, dict[str, Any]]:
    """A success, once its outputs below ``root`` are safe on the disk, and what :func:`collect` finds in them.

    Else a failure that says why they are not. Either way with what the session noted of itself. Blocks.
    """
    noted = noted_in(outputs)
    if outcome.result is not Result.SUCCESS:
        return outcome, noted
    try:
        if has_entries(outputs):
            sync_tree(outputs, root)
    except OSError as error:
        why = f"its outputs could not be written to the disk: {error.strerror}"
        return outcome._replace(result=Result.FAILURE, reason=why), noted
    return outcome, noted | (collect(outputs, wanted) if wanted else {})


def collect(outputs: str, wanted: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """``{values, outputs_json, missing, artifacts}`` of the declared outputs; symlinks that lead out do not count.

    ``values`` maps names to the text as written; ``outputs_json`` is the text of that file, if there is one
    (a name that is missing here may be a key of it: the caller decides).
    """
    values: dict[str, str] = {}
    missing: list[str] = []
    for name, path in wanted:
        if path.startswith(".values/"):
            text = _read(outputs, path)
            if text is None:
                missing.append(name)
            else:
                values[name] = text
        elif not _is_inside(outputs, path):
            missing.append(name)
    found: dict[str, Any] = {"values": values, "missing": missing}
    if artifacts := artifacts_in(outputs):
        found["artifacts"] = artifacts
    if (whole := _read(outputs, "outputs.json")) is not None:
        found["outputs_json"] = whole
    return found


def _is_inside(outputs: str, path: str) -> bool:
    real = os.path.realpath(f"{outputs}/{path}")
    return os.path.exists(real) and (real + "/").startswith(os.path.realpath(outputs) + "/")


def _read(outputs: str, path: str) -> str | None:
    if not _is_inside(outputs, path):
        return None
    try:
        fd = os.open(f"{outputs}/{path}", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        return file.read(VALUE_CAP).decode("utf-8", "replace")
