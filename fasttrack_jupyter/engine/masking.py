"""Secrets in logs: found wherever they stand, and starred out on every read.

Logs are kept raw (0600) and masked when they are read, because a secret may be cut in two by any buffer
on its way into the file, and because a masked file could never be unmasked. What is masked is a property of the
position alone: *every* occurrence of every form counts, overlapping ones too, each byte becomes
one ``*``. So the same byte is masked however a reader cuts the log into pages, offsets stay true, and to
mask a range it is enough to look :attr:`Masker.reach` bytes to either side of it.

The forms of a value: itself, each of its lines, as JSON and Python write it inside quotes, URL-quoted, between
a shell's single quotes, and as base64, also from inside something longer (``user:token`` of a basic
authorization), which shifts it by one or two bytes.

A value (or line, or form) shorter than four characters is *not* masked: stars for every ``on`` or ``12`` would
make logs unreadable, and their places would tell the value.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Values and forms of fewer bytes are left as they are."""


class Masker:
    """Masks the given secret values in bytes; lengths never change."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {form for secret in secrets for form in forms(secret)}
        self._forms = tuple(sorted(found, key=len, reverse=True))
        self.reach = max(map(len, found), default=1) - 1
        """How many bytes before and after a range decide what is masked in it."""

    def __repr__(self) -> str:
        return f"<Masker of {len(self._forms)} forms>"

    def mask(self, data: bytes) -> bytes:
        """``data`` with every occurrence of every form starred out."""
        masked: bytearray | None = None
        for form in self._forms:
            at = data.find(form)
            while at >= 0:
                masked = bytearray(data) if masked is None else masked
                masked[at : at + len(form)] = b"*" * len(form)
                at = data.find(form, at + 1)
        return data if masked is None else bytes(masked)

    def mask_line(self, text: str, longest: int) -> str:
        """``text`` as one line of at most ``longest`` signs, without control characters, masked before it is cut."""
        masked = self.mask(text.encode("utf-8", "replace")).decode("utf-8", "replace")
        line = " ".join("".join(sign if sign.isprintable() else " " for sign in masked).split())
        return line if len(line) <= longest else f"{line[: longest - 1]}…"

    def mask_tree(self, found: Any) -> Any:
        """JSON's ``found`` with every text in it masked, names of its objects too."""
        if not self._forms:
            return found
        if isinstance(found, str):
            return self.mask(found.encode("utf-8", "replace")).decode("utf-8", "replace")
        if isinstance(found, Mapping):
            return {self.mask_tree(key): self.mask_tree(value) for key, value in found.items()}
        return [self.mask_tree(item) for item in found] if isinstance(found, list) else found

    def window(self, start: int, length: int) -> tuple[int, int]:
        """``(start, length)`` of what to read in order to :meth:`cut` the given range from it."""
        first = max(0, start - self.reach)
        return first, start + length + self.reach - first

    def cut(self, data: bytes, first: int, start: int, length: int, *, ended: bool = True) -> bytes:
        """The masked bytes of a log's range, of which ``data`` is the :meth:`window`, read from ``first``.

        Shorter than ``length`` where the log ends before; and, unless it has ``ended``, where its last
        bytes may be the beginning of a secret that is still being written: they come with a later read.
        """
        until = start - first + length
        if not ended and len(data) - self.reach < until:
            until = min(until, self._undecided(data))
        return self.mask(data)[start - first : max(until, start - first)]

    def mask_range(self, read: Callable[[int, int], bytes], start: int, length: int, *, ended: bool = True) -> bytes:
        """The masked bytes of a range, by way of ``read(start, length)`` (which may return less at the log's end)."""
        first, size = self.window(start, length)
        return self.cut(read(first, size), first, start, length, ended=ended)

    def _undecided(self, data: bytes) -> int:
        """Where the longest end of ``data`` begins that is a proper beginning of some form."""
        first = len(data)
        for form in self._forms:
            at = data.find(form[:1], max(0, len(data) - len(form) + 1), first)
            while at >= 0 and not form.startswith(data[at:]):
                at = data.find(form[:1], at + 1, first)
            first = at if at >= 0 else first
        return first


def forms(secret: str) -> frozenset[bytes]:
    """The byte strings under which a secret value may stand in a log."""
    parts = {secret.strip(), *map(str.strip, secret.splitlines())}
    found = {form for part in parts if len(part) >= SHORTEST for form in _forms(part)}
    return frozenset(form for form in found if len(form) >= SHORTEST)


def _forms(value: str) -> Iterator[bytes]:
    raw = value.encode("utf-8", "surrogateescape")
    yield raw
    for written in (json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value)):
        yield written[1:-1].encode("utf-8", "surrogateescape")
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield quoted.encode()
        yield _lower_escapes(quoted).encode()
    yield from (raw.replace(b"'", escaped) for escaped in (b"'\\''", b"'\"'\"'"))
    for encoded in _base64_forms(raw):
        yield encoded
        yield encoded.translate(bytes.maketrans(b"+/", b"-_"))


def _lower_escapes(quoted: str) -> str:
    head, *escapes = quoted.split("%")
    return "%".join([head, *(escape[:2].lower() + escape[2:] for escape in escapes)])


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    """``raw`` in base64 (RFC 4648) at each alignment: the characters that it alone decides, and its end."""
    for shift, begin in enumerate((0, 2, 3)):
        encoded = b64encode(bytes(shift) + raw)
        yield encoded[begin : (shift + len(raw)) * 8 // 6]
        yield encoded[begin:].rstrip(b"=")


def without_secrets(values: dict[str, Any], problems: list[str], masker: Masker) -> list[str]:
    """Take values that hold a secret out of ``values``, which go into the store; the problems, without secrets."""
    texts = {name: json.dumps(value, ensure_ascii=False).encode() for name, value in values.items()}
    told = [masker.mask(problem.encode()).decode("utf-8", "replace") for problem in problems]
    for name in [name for name, text in texts.items() if masker.mask(text) != text]:
        del values[name]
        told.append(
            f"output {name} holds a secret, and outputs are kept in the clear: name the secret where it is needed"
        )
    return told
