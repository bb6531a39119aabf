"""What each magic means in a task: the statement of plain Python that stands for it, or why there is none."""

from __future__ import annotations

import builtins
import re
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.ipython_syntax import Finding, Statement, assigned, command_parts, replaced, statements
from fasttrack_jupyter.notebook.marks import MARKS, PIPELINE

_SHELL = '__import__("fasttrack_travel.shell").shell'
_OS = '__import__("os")'
_NOTHING = frozenset({
    "matplotlib", "load_ext", "reload_ext", "unload_ext", "autoreload", "config", "precision", "colors", "xmode",
    "autosave", "automagic", "pdb", "lsmagic", "who", "who_ls", "whos", "history", "hist", "pinfo", "pinfo2", "pdoc",
    "psource", "pfile", "pdef", "quickref", "magic", "pprint", "page", "doctest_mode", "logstart", "logon", "logoff",
    "logstop", "logstate", "notebook", "gui", "tb", "watermark", "tensorboard", "flake8_on", "pycodestyle_on",
    "fasttrack",
})  # fmt: skip
_MEASURES = frozenset({"timeit", "memit"})
_SHELL_WORDS = frozenset({"ls", "cat", "mkdir", "rmdir", "rm", "cp", "mv", "head", "tail"})
_INSTALLERS = re.compile(
    r"(?:(?:\{sys\.executable\}|\S*python[\d.]*)\s+-m\s+)?(?P<tool>pip3?|conda|mamba|micromamba|uv\s+pip|uv)\s+"
    r"(?P<verb>install|add|sync)\b(?P<rest>.*)",
    re.DOTALL,
)
_REMEDIES = {
    "run": "put the script beside the notebook and import it, or make it a shell task: !python script.py",
    "pylab": "import what is used: import numpy as np, import matplotlib.pyplot as plt",
    "aimport": "import it",
    "store": "hand variables from task to task by their names; they travel by themselves",
    "reset": "a task begins with nothing but its inputs; leave it out",
    "lprun": "call the function itself",
    "prun": "call the function itself",
    "mprun": "call the function itself",
    "debug": "%fasttrack debug TASK opens a failed task",
}  # fmt: skip


@dataclass(slots=True)
class Translation:
    """A cell as plain Python, with what is to be said about it."""

    source: str
    findings: list[Finding] = field(default_factory=list)
    pipeline: list[tuple[int, str]] = field(default_factory=list)
    """Lines of ``%fasttrack_pipeline``: line number, what stands behind it."""
    statements: int = 0
    """How many statements of IPython there were."""


def translated(source: str, known: Collection[str]) -> Translation:
    """``source`` as plain Python; ``known`` are the variables that commands may fill in."""
    done = Translation(source)
    lines: dict[int, tuple[int, str]] = {}
    for statement in statements(source):
        text = _Translator(done, statement, known).text()
        lines[statement.line] = (statement.count, statement.indent + text)
        done.statements += 1
    done.source = replaced(source, lines)
    return done


class _Translator:
    """One statement of IPython on its way to Python."""

    def __init__(self, done: Translation, statement: Statement, known: Collection[str]) -> None:
        self._done, self._statement, self._known = done, statement, known

    def text(self) -> str:
        """The statement that stands for it, on one line."""
        text = self._statement.text
        if parts := assigned(text):
            target, sign, rest = parts
            value = self._value_of_shell(rest) if sign == "!" else self._value_of_magic(rest)
            return self._nothing() if value is None else f"{target} = {value}"
        if text.startswith("!!"):
            return self._value_of_shell(text[2:].strip()) or self._nothing()
        if text.startswith("!"):
            return self._shell(text[1:].strip())
        if text.endswith("?") or text.startswith("?"):
            return self._nothing()
        if text.startswith("%%"):
            return self._refuse(*_out_of_place(text))
        name, _, rest = text[1:].partition(" ")
        return self._magic(name, rest.strip())

    def _magic(self, name: str, rest: str) -> str:
        if name == PIPELINE.name:
            self._done.pipeline.append((self._statement.line, rest))
            return self._nothing()
        if name in _NOTHING:
            return self._nothing()
        if name in _MEASURES:
            message = f"%{name} only measures, and keeps no variables: the task leaves it out"
            return self._say(message, "write %time to run the statement", Severity.NOTICE)
        if name == "time":
            return self._again(rest)
        if name in ("pip", "conda", "mamba", "uv") or name in _SHELL_WORDS:
            return self._shell(f"{name} {rest}".strip())
        if name in ("sx", "system"):
            return self._value_of_shell(rest) or self._nothing()
        if handler := _STATEMENTS.get(name):
            return handler(self, rest)
        return self._refuse(*_unknown(name))

    def _again(self, rest: str) -> str:
        """What ``%time`` measures: a statement, or again one of IPython."""
        if not rest:
            return self._nothing()
        if rest[0] not in "%!":
            return rest
        inner = Statement(self._statement.line, 1, "", rest)
        return _Translator(self._done, inner, self._known).text()

    def _shell(self, command: str) -> str:
        if self._installs(command) or not command:
            return self._nothing()
        return f"{_SHELL}.run({self._parts(command)})"

    def _value_of_shell(self, command: str) -> str | None:
        return None if self._installs(command) else f"{_SHELL}.lines({self._parts(command)})"

    def _value_of_magic(self, text: str) -> str | None:
        """The expression for what ``x = %magic`` gives."""
        name, _, rest = text.partition(" ")
        rest = rest.strip()
        if name == "time" and rest:
            return rest
        if name in ("sx", "system") or name in _SHELL_WORDS:
            return self._value_of_shell(rest if name in ("sx", "system") else f"{name} {rest}".strip())
        if name == "pwd":
            return f"{_OS}.getcwd()"
        if name == "env" and rest.isidentifier():
            return f"{_OS}.environ[{rest!r}]"
        self._refuse(f"%{name} has no value in a task", "assign what it would give")
        return None

    def _parts(self, command: str) -> str:
        parts, unknown = command_parts(command, self._known)
        for name in unknown:
            if not hasattr(builtins, name):
                message = f"{{{name}}} is no variable of the notebook: the shell gets it as it stands"
                self._say(message, f"assign {name} in an earlier cell, or write {{{{{name}}}}}", Severity.WARNING)
        return parts

    def _installs(self, command: str) -> bool:
        match = _INSTALLERS.match(command)
        if match is None:
            return False
        packages = _packages(match["rest"])
        remedy = f'%%fasttrack_task NAME --requirements "{packages}"' if packages else "--requirements-file FILE"
        message = f"{match['tool']} {match['verb']} in a task would install anew each time, or into nowhere"
        self._refuse(message, f"leave it out and write {remedy} (or on %fasttrack_pipeline, for all tasks)")
        return True

    def change_folder(self, rest: str) -> str:
        """``%cd``."""
        target = shlex.quote(rest) if "'" in rest else rest.strip("\"'")
        return f"{_OS}.chdir({_OS}.path.expanduser({self._joined(target or '~')}))"

    def set_env(self, rest: str) -> str:
        """``%env NAME=VALUE``, ``%env NAME VALUE``."""
        match = re.fullmatch(r"(\w+)\s*(?:=|\s)\s*(.*)", rest, re.DOTALL)
        return f"{_OS}.environ[{match[1]!r}] = {self._joined(match[2])}" if match else self._nothing()

    def show_folder(self, _rest: str) -> str:
        """``%pwd``."""
        return f"print({_OS}.getcwd())"

    def _joined(self, text: str) -> str:
        parts = self._parts(text)
        return f"''.join(map(str, ({parts},)))" if not parts.startswith("'") or ", " in parts else parts

    def _nothing(self) -> str:
        return f"pass  # {self._statement.text}"

    def _refuse(self, message: str, hint: str) -> str:
        return self._say(message, hint, Severity.ERROR)

    def _say(self, message: str, hint: str, severity: Severity) -> str:
        is_mark = self._statement.text.lstrip("%").startswith("fasttrack_")
        self._done.findings.append(Finding(self._statement.line, message, hint, severity, is_mark))
        return self._nothing()


_STATEMENTS: dict[str, Callable[[_Translator, str], str]] = {
    "cd": _Translator.change_folder,
    "env": _Translator.set_env,
    "set_env": _Translator.set_env,
    "pwd": _Translator.show_folder,
}


def _packages(rest: str) -> str:
    """The packages of an install command, without its options; empty where there are none."""
    words = [word.strip("\"'") for word in rest.split() if not word.startswith("-")]
    return " ".join(word for word in words if re.match(r"[A-Za-z0-9]", word) and not word.endswith((".txt", ".yml")))


def _out_of_place(text: str) -> tuple[str, str]:
    name = text[2:].split(" ", 1)[0]
    message = f"%%{name} stands in the middle of the cell: a cell magic must be its first line"
    return message, "split the cell there"


def _unknown(name: str) -> tuple[str, str]:
    if name in MARKS:
        return f"%{name} lacks a %", f"write %%{name} as the cell's first line"
    message = f"%{name} has no meaning in a task, which has no IPython"
    if name in _REMEDIES:
        return message, _REMEDIES[name]
    known = [*_NOTHING, *_MEASURES, *_SHELL_WORDS, *_STATEMENTS, *MARKS, "time", "pip"]
    near = did_you_mean(name, known)
    return message, near if near.startswith("did you") else "write it in Python, or leave it out of the cell"
