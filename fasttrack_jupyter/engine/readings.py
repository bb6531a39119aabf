"""Pipelines that were read a moment ago: the same text is not parsed and checked twice. Call it from a thread."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock

from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import Reading, read_or_raise

_KEPT = 4
_KEPT_BYTES = 2_000_000
"""Of texts in all (about 25,000 tasks); what is made of one takes some twenty times as much."""


@dataclass(frozen=True, slots=True)
class ReadPipeline:
    """A text that holds a pipeline, and what is in it. ``digest`` is that of the text."""

    digest: bytes
    size: int
    reading: Reading
    pipeline: Pipeline
    graph: TaskGraph


class Readings:
    """The last few texts of one home."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, frozenset[str]], ReadPipeline] = OrderedDict()
        self._lock = Lock()

    def read(self, content: str | bytes, secrets: Collection[str]) -> ReadPipeline:
        """As :func:`read_or_raise`. Raises InvalidPipeline."""
        text = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        key = (hashlib.sha256(text).digest(), frozenset(secrets))
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        reading = read_or_raise(content, secrets=secrets)
        assert reading.pipeline is not None
        found = ReadPipeline(key[0], len(text), reading, reading.pipeline, build_graph(reading.pipeline))
        self._keep(key, found)
        return found

    def _keep(self, key: tuple[bytes, frozenset[str]], found: ReadPipeline) -> None:
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _KEPT or self._bytes() > _KEPT_BYTES:
                self._kept.popitem(last=False)

    def _bytes(self) -> int:
        return sum(each.size for each in self._kept.values())
