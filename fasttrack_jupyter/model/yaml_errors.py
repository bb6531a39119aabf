"""What is wrong with a text that is no YAML, in words that help.

A YAML parser says what it expected; people want to know what they did. The few messages of libyaml,
and those of PyYAML's own parser, which differ in words, are each mapped to a complaint with its
remedy; where one message has several usual causes, the line in question decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import yaml

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.problems import Problem

_UNFIT = re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What a YAML text may not hold, and three line separators that YAML 1.1 and 1.2 read differently, and a BOM inside."""


def refusal(problems: Iterable[Problem]) -> InvalidPipeline:
    """The error that carries ``problems``, which are at least one."""
    found = tuple(problems)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidPipeline(f"The pipeline cannot be used: {found[0]}{more}", found, hint=found[0].hint)


def decode(text: str | bytes, max_bytes: int) -> bytes:
    """``text`` in UTF-8 without a byte order mark.

    Raises:
        InvalidPipeline: it is larger than ``max_bytes``, or no text.
    """
    try:
        data = text.encode() if isinstance(text, str) else text
        words = data.decode() if len(data) <= max_bytes else ""
    except UnicodeEncodeError as error:
        raise refusal([_unfit(str(text), error.start)]) from error
    except UnicodeDecodeError as error:
        raise refusal([_not_utf8(error)]) from error
    if len(data) > max_bytes:
        problem = Problem(
            code="too-large", message=f"the file has {len(data):,} bytes; a pipeline may have {max_bytes:,}",
            hint="keep data out of the YAML: put it into a file next to it",
        )  # fmt: skip
        raise refusal([problem])
    words = words.removeprefix("\ufeff")
    if unfit := _UNFIT.search(words):
        raise refusal([_unfit(words, unfit.start())])
    return data.removeprefix(b"\xef\xbb\xbf")


def _not_utf8(error: UnicodeDecodeError) -> Problem:
    data: bytes = error.object
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        message = "the file is UTF-16, not UTF-8"
    else:
        message = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
    start = data.rfind(b"\n", 0, error.start) + 1
    line, column = data.count(b"\n", 0, error.start) + 1, len(data[start : error.start].decode(errors="replace")) + 1
    hint = "save the file with the encoding UTF-8"
    return Problem(code="not-utf-8", message=message, line=line, column=column, hint=hint)


def _unfit(text: str, offset: int) -> Problem:
    letter = text[offset]
    if letter in "\x85\u2028\u2029\ufeff":
        message = f"an invisible character (U+{ord(letter):04X}) that programs read differently"
    else:
        message = "a NUL byte" if letter == "\0" else f"the control character U+{ord(letter):04X}"
    line, column = _line_and_column(text, offset)
    return Problem(
        code="unfit-character", message=f"{message} stands here", line=line, column=column,
        hint=f'delete it, or write it as "\\u{ord(letter):04X}" between double quotes' if letter else "delete it",
    )  # fmt: skip


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Complaint(NamedTuple):
    """If ``problem`` matches the parser's message (and ``line``, the text around the place): what to say."""

    code: str
    problem: str
    line: str
    message: str
    hint: str
    at_context: bool = False
    """The place is where the construct began, not where the parser gave up."""


_COMPLAINTS = (
    _Complaint("tab", r"cannot start any token|tab character|could not find expected ':'|expected .*key|block end",
               r"^[ ]*\t", "a tab stands in the indentation", "indent with spaces, two for each level"),
    _Complaint("unquoted", r"cannot start any token", r"[@`%]",
               "a value begins with @, ` or %, which YAML reserves", "put the value into quotes"),
    _Complaint("two-colons", r"mapping values are not allowed", r": .*:(\s|$)|:\S.*:(\s|$)",
               "a second ': ' stands in one line", "put the value into quotes, or begin it with | and write it below"),
    _Complaint("indentation", r"mapping values are not allowed", "",
               "this line continues the value above, because it is indented deeper, or the line above lacks its ':'",
               "indent it like the other keys of its mapping, and end each key with ': '"),
    _Complaint("dash", r"sequence entries are not allowed", "",
               "a list item ('- ') begins in the line of its key", "begin the list in the next line, or write [a, b]"),
    _Complaint("unclosed-quote", r"unexpected end of stream|unexpected document (indicator|separator)", "",
               "the quote that opens here is never closed", "close it; within '…' write '' for a quote", True),
    _Complaint("unclosed-bracket", r"expected ',' or '[\]}]'", "",
               "the bracket that opens here is not closed, or a comma is missing in it",
               "close it with ] or }, separate its items with commas, quote items that hold ': ' or brackets", True),
    _Complaint("bad-escape", r"unknown escape|hexdecimal|hexadecimal|escape code|escape sequence", "",
               "a backslash between double quotes begins an escape that YAML does not know",
               "write \\\\ for a backslash, or use single quotes"),
    _Complaint("unquoted", r"alphabetic or numeric", "",
               "a value begins with * or &, which mark aliases and anchors", "put the value into quotes", True),
    _Complaint("unquoted", r"comment or (a )?line break|indentation indicator|chomping", "",
               "text follows | or > in the same line", "begin the text in the next line, or put the value into quotes"),
    _Complaint("missing-colon", r"could not find expected ':'", "",
               "this line has no ': ' after its key, or continues a value without being indented deeper",
               "write key: value (with a space), or indent the continuation", True),
    _Complaint("missing-space", r"unexpected ':'", "", "a ':' stands without a space between brackets",
               "write a space after it, or put the text into quotes"),
    _Complaint("after-quote", r"expected key|block end", r"^[^'\"]*(\"[^\"]*\"|'[^']*')\s*[^\s#,:]",
               "text follows a closing quote", "put the whole value into one pair of quotes of the other kind"),
    _Complaint("bad-tag", r"tag|'!'|'>'|URI", "", "a value begins with !, which YAML takes for a tag",
               "put the value into quotes"),
    _Complaint("directive", r"directive|incompatible YAML|version number|%YAML", "",
               "a line that begins with % is no directive of YAML", "remove the line"),
    _Complaint("not-a-mapping", r"<?document start>?", "", "text follows the end of the document",
               "every line at the left margin must be key: value"),
    _Complaint("indentation", r"expected ('-' indicator|key)|block end|expected (the )?node content", "",
               "this line does not fit the lines above it: its indentation or its '- ' differs",
               "indent the keys of one mapping alike; begin every item of a list with '- ' in one column"),
)  # fmt: skip
_UNKNOWN = _Complaint("syntax", "", "", "this is not YAML", "look at indentation, quotes and brackets here and above")


def explain(error: yaml.YAMLError, text: str) -> Problem:
    """The parser's ``error`` about ``text`` as a problem with its place and remedy."""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or ""
    mark = getattr(error, "problem_mark", None)
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    for complaint in (*_COMPLAINTS, _UNKNOWN):
        if re.search(complaint.problem, said) and re.search(complaint.line, line):
            break
    if complaint.at_context and getattr(error, "context_mark", None) is not None:
        mark = error.context_mark  # type: ignore[attr-defined]
    row, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    shown = lines[row - 1].strip()[:80] if row <= len(lines) else None
    return Problem(
        code=complaint.code, message=complaint.message, line=min(row, max(len(lines), 1)), column=column,
        value=shown, hint=complaint.hint,
    )  # fmt: skip
