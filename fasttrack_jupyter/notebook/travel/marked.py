"""FastTrack's own marks in a notebook that runs whole: what they mean there, in plain words that any kernel knows.

Run whole, a notebook is an ordinary notebook: every cell runs as if its mark were not there, but scripts as scripts,
and what is to be left out is. What speaks to FastTrack does nothing: ``%fasttrack run`` would start the job in the job.
"""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any, Dict, List, Tuple

_MARK = re.compile(r"%%fasttrack_(task|params|common)\b(.*)")
_SPEAKS = re.compile(r"(\s*)((?:\w+\s*=\s*)?%(?:fasttrack|(?:re|un)?load_ext\s+fasttrack_jupyter\b).*)")


def unmark(notebook: Dict[str, Any]) -> None:
    """Take the marks out of the cells, which keep their lines; cells of parameters are tagged as papermill's are."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            _unmark(cell)


def _unmark(cell: Dict[str, Any]) -> None:
    told = cell.get("metadata", {}).get("fasttrack")
    told = told if isinstance(told, dict) else {}
    lines, mark, words = _without_mark(str(cell["source"]))
    kind = mark or str(told.get("kind") or "")
    if "--skip" in words or (told.get("skip") is True and kind != "skip") or (kind == "skip" and not mark):
        cell["source"] = "".join("# {}\n".format(line) for line in lines)
        return
    is_script = "--shell" in words or (not mark and (kind == "shell" or told.get("shell") is True))
    if kind == "params":
        tags = cell.setdefault("metadata", {}).setdefault("tags", [])
        tags.extend([] if "parameters" in tags else ["parameters"])
    cell["source"] = "\n".join(_as_script(lines) if is_script else _silenced(lines))


def _without_mark(source: str) -> Tuple[List[str], str, List[str]]:
    """The lines, those of marks as comments; what the mark is; the words behind it."""
    lines, found = source.split("\n"), ""
    words: List[str] = []
    for place, line in enumerate(lines):
        if line.strip() and not line.startswith("%%"):
            break
        match = _MARK.match(line)
        if match:
            found, words = match[1], _words(match[2])
            lines[place] = "# " + line
    return lines, found, words


def _words(text: str) -> List[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _as_script(lines: List[str]) -> List[str]:
    """The cell as a script; behind another ``%%`` line it is what that says."""
    if any(line.startswith("%%") for line in lines):
        return _first(lines)
    return ["%%sh", "set -e", *lines]


def _silenced(lines: List[str]) -> List[str]:
    """The lines, and what speaks to FastTrack as a statement that does nothing; Python as it is stays as it is."""
    try:
        ast.parse("\n".join(lines))
        return lines
    except (SyntaxError, ValueError):
        pass
    found, goes_on = [], False
    for line in lines:
        match = _SPEAKS.fullmatch(line)
        if match:
            found.append("{}pass  # {}".format(match[1], match[2]))
        else:
            found.append("# " + line if goes_on else line)
        goes_on = (match is not None or goes_on) and line.endswith("\\")
    return _first(found)


def _first(lines: List[str]) -> List[str]:
    """Another cell magic as the first line, where IPython wants it."""
    others = [line for line in lines if line.startswith("%%")]
    return lines if not others else [*others, *(line for line in lines if not line.startswith("%%"))]
