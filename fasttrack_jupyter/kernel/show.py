"""``ft.show(job)``: the live widget where a front-end can hold one, a picture and a table everywhere else.

A displayed job is two outputs. The first is the *still*: picture and table as plain HTML, kept up to date by its
display id and final when the job has ended. The second is the widget. While the widget is on the page its style hides
the still; in a notebook that was saved, converted or put on a web site the widget is gone and the still is what
remains (in JupyterLab the still then hides the notice that the widget's model is missing).

One bundle with all of it (``_repr_mimebundle_``) would not do for display: a front-end takes the widget's type
whether its kernel still lives or not. It is there for tools that ask for it.
"""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fasttrack_jupyter.api.words import clean, local_time, now
from fasttrack_jupyter.kernel.picture import picture_uri
from fasttrack_jupyter.kernel.told import can_draw, job_table
from fasttrack_jupyter.kernel.widget_rows import headline, job_state, task_rows, totals_text
from fasttrack_jupyter.kernel.widget_style import still_style
from fasttrack_jupyter.kernel.widget_table import mark, table_html

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job
    from fasttrack_jupyter.kernel.widget import JobWidget

Json = dict[str, Any]

VIEW = "application/vnd.jupyter.widget-view+json"
_STILL_SECONDS = 10.0
"""A still of a job that goes on is renewed this often: a notebook may be saved, or its kernel end, at any moment."""


def show(job: Job, height: int = 360) -> Shown:
    """What displays ``job``: live, ``height`` pixels high; in a terminal a table."""
    return Shown(job, height)


class Shown:
    """A job to be displayed. ``widget`` is the ipywidget, for layouts of one's own."""

    def __init__(self, job: Job, height: int = 360) -> None:
        self.job = job
        self._height = height

    @property
    def live(self) -> JobWidget:
        """The live widget; made when it is first asked for, shared by all displays of the job."""
        from fasttrack_jupyter.kernel.widget import widget_of

        return widget_of(self.job, self._height)

    @property
    def widget(self) -> Any:
        """The job's ipywidget."""
        return self.live.box

    def __repr__(self) -> str:
        return job_table(self.job.view)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Json:
        """Live view, still picture, and text, in one."""
        if not can_draw():
            return {"text/plain": repr(self)}
        live = self.live
        return {**still(self.job, live.stills_class), VIEW: _view(live)}

    def _ipython_display_(self) -> None:
        """Two outputs, the still and the live one; in a terminal, text."""
        if not can_draw():
            print(repr(self))
            return
        live = self.live
        kept = _Kept(live)
        _publish(still(self.job, live.stills_class), kept.display_id)
        _publish({VIEW: _view(live), "text/plain": ""})
        live.add_still(kept)
        kept(live, live.job.is_ended)  # it may have ended just before somebody listened


class _Kept:
    """One stored still: renewed now and then, and once more at the end."""

    def __init__(self, live: JobWidget) -> None:
        self.display_id = f"fasttrack-{uuid4().hex}"
        self._at = time.monotonic()
        self._seen = _sight(live.job)

    def __call__(self, live: JobWidget, is_ended: bool) -> None:
        sight = _sight(live.job)
        if sight == self._seen or not (is_ended or time.monotonic() - self._at >= _STILL_SECONDS):
            return
        self._seen, self._at = sight, time.monotonic()
        _publish(still(live.job, live.stills_class), self.display_id, update=True)


def _publish(bundle: Json, display_id: str | None = None, *, update: bool = False) -> None:
    from IPython.core.display_functions import publish_display_data

    transient = {} if display_id is None else {"display_id": display_id}
    publish_display_data(bundle, transient=transient, update=update)  # type: ignore[no-untyped-call]


def _sight(job: Job) -> tuple[str, int, bool]:
    """What makes two stills of a job differ."""
    return job.id, int(job.view["seq"]), job.is_ended


def _view(live: JobWidget) -> Json:
    return {"version_major": 2, "version_minor": 0, "model_id": live.box.model_id}


def still(job: Job, stills_class: str) -> Json:
    """The job as it is now, as ``text/html`` that holds no script and needs nothing, and as ``text/plain``."""
    rows, state = task_rows(job.view), job_state(job.view)
    as_of = "" if job.is_ended else f", as of {local_time(now().isoformat())}"
    told = f"{clean(job.name)}: {headline(job.view)}"
    alt = escape(f"{told}. {totals_text(rows)}")
    html = (
        f'{still_style(stills_class)}<div class="ftw-still {stills_class}"><div class="ftw-head">'
        f'<span class="ftw-name">{mark(state.name, state.icon)} {escape(clean(job.name))}</span>'
        f"<span>{escape(headline(job.view))}{escape(as_of)}</span></div>"
        f'<img src="{picture_uri(rows)}" alt="{alt}">{table_html(rows, f"Tasks of {clean(job.name)}")}</div>'
    )
    return {"text/html": html, "text/plain": job_table(job.view)}
