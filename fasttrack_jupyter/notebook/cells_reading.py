"""From the cells as their author left them to cells that a pipeline can be built of.

What is wrong is gathered from all cells and told at once. A cell that belongs to nothing may hold whatever it likes:
nobody will run it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from fasttrack_jupyter.errors import BadRequest, InvalidNotebook
from fasttrack_jupyter.model.expressions import did_you_mean
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.notebook import marks_reading, marks_values
from fasttrack_jupyter.notebook.cells import Cell, CellKind, Notebook
from fasttrack_jupyter.notebook.cells_json import RawCell, RawNotebook, refused
from fasttrack_jupyter.notebook.cells_opening import OTHER, SHELL, Opening, opening_of
from fasttrack_jupyter.notebook.cells_settings import Settings
from fasttrack_jupyter.notebook.ipython_magics import Translation, translated
from fasttrack_jupyter.notebook.ipython_syntax import Finding, NotPython, bound_names, is_python, is_text, parse
from fasttrack_jupyter.notebook.kale import KaleMark, kale_marks
from fasttrack_jupyter.notebook.marks import PARAMS, PIPELINE, TASK, PipelineOptions, TaskOptions
from fasttrack_jupyter.notebook.ways import task_of

_AUTOMAGIC = frozenset({"pip", "conda", "ls", "cd", "cat", "mkdir", "rm", "cp", "mv", "cls", "clear"})
RECORD = "record-of-a-run"
"""Code of the notice about a notebook that a task left."""
_BELONGS = (CellKind.TASK, CellKind.SHELL, CellKind.PARAMS, CellKind.COMMON)


@dataclass(slots=True)
class _Draft:
    """A cell on its way."""

    raw: RawCell
    opening: Opening
    kind: CellKind = CellKind.PLAIN
    task: str | None = None
    options: TaskOptions = field(default_factory=TaskOptions)
    findings: list[Finding] = field(default_factory=list)
    """What is wrong with its marks."""
    inside: list[Finding] = field(default_factory=list)
    """What is to be said about what is in it, if it belongs to the pipeline."""
    translation: Translation = field(default_factory=lambda: Translation(""))
    tree: ast.Module | None = None

    @property
    def belongs(self) -> bool:
        """Whether the pipeline has it."""
        return self.kind in _BELONGS

    @property
    def is_python(self) -> bool:
        """Whether its text is Python's, or IPython's."""
        return self.opening.language not in (SHELL, OTHER) and self.kind is not CellKind.SHELL

    def refuse(self, line: int, message: str, hint: str) -> None:
        """Note an error in its marks."""
        self.findings.append(Finding(line, message, hint))

    def refuse_each(self, line: int, error: BadRequest) -> None:
        """Note every error that one stands for."""
        for one in marks_reading.each_of(error):
            self.refuse(line, one.message, one.hint or "")


def read_cells(raw: RawNotebook, name: str, *, split: bool = False) -> Notebook:
    """The notebook ``raw``, whose file is called ``name`` ("" for a live kernel).

    Raises:
        InvalidNotebook: ``problems`` tell each cell and line.
    """
    if raw.language != "python":
        hint = "only Python's cells become tasks; as one task it runs whole: fasttrack from-notebook --whole"
        raise refused(name, f"the notebook is written in {raw.language}", hint)
    drafts = [_Draft(cell, opening_of(cell.text)) for cell in raw.cells]
    _mark_all(drafts, kale_marks([draft.raw.tags for draft in drafts]))
    if split:
        _split(drafts, name)
    _translate_all(drafts)
    defaults, problems = _defaults(raw, drafts)
    problems += [problem for draft in drafts for problem in _problems(draft)]
    problems += [*_between(drafts), *_left_of_kale(raw.kale), *_left_of_a_run(raw.ran)]
    problems = in_order(problems, [cell.key for cell in raw.cells])
    if errors := tuple(problem for problem in problems if problem.severity is Severity.ERROR):
        raise invalid(name, errors, problems)
    title = defaults.name or _kale_name(raw.kale) or fit_name(PurePath(name).stem)
    cells = tuple(_finished(draft) for draft in drafts)
    return Notebook(title, cells, name or None, replace(defaults, name=title), tuple(problems))


def invalid(name: str, errors: Sequence[Problem], problems: Sequence[Problem]) -> InvalidNotebook:
    """The error that tells all ``problems``, of which ``errors`` keep the notebook from becoming a pipeline."""
    more = f" (and {len(errors) - 1:,} more)" if len(errors) > 1 else ""
    return InvalidNotebook(f"{name or 'the notebook'}: {errors[0].message}{more}", tuple(problems), hint=errors[0].hint)


def in_order(problems: Iterable[Problem], keys: Sequence[str]) -> list[Problem]:
    """Problems in the order of the notebook, whose cells have these keys; those about no cell first."""
    places = {key: place for place, key in enumerate(keys)}

    def place(problem: Problem) -> tuple[int, int]:
        _, key, line, *_ = (*problem.path, "", "", 0)
        return places.get(str(key), -1), line if isinstance(line, int) else 0

    return sorted(problems, key=place)


def fit_name(text: str) -> str:
    """``text`` as the name of a pipeline or a file: printable, no ``#``, not too long."""
    fit = "".join("_" if sign == "#" or not sign.isprintable() else sign for sign in text)
    return fit.removesuffix(".fasttrack")[:100].strip(" .") or "notebook"


def _mark_all(drafts: list[_Draft], kale: list[KaleMark | None]) -> None:
    """Say of each cell what it is."""
    for draft, tagged in zip(drafts, kale, strict=True):
        draft.findings += draft.opening.findings
        draft.inside += [draft.opening.foreign] if draft.opening.foreign else []
        try:
            _mark(draft, tagged)
        except BadRequest as error:
            draft.refuse_each(draft.opening.line or 1, error)
        if draft.opening.language == SHELL and draft.kind is CellKind.TASK:
            draft.kind = CellKind.SHELL


def _mark(draft: _Draft, tagged: KaleMark | None) -> None:
    """By its magic, or else its metadata, or else its tags. Raises BadRequest."""
    mark, metadata = draft.opening.mark, dict(draft.raw.metadata)
    if mark is TASK:
        draft.kind = CellKind.TASK  # also where the line is wrong, so that the rest of the cell is looked at
        line = marks_reading.read_line(TASK, draft.opening.rest)
        _be_task(draft, line.name, _metadata_of_task(metadata), line.said)
    elif mark is not None:
        draft.kind = CellKind.PARAMS if mark is PARAMS else CellKind.COMMON
        draft.options = marks_reading.read_other_line(mark, draft.opening.rest)
    elif metadata:
        _mark_by_metadata(draft, metadata)
    elif tagged is not None:
        draft.findings += tagged.findings
        if tagged.kind == "task":
            _be_task(draft, tagged.task, marks_reading.said_by_metadata(TASK, tagged.said), {})
        else:
            draft.kind = CellKind(tagged.kind)
    elif "parameters" in draft.raw.tags:
        draft.kind = CellKind.PARAMS


def _be_task(draft: _Draft, name: str | None, *said: Mapping[str, Any]) -> None:
    draft.kind, draft.task = CellKind.TASK, name
    draft.options = marks_reading.overlaid(TaskOptions, *said, mark=TASK)
    if draft.options.shell or draft.opening.language == SHELL:
        draft.kind = CellKind.SHELL
    if draft.kind is CellKind.SHELL and draft.options.inputs:
        hint = "say --after TASK: what that task left is in /pipeline/input1"
        raise BadRequest("a shell script takes no variables: --in is for Python", hint=hint)


def _metadata_of_task(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What metadata say of a task; nothing where they say that the cell is something else."""
    if metadata.get("kind", "task") not in ("task", "shell"):
        return {}
    options = {key: value for key, value in metadata.items() if key not in ("task", "kind")}
    return marks_reading.said_by_metadata(TASK, options)


def _mark_by_metadata(draft: _Draft, metadata: dict[str, Any]) -> None:
    kind, name = marks_reading.kind_by_metadata(metadata), metadata.get("task")
    kinds = ("task", "shell", "params", "common", "skip", "plain")
    if kind not in kinds:
        raise BadRequest(f"metadata.fasttrack: kind is {kind!r}", hint=did_you_mean(kind, kinds))
    if kind not in ("task", "shell"):
        draft.kind = CellKind(kind)
        return
    draft.kind = CellKind(kind)
    if not isinstance(name, str) or not name.strip():
        raise BadRequest("metadata.fasttrack: the task has no name", hint='write "task": "train"')
    try:
        marks_values.task_name(name)
    except marks_values.Wrong as error:
        raise BadRequest(f"metadata.fasttrack: {error}", hint=error.hint) from None
    _be_task(draft, name, _metadata_of_task(metadata), {"shell": True} if kind == "shell" else {})


def _split(drafts: list[_Draft], name: str) -> None:
    """Make a task of every code cell. Raises InvalidNotebook where there are marks already."""
    if any(draft.belongs and draft.kind is not CellKind.PARAMS for draft in drafts):
        raise refused(name, "the notebook has tasks already", "leave --split out: it is for notebooks without marks")
    bound, settings = _bound(drafts), Settings()
    for draft in drafts:
        if draft.kind is not CellKind.PLAIN or draft.opening.is_display:
            continue
        kind = _kind_by_content(draft, bound, settings)
        draft.kind = kind
        draft.task = task_of(int(draft.raw.key)) if kind in (CellKind.TASK, CellKind.SHELL) else None


def _kind_by_content(draft: _Draft, bound: Collection[str], settings: Settings) -> CellKind:
    """What an unmarked cell is where every cell becomes something."""
    if draft.opening.language == SHELL:
        return CellKind.SHELL
    if draft.opening.language == OTHER:
        return CellKind.TASK
    try:
        body = parse(translated(draft.opening.source, bound).source).body
    except NotPython:
        return CellKind.TASK
    body = [part for part in body if not isinstance(part, ast.Pass) and not is_text(part)]
    if not body:
        return CellKind.PLAIN
    return CellKind.COMMON if settings.prepares(body) else CellKind.TASK


def _bound(drafts: list[_Draft]) -> set[str]:
    """Every name that some cell binds: what commands of the shell may fill in."""
    names: set[str] = set()
    for draft in drafts:
        if draft.is_python:
            try:
                names |= bound_names(parse(translated(draft.opening.source, ()).source))
            except NotPython:
                continue  # told where the cell is read in earnest
    return names


def _translate_all(drafts: list[_Draft]) -> None:
    """Make Python of each cell that is to be Python, and keep what is wrong with it."""
    needs = any(draft.is_python and not is_python(draft.opening.source) for draft in drafts)
    bound = _bound(drafts) if needs else set()
    for draft in drafts:
        if not draft.is_python:
            draft.translation = Translation(draft.opening.source)
            continue
        draft.translation = translated(_dedented(draft.opening.source), bound)
        draft.inside += draft.translation.findings
        try:
            draft.tree = parse(draft.translation.source)
        except NotPython as error:
            draft.inside.append(Finding(error.line, str(error), _hint_for(draft.translation.source, error.line)))
        if draft.kind is CellKind.PLAIN and _is_control(draft):
            draft.kind = CellKind.PIPELINE


def _dedented(source: str) -> str:
    """Without the indent that all of it has, which IPython does not mind."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    indent = first[: len(first) - len(first.lstrip())]
    if not indent or is_python(source):
        return source
    return "\n".join(line.removeprefix(indent) for line in lines)


def _hint_for(source: str, line: int) -> str:
    """What may have been meant by a line that is no Python."""
    lines = source.split("\n")
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    word = text.partition(" ")[0]
    if word in ("pip", "conda") and " install " in text:
        return f'leave it out and write --requirements "{text.partition(" install ")[2].strip()}"'
    if word in _AUTOMAGIC:
        return f"a command of the shell begins with !: !{text}"
    return "mend the cell; every cell of a pipeline must be Python"


def _is_control(draft: _Draft) -> bool:
    """Whether the cell only speaks to FastTrack: ``%load_ext``, ``%fasttrack_pipeline``, ``%fasttrack run``."""
    if draft.tree is None or not all(isinstance(part, ast.Pass) for part in draft.tree.body):
        return False
    return draft.translation.statements > 0 and "fasttrack" in draft.raw.text


def _left_of_a_run(ran: Mapping[str, Any]) -> Iterator[Problem]:
    if ran:
        message = f"the file is what the task {ran.get('task')!r} left of its run, and not the notebook it is of"
        hint = f"open the notebook itself: {ran.get('notebook') or 'it has no name'}"
        yield Problem(code=RECORD, message=message, hint=hint, severity=Severity.NOTICE)


def _defaults(raw: RawNotebook, drafts: list[_Draft]) -> tuple[PipelineOptions, list[Problem]]:
    """What the notebook says about all its tasks; metadata first, the magic over them."""
    metadata = dict(raw.metadata)
    title = metadata.pop("pipeline", None)
    said: dict[str, Any] = {}
    try:
        said = marks_reading.said_by_metadata(PIPELINE, metadata)
        if title:
            said["name"] = marks_values.pipeline_name(str(title))
        said = said_of(marks_reading.overlaid(PipelineOptions, said, mark=PIPELINE))
    except BadRequest as error:
        return PipelineOptions(), [_about_notebook(one) for one in marks_reading.each_of(error)]
    except ValueError as error:
        return PipelineOptions(), [_about_notebook(error)]
    lines = [(draft, line, rest) for draft in drafts for line, rest in draft.translation.pipeline]
    for draft, line, _ in lines[1:]:
        message = f"a second %fasttrack_pipeline; the first is in {lines[0][0].raw.label}, line {lines[0][1]}"
        draft.refuse(line, message, "a notebook is one pipeline: keep one of them")
    for draft, line, rest in lines[:1]:
        try:
            said |= said_of(marks_reading.read_pipeline_line(rest))
            return marks_reading.overlaid(PipelineOptions, said, mark=PIPELINE), []
        except BadRequest as error:
            draft.refuse_each(line, error)
    return PipelineOptions(**said), []


def said_of(options: PipelineOptions) -> dict[str, Any]:
    """What the options say at all."""
    unsaid = PipelineOptions()
    found = {name: getattr(options, name) for name in PipelineOptions.__dataclass_fields__}
    return {name: value for name, value in found.items() if value != getattr(unsaid, name)}


def _about_notebook(error: Exception) -> Problem:
    hint = error.hint if isinstance(error, (BadRequest, marks_values.Wrong)) else ""
    return Problem(code="bad-notebook-metadata", message=f"the notebook's metadata: {error}", hint=hint)


def _problems(draft: _Draft) -> Iterator[Problem]:
    """What is to be told of one cell: of what is in it only if the pipeline has it."""
    yield from (problem_of(draft.raw, finding) for finding in draft.findings)
    yield from (problem_of(draft.raw, finding) for finding in draft.inside if draft.belongs or finding.is_mark)


def problem_of(cell: RawCell | Cell, finding: Finding) -> Problem:
    """A finding, with the cell that it is about."""
    return Problem(
        code="bad-cell", message=f"{cell.label}, line {finding.line}: {finding.message}", hint=finding.hint,
        path=("cells", cell.key, finding.line), severity=finding.severity,
    )  # fmt: skip


def _between(drafts: list[_Draft]) -> Iterator[Problem]:
    """What is wrong between cells: tasks told twice differently, ``after`` that names no task."""
    first: dict[str, _Draft] = {}
    for draft in drafts:
        if draft.task is None:
            continue
        before = first.setdefault(draft.task, draft)
        if (before.kind is CellKind.SHELL) != (draft.kind is CellKind.SHELL):
            message = f"task {draft.task!r} is Python in {before.raw.label} and a shell script here, or the reverse"
            yield problem_of(draft.raw, Finding(draft.opening.line or 1, message, "give the two tasks two names"))
            continue
        try:
            places = (before.raw.label, draft.raw.label)
            before_options = TaskOptions() if before is draft else before.options
            marks_reading.joined(draft.task, before_options, draft.options, places)
        except BadRequest as error:
            yield problem_of(draft.raw, Finding(draft.opening.line or 1, error.message, error.hint))
    if any(draft.kind is CellKind.TASK and draft.task is None for draft in drafts):
        return  # a name that could not be read may be the one that is meant
    for draft in drafts:
        for name in draft.options.after:
            if name == draft.task or name not in first:
                is_own = name == draft.task
                message = f"task {draft.task!r} is to run after {'itself' if is_own else f'{name!r}, which is no task'}"
                hint = "remove it" if is_own else did_you_mean(name, first)
                yield problem_of(draft.raw, Finding(draft.opening.line or 1, message, hint))


def _kale_name(kale: Mapping[str, Any]) -> str:
    name = kale.get("pipeline_name")
    return fit_name(name) if isinstance(name, str) and name.strip() else ""


def _left_of_kale(kale: Mapping[str, Any]) -> Iterator[Problem]:
    image = kale.get("docker_image")
    if isinstance(image, str) and image:
        message = f"Kale's image {image} is not taken over: it is made for Kubeflow"
        hint = "say what the tasks run in: %fasttrack_pipeline NAME --image, or --requirements"
        yield Problem(code="kale-image", message=message, hint=hint, severity=Severity.NOTICE)


def _finished(draft: _Draft) -> Cell:
    source = draft.translation.source
    if not draft.belongs and draft.tree is None:
        source = "\n".join(f"# {line}" for line in source.split("\n"))
    return Cell(draft.raw.label, draft.raw.key, source, draft.kind, draft.task, draft.options)
