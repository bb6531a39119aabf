"""Completion of the magics' lines: commands, options, and names of tasks, jobs, parameters, variables.

It must never be slow or fail: where the engine is not there at once, there is nothing to offer.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.words import job_word
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.kernel.magics import COMMANDS
from fasttrack_jupyter.notebook.marks import MARKS, Mark, Offer, Option, Shape

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client
    from fasttrack_jupyter.kernel.session import Session

_OURS = re.compile(r"(?:^|=)\s*(%%?fasttrack\w*\s.*)")
_SECONDS = 2.0
_MOST = 30


class Completer:
    """What may stand at the cursor, for the shell of ``session``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def offered(self, text: str, token: str) -> list[str]:
        """What begins with ``token``, where ``text`` is the line up to the cursor; nothing for others' magics."""
        found = _OURS.search(text)
        if found is None:
            return []
        try:
            words = [word for word in self._offered(found[1]) if word.startswith(token)]
        except (FastTrackError, OSError):
            return []  # no engine just now, or cells that do not fit together: nothing to offer
        return list(dict.fromkeys(words))

    def matcher(self) -> Any:
        """As IPython's completer takes it (``custom_matchers``): where it has something to say, nobody else does."""
        from IPython.core.completer import SimpleCompletion, context_matcher

        @context_matcher(identifier="fasttrack")  # type: ignore[untyped-decorator]
        def match(context: Any) -> dict[str, Any]:
            words = self.offered(context.text_until_cursor, context.token)
            completions = [SimpleCompletion(word) for word in words]
            return {"completions": completions, "suppress": bool(words), "ordered": True}

        return match

    def _offered(self, line: str) -> Iterable[str]:
        words = line.split()
        if line[-1:].isspace() or not words:
            words.append("")
        name = words[0].lstrip("%")
        if name in MARKS:
            return self._of_mark(MARKS[name], words)
        if len(words) <= 2:
            return list(COMMANDS)
        return self._of_command(words)

    # ------------------------------------------------------------ marks

    def _of_mark(self, mark: Mark, words: list[str]) -> Iterable[str]:
        before = mark.option(words[-2].removeprefix("--")) if words[-2].startswith("--") else None
        if before is not None and before.takes_value:
            return self._values(before, words)
        flags = [option.flag for option in mark.options if option.flag not in words[:-1] or _may_repeat(option)]
        names = self._session.tasks() if mark.naming == "task" and len(words) == 2 else []
        return [*names, *flags, "--help"]

    def _values(self, option: Option, words: list[str]) -> Iterable[str]:
        match option.offer:
            case Offer.TASKS:
                return self._session.tasks()
            case Offer.VARIABLES:
                return self._variables()
            case Offer.IMAGES:
                return self._asked(lambda client: [image["name"] for image in client.images(self._backend(words))])
            case Offer.FOLDERS:
                return self._asked(lambda client: [folder["name"] for folder in client.folders()])
            case Offer.SECRETS:
                return self._asked(lambda client: [secret["name"] for secret in client.secrets()])
            case Offer.BACKENDS:
                return self._backends()
            case Offer.FILES:
                return sorted(path.name for path in Path.cwd().glob("*.t*") if path.suffix in (".txt", ".toml"))
        return option.metavar.split("|") if "|" in option.metavar else []

    def _backends(self) -> list[str]:
        return self._asked(lambda client: [backend["name"] for backend in client.backends()])

    def _backend(self, words: list[str]) -> str:
        """Whose images are meant: as the line says, or else the notebook."""
        for option, value in pairwise(words):
            if option == "--backend":
                return value
        return self._session.notebook().defaults.backend or "local"

    def _variables(self) -> list[str]:
        shell = self._session.shell
        hidden = getattr(shell, "user_ns_hidden", {})
        return [name for name in shell.user_ns if not name.startswith("_") and name not in hidden]

    # ------------------------------------------------------------ %fasttrack

    def _of_command(self, words: list[str]) -> Iterable[str]:
        command = COMMANDS.get(words[1])
        if command is None:
            return []
        actions = command.parser()._actions
        asked = next((action for action in actions if words[-2] in action.option_strings and action.nargs != 0), None)
        if asked is not None:
            return self._argument(asked)
        flags = [flag for action in actions for flag in action.option_strings if flag.startswith("--")]
        places = [action for action in actions if not action.option_strings]
        typed = [word for word in words[2:-1] if not word.startswith("-")]
        at = places[min(len(typed), len(places) - 1)] if places else None
        return [*(self._argument(at) if at is not None and len(typed) < len(places) else ()), *flags, "--help"]

    def _argument(self, action: argparse.Action) -> Iterable[str]:
        if action.choices is not None:
            return [str(choice) for choice in action.choices]
        match action.metavar:
            case "TASK":
                return self._session.tasks()
            case "TASK.VARIABLE":
                return self._results()
            case "JOB":
                return ["last", *self._asked(lambda client: list(map(job_word, client.jobs(limit=_MOST))))]
            case "NAME=VALUE":
                return [f"{name}=" for name in self._parameters()]
            case "BACKEND":
                return self._backends()
            case "FILE":
                return sorted(path.name for path in Path.cwd().glob("*.y*ml"))
        return []

    def _results(self) -> list[str]:
        job = self._session.job
        if job is None:
            return self._session.tasks()
        return [f"{name}.{output}" for name, task in job.tasks.items() for output in task.outputs]

    def _parameters(self) -> list[str]:
        from fasttrack_jupyter.notebook.cells import CellKind
        from fasttrack_jupyter.notebook.ipython_syntax import bound_names, parse

        cells = self._session.notebook().cells
        sources = [cell.source for cell in cells if cell.kind is CellKind.PARAMS]
        return sorted(name for source in sources for name in bound_names(parse(source)))

    def _asked(self, ask: Callable[[Client], list[str]]) -> list[str]:
        """The answer of an engine that is there at once. Raises FastTrackError where there is none."""
        from fasttrack_jupyter.api.client import connect

        with connect(start=False, timeout=_SECONDS) as client:
            return ask(client)


def _may_repeat(option: Option) -> bool:
    return option.shape in (Shape.NAMES, Shape.EACH, Shape.PAIRS, Shape.WORDS)
