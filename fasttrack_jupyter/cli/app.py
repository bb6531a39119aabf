"""The root command: finds subcommands without importing them, and turns every error into words and an exit status.

Exit statuses are the contract with scripts: 0 SUCCESS (or detached), 1 FAILURE (the job's, or ours),
2 refused (usage, a bad file, the plan, no such thing), 3 cancelled, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, NoReturn

import click

from fasttrack_jupyter import __version__
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import FastTrackError

FAILED = 1
REFUSED = 2
CANCELLED = 3
INTERRUPTED = 130

Place = tuple[str, str, str]

SECTIONS: dict[str, dict[str, Place]] = {
    "Before a job": {
        "validate": ("check", "validate", "Check a pipeline and show every problem where it is."),
        "plan": ("check", "plan", "Say what a job would do, task by task, and why."),
        "export": ("export", "export", "Write a pipeline for a FastTrack release, and report what is lost."),
        "schema": ("export", "schema", "Print the JSON Schema of the pipeline YAML."),
    },
    "Notebooks": {
        "from-notebook": ("notebook", "from_notebook", "Write the pipeline of a notebook whose cells are tasks."),
        "debug": ("debug", "debug", "Write a notebook that runs in a session like that of a task."),
        "fix": ("debug", "fix", "Show what was mended in a debug notebook, or put it back."),
    },
    "Jobs": {
        "run": ("run", "run", "Run a pipeline and follow the job."),
        "jobs": ("jobs", "jobs", "List jobs, newest first."),
        "show": ("jobs", "show", "Show one job and its task instances."),
        "attach": ("run", "attach", "Follow a job; take it over if its engine is gone."),
        "logs": ("logs", "logs", "Print what a job's task instances wrote."),
        "cancel": ("jobs", "cancel", "End a job, or one of its task instances."),
        "approvals": ("approvals", "approvals", "List what jobs ask people."),
        "approve": ("approvals", "approve", "Answer yes to what a job asks."),
        "reject": ("approvals", "reject", "Answer no to what a job asks."),
        "triggers": ("triggers", "triggers", "Start jobs when jobs of other pipelines have ended."),
        "rerun": ("run", "rerun", "Make a new job from an old one."),
        "shell": ("jobs", "shell", "Open a shell inside a running task instance."),
        "metrics": ("metrics", "metrics", "Show the metrics that a job's task instances note."),
        "compare": ("compare", "compare", "Show jobs side by side: parameters, metrics, tasks."),
        "diff": ("diff", "diff", "Show what differs between two pipelines, or jobs."),
        "lineage": ("lineage", "lineage", "Show what something was made of, and what was made of it."),
        "outputs": ("outputs", "outputs", "List what a job left, or copy it."),
        "annotate": ("jobs", "annotate", "Give a job a name, tags, a note or another priority."),
        "delete": ("jobs", "delete", "Forget ended jobs."),
        "events": ("events", "events", "Print the event log."),
    },
    "Models": {
        "services": ("services", "services", "List models that are served, and look after them."),
        "models": ("models", "models", "List models and their versions, compare and deploy them."),
    },
    "This home": {
        "pipelines": ("places", "pipelines", "List the pipelines that this home knows."),
        "folders": ("places", "folders", "List, make and remove vfolders."),
        "secrets": ("secret", "secrets", "Keep values that tasks need and nobody should read."),
        "cache": ("cache", "cache", "List results that stand in for executions, or forget them."),
        "gc": ("places", "gc", "Remove what old jobs left behind."),
    },
    "Clusters": {
        "login": ("login", "login", "Keep the keys of a Backend.AI cluster, to run jobs there."),
        "logout": ("login", "logout", "Forget a cluster's keys."),
        "profiles": ("login", "profiles", "List the clusters that jobs can run on, or check them."),
        "cluster": ("cluster", "cluster", "Look into a Backend.AI cluster: images, vfolders, sessions."),
    },
    "This machine": {
        "slots": ("machine", "slots", "Show resource slots: how many there are, how many are in use."),
        "images": ("machine", "images", "List what can be named as an image here."),
        "doctor": ("machine", "doctor", "Say what this machine can do, and how it could do more."),
        "engine": ("machine", "engine", "Look at the engine process, or stop it."),
        "serve": ("serve", "serve", "Serve FastTrack's pipeline API, for a Backend.AI server."),
    },
}
"""Every command: its module, its name in there, its purpose. Kept here so that ``--help`` imports none of them."""

COMMANDS: dict[str, Place] = {name: place for section in SECTIONS.values() for name, place in section.items()}


class Root(click.Group):
    """Loads a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"fasttrack_jupyter.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but with a suggestion for a typing mistake."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib  # slow to import, and only typing mistakes need it

            near = difflib.get_close_matches(args[0], COMMANDS, n=2, cutoff=0.5)
            hint = f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands by section, from the table alone."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, purpose) for name, (_, _, purpose) in commands.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """The one seam where an error becomes words and an exit status."""
        try:
            return super().invoke(ctx)
        except FastTrackError as error:
            if os.environ.get("FASTTRACK_DEBUG"):
                raise
            fail(ctx.ensure_object(Face), error)
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


def fail(face: Face, error: FastTrackError) -> NoReturn:
    """Say the error on stderr (and as JSON on stdout with ``--json``) and exit."""
    from fasttrack_jupyter.cli.problems import tell

    tell(face, error)
    if face.as_json:
        face.json({"error": error.to_dict()})
    raise click.exceptions.Exit(REFUSED if error.status_hint < 500 else FAILED)


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="JOB is an id or the beginning of one, 'name#12', '#12' or 'last'. Exit status: 0 success (or detached), "
    "1 failure, 2 refused, 3 cancelled, 130 interrupted. FASTTRACK_HOME says where everything is kept, NO_COLOR=1 "
    'asks for plain lines. Completion for bash (or zsh, fish): eval "$(_FASTTRACK_COMPLETE=bash_source fasttrack)"',
)
@click.option("--home", metavar="DIR", help="Keep everything in DIR instead of $FASTTRACK_HOME.")
@click.version_option(__version__, prog_name="fasttrack", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context, home: str | None) -> None:
    """Pipelines that run on this machine, or on a cluster, and survive what happens meanwhile.

    \b
      fasttrack run train.fasttrack.yaml      run a pipeline and watch it
      fasttrack jobs                          what ran, what runs
      fasttrack logs last -f                  what it says
    """
    face = ctx.ensure_object(Face)
    face.home = home or face.home
    ctx.call_on_close(face.close)
