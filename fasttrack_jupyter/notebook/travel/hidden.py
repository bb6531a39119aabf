"""Secrets of a task: what is found in a variable is not written, what is found in a text becomes ``***``.

``$FASTTRACK_SECRET_NAMES`` names the environment variables that hold them (names are no secrets); the engine sets it.
They are read once, before the first cell: a notebook may well take a secret out of its environment. The log is kept as
it is, for whoever reads it gets it masked; but a variable, or what a cell showed, lies in the pipeline folder in the
clear, and goes on to other tasks, to jobs that reuse it, and to whoever copies the folder.

A variable is looked through as the bytes of its pickle: so a text is found in lists, frames, attributes and closures.
Looked for are the value itself, each of its lines, and both as JSON, URLs, base64 and NumPy's texts write them; where a
secret is only a part of the environment variable (``postgres://me:SECRET@host``; ``$FASTTRACK_SECRET_PARTS`` says
where), that part too, and the password of an address that is secret as a whole. What is shorter than six characters is
not looked for (a password in an address: eight): it stands everywhere.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple

VARIABLE = "FASTTRACK_SECRET_NAMES"
PARTS = "FASTTRACK_SECRET_PARTS"
SHORTEST = 6
"""Characters of the shortest value, and bytes of the shortest form of one, that is looked for."""
SHORTEST_PASSWORD = 8
"""Characters of the shortest password in an address that is looked for."""
MASK = "***"
_PART = re.compile(r"(?P<name>\w+):(?P<start>\d+)\+(?P<length>\d+)")
_PASSWORD = re.compile(r"[A-Za-z][\w+.-]*://[^\s:/@]*:([^\s/@]+)@")
_BLOCK = 1 << 20
_KINDS = ("output_type", "name")
"""Keys of a notebook's output whose texts are words of the format."""


class Hidden:
    """The secrets of one task."""

    def __init__(self, environ: Optional[Mapping[str, str]] = None) -> None:
        known = os.environ if environ is None else environ
        names = known.get(VARIABLE, "").split()
        parts = [found.groupdict() for found in map(_PART.fullmatch, known.get(PARTS, "").split()) if found]
        values = [(name, known.get(name, "")) for name in names]
        values += [(it["name"], known.get(it["name"], "")[int(it["start"]) :][: int(it["length"])]) for it in parts]
        values += [(name, password) for name, value in values for password in _passwords(value)]
        self._forms: List[Tuple[bytes, str]] = [(form, name) for name, value in values for form in _forms(value)]
        texts = {form.decode("utf-8", "surrogateescape") for form, _ in self._forms if b"\0" not in form}
        self._texts = sorted(texts, key=len, reverse=True)
        self._reach = max([len(form) for form, _ in self._forms] or [1]) - 1

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._forms)

    def mask(self, text: str) -> str:
        """``text`` with ``***`` for each secret in it."""
        for form in self._texts:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def masked(self, value: Any) -> Any:
        """Plain values of a notebook's cell (texts, lists, dicts) with every text masked; a copy."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list):
            return [self.masked(item) for item in value]
        if isinstance(value, dict):
            return {key: item if key in _KINDS else self.masked(item) for key, item in value.items()}
        return value

    def notebook(self, notebook: Dict[str, Any]) -> Dict[str, Any]:
        """A notebook (plain values) whose cells' outputs are masked; the cells' own texts stay."""
        if not self._forms:
            return notebook
        cells = [
            {**cell, "outputs": self.masked(list(cell["outputs"]))} if cell.get("outputs") else cell
            for cell in notebook["cells"]
        ]
        return {**notebook, "cells": cells}

    def held_by(self, value: Any, home: Any) -> Optional[str]:
        """The environment variable whose secret ``value`` holds; None where it holds none.

        Raises whatever pickling raises, if it cannot be looked through: then look at what is written of it.
        """
        if not self._forms or value is None or isinstance(value, (bool, int, float, complex)):
            return None
        if isinstance(value, (str, bytes)):
            return self._in(value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value)
        from . import pickles

        search = _Search(self)
        written = pickles.dump(value, search, home)  # type: ignore[arg-type]
        if search.found is None and written.named:
            search.found = self._in(pickles.dump_definitions(written, home) or b"")
        return search.found

    def held_in(self, folder: str) -> Optional[str]:
        """The environment variable whose secret stands in a file of ``folder``."""
        for entry in sorted(os.listdir(folder)):
            search = _Search(self)
            with open(os.path.join(folder, entry), "rb") as file:
                while search.found is None and search.write(file.read(_BLOCK)):
                    pass
            if search.found is not None:
                return search.found
        return None

    def _in(self, data: bytes) -> Optional[str]:
        return next((name for form, name in self._forms if form in data), None)


class _Search:
    """A file that keeps nothing of what is written to it but which secret was in it."""

    def __init__(self, hidden: Hidden) -> None:
        self._hidden, self._end = hidden, b""
        self.found: Optional[str] = None

    def write(self, data: Any) -> int:
        """Look at ``data``, and at what stands across the border to what came before; its length in bytes."""
        view = memoryview(data).cast("B") if not isinstance(data, bytes) else memoryview(data)
        reach = self._hidden._reach
        for start in range(0, len(view), _BLOCK):
            if self.found is not None:
                break
            block = self._end + bytes(view[start : start + _BLOCK])
            self.found = self._hidden._in(block)
            self._end = block[-reach:] if reach else b""
        return len(view)


def _forms(value: str) -> Set[bytes]:
    """The bytes as which a secret may stand somewhere."""
    parts = {part.strip() for part in (value, *value.splitlines())}
    found = {form for part in parts if len(part) >= SHORTEST for form in _written(part)}
    return {form for form in found if len(form) >= SHORTEST}


def _passwords(value: str) -> Iterator[str]:
    """Passwords of addresses, as they are written there and as they are meant."""
    from urllib.parse import unquote

    for found in _PASSWORD.findall(value):
        if len(found) >= SHORTEST_PASSWORD:
            yield found
            yield unquote(found)


def _written(text: str) -> Iterator[bytes]:
    import base64  # most tasks have no secrets, and begin sooner without these
    from urllib.parse import quote, quote_plus

    raw = text.encode("utf-8", "surrogateescape")
    yield raw
    for told in (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text)):
        yield told[1:-1].encode("utf-8", "surrogateescape")
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield quoted.encode()
    for order in ("utf-32-le", "utf-32-be"):
        yield text.encode(order, "surrogatepass")
    for shift, begin in enumerate((0, 2, 3)):  # within a longer text base64 writes it in one of three ways
        encoded = base64.b64encode(bytes(shift) + raw)[begin : (shift + len(raw)) * 8 // 6]
        yield encoded
        yield encoded.translate(bytes.maketrans(b"+/", b"-_"))
