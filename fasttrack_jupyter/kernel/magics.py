"""The magics: ``%fasttrack``, ``%fasttrack_pipeline``, and what the cell marks say where they do not simply step aside.

Each magic ends in words: an error of ours is shown without a traceback, and the cell has failed all the same, so
that "Run all" stops.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from typing import Any

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.errors import BadRequest, FastTrackError
from fasttrack_jupyter.kernel import commands_debug, commands_jobs, commands_pipeline
from fasttrack_jupyter.kernel.marking import options_of
from fasttrack_jupyter.kernel.options import Command, split
from fasttrack_jupyter.kernel.problems import in_words
from fasttrack_jupyter.kernel.session import Session
from fasttrack_jupyter.notebook.cells_opening import SHELL, Opening, opening_of, script_of
from fasttrack_jupyter.notebook.marks import MARKS, PIPELINE, TaskOptions
from fasttrack_jupyter.notebook.marks_reading import HELP, help_of, read_pipeline_line, wants_help

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (*commands_jobs.COMMANDS, *commands_debug.COMMANDS, *commands_pipeline.COMMANDS)
}

_FIRST_STEPS = """\
FastTrack makes a pipeline of this notebook: mark cells as tasks, run them as a job.

  %%fasttrack_params            the cell holds the parameters:  rate = 0.1
  %%fasttrack_common            the cell travels with every task that uses it: imports, functions
  %%fasttrack_task prepare      the cell is the task "prepare"; variables that later tasks use go there by themselves
  %%fasttrack_task train --cpu 2 --mem 4g --requirements scikit-learn

  %fasttrack plan               what a job would do
  %fasttrack run -p rate=0.2    start one; the notebook stays free, job.wait() or await job waits
  %fasttrack result train.model brings a value back

"""


def in_our_words(magic: Callable[..., Any]) -> Callable[..., Any]:
    """The magic, with errors of ours shown as words."""

    def called(self: Magics, *given: str) -> Any:
        try:
            return magic(self, *given)
        except (FastTrackError, KeyboardInterrupt) as error:
            raise (error if hasattr(error, "_render_traceback_") else in_words(error)) from None

    called.__name__, called.__doc__ = magic.__name__, magic.__doc__
    return called


class Magics:
    """The magics of one shell. Registered by :mod:`.loading`; each is a method that takes the line (and the cell)."""

    def __init__(self, session: Session) -> None:
        self.session = session

    # ------------------------------------------------------------ %fasttrack

    @in_our_words
    def fasttrack(self, line: str = "") -> Any:
        """Run and watch this notebook's pipeline: %fasttrack alone says how."""
        name, _, rest = line.strip().partition(" ")
        if not name or name in HELP:
            print(self._taught())
            return None
        command = COMMANDS.get(name)
        if command is None:
            from fasttrack_jupyter.model.expressions import did_you_mean

            raise BadRequest(f"there is no %fasttrack {name}", hint=did_you_mean(name, list(COMMANDS)))
        words = split(rest)
        if HELP.intersection(words):
            self.session.refuse()
            print(command.parser().format_help(), end="")
            return None
        return command.act(self.session, command.parser().parse_args(words))

    def _taught(self) -> str:
        width = max(map(len, COMMANDS))
        listed = [f"  %fasttrack {name:<{width}}  {command.purpose}" for name, command in COMMANDS.items()]
        tasks, job = self.session.tasks(), self.session.job
        so_far = f"So far: {plural(len(tasks), 'task')} ({', '.join(tasks)})." if tasks else "So far: no task."
        mode = "Marked cells run here too." if self.session.runs_here else "Marked cells are only defined."
        last = f" The last job: {job!r}." if job is not None else ""
        more = "--help behind any of them, and behind %%fasttrack_task, says more."
        return "\n".join([_FIRST_STEPS + "\n".join(listed), "", more, f"{so_far} {mode}{last}"])

    # ------------------------------------------------------------ marks

    @in_our_words
    def fasttrack_pipeline(self, line: str = "") -> None:
        """Name this notebook's pipeline, and say what its tasks have in common."""
        if wants_help(line):
            self.session.refuse()
            print(help_of(PIPELINE))
            return
        try:
            options = read_pipeline_line(line)
        except FastTrackError:
            self.session.refuse()
            raise
        if "--mode" in line:
            self.session.mode = str(options.mode)

    @in_our_words
    def mark(self, name: str, line: str, cell: str) -> None:
        """A cell mark whose cell does not run here: help, an error, a shell script, or a task that is only defined."""
        if wants_help(line):
            self.session.refuse()
            print(help_of(MARKS[name]))
            return
        opening = opening_of(f"%%{name} {line}\n{cell}")
        try:
            self._check(opening)
            task, options = options_of(opening)
            if opening.language != SHELL and not options.shell:
                self._check_python(opening)
        except FastTrackError:
            self.session.refuse()
            raise
        self._define(task, options, opening)

    def _check(self, opening: Opening) -> None:
        for finding in opening.findings:
            if "fasttrack" in finding.message:
                raise BadRequest(f"line {finding.line}: {finding.message}", hint=finding.hint)

    def _check_python(self, opening: Opening) -> None:
        """Raise BadRequest where the cell is not Python (or IPython); the line is the cell's."""
        text = "".join(f"{'#' if line.startswith('%%') else ''}{line}\n" for line in opening.source.split("\n"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(
                    self.session.shell.transform_cell(text), "cell", "exec",
                    ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST, dont_inherit=True,
                )  # fmt: skip
            except (SyntaxError, ValueError) as error:
                raise syntax_error(error) from None

    def _define(self, task: str | None, options: TaskOptions, opening: Opening) -> None:
        what = f"task {task}" if task else "the cell"
        is_shell = options.shell or opening.language == SHELL
        runs = self.session.runs_here if options.run is None else options.run
        if is_shell and runs and not options.skip:
            self._run_script(what, script_of(opening.source))
        elif options.skip:
            print(f"{what} is left out (--skip): it was not run here, and jobs pass over it.")
        else:
            print(f"{what} is defined; it was not run here.")

    @in_our_words
    def quiet(self, line: str, cell: str) -> None:
        """A cell that its metadata mark, and that does not run here; or one with a mark that does not exist."""
        opening = opening_of(cell)
        try:
            self._check(opening)
        except FastTrackError:
            self.session.refuse()
            raise
        told = self.session.metadata
        run = told.get("run")
        options = TaskOptions(
            shell=told.get("kind") == "shell" or bool(told.get("shell")),
            skip=bool(told.get("skip")),
            run=run if isinstance(run, bool) else None,
        )
        self._define(str(told.get("task") or "") or None, options, opening)

    def _run_script(self, what: str, script: str) -> None:
        """Run a shell task's script as it would run in its session, as far as this kernel can."""
        for mark in ("${{", "/pipeline/", "PIPELINE_"):
            if mark in script:
                print(f"{what} is defined; it was not run here: {mark} has a meaning in jobs only.")
                return
        from subprocess import CalledProcessError

        try:
            self.session.shell.run_cell_magic("sh", "", script)
        except CalledProcessError as error:
            raise BadRequest(f"the script of {what} ended with exit {error.returncode}") from None

    # ------------------------------------------------------------ out of place

    @in_our_words
    def misplaced(self, name: str) -> None:
        """A cell mark that is not at the top of its cell."""
        self.session.refuse()
        raise BadRequest(
            f"%%{name} stands in the middle of the cell: nothing was marked",
            hint="Make it the cell's first line, or split the cell there.",
        )


def syntax_error(error: Exception) -> BadRequest:
    """A SyntaxError in words, with the cell's line and a caret."""
    if not isinstance(error, SyntaxError):
        return BadRequest(f"the cell cannot be read as Python: {error}", hint="Nothing was defined.")
    shown = (error.text or "").rstrip("\n")
    caret = f"\n    {shown}\n    {' ' * max((error.offset or 1) - 1, 0)}^" if shown else ""
    return BadRequest(f"line {error.lineno} of the cell: {error.msg}{caret}", hint="Nothing was defined.")
