"""Which replicas to start and which to end: decided from what is wanted and what is seen. Pure.

The rules of a rollout, as Kubernetes and Backend.AI have them: at no time more than ``wanted + surge`` replicas that
are not about to end, and never fewer than ``wanted - unavailable`` healthy ones, so far as it is up to us. The same
rules bring an update in, take a failed one back (then the revision before is the wanted one), and scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Seen(NamedTuple):
    """A replica that is neither gone nor about to end, oldest first."""

    id: str
    is_wanted_revision: bool
    is_healthy: bool


class Moves(NamedTuple):
    """How many replicas of the wanted revision to start, and which to end."""

    start: int
    end: tuple[str, ...]


def decide(wanted: int, surge: int, unavailable: int, seen: Sequence[Seen]) -> Moves:
    """See the module's text."""
    if surge <= 0 and unavailable <= 0:
        surge = 1
    ends = _ends(wanted, unavailable, seen)
    left = [replica for replica in seen if replica.id not in ends]
    new = sum(replica.is_wanted_revision for replica in left)
    room = wanted + (surge if len(left) > new else 0) - len(left)
    return Moves(max(0, min(wanted - new, room)), tuple(ends))


def is_done(wanted: int, seen: Sequence[Seen]) -> bool:
    """Whether the wanted revision is all there is, and healthy."""
    return len(seen) == wanted and all(replica.is_wanted_revision and replica.is_healthy for replica in seen)


def _ends(wanted: int, unavailable: int, seen: Sequence[Seen]) -> list[str]:
    old = [replica for replica in seen if not replica.is_wanted_revision]
    new = [replica for replica in seen if replica.is_wanted_revision]
    ends = [replica.id for replica in old if not replica.is_healthy]  # it answers nobody
    spare = sum(replica.is_healthy for replica in seen) - max(0, wanted - unavailable)
    for replica in (replica for replica in old if replica.is_healthy):
        if spare > 0:
            ends.append(replica.id)
            spare -= 1
    newest_first = list(reversed(new))
    for replica in sorted(newest_first, key=lambda replica: replica.is_healthy)[: max(0, len(new) - wanted)]:
        if not replica.is_healthy or spare > 0:
            ends.append(replica.id)
            spare -= replica.is_healthy
    return ends
