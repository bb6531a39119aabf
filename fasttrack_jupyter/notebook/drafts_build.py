"""Tasks made of functions as a pipeline: the same text and the same files beside it as a notebook becomes.

Each task has three kinds of "cells": imports and constants, the functions that it uses, and one call.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.reading import read_or_raise
from fasttrack_jupyter.notebook import build_params
from fasttrack_jupyter.notebook.build import Built
from fasttrack_jupyter.notebook.build_yaml import TaskText, pipeline_text
from fasttrack_jupyter.notebook.carried import travel_files
from fasttrack_jupyter.notebook.cells_reading import fit_name
from fasttrack_jupyter.notebook.drafts import Draft, Output, Param
from fasttrack_jupyter.notebook.functions import Needs, literal_of, needs_of
from fasttrack_jupyter.notebook.marks import PipelineOptions, TaskOptions


def build_drafts(
    name: str,
    description: str | None,
    defaults: Mapping[str, Any],
    params: Sequence[Param],
    drafts: Sequence[Draft],
    unwrap: Callable[[Any], Any],
) -> Built:
    """The pipeline of some functions.

    Raises:
        BadRequest: there is none, or a function or an argument cannot travel as text.
        InvalidPipeline: what was said of a task is wrong.
    """
    if not drafts:
        raise BadRequest(f"pipeline {name!r} has no task", hint="Call a function decorated with @task inside `with`.")
    folder = f"{fit_name(name)}.cells"
    files = _Files(folder)
    made = [_Task(draft, needs_of(draft.function, unwrap)) for draft in drafts]
    document = {
        "format": 1,
        "pipeline": name,
        "notebook": None,
        "tasks": {task.name: task.entry(files) for task in made},
    }
    files.add("tasks.json", json.dumps(document, indent=1) + "\n")
    header = [
        *(description or "").splitlines(),
        f"Made from Python functions by FastTrack for Jupyter; their source is in {folder}/.",
    ]
    written = [
        build_params.Param(each.name, each.type, "", "", each.default, each.has_default, each.description or "")
        for each in params
    ]
    options = PipelineOptions(**defaults)
    text = pipeline_text(name, header, options, written, [task.text(folder) for task in made])
    problems = tuple(one for one in read_or_raise(text).problems if one.severity is not Severity.ERROR)
    return Built(name, text, files.all(), problems, folder, options.backend)


class _Task:
    """One task on its way into the text."""

    def __init__(self, draft: Draft, needs: Needs) -> None:
        self.draft, self.needs, self.name = draft, needs, draft.name
        taken = {*needs.imports, *needs.constants, *needs.pieces}
        self.variables = {key: key + "_" * (key in taken) for key in draft.given}
        """What each argument is called where the function is called: no name that a function uses."""

    def text(self, folder: str) -> TaskText:
        """What the YAML says of it."""
        options = TaskOptions(**{**self.draft.said, "after": self.draft.after})
        inputs = {self.variables[key]: f"{value.task}.{value.name}" for key, value in self._given(Output)}
        outputs = {
            output.name: {"type": str(output.type)}
            if output.type
            else {"type": "Variable", "path": f"variables/{output.name}"}
            for output in self.draft.outputs.values()
        }
        words = ["python3", shlex.quote(f"{folder}/execute.py"), shlex.quote(self.name)]
        words += [f"--param {name}=${{{{ {source} }}}}" for name, (_, source) in self._said().items()]
        return TaskText(self.name, (self._label(),), " ".join(words), options, inputs, outputs)

    def entry(self, files: _Files) -> dict[str, Any]:
        """Its entry in tasks.json; what that names is added to ``files``."""
        cells = []
        header = self.needs.header() + ("import pathlib\n" if self._paths() else "")
        if header:
            cells.append(
                {"file": files.add("imports.py", header), "label": f"imports of {self.name}", "kind": "common"}
            )
        for piece in self.needs.pieces.values():
            cells.append(
                {"file": files.add(f"def-{piece.name}.py", piece.source), "label": piece.label, "kind": "definition"}
            )
        call = files.add(f"call-{fit_name(self.name)}.py", self._call())
        cells.append({"file": call, "label": f"task {self.name}", "kind": "task"})
        outputs = self.draft.outputs.values()
        return {
            "cells": cells,
            "params": {name: kind for name, (kind, _) in self._said().items()},
            "inputs": [self.variables[key] for key, value in self._given(Output) if self._is_loaded(key, value)],
            "outputs": [output.name for output in outputs if output.type is None],
            "optional": [],
            "watched": {},
            "values": {output.name: str(output.type) for output in outputs if output.type is not None},
        }

    def _given(self, kind: type[Any]) -> Iterator[tuple[str, Any]]:
        return ((key, value) for key, value in self.draft.given.items() if isinstance(value, kind))

    def _paths(self) -> set[str]:
        return {key for key, _ in self._given(Output) if self.draft.signature.arguments[key].is_path}

    def _is_loaded(self, key: str, output: Output) -> bool:
        """Whether an artifact's content is wanted; else the command says the value, or the place."""
        return output.type is None and key not in self._paths()

    def _said(self) -> dict[str, tuple[str, str]]:
        """Type and expression of what the command says, by variable."""
        said = {self.variables[key]: (str(value.type), f"params.{value.name}") for key, value in self._given(Param)}
        for key, value in self._given(Output):
            if not self._is_loaded(key, value):
                said[self.variables[key]] = (str(value.type or "str"), f"inputs.{self.variables[key]}")
        return said

    def _call(self) -> str:
        arguments = ", ".join(f"{key}={self._argument(key, value)}" for key, value in self.draft.given.items())
        names = ", ".join(self.draft.outputs) + "," * self.draft.signature.is_many
        call = f"{self.draft.function.__name__}({arguments})"
        return f"{names} = {call}\n" if names else f"{call}\n"

    def _argument(self, key: str, value: Any) -> str:
        if isinstance(value, (Param, Output)):
            return f"pathlib.Path({self.variables[key]})" if key in self._paths() else self.variables[key]
        if (text := literal_of(value)) is not None:
            return text
        raise BadRequest(
            f"task {self.name!r} is given a {type(value).__qualname__} as {key!r}, which cannot be written as text",
            hint="Give it numbers, text, lists or dicts of these, or the output of a task that makes it.",
        )

    def _label(self) -> str:
        return self.needs.pieces[self.draft.function.__name__].label


class _Files:
    """Files of the folder; two of one name and different content get different names."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._content: dict[str, str] = {}

    def add(self, path: str, content: str) -> str:
        """The path under which ``content`` lies now."""
        stem, dot, end = path.rpartition(".")
        number = 1
        known = {name.lower(): text for name, text in self._content.items()}
        while known.get(path.lower(), content) != content:
            number += 1
            path = f"{stem}-{number}{dot}{end}"
        self._content.setdefault(path, content)
        return path

    def all(self) -> dict[str, bytes]:
        """Everything, with what travels along, as :attr:`.Built.files`."""
        own = {path: text.encode() for path, text in self._content.items()}
        return {f"{self._folder}/{path}": data for path, data in sorted({**travel_files(), **own}.items())}
