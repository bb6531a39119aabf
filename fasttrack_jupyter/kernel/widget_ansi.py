"""A log as HTML: colours of terminals kept, everything else that steers a terminal dropped, all text escaped.

Escape sequences as in ECMA-48: of SGR (``ESC [ … m``) the eight colours, bold, and their resets are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from fasttrack_jupyter.api.words import clean

_SGR = re.compile(r"\x1b\[([\d;]*)m")
_COLOURS = {1: "red", 2: "green", 3: "yellow", 4: "blue", 5: "magenta", 6: "cyan"}
_BRIGHT_BLACK = 90


def log_html(text: str, lines: int) -> str:
    """The last ``lines`` lines, as a terminal would show them: what a carriage return overwrote is gone."""
    shown = [_overwritten(line) for line in text.replace("\r\n", "\n").split("\n")]
    if shown and not shown[-1]:
        shown.pop()
    return "".join(_spans("\n".join(shown[-lines:])))


def _overwritten(line: str) -> str:
    parts = [part for part in line.split("\r") if part]
    return parts[-1] if parts else ""


def _spans(text: str) -> Iterator[str]:
    colour, is_bold, start = "", False, 0
    for found in _SGR.finditer(text):
        yield _span(text[start : found.start()], colour, is_bold)
        colour, is_bold = _after(found[1], colour, is_bold)
        start = found.end()
    yield _span(text[start:], colour, is_bold)


def _after(codes: str, colour: str, is_bold: bool) -> tuple[str, bool]:
    for code in (int(word) for word in (codes or "0").split(";") if word):
        if code == 0:
            colour, is_bold = "", False
        elif code in (1, 22):
            is_bold = code == 1
        elif code == 39:
            colour = ""
        elif code in (38, 48):
            break  # 256 and true colours: what follows are no codes of their own
        elif code == _BRIGHT_BLACK:
            colour = "grey"
        elif code // 10 in (3, 9):
            colour = _COLOURS.get(code % 10, "")
    return colour, is_bold


def _span(text: str, colour: str, is_bold: bool) -> str:
    shown = escape(clean(text))
    classes = " ".join(filter(None, (f"ftw-ansi-{colour}" if colour else "", "ftw-bold" if is_bold else "")))
    return f'<span class="{classes}">{shown}</span>' if classes and shown else shown


def nothing_written(is_ended: bool) -> str:
    """What stands for an empty log."""
    return "It wrote nothing." if is_ended else "Nothing was written so far."


def no_log(status: str, reason: str) -> str:
    """What stands where there is no log."""
    why = f": {reason}" if reason else "."
    return f"No log: it is skipped{why}" if status == "SKIPPED" else f"No log yet{why}"
