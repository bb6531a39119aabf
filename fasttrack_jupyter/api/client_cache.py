"""The client's calls about remembered executions, shaped as in :mod:`fasttrack_jupyter.engine.cache_desk`."""

from __future__ import annotations

from collections.abc import Sequence

from fasttrack_jupyter.api.caller import Caller, Json

_SECONDS = 600.0
"""Outputs that were altered, or are looked at for the first time, are read as a whole."""


class CacheCalls(Caller):
    """``entries`` are numbers; without any, all of a ``pipeline``, or of one ``task`` of it. Raises NotFound."""

    def cache(self, pipeline: str | None = None, task: str | None = None) -> list[Json]:
        """CacheEntryView each, the newest first."""
        return self._list("GET", "/cache", query={"pipeline": pipeline, "task": task})

    def cache_entry(self, entry: int) -> Json:
        """One of them: CacheEntryDetails."""
        return self._ask("GET", f"/cache/{entry}")

    def cache_pin(
        self, entries: Sequence[int] = (), *, pinned: bool = True, pipeline: str | None = None, task: str | None = None
    ) -> list[Json]:
        """Keep entries and their outputs, or do not any more: CacheEntryView each, as they are then."""
        return self._list("POST", "/cache/pin", body={**_which(entries, pipeline, task), "pinned": pinned})

    def cache_evict(
        self, entries: Sequence[int] = (), *, pipeline: str | None = None, task: str | None = None
    ) -> list[Json]:
        """Forget entries: CacheEntryView each."""
        return self._list("POST", "/cache/evict", body=_which(entries, pipeline, task))

    def cache_verify(
        self, entries: Sequence[int] = (), *, pipeline: str | None = None, task: str | None = None
    ) -> list[Json]:
        """Whether their outputs are what they were: CacheCheck each."""
        return self._list("POST", "/cache/verify", body=_which(entries, pipeline, task), timeout=_SECONDS)


def _which(entries: Sequence[int], pipeline: str | None, task: str | None) -> Json:
    return {"entries": list(entries), "pipeline": pipeline, "task": task}
