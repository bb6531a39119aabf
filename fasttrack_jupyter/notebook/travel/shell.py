"""What ``!command`` of a notebook becomes in a task: a command of the shell, its output shown as it comes."""

from __future__ import annotations

import codecs
import subprocess
import sys
from typing import Any, List

_CHUNK = 65536


class CommandFailed(subprocess.CalledProcessError):
    """A command of the shell failed, and so does the cell."""

    __module__ = "builtins"  # it is the cell's error, not ours: it is told with its traceback

    def __str__(self) -> str:
        return f"{super().__str__()} Write `{_shown(self.cmd)} || true` if it may fail."


def run(*parts: Any) -> None:
    """Run the command that the parts make; what it writes goes to ``sys.stdout`` as it comes, errors in their place.

    Raises:
        CommandFailed: its exit status is not 0.
    """
    command = "".join(map(str, parts))
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    with subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as process:
        assert process.stdout is not None
        try:
            while chunk := process.stdout.read(_CHUNK):
                sys.stdout.write(decode(chunk))
                sys.stdout.flush()
        except BaseException:
            process.kill()
            raise
    sys.stdout.write(decode(b"", True))
    _check(process.returncode, command)


def lines(*parts: Any) -> List[str]:
    """The lines that the command writes to its standard output; errors are shown.

    Raises:
        CommandFailed: its exit status is not 0.
    """
    command = "".join(map(str, parts))
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, check=False)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        sys.stdout.write(text)
    _check(done.returncode, command)
    return text.splitlines()


def _check(status: int, command: str) -> None:
    if status:
        raise CommandFailed(status, command)


def _shown(command: str) -> str:
    first = command.strip().split("\n")[0]
    return first if len(first) <= 60 else first[:57] + "…"
