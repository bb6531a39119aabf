"""Work on notebooks apart from the server's loop: small ones in a thread, large ones in a process.

A thread is not enough for a large one: while JSON of 20 MB is read or written, which is one call in C, no other
thread of the process runs. ``python -m fasttrack_jupyter.server.apart WORK [WORD …]`` is that process: it reads from
its standard input what the work is given, and writes the answer to its standard output; or, with the exit status
:data:`FAILED`, the error.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fasttrack_jupyter.api.failures import error_of
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.server.building import build
from fasttrack_jupyter.server.fixing import fixed, original_of

FAILED = 3
"""Exit status of work that was refused: the error is on the standard output."""
SMALL = 256 << 10
"""Bytes that are read in this process; JSON of that size takes a few milliseconds."""
WORK: Mapping[str, Callable[..., bytes]] = MappingProxyType({"build": build, "original": original_of, "fix": fixed})
"""Each takes bytes and words, and gives bytes. Raises FastTrackError."""


async def apart(work: str, parts: tuple[bytes | str, ...], *words: str) -> bytes:
    """The answer of one of :data:`WORK` to ``parts`` in a row (they may be large: nothing is done with them here).

    Raises:
        FastTrackError: what the work has raised.
    """
    return await asyncio.to_thread(_done, work, parts, words)


def _done(work: str, parts: tuple[bytes | str, ...], words: tuple[str, ...]) -> bytes:
    given = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    if len(given) <= SMALL:
        return WORK[work](given, *words)
    argv = [sys.executable, "-m", "fasttrack_jupyter.server.apart", work, *words]
    done = subprocess.run(argv, input=given, capture_output=True, check=False)
    if done.returncode == FAILED:
        raise error_of(json.loads(done.stdout))
    if done.returncode:
        raise FastTrackError(
            f"the notebook could not be read: its process ended with {done.returncode}",
            hint="Clear the notebook's outputs; the server's log may tell more.",
        )
    return done.stdout


def main() -> int:
    """See the head of this file; the exit status comes back."""
    work, *words = sys.argv[1:]
    try:
        answer = WORK[work](sys.stdin.buffer.read(), *words)
    except FastTrackError as error:
        sys.stdout.write(json.dumps(error.to_dict()))
        return FAILED
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
