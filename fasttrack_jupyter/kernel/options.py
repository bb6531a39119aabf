"""``%fasttrack COMMAND …``: the table of commands, and how their words are read."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.notebook.ways import Way

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.session import Session

Words = argparse.Namespace
Act = Callable[["Session", Words], Any]


class Parser(argparse.ArgumentParser):
    """argparse that says what is wrong as the rest of FastTrack does, and never ends the process."""

    def __init__(self, name: str, purpose: str) -> None:
        super().__init__(
            prog=f"%fasttrack {name}", description=purpose, add_help=False, allow_abbrev=False,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32, width=100),
        )  # fmt: skip

    def error(self, message: str) -> NoReturn:
        """Raises BadRequest."""
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        raise BadRequest(f"{self.prog}: {message}", hint=f"Write {usage}")


@dataclass(frozen=True, slots=True)
class Command:
    """One word behind ``%fasttrack``."""

    name: str
    purpose: str
    act: Act
    arrange: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    """Adds the arguments."""

    def parser(self) -> Parser:
        """A parser of its arguments."""
        made = Parser(self.name, self.purpose)
        self.arrange(made)
        return made


def split(line: str) -> list[str]:
    """The words of a line, as a shell splits them. Raises BadRequest where a quote is not closed."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise BadRequest(f"the line cannot be split into words: {error}", hint="Close the quotes.") from None


def takes_job(parser: argparse.ArgumentParser) -> None:
    """``--job``: which job is meant."""
    parser.add_argument("--job", "-j", metavar="JOB", help="another job than this notebook's last: digits#3, last")


def takes_params(parser: argparse.ArgumentParser) -> None:
    """``-p NAME=VALUE``, any number of them."""
    parser.add_argument(
        "-p", "--param", dest="params", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of the pipeline (may be repeated)",
    )  # fmt: skip


def takes_selection(parser: argparse.ArgumentParser) -> None:
    """``--only``, ``--from``, ``--until``."""
    for name, told in (("only", "only this task"), ("from", "from this task on"), ("until", "up to this task")):
        parser.add_argument(
            f"--{name}", dest=f"{name}_", action="append", default=[], metavar="TASK", help=f"{told} (may be repeated)"
        )


def takes_way(parser: argparse.ArgumentParser) -> None:
    """``--split`` or ``--whole``: what of the notebook is a task, where that is not what is marked."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--split", action="store_true", help="of a notebook without marks: every cell that ran is a task"
    )
    group.add_argument("--whole", action="store_true", help="the notebook as it is saved, all of it as one task")


def way(words: Words) -> Way:
    """Which way is asked for."""
    return Way.SPLIT if words.split else Way.WHOLE if words.whole else Way.MARKED


def selection(words: Words) -> dict[str, list[str]]:
    """Which part of the pipeline, as the API wants it; names may be given with commas between."""
    return {name: _names(getattr(words, f"{name}_")) for name in ("only", "from", "until")}


def _names(given: list[str]) -> list[str]:
    return [name for word in given for name in word.split(",") if name]
