"""A job once more, with the cells as they are now: for ``%fasttrack rerun --edited``, and a button of the widget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.kernel.building import Made, made_of
from fasttrack_jupyter.kernel.problems import in_words
from fasttrack_jupyter.notebook.ways import way_of

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job
    from fasttrack_jupyter.kernel.session import Session


def has_cells_of(session: Session, job: Job) -> bool:
    """Whether this kernel's notebook is what the job was made of, and has a task that could be edited."""
    source = job.view.get("source")
    is_ours = job.id in session.sent or (source is not None and Path(source) == Path(session.source))
    return is_ours and (bool(session.tasks()) or job.id in session.sent)


def rerun_edited(session: Session, old: Job, **how: Any) -> tuple[Job, Made]:
    """A new job from ``old``, of the cells as they are now; ``how`` as :meth:`.jobs.Job.rerun` has it.

    Raises:
        BadRequest, InvalidNotebook, InvalidPipeline, Refused: it would not start; nothing was made.
    """
    made = made_of(session, way=way_of(old.yaml()))
    try:
        again = old.rerun(edited=True, text=made.text, files=dict(made.files), **how)
    except InvalidPipeline as error:
        raise in_words(error, made.text) from None
    session.has_begun(again, {**made.files, made.file_name: made.text})
    return again, made
