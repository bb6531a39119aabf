"""Change a YAML text as little as needed, so that it reads as other data.

The text is not written anew: old data and new data are compared, and each difference becomes an edit
of the characters concerned. So every comment, quote, blank line and unknown key outside of
a difference stays exactly as its author wrote it, and the cost is one pass over the text.

What cannot be edited in place (an alias whose value would now differ from its anchor's) is
written out; what comes out is read again, and in the last resort (formatting that no rule here
foresees, such as ``? key``) the data is written in full, without its comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from yaml.events import AliasEvent, MappingStartEvent, NodeEvent, ScalarEvent

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model import writing
from fasttrack_jupyter.model.document import load
from fasttrack_jupyter.model.yaml_events import events


@dataclass(slots=True)
class Node:
    """One value (or key) in the text, at ``[start, end)``. ``kind``: ``scalar``, ``map``, ``list``, ``alias``."""

    kind: str
    start: int
    end: int
    style: str = ""
    """Of a scalar: its quotes, ``|`` or ``>``; of a collection: ``flow`` or nothing."""
    name: str = ""
    """A scalar's text (keys), an alias's anchor."""
    anchor: str | None = None
    keys: list[Node] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


def rewrite(text: str, old: Any, new: Any) -> tuple[str, bool]:
    """``text``, which reads as ``old``, edited so that it reads as ``new``; and whether its comments were kept."""
    if old == new:
        return text, True
    edited = _Rewriter(text).apply(old, new)
    return (edited, True) if _reads_as(edited, new) else (writing.block(new, 0) + "\n", False)


def _reads_as(text: str, data: Any) -> bool:
    try:
        return _same(load(text).data, data)
    except InvalidPipeline:
        return False


def _compose(source: bytes) -> Node:
    """The tree of the text's one document."""
    following = events(source)
    event = following()
    while not isinstance(event, NodeEvent):
        event = following()
    root = _node(event)
    open_nodes = [root]
    while open_nodes:
        parent, event = open_nodes[-1], following()
        if not isinstance(event, NodeEvent):
            open_nodes.pop().end = event.end_mark.index  # type: ignore[union-attr]
            continue
        node = _node(event)
        is_key = parent.kind == "map" and len(parent.keys) == len(parent.children)
        (parent.keys if is_key else parent.children).append(node)
        if node.kind in ("map", "list"):
            open_nodes.append(node)
    return root


def _node(event: NodeEvent) -> Node:
    marks: Any = event
    start, end, anchor = marks.start_mark.index, marks.end_mark.index, event.anchor
    if isinstance(event, AliasEvent):
        return Node("alias", start, end, name=str(anchor))
    if isinstance(event, ScalarEvent):
        return Node("scalar", start, end, event.style or "", event.value, anchor)
    kind = "map" if isinstance(event, MappingStartEvent) else "list"
    return Node(kind, start, end, "flow" if marks.flow_style else "", anchor=anchor)


_KINDS = (bool, int, float, str)


class _Rewriter:
    def __init__(self, text: str) -> None:
        self._text = text
        self._line_break = "\r\n" if "\r\n" in text else "\n"
        self._root = _compose(text.encode())
        self._edits: list[tuple[int, int, str]] = []
        self._anchored: dict[str, Any] = {}
        """What an alias to each anchor will now read as."""

    def apply(self, old: Any, new: Any) -> str:
        self._compare(self._root, old, new, in_flow=False)
        pieces, position = [], 0
        for start, end, replacement in sorted(self._edits, key=lambda edit: edit[:2]):
            pieces += [self._text[position:start], replacement.replace("\n", self._line_break)]
            position = max(position, end)
        return "".join(pieces) + self._text[position:]

    def _edit(self, start: int, end: int, replacement: str) -> None:
        self._edits.append((start, end, replacement))

    def _compare(self, node: Node, old: Any, new: Any, *, in_flow: bool) -> None:
        """Emit the edits that make ``node``, which reads as ``old``, read as ``new``."""
        in_flow = in_flow or node.style == "flow"
        if node.kind == "alias":
            if not (node.name in self._anchored and _same(self._anchored[node.name], new)):
                self._edit(node.start, node.end, writing.inline(new))
            return
        if node.anchor is not None:
            self._anchored[node.anchor] = new
        if node.kind == "map" and isinstance(new, dict) and new and old:
            self._compare_maps(node, old, new, in_flow=in_flow)
        elif node.kind == "list" and isinstance(new, list) and len(new) >= len(old) > 0:
            self._compare_lists(node, old, new, in_flow=in_flow)
        elif not _same(old, new):
            self._replace(node, new, in_flow=in_flow)

    def _replace(self, node: Node, new: Any, *, in_flow: bool) -> None:
        start, end = node.start, self._text_end(node)
        if node.anchor is not None:
            self._anchored.pop(node.anchor)
        if node.kind in ("map", "list") and not in_flow:
            written = writing.block(new, self._column(start)) if isinstance(new, (dict, list)) and new else None
        else:
            written = self._long_text(node, new) if isinstance(new, str) and not in_flow else None
        space = " " if start == end and self._text[start - 1 : start] in (":", "-") else ""
        self._edit(start, end, space + (written or writing.inline(new)))

    def _long_text(self, node: Node, new: str) -> str | None:
        """As a literal block, where nothing follows on the line."""
        if node.style in ("|", ">"):
            return writing.literal(new, self._indent(node.start) + 2)
        rest = self._text[node.end : self._line_end(node.end)]
        return None if rest.strip() else writing.literal(new, self._indent(node.start) + 2)

    def _compare_lists(self, node: Node, old: list[Any], new: list[Any], *, in_flow: bool) -> None:
        for child, before, after in zip(node.children, old, new, strict=False):
            self._compare(child, before, after, in_flow=in_flow)
        added = new[len(old) :]
        if not added:
            return
        if in_flow:
            self._edit(node.children[-1].end, node.children[-1].end, "".join(f", {writing.inline(x)}" for x in added))
            return
        column = self._column(node.start)
        self._insert_lines(node.children[-1], [writing.item(value, column) for value in added], column)

    def _compare_maps(self, node: Node, old: dict[str, Any], new: dict[str, Any], *, in_flow: bool) -> None:
        renamed = _renamed(old, new)
        kept = [key for key in old if key in new or key in renamed]
        spots = {key.name: (key, child) for key, child in zip(node.keys, node.children, strict=True)}
        if not kept or spots.keys() != old.keys():
            self._replace(node, new, in_flow=in_flow)
            return
        if in_flow and (len(kept) < len(old) or len(kept) < len(new)):
            self._rebuild_flow(node, spots, old, new)
            return
        for key in old:
            name, child = spots[key]
            if key in renamed:
                self._edit(name.start, name.end, writing.inline(renamed[key]))
            if key in kept:
                self._compare_entry(name, child, old[key], new[renamed.get(key, key)], in_flow=in_flow)
        self._remove(node, [key in kept for key in old])
        self._insert(spots, old, new, renamed)

    def _compare_entry(self, key: Node, child: Node, old: Any, new: Any, *, in_flow: bool) -> None:
        is_block = child.kind in ("map", "list") and child.style != "flow"
        if is_block and not in_flow and (type(new) is not type(old) or not new):
            self._edit(key.end, self._text_end(child), writing.tail(new, self._column(key.start)))
        else:
            self._compare(child, old, new, in_flow=in_flow)

    def _rebuild_flow(
        self, node: Node, spots: dict[str, tuple[Node, Node]], old: dict[str, Any], new: dict[str, Any]
    ) -> None:
        entries = []
        for key, value in new.items():
            if key in old and _same(old[key], value):
                entries.append(self._text[spots[key][0].start : spots[key][1].end])
            else:
                entries.append(f"{writing.inline(key)}: {writing.inline(value)}")
        start = self._text.index("{", node.start)
        self._edit(start, node.end, "{" + ", ".join(entries) + "}")

    def _remove(self, node: Node, is_kept: list[bool]) -> None:
        first = is_kept.index(True)
        behind_dash = bool(self._text[self._line_start(node.keys[0].start) : node.keys[0].start].strip())
        if behind_dash and first:
            self._edit(node.keys[0].start, node.keys[first].start, "")
        for position in range(first if behind_dash else 0, len(is_kept)):
            if not is_kept[position]:
                start = self._line_start(node.keys[position].start)
                self._edit(start, self._entry_end(node.children[position]), "")

    def _insert(
        self, spots: dict[str, tuple[Node, Node]], old: dict[str, Any], new: dict[str, Any], renamed: dict[str, str]
    ) -> None:
        origin = {after: before for before, after in renamed.items()}
        previous: str | None = None
        first = next(key for key in old if key in new or key in renamed)
        column = self._column(spots[next(iter(old))][0].start)
        for key, value in new.items():
            if key in old or key in origin:
                previous = origin.get(key, key)
            elif previous is None:
                self._edit(
                    spots[first][0].start,
                    spots[first][0].start,
                    writing.entry(key, value, column) + "\n" + " " * column,
                )
            else:
                self._insert_lines(spots[previous][1], [writing.entry(key, value, column)], column)

    def _insert_lines(self, after: Node, lines: list[str], column: int) -> None:
        position = self._entry_end(after)
        text = "".join(" " * column + line + "\n" for line in lines)
        if self._text[position - 1 : position] not in ("\n", ""):
            text = "\n" + text
        self._edit(position, position, text)

    def _content_end(self, node: Node) -> int:
        """Where ``node`` ends, without the comments and blank lines after it."""
        if node.kind in ("map", "list") and node.style != "flow" and node.children:
            return self._content_end(node.children[-1])
        if node.style not in ("|", ">") or "+" in self._text[node.start : self._line_end(node.start)]:
            return node.end
        body = self._text[node.start : node.end].rstrip("\r\n \t")
        return self._next_line(node.start + len(body))

    def _text_end(self, node: Node) -> int:
        """As :meth:`_content_end`, without the line end that a block scalar has."""
        end = self._content_end(node)
        if end > node.start and self._text[end - 1] == "\n":
            end -= 2 if self._text[end - 2] == "\r" else 1
        return end

    def _entry_end(self, node: Node) -> int:
        """The beginning of the line after ``node``."""
        end = self._content_end(node)
        last = node
        while last.kind in ("map", "list") and last.style != "flow" and last.children:
            last = last.children[-1]
        return end if last.style in ("|", ">") and self._text[end - 1] == "\n" else self._next_line(end)

    def _next_line(self, position: int) -> int:
        return min(self._line_end(position) + 1, len(self._text))

    def _line_end(self, position: int) -> int:
        found = self._text.find("\n", position)
        return found if found >= 0 else len(self._text)

    def _line_start(self, position: int) -> int:
        return self._text.rfind("\n", 0, position) + 1

    def _column(self, position: int) -> int:
        return position - self._line_start(position)

    def _indent(self, position: int) -> int:
        """The column of the innermost key or value that begins the line, behind any ``- ``."""
        line = self._text[self._line_start(position) : position]
        return len(line) - len(line.lstrip(" -"))


def _same(left: Any, right: Any) -> bool:
    """Equality that tells 1, 1.0 and true apart, as a text does."""
    if isinstance(left, _KINDS) and isinstance(right, _KINDS):
        return left == right and all(isinstance(left, kind) == isinstance(right, kind) for kind in _KINDS)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return left is None and right is None


def _renamed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """Keys of ``old`` that stand in the same place of ``new`` under another name, with the same value."""
    before = {previous: key for previous, key in _with_previous(old, new) if key not in new}
    return {
        before[previous]: key
        for previous, key in _with_previous(new, old)
        if key not in old and previous in before and _same(old[before[previous]], new[key])
    }


def _with_previous(keys: dict[str, Any], others: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Each key, with the nearest one before it that both have."""
    previous = None
    for key in keys:
        yield previous, key
        previous = key if key in others else previous
