"""How the ranks of a launcher came out, as ``ranks.py`` tells; for every backend."""

from __future__ import annotations

import json

_LONGEST = 300


def failed_rank_in(text: str) -> str:
    """Why the ranks failed, in words, on one line: ``rank 2 (sub1): exit 3``; empty where nothing is told."""
    try:
        told = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return ""
    reason = told.get("reason") if isinstance(told, dict) else None
    return " ".join(reason.split())[:_LONGEST] if isinstance(reason, str) else ""
