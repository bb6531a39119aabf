"""The language of ``.gitignore``: a list of patterns, of which the last that matches decides.

Written after gitignore(5) and git's own ``wildmatch.c``, and held to them by a test that asks git. A pattern
matches an entry itself, never what lies below it: whoever walks a tree leaves an ignored folder
out whole. (Libraries that match whole paths cannot tell ``*`` + ``!*/`` from "ignore nothing".)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_POSIX = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "xdigit": "0-9a-fA-F",
    "space": r" \t\n\r\f\v", "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "cntrl": r"\x00-\x1f\x7f", "print": " -~",
    "graph": "!-~",
}  # fmt: skip

_MEMBER = re.compile(r"\[:(\w+):\]|(\\.|.)", re.DOTALL)
_CLASS = re.compile(r"\[([!^]?)(\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: what it matches, whether only folders, and whether it takes (``!`` turns that round)."""

    regex: re.Pattern[str]
    anchored: bool
    folders_only: bool
    takes: bool

    def matches(self, path: str, is_folder: bool) -> bool:
        """Whether it matches the entry at ``path``, relative to where the pattern stands."""
        if self.folders_only and not is_folder:
            return False
        return self.regex.fullmatch(path if self.anchored else path.rpartition("/")[2]) is not None


class Patterns:
    """Patterns in order."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [pattern for line in lines if (pattern := _parse(line)) is not None]

    def last_match(self, path: str, is_folder: bool) -> int:
        """Position of the last pattern that matches the entry itself, or -1."""
        for place in range(len(self._patterns) - 1, -1, -1):
            if self._patterns[place].matches(path, is_folder):
                return place
        return -1

    def takes(self, place: int) -> bool:
        """Whether the pattern at ``place`` takes what it matches (-1: no)."""
        return place >= 0 and self._patterns[place].takes


def takes(patterns: Patterns, path: str) -> bool:
    """Whether a walk with ``patterns``, read as a list of what to take, comes to the file at ``path`` and takes it."""
    names = path.split("/")
    folders = ("/".join(names[:end]) for end in range(1, len(names)))
    match = max((patterns.last_match(folder, True) for folder in folders), default=-1)
    return patterns.takes(max(match, patterns.last_match(path, False)))


def read_lines(content: bytes) -> list[str]:
    """The lines of an ignore file; names that are no UTF-8 are kept as the file system's functions give them."""
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return [line.removesuffix("\r") for line in text.split("\n")]


def _parse(line: str) -> Pattern | None:
    line = re.sub(r"(?<!\\)((?:\\\\)*) +$", r"\1", line)
    if not line or line.startswith("#"):
        return None
    takes = not line.startswith("!")
    glob = line if takes else line[1:]
    folders_only = glob.endswith("/")
    glob = glob.removesuffix("/")
    anchored = "/" in glob
    regex = _translate(glob.removeprefix("/"))
    if not glob or regex is None:
        return None
    return Pattern(re.compile(regex, re.DOTALL), anchored, folders_only, takes)


def _translate(glob: str) -> str | None:
    """As a regular expression; None for what can match nothing (``[`` without end, a last backslash)."""
    parts: list[str] = []
    place = 0
    while place < len(glob):
        char = glob[place]
        if char == "*":
            text, place = _stars(glob, place)
        elif char == "[":
            found = _character_class(glob, place)
            if found is None:
                return None
            text, place = found
        elif char == "\\":
            if place + 1 == len(glob):
                return None
            text, place = re.escape(glob[place + 1]), place + 2
        else:
            text, place = "[^/]" if char == "?" else re.escape(char), place + 1
        parts.append(text)
    return "".join(parts)


def _stars(glob: str, start: int) -> tuple[str, int]:
    end = start
    while end < len(glob) and glob[end] == "*":
        end += 1
    alone = (start == 0 or glob[start - 1] == "/") and (end == len(glob) or glob[end] == "/")
    if end - start < 2 or not alone:
        return "[^/]*", end
    return (".+", end) if end == len(glob) else ("(?:.+/)?", end + 1)


def _character_class(glob: str, start: int) -> tuple[str, int] | None:
    match = _CLASS.match(glob, start)
    members = None if match is None else _members(_MEMBER.findall(match[2]))
    if match is None or members is None:
        return None
    return f"(?!/)[{'^' if match[1] else ''}{members}]", match.end()


def _members(tokens: list[tuple[str, str]]) -> str | None:
    """What stands in the brackets, from ``(POSIX class, character)`` each; None if there is no such class."""
    parts: list[str] = []
    before = ""  # the character that a range may begin with
    place = 0
    while place < len(tokens):
        posix, char = tokens[place]
        if posix and posix not in _POSIX:
            return None
        if char == "-" and before and place + 1 < len(tokens):
            place += 1
            last = tokens[place][1].removeprefix("\\") or tokens[place][1]
            parts += [f"{re.escape(before)}-{re.escape(last)}"] if before <= last else []
            before = ""
        else:
            before = char.removeprefix("\\") or char
            parts.append(_POSIX[posix] if posix else re.escape(before))
        place += 1
    return "".join(parts)
