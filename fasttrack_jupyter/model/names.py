"""Any name as the name of one file, and back.

What stays as it is: letters and digits of any script (in composed form, NFC), space, ``_``, ``-`` and ``.``,
which is nearly every name. Everything else (``/``, quotes, newlines, emoji, names in decomposed form, what no UTF-8 can
say) becomes ``%XX`` per byte of UTF-8, and so does

- a dot or dash at the beginning (``.``, ``..``, hidden files, options), a space at either end, a dot at the end;
- the first letter of names that Windows keeps for devices (``con``, ``nul`` …);
- an upper-case letter, and all that is not ASCII, if ``fold_case`` is asked for, so that names which differ
  only in case stay apart on file systems that do not tell case.

A name whose escaped form is longer than 255 bytes would fit nowhere: its beginning and a digest of the
whole stand for it, as ``%~<digest>~<beginning>``. That form alone cannot be read back.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_BYTES = 255
"""Longest name of a file on the file systems that we know."""

_PLAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_. -]*[A-Za-z0-9_-])?", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.ASCII | re.IGNORECASE)
_UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_KEPT = _UPPER | frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-. ")
_DIGEST_LENGTH = 32


def escape_name(name: str, *, fold_case: bool = False) -> str:
    """``name`` as the name of one file: never empty, ``.``, ``..`` or with ``/``; at most 255 bytes; injective."""
    if not fold_case and len(name) <= MAX_BYTES and _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    if not name:
        return "%"
    kept = _KEPT - _UPPER if fold_case else _KEPT
    keeps_letters = not fold_case and unicodedata.is_normalized("NFC", name)
    last = len(name) - 1
    text = "".join(
        sign if _stays(sign, kept, keeps_letters) and not _stands_badly(sign, place, last) else _escaped(sign)
        for place, sign in enumerate(name)
    )
    if _RESERVED.fullmatch(text):
        text = f"{_escaped(name[0])}{text[1:]}"
    return text if len(text.encode()) <= MAX_BYTES else _shortened(text, name.encode("utf-8", "surrogatepass"))


def unescape_name(escaped: str) -> str:
    """The name that :func:`escape_name` was given.

    Raises:
        ValueError: it is no escaped name, or one that was too long to be kept whole.
    """
    if escaped == "%":
        return ""
    if not re.fullmatch(r"(?:[\w. -]|%[0-9a-f]{2})+", escaped) or unicodedata.normalize("NFC", escaped) != escaped:
        raise ValueError(f"{escaped!r} is no escaped name, or one that was shortened")
    raw = re.sub(rb"%([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), escaped.encode())
    return raw.decode("utf-8", "surrogatepass")


def _stays(sign: str, kept: frozenset[str], keeps_letters: bool) -> bool:
    return sign in kept if sign.isascii() else keeps_letters and sign.isalnum()


def _stands_badly(sign: str, place: int, last: int) -> bool:
    return (place == 0 and sign in ".- ") or (place == last and sign in ". ")


def _escaped(sign: str) -> str:
    return "".join(f"%{byte:02x}" for byte in sign.encode("utf-8", "surrogatepass"))


def _shortened(text: str, raw: bytes) -> str:
    digest = hashlib.sha256(raw).hexdigest()[:_DIGEST_LENGTH]
    beginning = text.encode()[: MAX_BYTES - _DIGEST_LENGTH - 3].decode(errors="ignore")
    return f"%~{digest}~" + beginning.rstrip(". ")
