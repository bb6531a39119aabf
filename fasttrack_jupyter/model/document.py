"""From the text of a pipeline to plain data, fast, and back to line and column when asked.

Nothing about positions is kept on the way in: they matter only when something is wrong. Then the
events of the text are told a second time, in step with the data that was built from them, and the
wanted places, which are named by the identity of their container and their key in it, are noted in
passing. So an alias costs nothing, and a place inside an aliased value is where that value is written.

Scalars follow the core schema of YAML 1.2 (``scalars.py``); mappings keep the file's order; every
key is its own text (``1: x`` has the key ``"1"``), since all keys of a pipeline are names. An
aliased collection is one object wherever it appears. ``<<`` is a key like any other here;
``reading`` refuses it, because whoever writes it expects a merge, which is a wish of YAML 1.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import yaml
from yaml.events import MappingEndEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.yaml_errors import decode, explain, refusal
from fasttrack_jupyter.model.yaml_events import Builder, Limits, Path, Place, events, place_of

DEFAULT_LIMITS = Limits()
Handle = tuple[int, str | int]
"""A container's identity, and a key in it."""


@dataclass(eq=False)
class Document:
    """The text's data, and where in the text everything stands."""

    source: bytes
    """The text in UTF-8, without a byte order mark."""
    data: dict[str, Any]
    root: Place = (1, 1)
    problems: tuple[Problem, ...] = ()
    """What is wrong but could be read around: keys that come twice, unknown tags."""
    _found: dict[Handle, tuple[Place, Place]] = field(default_factory=dict)

    def position(self, path: Path) -> Place:
        """Where the value at ``path`` begins; of a path that leads nowhere, where the last thing on it does."""
        return self._places(path)[1]

    def key_position(self, path: Path) -> Place:
        """Where the key at the end of ``path`` begins; in a list, where the item does."""
        return self._places(path)[0]

    def position_within(self, path: Path, offset: int) -> Place:
        """Where the character at ``offset`` of the text at ``path`` stands, or else where that text begins.

        Exact in block scalars (``|``) and in texts of one line without escapes.
        """
        line, column = self.position(path)
        value: Any = self.data
        for key in path:
            value = value[key] if _has(value, key) else None
        if not isinstance(value, str):
            return line, column
        lines = self._lines
        row, inner = value.count("\n", 0, offset), offset - value.rfind("\n", 0, offset) - 1
        if lines[line - 1][column - 1 : column] == "|":
            row, written = line + row + 1, value.split("\n")[row]
            start = lines[row - 1].find(written) if written and row <= len(lines) else -1
        else:
            row, written = line, value[: offset + 1]
            start = lines[line - 1].find(written, column - 1, column + len(written))
        return (row, start + inner + 1) if start >= 0 else (line, column)

    @cached_property
    def _lines(self) -> list[str]:
        return self.source.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def locate(self, paths: Iterable[Path]) -> None:
        """Prepare many positions at once: one pass over the text, however many there are."""
        wanted = {handle for path in paths if (handle := self._handle(path)) and handle not in self._found}
        if wanted:
            self._found.update(_find(self.source, self.data, wanted))

    def _places(self, path: Path) -> tuple[Place, Place]:
        handle = self._handle(path)
        if handle is None:
            return self.root, self.root
        self.locate([path])
        return self._found.get(handle, (self.root, self.root))

    def _handle(self, path: Path) -> Handle | None:
        """Of the innermost thing on ``path`` that is there; None for the top level."""
        handle: Handle | None = None
        value: Any = self.data
        for key in path:
            if not _has(value, key):
                break
            handle, value = (id(value), key), value[key]
        return handle


def _has(container: object, key: str | int) -> bool:
    if isinstance(container, list):
        return isinstance(key, int) and 0 <= key < len(container)
    return isinstance(container, dict) and key in container


def load(text: str | bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
    """The document that ``text`` holds.

    Raises:
        InvalidPipeline: it is no YAML, or YAML that no pipeline may be; every problem has its place.
    """
    document = parse(text, limits)
    if document.problems:
        raise refusal(document.problems)
    return document


def parse(text: str | bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
    """As :func:`load`, but what could be read around is left in ``Document.problems``.

    Raises:
        InvalidPipeline: nothing can be read at all.
    """
    source = decode(text, limits.max_bytes)
    try:
        builder = Builder(source, limits)
        data = builder.build()
    except yaml.YAMLError as error:
        raise refusal([explain(error, source.decode())]) from error
    document = Document(source, data, builder.root_place)
    document.locate([path for path, _ in builder.duplicates])
    twice = [_duplicate(document, path, place) for path, place in builder.duplicates]
    document.problems = tuple(sorted([*builder.problems, *twice], key=lambda problem: (problem.line, problem.column)))
    return document


def _duplicate(document: Document, path: Path, second: Place) -> Problem:
    line, column = document.key_position(path)
    return Problem(
        code="duplicate-key", path=path, line=second[0], column=second[1], value=path[-1],
        message=f"the key {path[-1]!r} comes twice: here, and before in line {line}, column {column}",
        hint="keep one of them: the second would silently replace the first",
    )  # fmt: skip


def _find(source: bytes, data: Any, wanted: set[Handle]) -> dict[Handle, tuple[Place, Place]]:
    """The places of key and value of each handle, by one walk over the events in step with ``data``."""
    found: dict[Handle, tuple[Place, Place]] = {}
    next_event = events(source)
    parents: list[tuple[Any, int]] = []
    container: Any = [data]
    texts: dict[str, str] = {}
    index, key, key_place = 0, cast(str | None, None), (1, 1)
    while len(found) < len(wanted) and (event := cast(Any, next_event())) is not None:
        kind = type(event)
        if kind is MappingEndEvent or kind is SequenceEndEvent:
            container, index = parents.pop()
            key = None
            continue
        if not issubclass(kind, NodeEvent):
            continue
        if kind is ScalarEvent and event.anchor:
            texts[event.anchor] = event.value
        if key is None and type(container) is dict:
            key, key_place = event.value if kind is ScalarEvent else texts[event.anchor], place_of(event)
            continue
        step: Any = index if key is None else key
        handle = (id(container), step)
        if handle in wanted and handle not in found:
            found[handle] = (place_of(event) if key is None else key_place, place_of(event))
        index, key = index + 1, None
        if kind is MappingStartEvent or kind is SequenceStartEvent:
            parents.append((container, index))
            container, index = _matching(container, step, dict if kind is MappingStartEvent else list), 0
    return found


def _matching(container: Any, key: Any, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:
    """The collection at ``key``, or an empty one where data differs (its key comes twice)."""
    value = container[key] if _has(container, key) else None
    return value if type(value) is kind else kind()
