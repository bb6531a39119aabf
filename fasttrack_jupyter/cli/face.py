"""What every command holds: the engine's client, and where to write.

What a program reads goes to stdout; what is said about it goes to stderr. With ``--json`` stdout carries
JSON and nothing else, also for an error: ``{"error": {code, message, hint, details}}``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

    from fasttrack_jupyter.api.client import Client

Connect = Callable[..., "Client"]

_WONDER_SECONDS = 3.0


class Face:
    """One call of the command line. ``connect`` is the client's own; tests give another.

    ``begun``: the process of an engine that is on its way already (for the default home).
    """

    def __init__(self, home: str | None = None, connect: Connect | None = None, begun: int | None = None) -> None:
        self.home = home
        self._begun = begun
        self.as_json = False
        self.source: Path | None = None
        """The file that the call is about: problems show its lines."""
        self.text: str | None = None
        """The pipeline's text, where the file is a notebook that was made into one: problems show its lines."""
        self.undone = "nothing was started"
        """What did not happen, when the pipeline has errors."""
        self._connect = connect
        self._client: Client | None = None

    def connect(self, *, start: bool = True) -> Client:
        """A client of this home's engine, which is started if need be (unless ``start`` is False)."""
        if self._connect is None:
            from fasttrack_jupyter.api.client import connect

            self._connect = partial(connect, begun=None if self.home else self._begun)
        return self._connect(self.home, start=start)

    @property
    def client(self) -> Client:
        """The client of this call, connected when first wanted."""
        if self._client is None:
            self._client = self.connect()
        return self._client

    def close(self) -> None:
        """Let go of the connection; the engine goes on."""
        if self._client is not None:
            self._client.close()

    def say(self, text: str = "") -> None:
        """A line on stdout; with ``--json`` on stderr, because stdout is the program's."""
        click.echo(text, err=self.as_json)

    def note(self, text: str) -> None:
        """A line for a person, on stderr."""
        click.echo(text, err=True)

    def json(self, value: Any) -> None:
        """JSON on stdout, as people can read it too."""
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))

    def json_line(self, value: Any) -> None:
        """One JSON object on one line of stdout, at once: for what goes on coming."""
        click.echo(json.dumps(value, ensure_ascii=False))

    @contextmanager
    def patience(self, what: str) -> Iterator[None]:
        """While this lasts longer than a person would wonder, say on their terminal what it waits for."""
        if not sys.stderr.isatty():
            yield
            return
        timer = threading.Timer(_WONDER_SECONDS, self.note, (f"{what} …",))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def stream(self) -> TextIO:
        """Where progress belongs: stdout, or stderr where stdout carries JSON."""
        return sys.stderr if self.as_json else sys.stdout

    def console(self) -> Console:
        """A rich console on :meth:`stream`. Lines are never cut where nobody looks (a pipe, a file)."""
        from rich.console import Console

        stream = self.stream()
        width = None if stream.isatty() else 10_000
        if is_live(stream):
            return Console(file=stream, highlight=False)
        return Console(file=stream, width=width, force_terminal=False, color_system=None, highlight=False)


def is_live(stream: TextIO) -> bool:
    """Whether colour and a moving screen are wanted: a real terminal, and nobody said ``NO_COLOR``."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
