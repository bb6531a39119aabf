"""What ``/proc`` says of a process that was forked and never became another program: its words and its variables.

Both are read from where the program was given them, on its stack (proc_pid_cmdline(5), proc_pid_environ(5)). A warm
interpreter is started with room there (a long last word and a long variable), so that each session forked from
it can say what its own program would have said: people see it in ``ps``, and whoever ends a session finds its
processes by a variable. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence

WORDS, VARIABLES = 1 << 10, 1 << 15
"""Bytes of room for each."""
_PAD = "FASTTRACK_ROOM"


def with_room(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The same words and variables, with room."""
    return [*argv, "." * WORDS], {**environ, _PAD: "." * VARIABLES}


def fits(environ: Mapping[str, str]) -> bool:
    """Whether these variables have room enough."""
    return sum(len(os.fsencode(name)) + len(os.fsencode(value)) + 2 for name, value in environ.items()) < VARIABLES


class Room:
    """That of this process; nothing of Python's or libc's refers to it afterwards.

    Raises:
        OSError, ValueError: on construction, where the system does not say where it is.
    """

    def __init__(self) -> None:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        # arg_start, arg_end, env_start, env_end: fields 48 to 51 of proc_pid_stat(5); the first here is the third
        self._words, self._words_end, self._variables, self._end = map(int, fields[45:49])
        if self._words_end - self._words < WORDS or self._end - self._variables < VARIABLES:
            raise ValueError("there is no room")
        kept = {name: value for name, value in os.environ.items() if name != _PAD}
        os.environ.clear()  # libc's own list points there
        os.environ.update(kept)
        # a last byte that is not NUL says that there is one text up to the first NUL, and no list of words
        self._put(self._words, b"\0" * (self._words_end - self._words - 1) + b".")
        self._put(self._variables, b"\0" * (self._end - self._variables))

    def be_called(self, words: Sequence[str]) -> None:
        """Be called ``words`` in ``ps``."""
        told = os.fsencode(" ".join(words))[: self._words_end - self._words - 2]
        self._put(self._words, told + b"\0")

    def show(self, environ: Mapping[str, str]) -> None:
        """Show ``environ``, which fits, as the variables; once in a process."""
        self._put(self._variables, b"".join(os.fsencode(f"{name}={value}\0") for name, value in environ.items()))

    @staticmethod
    def _put(where: int, data: bytes) -> None:
        ctypes.memmove(where, data, len(data))
