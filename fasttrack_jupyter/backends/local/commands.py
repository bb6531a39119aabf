"""How a session's command is run: ``/bin/sh -c``, or what comes to the same for less.

As make does: a command of plain words, without anything that a shell would expand or that acts on the shell
itself, needs no second shell; the supervisor, which is ``/bin/sh`` too, runs the words. (A shell would replace
itself by such a command anyway, so nobody can tell; it saves a third of the cost of a short task.)
"""

from __future__ import annotations

import re

_WORD = r"[A-Za-z0-9_@%+=:,./-]+"
_PLAIN = re.compile(rf" *({_WORD}(?: +{_WORD})*)\s*")
_SHELLS_OWN = frozenset(
    [
        ".",
        ":",
        "alias",
        "bg",
        "break",
        "case",
        "cd",
        "chdir",
        "command",
        "continue",
        "do",
        "done",
        "elif",
        "else",
        "esac",
        "eval",
        "exec",
        "exit",
        "export",
        "fc",
        "fg",
        "fi",
        "for",
        "function",
        "getopts",
        "hash",
        "if",
        "jobs",
        "kill",
        "local",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "then",
        "time",
        "times",
        "trap",
        "type",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "until",
        "wait",
        "while",
    ]
)
"""What acts on the shell that runs it, and reserved words."""


def argv_of(command: str) -> list[str]:
    """The words that the supervisor runs for ``command``."""
    match = _PLAIN.fullmatch(command)
    words = match[1].split() if match else []
    if not words or "=" in words[0] or words[0] in _SHELLS_OWN:
        return ["/bin/sh", "-c", command]
    return words
