"""Plain data straight from the events of a YAML parser.

libyaml tells of events (a scalar, a mapping starts, it ends …); composing PyYAML's nodes from them and
objects from those costs six times as much as building the data at once. What can be read around
(a key that comes twice, an unknown tag) is collected; everything else ends the reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.scalars import FIRST, TAG_PREFIX, resolve, resolve_tagged
from fasttrack_jupyter.model.yaml_errors import refusal

try:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml, as on a platform that has no wheel
    CParser = None  # type: ignore[assignment,misc]

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, both from 1; columns count characters."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pipeline's text may cost."""

    max_bytes: int = 64 << 20
    max_depth: int = 100
    """Levels of collections within each other."""
    max_alias_values: int = 500_000
    """Values that come a second time, by an alias; of an alias within an anchor too (billion laughs)."""


def events(source: bytes) -> Callable[[], Event | None]:
    """What to call for the next event (None after the last): libyaml's parser, or PyYAML's own where it is missing."""
    if CParser is not None:
        return CParser(source).get_event
    return _PythonParser(source.decode()).get_event


class _PythonParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser: the same events, some thirty times slower."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


def place_of(event: Event) -> Place:
    """Where ``event`` begins in the text."""
    mark: Any = event.start_mark
    return mark.line + 1, mark.column + 1


_UNFIT = re.compile("[\0\ud800-\udfff]")


class Builder:
    """Builds one document's data from its events."""

    def __init__(self, source: bytes, limits: Limits) -> None:
        self._limits = limits
        self._next = events(source)
        self._parents: list[Any] = []
        self._values = 0
        self._by_alias = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        """By name: the value, and how many values it holds in all."""
        self._open: list[tuple[int, str, int]] = []
        """Anchored collections that have not ended: depth, name, values before."""
        self._keys: dict[str, str] = {}
        self.root_place: Place = (1, 1)
        self.problems: list[Problem] = []
        self.duplicates: list[tuple[Path, Place]] = []
        """Keys that come twice: the path, and the place of the second."""

    def build(self) -> dict[str, Any]:
        """The data of the document, which is a mapping.

        Raises:
            InvalidPipeline: it is not one document, or not a mapping, or goes beyond the limits.
            yaml.YAMLError: it is no YAML.
        """
        root = self._root()
        container: Any = root
        parents, next_event, known, key = self._parents, self._next, self._keys, None
        while container is not None:
            event: Any = next_event()
            kind = type(event)
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                self._end(container)
                container, key = parents.pop(), None
                continue
            self._values += 1
            if key is None and type(container) is dict:
                if kind is ScalarEvent and event.tag is None and event.anchor is None:
                    key = known.get(event.value)
                if not key or key in container:
                    key = self._key(event, container)
                continue
            if kind is ScalarEvent:
                value = event.value
                if event.tag is not None or event.anchor is not None or event.style == '"':
                    value = self._unusual(event)
                elif event.implicit[0] and (not value or value[0] in FIRST):
                    value = self._plain(event)
            else:
                value = self._alias(event) if kind is AliasEvent else self._begin(event)
            if key is None:
                container.append(value)
            else:
                container[key], key = value, None
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                parents.append(container)
                container = value
        self._no_more()
        return root

    def _root(self) -> dict[str, Any]:
        """Up to the beginning of the top-level mapping."""
        event = self._next()
        while event is not None and not isinstance(event, NodeEvent):
            event = self._next()
        if event is None or (type(event) is ScalarEvent and not event.value.strip() and event.implicit[0]):
            self._refuse(None, "empty", "the file is empty", "a pipeline needs at least a name and tasks")
        if type(event) is not MappingStartEvent:
            kind = "a list" if type(event) is SequenceStartEvent else "a single value"
            hint = "begin with keys: name: my-pipeline, and tasks: with a list below"
            self._refuse(event, "not-a-mapping", f"the top level is {kind}, not a mapping", hint)
        self.root_place = place_of(event)
        root: dict[str, Any] = self._begin(event)
        self._parents.append(None)
        return root

    def _no_more(self) -> None:
        event = self._next()
        while event is not None:
            if type(event) is DocumentStartEvent:
                message = "a second document begins here: a file holds one pipeline"
                self._refuse(event, "several-documents", message, "remove the line '---', or split the file")
            event = self._next()

    def _begin(self, event: Any) -> Any:
        if len(self._parents) >= self._limits.max_depth:
            message = f"more than {self._limits.max_depth} levels of nesting"
            self._refuse(event, "too-deep", message, "no pipeline needs this depth: look for a bracket too many")
        mapping = type(event) is MappingStartEvent
        if event.tag not in (None, "!", TAG_PREFIX + ("map" if mapping else "seq")):
            self._unknown_tag(event)
        value: Any = {} if mapping else []
        if event.anchor is not None:
            self._open.append((len(self._parents) + 1, event.anchor, self._values))
            self._anchors[event.anchor] = (value, 0)
        return value

    def _end(self, container: Any) -> None:
        if self._open and self._open[-1][0] == len(self._parents):
            _, name, before = self._open.pop()
            if self._anchors[name][0] is container:
                self._anchors[name] = (container, self._values + 1 - before)

    def _alias(self, event: Any) -> Any:
        name = event.anchor
        if name not in self._anchors:
            hint = f"write &{name} before the value that is meant, or quote the text: '*{name}'"
            self._refuse(event, "unknown-alias", f"*{name} refers to no anchor &{name} above it", hint)
        value, size = self._anchors[name]
        if not size:
            message = f"*{name} refers to a value that contains it: this would never end"
            self._refuse(event, "recursive-alias", message, "write out the inner value")
        self._values += size - 1
        self._by_alias += size
        if self._by_alias > self._limits.max_alias_values:
            message = f"aliases repeat more than {self._limits.max_alias_values:,} values"
            self._refuse(event, "alias-bomb", message, "the text is small but what it means is huge: use fewer aliases")
        return value

    def _key(self, event: Any, container: dict[str, Any]) -> str:
        """The text of a mapping's key; the same object each time, which saves much memory."""
        kind = type(event)
        text = event.value if kind is ScalarEvent else self._alias(event) if kind is AliasEvent else None
        if not isinstance(text, str):
            hint = "quote a value that contains {{ or [[: '{{ … }}'"
            self._refuse(event, "key-not-text", "a key must be text, not a list or a mapping", hint)
        if kind is ScalarEvent and (event.anchor is not None or event.tag is not None or event.style == '"'):
            text = str(self._unusual(event))
        if not text and kind is ScalarEvent and event.implicit[0]:
            self._refuse(event, "key-missing", "there is no key before ':'", "write the key, or quote the text")
        text = self._keys.setdefault(text, text)
        if text in container:
            self.duplicates.append((self._path_to(container, text), place_of(event)))
            del container[text]
        return text

    def _path_to(self, container: Any, key: str) -> Path:
        """Every open collection is the one that its parent got last."""
        steps = [parent for parent in self._parents if parent is not None] + [container]
        inner = tuple(len(step) - 1 if isinstance(step, list) else next(reversed(step)) for step in steps[:-1])
        return (*inner, key)

    def _plain(self, event: Any) -> Any:
        try:
            return resolve(event.value)
        except ValueError as error:
            return self._wrong_value(event, "number-too-long", str(error), "quote it, if it is text")

    def _unusual(self, event: Any) -> Any:
        """A scalar with a tag, an anchor, or escapes."""
        value = event.value
        if event.style == '"' and _UNFIT.search(value):
            value = self._wrong_value(
                event, "unfit-character", "an escape stands for a NUL or half a character, which no text may hold",
                "remove it, or write a backslash as \\\\",
            )  # fmt: skip
        elif event.tag is not None:
            value = self._tagged(event)
        elif event.implicit[0]:
            value = self._plain(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        return value

    def _tagged(self, event: Any) -> Any:
        try:
            return resolve_tagged(event.tag, event.value)
        except KeyError:
            return self._unknown_tag(event)
        except ValueError as error:
            return self._wrong_value(event, "wrong-tag", str(error), "remove the tag, or correct the value")

    def _unknown_tag(self, event: Any) -> str:
        tag = event.tag.replace(TAG_PREFIX, "!!")
        hint = "remove the tag; a pipeline is plain data: text, numbers, true and false, lists, mappings"
        return self._wrong_value(event, "unknown-tag", f"the tag {tag} is not allowed", hint)

    def _wrong_value(self, event: Any, code: str, message: str, hint: str) -> str:
        line, column = place_of(event)
        value = str(getattr(event, "value", event.tag))[:80]
        self.problems.append(Problem(code=code, message=message, line=line, column=column, value=value, hint=hint))
        return value

    def _refuse(self, event: Event | None, code: str, message: str, hint: str) -> NoReturn:
        line, column = place_of(event) if event is not None else (1, 1)
        raise refusal([Problem(code=code, message=message, line=line, column=column, hint=hint)])
