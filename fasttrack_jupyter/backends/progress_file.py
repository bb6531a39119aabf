"""What a running task says of itself in ``.progress.json``: ``{"fraction": 0.4, "text": "epoch 2 of 5"}``."""

from __future__ import annotations

import json
import math


def parse_progress(content: bytes) -> tuple[float | None, str] | None:
    """``(fraction, text)``; None where the file makes no sense (half written, say)."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    text = found.get("text")
    told = (_fraction(found.get("fraction")), text if isinstance(text, str) else "")
    return None if told == (None, "") else told


def _fraction(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(float(min(max(value, 0), 1)), 4)  # cut first: JSON's integers may be larger than any float
