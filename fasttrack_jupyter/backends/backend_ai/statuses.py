"""A cluster's words for where a session is and how it came out, as ours. Releases differ in which of them they have."""

from __future__ import annotations

from fasttrack_jupyter.model.lifecycle import ENDED, LIVE, Result, Status

_OURS = {status.value: status for status in (LIVE | ENDED) - {Status.SKIPPED}}


def status_of(word: object) -> Status | None:
    """The status of that name; None for one that no release known to us has."""
    return _OURS.get(str(word).upper())


def result_of(word: object) -> Result:
    """``SUCCESS`` (23.09), ``success`` (25.15 and later) …; UNDEFINED for all that says nothing."""
    told = str(word).upper()
    return Result(told) if told in Result.__members__ else Result.UNDEFINED
