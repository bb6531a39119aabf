"""``diff``: what is different between two pipelines, each of a job or of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from fasttrack_jupyter.api.words import clean, plural
from fasttrack_jupyter.cli import completion
from fasttrack_jupyter.cli.face import Face, is_live
from fasttrack_jupyter.cli.options import json_option, pass_face
from fasttrack_jupyter.errors import BadRequest

Json = dict[str, Any]

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "~"}
_COLOURS = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}


@click.command()
@click.argument("one", shell_complete=completion.jobs, metavar="A")
@click.argument("other", shell_complete=completion.jobs, metavar="B")
@click.option("--code", is_flag=True, help="Also show changed text files line by line.")
@click.option("--exit-code", "tells", is_flag=True, help="Exit with 1 if there is any difference.")
@json_option
@pass_face
def diff(face: Face, one: str, other: str, code: bool, tells: bool) -> None:
    """Show what differs between two pipelines, or jobs: tasks, parameters, code.

    A and B are jobs, or files of pipelines. Compared is what the pipelines mean: order, comments and where a default
    is written do not count, a task with a new name and the same content is one that was renamed. For what came out of
    two jobs see 'fasttrack compare'.

    \b
    Examples:
      fasttrack diff digits#11 digits#12
      fasttrack diff last digits.fasttrack.yaml --code
      fasttrack diff old.fasttrack.yaml new.fasttrack.yaml --json

    \b
    Exit status: 0, also if there are differences (but see --exit-code); 2 if there is no such job or file.
    """
    found = face.client.diff(_side(one), _side(other), code=code)
    if face.as_json:
        face.json(found)
    else:
        for line in _lines(found):
            _say(face, line)
    if tells and not found["same"]:
        raise click.exceptions.Exit(1)


def _side(word: str) -> dict[str, str]:
    """A file, if there is one of that name, or if it looks like one; else a job."""
    path = Path(word)
    if path.is_file():
        return {"source": str(path.resolve())}
    if path.suffix in (".yaml", ".yml"):
        raise BadRequest(f"there is no file {word!r}", hint="Give a pipeline's file, or a job such as digits#12.")
    return {"job": word}


def _lines(found: Json) -> list[str]:
    lines = [f"{found['one']} → {found['other']}"]
    if found["same"]:
        return [*lines, "no differences"]
    lines += [line for edit in found["pipeline"] for line in _edit("pipeline", edit, "")]
    for each in found["values"]:
        lines += _edit("value of", {"what": each["name"], "one": _text(each["one"]), "other": _text(each["other"])}, "")
    for task in found["tasks"]:
        lines += _task(task)
    for file in found["files"]:
        lines.append(f"{_SIGNS[file['how']]} file {file['path']}: {file['how']}")
        lines += [f"    {line}" for line in file["lines"] or ()]
    if found["code_unknown"]:
        lines.append(f"files were not compared: {found['code_unknown']}")
    counts = {how: sum(task["how"] == how for task in found["tasks"]) for how in _SIGNS}
    told = [f"{plural(count, 'task')} {how}" for how, count in counts.items() if count]
    return [*lines, ", ".join([*told, f"{plural(len(found['files']), 'file')} changed"])]


def _task(task: Json) -> list[str]:
    words = ", ".join(task["words"])
    head = f"{_SIGNS[task['how']]} task {task['name']}: "
    if task["how"] == "renamed":
        head += f"renamed from {task['was']}" + (f"; {words}" if words else "")
    else:
        head += words or task["how"]
    return [head, *(line for edit in task["edits"] for line in _edit("", edit, "    "))]


def _edit(kind: str, edit: Json, indent: str) -> list[str]:
    """One line each for what was and what is; texts of several lines below their name."""
    name = f"{kind} {edit['what']}".strip()
    found = []
    for sign, text in (("-", edit["one"]), ("+", edit["other"])):
        if text is not None:
            first, *rest = text.rstrip("\n").split("\n")
            found += [f"{indent}{sign} {name}: {first}", *(f"{indent}{sign}   {line}" for line in rest)]
    return found


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _say(face: Face, line: str) -> None:
    colour = _COLOURS.get(line.lstrip()[:1])
    text = clean(line)
    face.say(click.style(text, fg=colour) if colour and is_live(face.stream()) else text)
