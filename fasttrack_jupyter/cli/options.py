"""Options and arguments that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from fasttrack_jupyter.cli import completion
from fasttrack_jupyter.cli.app import REFUSED
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.keys import can_ask
from fasttrack_jupyter.errors import BadRequest, NotFound

Command = TypeVar("Command", bound=Callable[..., Any])

pass_face = click.make_pass_decorator(Face, ensure=True)


def stack(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Several decorators as one, the first outermost."""

    def apply(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


def _remember_json(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.ensure_object(Face).as_json = True


json_option = click.option(
    "--json", is_flag=True, expose_value=False, callback=_remember_json, is_eager=True, help="JSON on stdout."
)


def one_format(face: Face, as_csv: bool) -> None:
    """Raises BadRequest where JSON and CSV are both asked for."""
    if as_csv and face.as_json:
        raise BadRequest("--json and --csv cannot both be had", hint="Give one of them.")


job_argument = click.argument("job", shell_complete=completion.jobs)
task_argument = click.argument("task", required=False, shell_complete=completion.tasks)

selection_options = stack(
    click.option("--only", multiple=True, metavar="TASK", help="Only this task (may be repeated)."),
    click.option("--from", "from_", multiple=True, metavar="TASK", help="From this task on."),
    click.option("--until", multiple=True, metavar="TASK", help="Up to this task."),
)
param_option = click.option(
    "--param", "-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the pipeline."
)
_BACKENDS = "local (this machine), backend.ai (a cluster, once you `fasttrack login`) or backend.ai:PROFILE."


def _backend_option(what: str, **how: Any) -> Callable[[Command], Command]:
    return click.option(
        "--backend", metavar="NAME", shell_complete=completion.backends, help=f"{what} {_BACKENDS}", **how
    )  # fmt: skip


backend_option = _backend_option("Where tasks run that name no backend; by default where a notebook says, or local:")
"""Of what makes a job; None where nothing was said."""
rerun_backend_option = _backend_option("Where tasks run that name no backend, if not where they did:")
place_option = _backend_option("Which backend:", default="local", show_default=True)
"""Of what asks one backend."""
notebook_options = stack(
    click.option("--split", is_flag=True, help="Of a notebook without marks: make every code cell a task."),
    click.option("--whole", is_flag=True, help="Of a notebook: make all of it one task."),
)
shrink_option = click.option(
    "--shrink", is_flag=True, help="Fit tasks that ask for more than there is, instead of refusing them."
)

no_cache_option = click.option(
    "--no-cache", is_flag=True, help="Run everything, also what was done before; results are remembered anyway."
)


def selection(only: tuple[str, ...], from_: tuple[str, ...], until: tuple[str, ...]) -> dict[str, list[str]]:
    """Which part of the pipeline, as the API wants it."""
    return {"only": list(only), "from": list(from_), "until": list(until)}


def pipeline_text(face: Face, file: str, *, split: bool = False, whole: bool = False) -> dict[str, str]:
    """As :func:`pipeline_file`, where the code does not matter: ``{source}`` or ``{text}``."""
    found = pipeline_file(face, file, split=split, whole=whole)
    return {"text": found["text"]} if "text" in found else found


def pipeline_file(face: Face, file: str, *, split: bool = False, whole: bool = False) -> dict[str, Any]:
    """``{source}`` or, for ``-``, ``{text}`` from stdin: which pipeline, as the API wants it.

    For a notebook it is ``{text, source, files}``: the pipeline that its cells are (each of them with ``split``), or
    that runs the ``whole`` of it; and ``backend``, where the notebook says one.

    Raises:
        NotFound: no such file.
        BadRequest: it is no file, or not UTF-8.
        InvalidNotebook: a notebook that cannot become a pipeline.
    """
    if (split or whole) and not file.lower().endswith(".ipynb"):
        raise BadRequest(
            f"--{'split' if split else 'whole'} is for notebooks, and {file} is none", hint="Leave it out."
        )
    if file == "-":
        try:
            return {"text": sys.stdin.buffer.read().decode()}
        except UnicodeDecodeError as error:
            raise BadRequest(f"stdin is not UTF-8: {error}", hint="A pipeline is UTF-8 text.") from error
    path = Path(file).expanduser()
    if path.suffix.lower() == ".ipynb":
        from fasttrack_jupyter.cli.notebook import job_of  # only notebooks need it

        return job_of(face, path, split=split, whole=whole)
    if path.is_dir():
        raise BadRequest(f"{file} is a folder, not a pipeline", hint=_pipelines_in(path))
    if not path.exists():
        raise NotFound(f"there is no file {file}", hint=_pipelines_in(path.parent))
    face.source = path
    return {"source": str(path.absolute())}


def text_of(request: Mapping[str, Any]) -> str:
    """The text of what :func:`pipeline_file` has found; empty where it cannot be read, which the engine will tell."""
    if "text" in request:
        return str(request["text"])
    try:
        return Path(request["source"]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def agree(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed; with ``--yes``, or where nobody can be asked, go on. A no exits with 2."""
    if yes or not can_ask() or click.confirm(question, err=True):
        return
    click.echo("Nothing was removed.", err=True)
    raise click.exceptions.Exit(REFUSED)


def _pipelines_in(folder: Path) -> str:
    found = sorted(folder.glob("*.fasttrack.y*ml"))[:3] if folder.is_dir() else []
    if not found:
        return "Give the path of a pipeline's YAML file."
    return f"Did you mean {' or '.join(str(path) for path in found)}?"
