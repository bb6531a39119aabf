"""A process as the local backend sees it, whatever the system it was seen through (:mod:`.system`)."""

from __future__ import annotations

from dataclasses import dataclass

MARKER = "FASTTRACK_ATTEMPT"
"""The variable of every process of a session that names the attempt's directory."""

Claim = str | tuple[int, int]
"""What ties a process to a session: the attempt's directory, or the lock that it holds (device, inode)."""


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table; ``rss`` in bytes.

    ``start`` tells two processes of one number apart, in units of the system's own. ``cpu`` is in seconds, with
    that of its ended children: the sum over a session only grows.
    """

    pid: int
    parent: int
    session: int
    start: int
    cpu: float
    rss: int
