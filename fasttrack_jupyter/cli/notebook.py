"""``from-notebook``, and notebooks wherever a pipeline's file is expected. A notebook is read, never executed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fasttrack_jupyter.api.words import plural
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, notebook_options, pass_face
from fasttrack_jupyter.cli.problems import tell_problems
from fasttrack_jupyter.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from fasttrack_jupyter.notebook.build import Built
    from fasttrack_jupyter.notebook.build_writing import Change

Json = dict[str, Any]

SUFFIX = ".ipynb"
_YAML = ".fasttrack.yaml"


def is_notebook(path: str | Path) -> bool:
    """Whether a file is a notebook, by its name."""
    return str(path).lower().endswith(SUFFIX)


def job_of(face: Face, path: Path, *, split: bool = False, whole: bool = False) -> Json:
    """``{text, source, files}``: the notebook at ``path`` as a pipeline, as the API wants it. Warnings are told.

    ``backend`` is there as well where the notebook says one.

    Raises:
        NotFound: there is no such file (any more).
        InvalidNotebook: it cannot become a pipeline.
        BadRequest: both ``split`` and ``whole`` are asked for.
    """
    face.source = path
    built = _built(path, path.with_name(f"{path.stem}{_YAML}"), split=split, whole=whole)
    _tell(face, built)
    face.text = built.text
    files = {name: content.decode() for name, content in built.files.items()}
    job = {"text": built.text, "source": str(path.absolute()), "files": files}
    return {**job, "backend": built.backend} if built.backend else job


def as_before(face: Face, path: Path, text: str) -> Json:
    """As :func:`job_of`, in the way in which the same notebook became the pipeline ``text`` before."""
    from fasttrack_jupyter.notebook.ways import Way, way_of

    way = way_of(text)
    return job_of(face, path, split=way is Way.SPLIT, whole=way is Way.WHOLE)


@click.command("from-notebook")
@click.argument("file", type=click.Path())
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    metavar="YAML",
    help="Into this file (- shows it). Default: beside the notebook.",
)
@notebook_options
@click.option("--force", is_flag=True, help="Overwrite files that were edited, or made by others.")
@json_option
@pass_face
def from_notebook(face: Face, file: str, output: str | None, split: bool, whole: bool, force: bool) -> None:
    """Write the pipeline of a notebook whose cells are tasks.

    It is a YAML file, and a folder with the cells beside it. Nothing is executed. Cells become tasks by their marks
    (%%fasttrack_task, JupyterLab's form, Kale's tags); variables go from task to task by themselves.

    \b
    Examples:
      fasttrack from-notebook digits.ipynb
      fasttrack from-notebook digits.ipynb -o digits.fasttrack.yaml --force
      fasttrack from-notebook report.ipynb --whole

    \b
    Exit status: 0 written, 2 not a pipeline, or somebody's work is in the way.
    """
    from fasttrack_jupyter.notebook.build_writing import write

    path = Path(file).expanduser()
    face.source, face.undone = path, "nothing was written"
    target = Path(output).expanduser() if output and output != "-" else path.with_name(f"{path.stem}{_YAML}")
    built = _built(path, target, split=split, whole=whole)
    _tell(face, built)
    if output == "-":
        face.say(built.text.rstrip("\n"))
        return
    changes = write(built, target, force=force)
    if target.absolute().parent != path.absolute().parent:
        face.note(f"note: files beside {path.name} do not come along; tasks find those beside {target}")
    if face.as_json:
        face.json(_told(built, target, changes))
    else:
        _say(face, built, target, changes)


def _built(path: Path, target: Path, *, split: bool, whole: bool) -> Built:
    """The pipeline that is asked for. Raises InvalidNotebook, NotFound, BadRequest."""
    from fasttrack_jupyter.notebook.build import build
    from fasttrack_jupyter.notebook.build_whole import build_whole
    from fasttrack_jupyter.notebook.cells import read_notebook

    if split and whole:
        raise BadRequest("--split and --whole are both given", hint="Keep one of them.")
    if not is_notebook(path):
        raise BadRequest(f"{path} is no notebook", hint="Give a file that ends in .ipynb.")
    if target.suffix not in (".yaml", ".yml") and not is_notebook(target):
        raise BadRequest(f"{target.name} is no name of a pipeline's file", hint=f"Write -o {target.name}{_YAML}.")
    if is_notebook(target):
        raise BadRequest(f"{target} would be overwritten by YAML", hint=f"Write -o {target.stem}{_YAML}.")
    content = _content(path)
    if whole:
        if target.absolute().parent != path.absolute().parent:
            raise BadRequest(
                "with --whole the YAML must lie beside the notebook", hint="Leave -o out, or move it there."
            )
        return build_whole(content, path.name)
    stem = target.name.removesuffix(".yaml").removesuffix(".yml").removesuffix(".fasttrack")
    notebook = read_notebook(content, path.name, split=split)
    return build(notebook, stem=stem, beside=lambda name: (path.parent / name).is_file())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", hint=_notebooks_in(path.parent)) from error
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}", hint="Give the path of a notebook.") from error


def _notebooks_in(folder: Path) -> str:
    found = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file())[:3]
    return f"Did you mean {' or '.join(map(str, found))}?" if found else "Give the path of a notebook."


def _tell(face: Face, built: Built) -> None:
    """Warnings and notices, on stderr."""
    tell_problems(face, [problem.model_dump(mode="json") for problem in built.problems])


def _told(built: Built, target: Path, changes: list[Change]) -> Json:
    return {
        "pipeline": built.name,
        "file": str(target),
        "folder": str(target.parent / built.folder) if built.files else None,
        "changes": [
            {"path": change.path, "change": str(change.fate), "added": change.added, "removed": change.removed}
            for change in changes
        ],
        "problems": [problem.model_dump(mode="json") for problem in built.problems],
    }


def _say(face: Face, built: Built, target: Path, changes: list[Change]) -> None:
    by_path = {change.path: change for change in changes}
    face.say(f"{target}: {_fate(by_path.pop(target.name))}; pipeline {built.name}")
    if built.files:
        face.say(f"{target.parent / built.folder}: {_fates(list(by_path.values()))}")
    face.note(f"Run it: fasttrack run {target}")


def _fate(change: Change) -> str:
    lines = f" (+{change.added} −{change.removed} lines)" if change.fate == "changed" else ""
    return f"{'as it was' if change.fate == 'same' else change.fate}{lines}"


def _fates(changes: list[Change]) -> str:
    counts = [(fate, sum(change.fate == fate for change in changes)) for fate in ("new", "changed", "removed")]
    said = ", ".join(f"{count} {fate}" for fate, count in counts if count)
    return f"{plural(len(changes), 'file')}{f', {said}' if said else ', as they were'}"
