"""``debug`` and ``fix``: a failed task as a notebook, and what was mended in it back into the pipeline's cells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import job_argument, json_option, pass_face, task_argument
from fasttrack_jupyter.errors import BadRequest

if TYPE_CHECKING:
    from fasttrack_jupyter.api.fixing import FileFix


@click.command()
@job_argument
@task_argument
@click.option("--output", "-o", type=click.Path(), metavar="IPYNB", help="Into this file; default: beside the source.")
@json_option
@pass_face
def debug(face: Face, job: str, task: str | None, output: str | None) -> None:
    """Write a notebook that runs in a session like that of a task.

    Its kernel is that session: the same image, inputs, parameters, variables, secrets and resources. The notebook has
    the task's cells (or its command), the one that failed is marked, and nothing runs before you run it. The task and
    its job are not touched.

    \b
    Examples:
      fasttrack debug last                 the one task that failed
      fasttrack debug digits#12 train -o look.ipynb

    \b
    Exit status: 0 written, 2 if there is no such task, or it did not run.
    """
    from fasttrack_jupyter.api.debugging import debug_notebook_of, write_new

    target = Path(output).expanduser() if output else None
    if target is not None and target.suffix != ".ipynb":
        raise BadRequest(f"{target} is no name of a notebook", hint="Write -o FILE.ipynb.")
    if target is not None and target.exists():
        raise BadRequest(f"{target} is there already, and nothing is overwritten", hint="Name another file.")
    made = debug_notebook_of(face.client, job, task, target.absolute().parent if target else None)
    folder = target.parent if target is not None else made.folder or Path.cwd()
    path = write_new(folder, target.name if target is not None else made.name, made.content)
    if face.as_json:
        face.json({"file": str(path), "job": made.job_name, "task": made.task})
        return
    face.say(str(path))
    face.note(
        f'Open it in JupyterLab: jupyter lab "{path}" (kernel: FastTrack task). Shutting the kernel down ends it.'
    )
    face.note(f'When it is mended: fasttrack fix "{path}"')


@click.command()
@click.argument("file", type=click.Path())
@click.option("--into", type=click.Path(), metavar="IPYNB", help="The notebook to change; default: the one it tells.")
@click.option("--apply", is_flag=True, help="Change the notebook; without it the difference is only shown.")
@json_option
@pass_face
def fix(face: Face, file: str, into: str | None, apply: bool) -> None:
    """Show what was mended in a debug notebook, or put it back.

    It goes into the cells that it came from. A cell that was changed in the pipeline's notebook since is a conflict: it
    is named, and stays as it is.

    \b
    Examples:
      fasttrack fix debug-digits-3-train.ipynb
      fasttrack fix debug-digits-3-train.ipynb --apply

    \b
    Exit status: 0, 1 if something could not be put back, 2 if it is no debug notebook.
    """
    from fasttrack_jupyter.api.fixing import file_fix

    face.undone = "nothing was changed"
    found = file_fix(Path(file).expanduser(), Path(into).expanduser() if into else None)
    if apply and found.fix.changed:
        found.apply()
    if face.as_json:
        face.json({
            "file": str(found.target), "applied": apply and bool(found.fix.changed), "changed": found.fix.changed,
            "conflicts": found.fix.conflicts, "diff": found.fix.diff,
        })  # fmt: skip
    else:
        _say(face, found, applied=apply)
    if found.fix.conflicts:
        raise click.exceptions.Exit(1)


def _say(face: Face, found: FileFix, *, applied: bool) -> None:
    fix = found.fix
    if fix.diff:
        face.say(fix.diff.rstrip("\n"))
    for conflict in fix.conflicts:
        face.note(f"conflict: {conflict}")
    if fix.own:
        face.note(
            f"note: {plural(fix.own, 'cell')} of your own stay{'s' if fix.own == 1 else ''} in the debug notebook"
        )
    if not fix.changed:
        face.note("Nothing to change." if not fix.conflicts else f"{found.target} was not changed.")
    elif applied:
        face.note(f"{found.target}: {', '.join(fix.changed)} changed. Run it again: fasttrack run {found.target}")
    else:
        face.note(f"{found.target} was not changed; --apply does it.")
