"""What this kernel's notebook is: the cells that ran here, each as it was last typed.

A kernel never sees a notebook; it sees cells, one by one, in the order in which somebody runs them. So every cell
that ran is noted, marked or not (an unmarked one explains where a missing variable comes from). A cell that runs
again replaces itself: JupyterLab, Notebook 7 and VS Code say which cell it is; where nobody does, the same text is the
same cell, and in a terminal what is typed again (a task, the parameters, the pipeline's own line) replaces what was
there before. Cells stand in the order of the saved notebook as far as they are found in it, and else in the order in
which they first ran.

What is made of that is read by the reader of saved notebooks: both ways give the same pipeline.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.kernel.marking import is_marked, is_work, role_of, task_named
from fasttrack_jupyter.kernel.saved import Saved, SavedCell, notebook_path, read_saved
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.notebook.ways import Way

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job
    from fasttrack_jupyter.notebook.cells import Notebook
    from fasttrack_jupyter.notebook.cells_json import RawCell


@dataclass(frozen=True, slots=True)
class Ran:
    """A cell that ran. ``first`` and ``count``: its numbers in the history when it ran first, and last."""

    id: str | None
    source: str
    metadata: Mapping[str, Any]
    """``fasttrack`` and ``tags`` of the cell's metadata, where the front-end tells them."""
    first: int
    count: int
    at: float
    """When it ran last: seconds since the epoch."""
    is_stale: bool = False
    """Whether it was changed since, and the change was no Python or marked wrongly: it failed and was not noted."""

    @property
    def label(self) -> str:
        """What people see beside it."""
        return f"In [{self.count}]"


class Session:
    """The cells of one kernel, and the jobs that were made of them. Heard by IPython's events; see :mod:`.loading`."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.mode: str | None = None
        """What ``%fasttrack mode`` or ``%fasttrack_pipeline --mode`` said; None: nothing was said."""
        self.job: Job | None = None
        """The last job that was made here."""
        self.sent: dict[str, Mapping[str, str]] = {}
        """The files of the jobs that were made here, by job id: what ``diff`` compares with."""
        self._ran: list[Ran] = []
        self._shown: set[str] = set()
        self._is_refused = False
        self._saved: tuple[tuple[str, int, int] | None, Saved] = (None, Saved())

    # ------------------------------------------------------------ what is heard

    @property
    def runs_here(self) -> bool:
        """Whether marked cells run in this kernel as well."""
        told = self.saved().metadata.get("fasttrack")
        noted = told.get("mode") if isinstance(told, Mapping) else None
        return (self.mode or noted) != "define"

    @property
    def request(self) -> Mapping[str, Any]:
        """The metadata of the request that is being executed: JupyterLab's hold those of the cell itself."""
        kernel = getattr(self.shell, "kernel", None)
        if kernel is None:
            return {}
        return (kernel.get_parent("shell") or {}).get("metadata") or {}

    @property
    def metadata(self) -> Mapping[str, Any]:
        """``metadata.fasttrack`` of the cell that is running, or about to."""
        found = self.request.get("fasttrack")
        return found if isinstance(found, Mapping) else {}

    def about_to_run(self, info: Any) -> None:
        """IPython's ``pre_run_cell``: forget the cells that were deleted, so that a cell can already build on that."""
        self._is_refused = False
        self._shown.clear()
        gone = set(self.request.get("deletedCells") or ())
        if gone:
            self._ran = [ran for ran in self._ran if ran.id not in gone]

    def refuse(self) -> None:
        """What is running just now is no cell of the notebook: its marks were wrong, or it only asked for help."""
        self._is_refused = True

    def has_run(self, result: Any) -> None:
        """IPython's ``post_run_cell``: note the cell, unless it is no Python, or nobody's (silent, or not kept)."""
        info = getattr(result, "info", None)
        if info is None or info.silent or not info.store_history or not info.raw_cell.strip():
            return
        cell_id = getattr(info, "cell_id", None)
        is_refused = self._is_refused or type(result.error_in_exec).__name__ == "UsageError"  # an unknown magic
        if result.error_before_exec is not None or is_refused:
            self._ran = [replace(one, is_stale=True) if cell_id and one.id == cell_id else one for one in self._ran]
        else:
            self.note(info.raw_cell, result.execution_count or 0, cell_id)

    def note(self, source: str, count: int, cell_id: str | None = None) -> None:
        """A cell ran: it is new, or takes the place of what it was before."""
        request = self.request
        metadata = {key: request[key] for key in ("fasttrack", "tags") if key in request}
        ran = Ran(cell_id, source, metadata, count, count, time.time())
        for place, before in enumerate(self._ran):
            if self._is_same(before, ran):
                self._ran[place] = replace(ran, first=before.first)
                return
        self._ran.append(ran)

    def _is_same(self, before: Ran, now: Ran) -> bool:
        if now.id is not None or before.id is not None:
            return before.id == now.id
        if before.source == now.source:
            return True
        is_terminal = getattr(self.shell, "kernel", None) is None
        role = role_of(now.source) if is_terminal else None
        return role is not None and role_of(before.source) == role

    def has_begun(self, job: Job, files: Mapping[str, str] | None) -> None:
        """A job was made here, of ``files`` (None: nobody here knows)."""
        self.job = job
        if files is not None:
            self.sent[job.id] = files

    def show(self, job: Job) -> None:
        """Show a job that a magic also returns: assigned or not, the cell shows it once."""
        from fasttrack_jupyter.kernel.told import display_job

        display_job(job)
        self._shown.add(job.id)

    def has_just_shown(self, job: Job) -> bool:
        """Whether the cell that runs has shown this job already; asked once for each time."""
        is_shown = job.id in self._shown
        self._shown.discard(job.id)
        return is_shown

    def reset(self) -> int:
        """Forget every cell, how this notebook's cells run, and its last job; how many marked cells there were."""
        count = sum(is_marked(ran.source, ran.metadata) for ran in self._ran)
        self._ran = []
        self.mode, self.job, self.sent = None, None, {}
        return count

    # ------------------------------------------------------------ what it is

    @property
    def path(self) -> Path | None:
        """Where the notebook is saved, if that is known."""
        return notebook_path(self.shell.user_ns)

    @property
    def source(self) -> str:
        """What a job is said to come from: the notebook's file; its folder is the pipeline's code."""
        return str(self.path or Path.cwd() / "notebook.ipynb")

    def saved(self) -> Saved:
        """The notebook's file as it is now; read again when it has changed."""
        path = self.path
        try:
            found = path.stat() if path is not None else None
        except OSError:
            found = None
        key = (str(path), found.st_mtime_ns, found.st_size) if found is not None else None
        if key != self._saved[0]:
            self._saved = (key, read_saved(path))
        return self._saved[1]

    def notebook(self, way: Way = Way.MARKED) -> Notebook:
        """The cells of this kernel as a notebook, by their marks, or split.

        Raises:
            InvalidNotebook: its marks do not fit together; the problems tell the cells, ``In [5]``.
        """
        from fasttrack_jupyter.notebook.cells_json import RawNotebook
        from fasttrack_jupyter.notebook.cells_reading import read_cells

        saved = self.saved()
        told = saved.metadata.get("fasttrack")
        cells = tuple(_raw_cells(ordered(self._ran, saved), saved))
        raw = RawNotebook(cells, told if isinstance(told, Mapping) else {}, {}, "python")
        found = read_cells(raw, self.path.name if self.path else "", split=way is Way.SPLIT)
        return replace(found, problems=(*found.problems, *unlike(self._ran, saved, way)))

    def unsaved(self) -> list[Problem]:
        """Cells that ran here since the notebook was saved, and do not stand in its file so: one warning."""
        saved = self.saved()
        labels = [
            one.label
            for one in self._ran
            if one.at > saved.written_at and all(cell.source != one.source for cell in saved.cells)
        ]
        if not labels:
            return []
        message = f"{', '.join(labels)}: not in the notebook as it is saved, which is what the job takes"
        return [Problem(code="cell-not-saved", message=message, hint="save it first", severity=Severity.WARNING)]

    def tasks(self) -> list[str]:
        """The names of the tasks so far, for completion: quick, and whatever else is wrong."""
        named = (self._metadata_name(ran) or task_named(ran.source) for ran in self._ran)
        return list(dict.fromkeys(name for name in named if name))

    @staticmethod
    def _metadata_name(ran: Ran) -> str | None:
        told = ran.metadata.get("fasttrack")
        return told.get("task") if isinstance(told, Mapping) else None


def ordered(ran: list[Ran], saved: Saved) -> list[Ran]:
    """Cells in the saved notebook's order; one that is not in it stands behind the one that ran first before it."""
    places = {id(one): found for one in ran if (found := saved.find(one.id, one.source))}
    known = sorted((one for one in ran if id(one) in places), key=lambda one: places[id(one)].position)
    before: Ran | None = None
    for one in sorted(ran, key=lambda one: one.first):
        if id(one) not in places:
            known.insert(0 if before is None else known.index(before) + 1, one)
        before = one
    return known


def _raw_cells(ran: list[Ran], saved: Saved) -> list[RawCell]:
    """For the reader of notebooks. Keys are places in the saved notebook where all are found there, as it has them."""
    from fasttrack_jupyter.notebook.cells_json import RawCell

    found = [saved.find(one.id, one.source) for one in ran]
    is_whole = all(found)
    numbers = [cell.position if is_whole and cell else place for place, cell in enumerate(found, 1)]
    width = max(2, len(str(saved.count if is_whole else len(ran))))
    return [
        RawCell(one.label, f"{number:0{width}}", one.source.rstrip("\n"), *_told(one, cell, saved), one.id)
        for one, number, cell in zip(ran, numbers, found, strict=True)
    ]


def _told(ran: Ran, cell: SavedCell | None, saved: Saved) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Tags and ``metadata.fasttrack``: as they were when it ran or, where the file is younger, as they were saved."""
    is_newer = cell is not None and (saved.written_at > ran.at or not ran.metadata)
    metadata = cell.metadata if cell is not None and is_newer else ran.metadata
    tags, told = metadata.get("tags"), metadata.get("fasttrack")
    words = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    return words, told if isinstance(told, Mapping) else {}


def unlike(ran: list[Ran], saved: Saved, way: Way) -> list[Problem]:
    """Where this kernel and the saved notebook are not the same: a cell that has not run, one that is gone.

    Cells that count are those with marks or, where every cell is a task, all that do not speak to FastTrack.
    """
    ids, texts = {one.id for one in ran}, {one.source for one in ran}
    missing = [
        Problem(
            code="cell-not-run",
            message=f"cell {cell.position} ({cell.source.lstrip().partition(chr(10))[0][:60]}) has not run in this "
            "kernel: the pipeline is without it",
            hint="run it, or take the saved notebook as it is: fasttrack run NOTEBOOK.ipynb",
            severity=Severity.WARNING,
        )
        for cell in saved.cells
        if (is_work(cell.source) if way is Way.SPLIT else is_marked(cell.source, cell.metadata))
        and cell.id not in ids
        and cell.source not in texts
    ]
    gone = [
        Problem(
            code="cell-not-saved",
            message=f"{one.label} (task {task}) is not in the saved notebook any more, but still counts",
            hint="%fasttrack reset forgets what ran here; then run the cells that are to count",
            severity=Severity.WARNING,
        )
        for one in ran
        if saved.cells and saved.written_at > one.at
        if (task := task_named(one.source)) and saved.find(one.id, one.source) is None
    ]
    stale = [
        Problem(
            code="cell-stale",
            message=f"{one.label} was changed since, but its new text failed: the earlier one counts",
            hint="mend the cell and run it",
            severity=Severity.WARNING,
        )
        for one in ran
        if one.is_stale
    ]
    return [*missing, *gone, *stale]
