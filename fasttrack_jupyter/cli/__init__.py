"""The command line: ``fasttrack …``, also ``jupyter fasttrack …``.

A face: it speaks to the engine through :mod:`fasttrack_jupyter.api.client` alone. It is to be
there at once, so each command's module is imported when the command is used, and rich when something is
drawn on a terminal.
"""

from __future__ import annotations

import io
import sys

_FLAGS = frozenset({"-d", "--detach", "-q", "--quiet", "--json"})
"""Options of ``run`` that take no value."""


def main() -> None:
    """The console script; exits with the command's status."""
    begun = _begin_engine(sys.argv[1:])
    from fasttrack_jupyter.cli.app import root
    from fasttrack_jupyter.cli.face import Face

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no ▶ is no reason to fail
    name = sys.argv[0].replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    root(prog_name="jupyter fasttrack" if name == "jupyter-fasttrack" else "fasttrack", obj=Face(begun=begun))


def _begin_engine(argv: list[str]) -> int | None:
    """For ``run FILE`` where no engine listens: start one now, so that it imports while we do (see starter.begin).

    What has other options may be wrong, and then no engine is wanted: that is judged first.
    """
    words = [word for word in argv if word not in _FLAGS]
    if words[:1] != ["run"] or len(words) != 2:
        return None
    from pathlib import Path

    from fasttrack_jupyter.api import starter
    from fasttrack_jupyter.errors import FastTrackError
    from fasttrack_jupyter.home import Home

    if not Path(words[1]).is_file():
        return None
    try:
        if connection := starter.listening(home := Home(), timeout=1.0):
            connection.close()
            return None
        return starter.begin(home)
    except (FastTrackError, OSError):
        return None  # it is tried again when an engine is wanted, and told of there
