"""The command line: ``fasttrack …``, also ``jupyter fasttrack …``.

A face: it speaks to the engine through :mod:`fasttrack_jupyter.api.client` alone. It is to be
there at once, so each command's module is imported when the command is used, and rich when something is
drawn on a terminal.
"""

from __future__ import annotations

import io
import sys


def main() -> None:
    """The console script; exits with the command's status."""
    from fasttrack_jupyter.cli.app import root

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no ▶ is no reason to fail
    name = sys.argv[0].replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    root(prog_name="jupyter fasttrack" if name == "jupyter-fasttrack" else "fasttrack")
