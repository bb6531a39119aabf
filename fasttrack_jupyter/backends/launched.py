"""How the ranks of a launcher came out, as ``ranks.py`` tells; for every backend."""

from __future__ import annotations

import json
from typing import NamedTuple

_LONGEST = 300


class Launched(NamedTuple):
    """Why the ranks failed, in words, on one line (``rank 2 (sub1): exit 3``; empty: they did not), and their codes."""

    reason: str = ""
    codes: tuple[int | None, ...] = ()
    """By rank; below zero: the signal that killed it; None: not known."""


NO_RANKS = Launched()


def parse_launched(text: str) -> Launched:
    """What is told; nothing where that is no such thing."""
    try:
        told = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return NO_RANKS
    if not isinstance(told, dict):
        return NO_RANKS
    reason, codes = told.get("reason"), told.get("codes")
    words = " ".join(reason.split())[:_LONGEST] if isinstance(reason, str) else ""
    found = codes if isinstance(codes, list) else []
    return Launched(words, tuple(code if isinstance(code, int) else None for code in found))
