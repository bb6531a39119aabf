"""What cells printed and showed, kept as a notebook (nbformat 4.5) that is rewritten after each cell.

The log gets everything as it comes; the notebook is bounded: of a cell's text the beginning and the end are
kept, and a picture or page that is too large is left out, both with a note.
Source of the format: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, TextIO

from .cells import Cell
from .hidden import Hidden

HEAD, TAIL = 256 * 1024, 64 * 1024
"""Characters kept of the beginning and the end of one stream's text."""
RUN = "fasttrack_run"
"""Key of the metadata of such a notebook and of its cells: what ran. ``fasttrack`` is for marks of their authors."""
LARGEST = 16 * 1024 * 1024
"""Characters of the largest picture or page kept."""


class Text:
    """A text of bounded size: its beginning and its end."""

    def __init__(self) -> None:
        self._head = io.StringIO()
        self._pieces: List[str] = []
        self._room, self._all, self._held = HEAD, 0, 0

    def add(self, text: str) -> None:
        """Append ``text``."""
        self._all += len(text)
        if self._room > 0:
            self._head.write(text[: self._room])
            text, self._room = text[self._room :], self._room - len(text)
        if text:
            self._pieces.append(text)
            self._held += len(text)
            if self._held > 8 * TAIL:
                self._pieces = [self._tail()]
                self._held = len(self._pieces[0])

    def _tail(self) -> str:
        return "".join(self._pieces)[-TAIL:]

    def __str__(self) -> str:
        tail = self._tail()
        left_out = self._all - len(self._head.getvalue()) - len(tail)
        note = f"\n[… {left_out:,} characters are left out here; the task's log has them …]\n" if left_out else ""
        return _overwritten(self._head.getvalue() + note + tail)


def _overwritten(text: str) -> str:
    """``text`` as a terminal shows it: what follows a carriage return stands over what was there."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


class Record:
    """Fills the outputs of ``notebook`` (plain values). ``path`` is where it is kept; None: nowhere.

    The secrets in ``hidden`` do not stand in what is kept.
    """

    def __init__(self, path: Optional[str], notebook: Dict[str, Any], hidden: Optional[Hidden] = None) -> None:
        self._hidden = hidden or Hidden({})
        self._path, self._lock = path, threading.RLock()
        self._notebook, self._cells = notebook, notebook["cells"]
        self._outputs: Optional[List[Dict[str, Any]]] = None
        self._count = 0

    def begin(self, index: int) -> int:
        """What comes now belongs to the cell at ``index``; which execution this is, comes back."""
        with self._lock:
            self._count += 1
            self._cells[index]["execution_count"] = self._count
            self._outputs = self._cells[index]["outputs"] = []
            return self._count

    def stream(self, name: str, text: str) -> None:
        """``text`` was printed to ``name`` (stdout, stderr)."""
        with self._lock:
            if self._outputs is None:
                return
            last = self._outputs[-1] if self._outputs else {}
            if last.get("output_type") != "stream" or last["name"] != name:
                last = {"output_type": "stream", "name": name, "text": Text()}
                self._outputs.append(last)
            last["text"].add(text)

    def show(self, data: Dict[str, Any], metadata: Dict[str, Any], is_result: bool = False) -> Dict[str, Any]:
        """Keep a mime bundle; the output comes back, for later changes."""
        with self._lock:
            output: Dict[str, Any] = {"output_type": "execute_result" if is_result else "display_data"}
            output.update(data=_bounded(data), metadata=metadata)
            if is_result:
                output["execution_count"] = self._count
            if self._outputs is not None:
                self._outputs.append(output)
            return output

    def clear(self) -> None:
        """Forget what the present cell printed and showed."""
        with self._lock:
            if self._outputs is not None:
                del self._outputs[:]

    def error(self, name: str, value: str, lines: List[str]) -> None:
        """The present cell failed."""
        with self._lock:
            told = {
                "output_type": "error",
                "ename": name,
                "evalue": value,
                "traceback": [line.rstrip("\n") for line in lines],
            }
            if self._outputs is not None:
                self._outputs.append(told)

    def write(self) -> None:
        """Write the notebook, all or nothing."""
        if self._path is None:
            return
        with self._lock:
            text = json.dumps(self.notebook(), ensure_ascii=True, indent=1)
        write_atomically(self._path, text.encode("ascii"))

    def notebook(self) -> Dict[str, Any]:
        """The notebook as plain values."""
        return self._hidden.notebook({**self._notebook, "cells": [_plain(cell) for cell in self._cells]})


def notebook_of(cells: Sequence[Cell], about: Dict[str, Any]) -> Dict[str, Any]:
    """A notebook of a task's cells, which have not run; ``about`` stands in its metadata."""
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python", "version": sys.version.split()[0], "file_extension": ".py"},
        RUN: about,
    }
    made = [_as_notebook(cell) for cell in cells]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}


def _as_notebook(cell: Cell) -> Dict[str, Any]:
    return {
        "cell_type": "code",
        "id": "".join(c if c.isalnum() or c in "-_" else "-" for c in f"{cell.kind}-{cell.key}")[:64],
        "metadata": {RUN: {"label": cell.label, "kind": cell.kind}},
        "execution_count": None,
        "source": cell.source.lstrip("\n") if cell.kind == "definition" else cell.source,
        "outputs": [],
    }


def _plain(cell: Dict[str, Any]) -> Dict[str, Any]:
    if "outputs" not in cell:
        return cell
    outputs = [
        {**output, "text": str(output["text"])} if isinstance(output.get("text"), Text) else output
        for output in cell["outputs"]
    ]
    return {**cell, "outputs": outputs}


def _bounded(data: Dict[str, Any]) -> Dict[str, Any]:
    kept = {}
    for kind, value in data.items():
        if isinstance(value, str) and len(value) > LARGEST:
            kept["text/plain"] = f"[{kind} of {len(value):,} characters is left out]"
        else:
            kept[kind] = value
    if isinstance(kept.get("text/plain"), str) and len(kept["text/plain"]) > HEAD:
        text = Text()
        text.add(kept["text/plain"])
        kept["text/plain"] = str(text)
    return kept


def write_atomically(path: str, data: bytes) -> None:
    """Write a file so that whoever reads it finds the old one or the new one, whole."""
    new = f"{path}.{os.getpid()}.new"
    with open(new, "wb") as file:
        file.write(data)
    os.replace(new, path)


class Stream(io.TextIOBase):
    """stdout or stderr: straight to the log, and into the record."""

    def __init__(self, name: str, log: TextIO, heard: Callable[[str, str], None]) -> None:
        self._name, self.log, self._heard = name, log, heard
        self._flushed = 0.0

    def write(self, text: str) -> int:
        """Write ``text``; whole lines are in the log at once."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._heard(self._name, text)
        self.log.write(text)
        now = time.monotonic()
        if text.endswith(("\n", "\r")) or now - self._flushed > 0.05:
            self._flushed = now
            self.log.flush()
        return len(text)

    def flush(self) -> None:
        """Everything is in the log."""
        self.log.flush()

    def fileno(self) -> int:
        """The log's own descriptor."""
        return self.log.fileno()

    def isatty(self) -> bool:
        """Whether a person watches."""
        return self.log.isatty()

    def writable(self) -> bool:
        """Always."""
        return True

    @property
    def buffer(self) -> Any:
        """The log's bytes: what is written there is in the log only."""
        return self.log.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The log's encoding."""
        return self.log.encoding

    @property
    def errors(self) -> Optional[str]:  # type: ignore[override]
        """What becomes of characters that the log's encoding has not."""
        return self.log.errors
