"""Any name as the name of one file, and back.

What stays as it is: ASCII letters, digits, space, ``_``, ``-`` and ``.``, which is nearly every name. Everything
else (``/``, quotes, newlines, Korean, what no UTF-8 can say) becomes ``%XX`` per byte of UTF-8, and so does

- a dot or dash at the beginning (``.``, ``..``, hidden files, options), a space at either end, a dot at the end;
- the first letter of names that Windows keeps for devices (``con``, ``nul`` …);
- an upper-case letter if ``fold_case`` is asked for, so that names which differ only in case stay apart
  on file systems that do not tell case.

A name whose escaped form is longer than 255 bytes would fit nowhere: its beginning and a digest of the
whole stand for it, as ``%~<digest>~<beginning>``. That form alone cannot be read back.
"""

from __future__ import annotations

import hashlib
import re

MAX_BYTES = 255
"""Longest name of a file on the file systems that we know."""

_PLAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_. -]*[A-Za-z0-9_-])?", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.ASCII | re.IGNORECASE)
_KEPT = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-. ")
_UPPER = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGEST_LENGTH = 32


def escape_name(name: str, *, fold_case: bool = False) -> str:
    """``name`` as the name of one file: never empty, ``.``, ``..`` or with ``/``; at most 255 bytes; injective."""
    if not fold_case and len(name) <= MAX_BYTES and _PLAIN.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    if not name:
        return "%"
    raw = name.encode("utf-8", "surrogatepass")
    kept = _KEPT - _UPPER if fold_case else _KEPT
    text = "".join(
        chr(byte) if byte in kept and not _stands_badly(raw, place) else f"%{byte:02x}"
        for place, byte in enumerate(raw)
    )
    if _RESERVED.fullmatch(text):
        text = f"%{raw[0]:02x}{text[1:]}"
    return text if len(text) <= MAX_BYTES else _shortened(text, raw)


def unescape_name(escaped: str) -> str:
    """The name that :func:`escape_name` was given.

    Raises:
        ValueError: it is no escaped name, or one that was too long to be kept whole.
    """
    if escaped == "%":
        return ""
    if not re.fullmatch(r"(?:[A-Za-z0-9_. -]|%[0-9a-f]{2})+", escaped, re.ASCII):
        raise ValueError(f"{escaped!r} is no escaped name, or one that was shortened")
    raw = re.sub(rb"%(..)", lambda match: bytes([int(match[1], 16)]), escaped.encode())
    return raw.decode("utf-8", "surrogatepass")


def _stands_badly(raw: bytes, place: int) -> bool:
    byte = raw[place : place + 1]
    at_start, at_end = place == 0, place == len(raw) - 1
    return (at_start and byte in b".- ") or (at_end and byte in b". ")


def _shortened(text: str, raw: bytes) -> str:
    digest = hashlib.sha256(raw).hexdigest()[:_DIGEST_LENGTH]
    return f"%~{digest}~" + text[: MAX_BYTES - _DIGEST_LENGTH - 3].rstrip(". ")
