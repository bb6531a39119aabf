"""``%fasttrack debug`` and ``fix``: a failed task as a notebook of its own, and what was mended in it back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.kernel.commands_jobs import job_meant
from fasttrack_jupyter.kernel.feed import feed
from fasttrack_jupyter.kernel.options import Command, Words, takes_job

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.session import Session


def _debug_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?", metavar="TASK", help="the task (default: the one that failed)")
    takes_job(parser)


def debug(session: Session, words: Words) -> None:
    """Write the notebook beside this one (or beside the job's source), and say how to open it."""
    from fasttrack_jupyter.api.debugging import debug_notebook_of, write_new

    meant = job_meant(session, words.job)
    folder = session.path.parent if session.path else None
    made = debug_notebook_of(feed().client, meant.id, words.task, folder)
    path = write_new(folder or made.folder or Path.cwd(), made.name, made.content)
    print(f"{path.name} is written; open it beside this notebook: its kernel is a session like that of the task.")
    print(f"When it is mended there: %fasttrack fix {path.name}")


def _fix_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the debug notebook")
    parser.add_argument("--into", metavar="NB.ipynb", help="the notebook to change (default: the one that it tells)")
    parser.add_argument("--apply", action="store_true", help="change it; without it the difference is only shown")


def fix(session: Session, words: Words) -> None:
    """Show what a debug notebook changes in this one, or change its file."""
    from fasttrack_jupyter.api.fixing import file_fix

    folder = session.path.parent if session.path else Path.cwd()
    found = file_fix(folder / words.file, folder / words.into if words.into else None)
    if words.apply and found.fix.changed:
        found.apply()
    print(found.fix.diff, end="")
    for conflict in found.fix.conflicts:
        print(f"conflict: {conflict}")
    if found.fix.own:
        print(f"({plural(found.fix.own, 'new cell')} of the debug notebook stay{'s' * (found.fix.own == 1)} there.)")
    if not found.fix.changed:
        print(f"{found.target.name} was not changed: there is nothing to put into it.")
    elif words.apply:
        print(f"{found.target.name}: {', '.join(found.fix.changed)} changed on the disk; load it again, and run them.")
    else:
        print(f"{found.target.name} was not changed; --apply does it.")


COMMANDS = (
    Command("debug", "Write a notebook that runs in a session like that of a task.", debug, _debug_arguments),
    Command("fix", "Show what was mended in a debug notebook, or put it back.", fix, _fix_arguments),
)
