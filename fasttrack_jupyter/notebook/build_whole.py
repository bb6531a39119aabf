"""A whole notebook as one task: it runs in a kernel from top to bottom, and its executed copy is kept."""

from __future__ import annotations

from pathlib import PurePath

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.checks.names import suggest_task_name
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.notebook import marks_reading
from fasttrack_jupyter.notebook.build import Built, fit_line
from fasttrack_jupyter.notebook.build_params import Param, params_of
from fasttrack_jupyter.notebook.build_yaml import TaskText, pipeline_text
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.cells_json import RawCell, RawNotebook, read_json
from fasttrack_jupyter.notebook.cells_opening import opening_of
from fasttrack_jupyter.notebook.cells_reading import fit_name, invalid, said_of
from fasttrack_jupyter.notebook.ipython_magics import translated
from fasttrack_jupyter.notebook.ipython_syntax import is_python
from fasttrack_jupyter.notebook.marks import PARAMS, PIPELINE, PipelineOptions, TaskOptions


def build_whole(data: bytes, name: str) -> Built:
    """The pipeline of one task that runs the notebook ``data``, whose file is called ``name``, in whatever language.

    Its parameters are the literals of a cell tagged ``parameters`` (or marked ``%%fasttrack_params``); what is computed
    there is none, and a notice says so.

    Raises:
        InvalidNotebook: the file is no notebook, or what it says about itself makes no sense.
    """
    raw = read_json(data, name)
    defaults = _defaults(raw, name)
    params, notices = _params(raw)
    stem = fit_name(PurePath(name).stem)
    title = defaults.name or stem
    task = TaskText(
        suggest_task_name(stem), ("the whole notebook",), "", TaskOptions(), notebook=name,
        parameters={param: f"${{{{ params.{param} }}}}" for param in params},
    )  # fmt: skip
    header = [f"Runs {fit_line(name)} from top to bottom. The notebook itself stays as it is;",
              "its executed copy, as .ipynb and .html, is among the outputs."]  # fmt: skip
    text = pipeline_text(title, header, defaults, list(params.values()), [task])
    return Built(title, text, {}, tuple(notices), f"{stem}.cells", defaults.backend)


def _defaults(raw: RawNotebook, name: str) -> PipelineOptions:
    metadata = dict(raw.metadata)
    title = metadata.pop("pipeline", None) or raw.kale.get("pipeline_name")
    try:
        said = marks_reading.said_by_metadata(PIPELINE, metadata)
        lines = [rest for cell in raw.cells for _, rest in translated(cell.text, ()).pipeline]
        if title:
            said["name"] = fit_name(str(title))
        over = said_of(marks_reading.read_pipeline_line(lines[0])) if lines else {}
        return marks_reading.overlaid(PipelineOptions, said, over, mark=PIPELINE)
    except BadRequest as error:
        problem = Problem(code="bad-notebook-metadata", message=error.message, hint=error.hint)
        raise invalid(name, [problem], [problem]) from error


def _params(raw: RawNotebook) -> tuple[dict[str, Param], list[Problem]]:
    if raw.language != "python":
        return {}, []
    cells = tuple(_as_params(cell) for cell in raw.cells if _is_params(cell))
    params, problems = params_of(Notebook("", cells, None, PipelineOptions()))
    return params, [problem.model_copy(update={"severity": Severity.NOTICE}) for problem in problems]


def _is_params(cell: RawCell) -> bool:
    opening = opening_of(cell.text)
    marked = opening.mark is PARAMS or cell.metadata.get("kind") == "params" or "parameters" in cell.tags
    return marked and is_python(opening.source)


def _as_params(cell: RawCell) -> Cell:
    return Cell(cell.label, cell.key, opening_of(cell.text).source, CellKind.PARAMS)
