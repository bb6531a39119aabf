"""What an image is on a cluster just now: another text as soon as its programs are others.

That is the digest that the cluster's manager knows of it (GraphQL ``images``, ``digest``, in all releases), which it
learns when an administrator has it look at the registry again. Of an image without one, name and size stand for it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.surveyor import CATALOG_SECONDS, Surveyor

_DIGESTS = "query { images { name tag registry architecture digest size_bytes } }"


class Identities:
    """Of the images of one cluster, as one user sees them."""

    def __init__(self, cluster: Cluster, surveyor: Surveyor) -> None:
        self._cluster, self._surveyor = cluster, surveyor
        self._lock = asyncio.Lock()
        self._known: dict[str, list[str]] = {}
        self._at = float("-inf")

    async def of(self, image: str | None) -> str | None:
        """The text of an image, as the cluster calls it; None where the cluster has none of that name.

        Raises BackendUnreachable, KeysRefused.
        """
        survey = await self._surveyor.look()
        names = {found.name for found in survey.find_images(image)} if image else set()
        async with self._lock:
            if time.monotonic() > self._at + CATALOG_SECONDS:
                self._known = _by_name(await self._cluster.graphql(_DIGESTS))
                self._at = time.monotonic()
        found = sorted(words for name in names for words in self._known.get(name, ()))
        return "\n".join(found) or None


def _by_name(told: Any) -> dict[str, list[str]]:
    """By canonical name, a line for each architecture."""
    found: dict[str, list[str]] = {}
    for one in told["images"] or ():
        name = f"{one['registry']}/{one['name']}:{one['tag']}"
        what = (one["digest"] or "").strip() or f"{name} of {one['size_bytes']} bytes"
        found.setdefault(name, []).append(f"{one['architecture']} {what}")
    return found
