"""The live widget of a job: its graph, its tasks in a table, the log and the outputs of one of them, and buttons.

It hears of the job on the feed's thread and paints on its own (:mod:`.widget_worker`); the kernel's thread only notes
what was pressed. So nothing here ever waits for the engine on a thread that cells run on. One widget serves a job
however often it is shown: the second display is a second view of it. When the job has ended the subscription and the
thread end; a press of a button brings the thread back for as long as it takes.

What reaches the front-end is what has changed: a trait that is set to what it is already sends nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakMethod, WeakValueDictionary

from fasttrack_jupyter.api.states import FAILURE, PREPARING, RUNNING
from fasttrack_jupyter.api.words import clean, plural
from fasttrack_jupyter.errors import FastTrackError, NotFound
from fasttrack_jupyter.kernel.editing import has_cells_of, rerun_edited
from fasttrack_jupyter.kernel.loading import session_here
from fasttrack_jupyter.kernel.picture import picture_uri
from fasttrack_jupyter.kernel.widget_ansi import log_html, no_log, nothing_written
from fasttrack_jupyter.kernel.widget_metrics import metrics_html
from fasttrack_jupyter.kernel.widget_outputs import outputs_html
from fasttrack_jupyter.kernel.widget_parts import LOG, METRICS, Parts, shown
from fasttrack_jupyter.kernel.widget_rows import TaskRow, headline, job_state, most_relevant, task_rows, totals_text
from fasttrack_jupyter.kernel.widget_style import GRAPH_HEIGHT, live_class, live_style
from fasttrack_jupyter.kernel.widget_table import mark, table_html, totals_html
from fasttrack_jupyter.kernel.widget_worker import Worker

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.jobs import Job
    from fasttrack_jupyter.kernel.session import Session
    from fasttrack_jupyter.kernel.widget_graph import TaskGraph

Json = dict[str, Any]
Still = Callable[["JobWidget", bool], None]
"""Called after a painting, with whether the job has ended."""

MOST_NODES = 300
"""Tasks that are drawn as a graph; more are folded into a bar."""
_LOG_BYTES, _LOG_LINES = 32_768, 300
_MOST_CHOICES = 1000
_OPEN_JOB = "fasttrack:open-job"
"""The command of JupyterLab's extension that shows a job; its link is shown in JupyterLab only."""

_by_job: WeakValueDictionary[str, JobWidget] = WeakValueDictionary()
"""The widget of each job that is shown. ipywidgets keeps open widgets alive; a closed one is forgotten here too."""


def widget_of(job: Job, height: int = 360) -> JobWidget:
    """The job's widget: the one that shows it already, or a new one, ``height`` pixels high."""
    known = _by_job.get(job.id)
    return known if known is not None and not known.is_closed else JobWidget(job, height)


class JobWidget:
    """Shows one job, live. ``box`` is the ipywidget; closing that ends everything."""

    def __init__(self, job: Job, height: int = 360) -> None:
        self.job = job
        self.stills_class = f"ftw-still-{uuid4().hex[:12]}"
        self.is_closed = False
        self._painting = threading.RLock()
        self._picked: str | None = None
        self._is_choosing = self._has_chosen = self._is_cut_off = False
        self._log_of: tuple[str, int, str] | None = None
        self._stills: list[Still] = []
        self._graph: TaskGraph | None = None
        self._is_drawn = False
        self._parts = Parts(live_style(self.stills_class), f"{height}px")
        self._worker = Worker(f"fasttrack-widget-{job.name}", _weakly(self._paint, False))
        self.box = self._parts.box
        self.box.add_class(live_class(self.stills_class))
        self._connect()
        self._unsubscribe: Callable[[], None] = lambda: None
        self._begin(job)

    # ------------------------------------------------------------ a job comes, and goes

    def _connect(self) -> None:
        self._parts.on(
            {
                "cancel": self._ask_cancel,
                "yes": self._cancel,
                "no": lambda: shown(self._parts.confirm, False),
                "rerun": lambda: self._rerun(from_failed=False),
                "rerun_failed": lambda: self._rerun(from_failed=True),
                "rerun_edited": self._rerun_edited,
            },
            {
                "task": self._choose,
                "view": lambda _: self._look_again(),
                "follow": lambda _: self._look_again(),
                "zoom": self._zoom,
            },
        )
        self.box.observe(self._comm_changed, "comm")

    def _begin(self, job: Job) -> None:
        with self._painting:
            self._unsubscribe()
            self.job, self._picked, self._has_chosen, self._log_of = job, None, False, None
            _by_job[job.id] = self
            self._is_drawn = False
            self._paint_state()
        self._unsubscribe = job.subscribe(_weakly(self._heard, None))
        self._worker.ask(self._draw_graph)

    def _draw_graph(self) -> None:
        """On the worker's thread, since it takes a while: a widget per card, and ipycytoscape imports what it finds."""
        from fasttrack_jupyter.kernel.widget_graph import TaskGraph

        with self._painting:
            if self.is_closed:
                return
            rows, old, self._graph, self._is_drawn = task_rows(self.job.view), self._graph, None, True
            if 0 < len(rows) <= MOST_NODES:
                self._graph = TaskGraph(rows, GRAPH_HEIGHT, self.pick)
            self._parts.place(self._graph.widget if self._graph is not None else self._parts.folded)
            shown(self._parts.zoom, self._graph is not None)
            if old is not None:
                old.close()

    def _turn_to(self, job: Job) -> None:
        """Show another job from now on, in the same place."""
        _by_job.pop(self.job.id, None)
        self._begin(job)

    def add_still(self, still: Still) -> None:
        """Tell ``still`` after paintings, so that it can keep the stored picture up to date."""
        self._stills.append(still)

    def close(self) -> None:
        """Take it off every page, and end what it kept going."""
        if self.is_closed:
            return
        self.is_closed = True
        self._unsubscribe()
        self._worker.close()
        _by_job.pop(self.job.id, None)
        if self._graph is not None:
            self._graph.close()
        self._parts.close()

    def _comm_changed(self, news: Any) -> None:
        if news["new"] is None:
            self.close()

    # ------------------------------------------------------------ news

    def _heard(self, _: Json) -> None:
        """On the feed's thread. The end is painted at once: a cell that waits for it may be the notebook's last."""
        if self.job.is_ended:
            with self._painting:
                self._paint_state()
        self._worker.ask()

    def _paint(self) -> bool:
        """On the worker's thread; whether to paint again without being asked."""
        with self._painting:
            if self.is_closed:
                return False
            job = self.job
            self._paint_state()
            self._paint_pane()
            if job.is_ended:
                self._unsubscribe()
            return not job.is_ended

    def _paint_state(self) -> None:
        job, parts = self.job, self._parts
        rows = task_rows(job.view)
        self._choose_one(rows)
        parts.title.value = self._title(rows)
        parts.link.value = "" if job.is_deleted else _link(job)
        if self._graph is not None:
            self._graph.show(rows, self._picked)
        elif len(rows) > MOST_NODES:
            parts.folded.value = _folded(rows)
        parts.list.value = table_html(rows, f"Tasks of {job.name}", self._picked)
        self._enable(rows)
        self._tell_trouble()
        for still in self._stills:
            still(self, job.is_ended)

    def _title(self, rows: list[TaskRow]) -> str:
        job, state = self.job, job_state(self.job.view)
        gone = ' <span class="ftw-none">deleted; this is what was known last</span>' if job.is_deleted else ""
        hint = escape(f"fasttrack show {job.name}")
        return (
            f'<div class="ftw-head"><span class="ftw-name" title="{hint}">{mark(state.name, state.icon)} '
            f"{escape(clean(job.name))}</span><span>{escape(headline(job.view))}</span>{totals_html(rows)}{gone}</div>"
        )

    def _enable(self, rows: list[TaskRow]) -> None:
        parts, job = self._parts, self.job
        parts.cancel.disabled = job.is_ended
        parts.rerun.disabled = not job.is_ended or job.is_deleted
        parts.rerun_failed.disabled = parts.rerun.disabled or job.result == "SUCCESS"
        parts.rerun_edited.disabled = parts.rerun.disabled
        shown(parts.rerun_edited, self._session() is not None)
        if job.is_ended:
            shown(parts.confirm, False)

    def _tell_trouble(self) -> None:
        trouble = self.job.trouble
        if trouble is not None:
            self._say(f"The engine does not answer just now; trying again. ({trouble})", is_trouble=True)
        elif self._is_cut_off:
            self._say("The engine answers again.")
        self._is_cut_off = trouble is not None

    def _say(self, text: str, *, is_trouble: bool = False) -> None:
        """What was done, or what went wrong, in the line below the buttons."""
        role = "alert" if is_trouble else "status"
        self._parts.said.value = f'<div role="{role}">{escape(clean(text))}</div>' if text else ""
        shown(self._parts.said, bool(text))

    # ------------------------------------------------------------ the task that is looked at

    def pick(self, path: str) -> None:
        """Look at this task's log and outputs."""
        if path in self._parts.task.options:
            self._parts.task.value = path

    def _choose(self, path: Any) -> None:
        if not self._is_choosing and path is not None:
            self._picked, self._has_chosen = str(path), True
            self._look_again()

    def _choose_one(self, rows: list[TaskRow]) -> None:
        """Until a person has chosen: the cause of a failure, else what runs, else what ran last."""
        paths = [row.path for row in most_relevant(rows, _MOST_CHOICES)]
        if not self._has_chosen:
            self._picked = _most_telling(rows, self._picked)
        self._is_choosing = True
        try:
            if list(self._parts.task.options) != paths:
                self._parts.task.options = paths
            if self._picked in paths and self._parts.task.value != self._picked:
                self._parts.task.value = self._picked
        finally:
            self._is_choosing = False

    def _look_again(self) -> None:
        self._log_of = None
        self._worker.ask()

    def _paint_pane(self) -> None:
        parts, path = self._parts, self._picked
        is_log = parts.view.value == LOG
        (parts.pane.add_class if is_log else parts.pane.remove_class)("ftw-log")
        shown(parts.follow, is_log)
        if path is None or path not in self.job.tasks:
            parts.pane.value = ""
        elif is_log:
            self._paint_log(path)
        elif parts.view.value == METRICS:
            self._paint_metrics(path)
        else:
            parts.pane.value = outputs_html(self.job.tasks[path])

    def _paint_metrics(self, path: str) -> None:
        try:
            self._parts.pane.value = metrics_html(self.job.tasks[path])
        except (FastTrackError, OSError) as error:
            self._parts.pane.value = escape(f"The metrics cannot be read just now: {error}")

    def _paint_log(self, path: str) -> None:
        task = self.job.tasks[path]
        now = (path, int(task.view["attempts"]), task.status)
        if self._log_of is not None and (self._log_of == now and task.is_ended):
            return  # it was read to its end
        if self._log_of is not None and self._log_of[0] == path and not self._parts.follow.value:
            return
        try:
            inside = log_html(task.tail(_LOG_BYTES), _LOG_LINES) or nothing_written(task.is_ended)
        except NotFound:
            inside = escape(no_log(task.status, clean(task.reason)))
        except (FastTrackError, OSError) as error:
            inside, now = escape(f"The log cannot be read just now: {error}"), ("", 0, "")
        self._parts.pane.value = f'<pre role="log" tabindex="0" aria-label="Log of {escape(path)}">{inside}</pre>'
        self._log_of = now

    def _zoom(self, is_on: Any) -> None:
        if self._graph is not None:
            self._graph.widget.user_zooming_enabled = bool(is_on)
            if not is_on:
                self._graph.arrange()

    # ------------------------------------------------------------ what is pressed

    def _ask_cancel(self) -> None:
        would = f"{plural(_busy(self.job), 'task')} would be ended."
        self._parts.question.value = escape(f"Cancel {self.job.name}? {would}")
        shown(self._parts.confirm, True)

    def _cancel(self) -> None:
        shown(self._parts.confirm, False)
        self._parts.cancel.disabled = True

        def cancel() -> None:
            ran = plural(_busy(self.job), "task")
            self.job.cancel()
            self._say(f"{self.job.name} was asked to end, and with it {ran}.")

        self._do(cancel)

    def _rerun(self, *, from_failed: bool) -> None:
        def rerun() -> None:
            self._turn_to_rerun(
                self.job.rerun(from_failed=from_failed),
                "what had succeeded is taken over" if from_failed else "everything runs again",
                "Its code is as it was then; %fasttrack rerun --edited takes the cells as they are now.",
            )

        self._do_again(rerun)

    def _session(self) -> Session | None:
        """The notebook of this kernel, if it is what the job was made of."""
        session = session_here()
        return session if session is not None and has_cells_of(session, self.job) else None

    def _rerun_edited(self) -> None:
        def rerun() -> None:
            session = self._session()
            if session is None:
                raise NotFound(f"the cells of {self.job.name} are not those of this notebook any more")
            again, made = rerun_edited(session, self.job)
            told = "; ".join(problem.message for problem in made.problems)
            self._turn_to_rerun(again, "everything runs again, with the cells as they are now", told)

        self._do_again(rerun)

    def _turn_to_rerun(self, again: Job, how: str, more: str) -> None:
        before = self.job.name
        self._turn_to(again)
        self._say(f"{again.name} is a rerun of {before}, and shown here from now on: {how}. {more}".strip())

    def _do_again(self, rerun: Callable[[], None]) -> None:
        parts = self._parts
        parts.rerun.disabled = parts.rerun_failed.disabled = parts.rerun_edited.disabled = True
        self._do(rerun)

    def _do(self, what: Callable[[], None]) -> None:
        """Do it on the worker's thread; what goes wrong is told below the buttons."""

        def tried() -> None:
            try:
                what()
            except (FastTrackError, OSError) as error:
                hint = getattr(error, "hint", None)
                self._say(f"{error}{f' {hint}' if hint else ''}", is_trouble=True)

        self._worker.ask(tried)


def _weakly(method: Callable[..., Any], otherwise: Any) -> Callable[..., Any]:
    """``method``, without keeping its object alive; ``otherwise`` is returned when that is gone."""
    reference = WeakMethod(method)

    def call(*given: Any) -> Any:
        found = reference()
        return otherwise if found is None else found(*given)

    return call


def _most_telling(rows: list[TaskRow], before: str | None) -> str | None:
    for row in rows:
        if row.is_cause:
            return row.path
    running = [row.path for row in rows if row.state in (RUNNING, FAILURE)]
    if before in running or (before is not None and not running):
        return before
    return next(iter(running), rows[0].path if rows else None)


def _busy(job: Job) -> int:
    """How many of its tasks would lose something by an end now."""
    return sum(row.state in (RUNNING, PREPARING) for row in task_rows(job.view))


def _link(job: Job) -> str:
    arguments = escape(json.dumps({"job": job.id}))
    return (
        f'<button class="ftw-link" data-commandlinker-command="{_OPEN_JOB}" data-commandlinker-args="{arguments}">'
        "Open in the editor</button>"
    )


def _folded(rows: list[TaskRow]) -> str:
    told = escape(totals_text(rows))
    return f'<img src="{picture_uri(rows)}" alt="{told}" title="{told}">'
