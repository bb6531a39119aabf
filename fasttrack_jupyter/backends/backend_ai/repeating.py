"""When a request may be sent again, and after how long.

Again: what never left (no connection), what was turned away at the door (429), and, where repeating is safe, whatever
else tells nothing: a broken connection, no answer in time, 5xx. A 500 is mostly a manager's own mistake about just this
request, so it gets one more try, not three.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRIES = 4
_FIRST, _MOST = 0.25, 8.0
"""Seconds before the second try, and at most before any."""
_PATIENCE = 20.0
"""Seconds of a ``Retry-After`` that are waited for within a call; for longer ones the call fails."""
_NEVER_DONE = 429
_MAYBE_DONE = (408, 425, 502, 503, 504)


def pause(tried: int, *, most: float = _MOST) -> float:
    """Seconds to wait after the ``tried``-th try (from 1): doubling, with jitter: no marching in step."""
    return float(min(most, _FIRST * 2 ** (min(tried, 16) - 1)) * random.uniform(0.5, 1.0))


def wait_before_next(status: int, headers: Mapping[str, str], tried: int, *, is_safe: bool) -> float | None:
    """Seconds until a request that got this answer is sent again; None: it is not."""
    most = 2 if status == 500 else TRIES
    again = status == _NEVER_DONE or (is_safe and (status == 500 or status in _MAYBE_DONE))
    if not again or tried >= most:
        return None
    asked = retry_after(headers)
    if asked is None:
        return pause(tried)
    return asked + random.uniform(0, 0.25) if asked <= _PATIENCE else None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """``Retry-After`` in seconds (RFC 9110: a number, or a date); None where there is none that makes sense."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - (now or datetime.now(UTC))).total_seconds())
    except (TypeError, ValueError):
        return None
