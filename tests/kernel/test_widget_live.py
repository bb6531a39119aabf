"""The live widget, with a job that does what it is told and a wire that notes what is sent."""

from __future__ import annotations

import gc
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import EngineUnavailable, Refused
from fasttrack_jupyter.kernel.widget import MOST_NODES, JobWidget, widget_of
from fasttrack_jupyter.kernel.widget_worker import SHORTEST, Worker

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from shown import AT, StandIn, task, view, wired

Sent = list[tuple[str, str, dict[str, Any]]]
Show = Callable[..., Any]

DONE = task("a", "TERMINATED", "SUCCESS", started_at=AT, ended_at=AT, attempts=1)


@pytest.fixture
def sent() -> Iterator[Sent]:
    """What the widgets of this test send."""
    with wired() as found:
        yield found


@pytest.fixture
def shown(sent: Sent) -> Iterator[Show]:
    """Make a widget of a job; at the end of the test nothing of any is left."""
    made: list[JobWidget] = []

    def show(job: Any, **how: Any) -> JobWidget:
        made.append(widget_of(job, **how))
        return made[-1]

    yield show
    for one in made:
        one.close()
    until(lambda: not threads(), "the end of every thread")


def threads() -> list[str]:
    """The widgets' threads."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("fasttrack-widget")]


def until(holds: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.01)


def text(html: str) -> str:
    """What a reader sees of it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


def cards(widget: JobWidget) -> dict[str, Any]:
    """The node of each task, as soon as the graph is drawn."""
    until(lambda: widget._graph is not None, "the graph")
    assert widget._graph is not None
    return widget._graph._nodes


def press(widget: JobWidget, name: str) -> None:
    """Press a button, as a front-end's message does."""
    getattr(widget._parts, name)._handle_button_msg(None, {"event": "click"}, [])


def test_a_change_of_the_job_reaches_the_page(shown: Show) -> None:
    """Table, headline and card follow what the job tells."""
    job = StandIn(view(task("a", "RUNNING"), task("b", "WAITING", "UNDEFINED", "a")))
    widget = shown(job)
    job.becomes(DONE, task("b", "RUNNING", "UNDEFINED", "a", progress={"fraction": 0.5, "text": "cell 3 of 7"}))
    until(lambda: "cell 3 of 7" in widget._parts.list.value, "the new table")
    until(lambda: [node.data["state"] for node in cards(widget).values()] == ["success", "running"], "the new cards")
    assert "digits#3 running" in text(widget._parts.title.value)


def test_only_what_has_changed_is_sent(shown: Show, sent: Sent) -> None:
    """A painting of the same again sends nothing at all; one task costs one message of its card."""
    tasks = [task("t0", "RUNNING"), *(task(f"t{n}") for n in range(1, 50))]
    job = StandIn(view(*tasks, started_at=None))
    widget = shown(job)
    job.logs = {"t0": "x\n"}
    until(lambda: "x" in text(widget._parts.pane.value), "the first painting")
    nodes = {node.model_id for node in cards(widget).values()}
    widget._paint()
    before = len(sent)
    widget._paint()
    assert len(sent) == before
    job.view = view(*tasks[:-1], task("t49", "PREPARING"), started_at=None)
    widget._paint_state()
    assert sum(model in nodes for model, _, _ in sent[before:]) == 1


def test_a_burst_of_news_is_painted_a_few_times(shown: Show) -> None:
    """At most five paintings a second, however often the job changes; the last state is painted."""
    job = StandIn(view(task("a", "RUNNING")))
    widget = shown(job)
    paintings = []
    inner = widget._paint_state
    widget._paint_state = lambda: (paintings.append(1), inner())  # type: ignore[method-assign]
    begun = time.monotonic()
    for count in range(400):
        job.becomes(task("a", "RUNNING", progress={"text": f"epoch {count}"}))
        time.sleep(0.001)
    until(lambda: "epoch 399" in widget._parts.list.value, "the last news")
    assert len(paintings) <= 2 + (time.monotonic() - begun) / SHORTEST


def test_a_large_job_is_folded(shown: Show, sent: Sent) -> None:
    """A thousand tasks: a bar by state and a table of what matters, in a hundred messages, not in thousands."""
    job = StandIn(view(*(task(f"t{n}") for n in range(999)), task("fails", "TERMINATED", "FAILURE", ended_at=AT)))
    widget = shown(job)
    until(lambda: widget._parts.folded.value, "the bar")
    assert widget._graph is None
    assert "999 waiting, 1 failed" in widget._parts.folded.value
    assert text(widget._parts.list.value).startswith("Task State Took fails ✕ failed, the cause")
    assert len(sent) < 200


def test_a_graph_is_drawn_up_to_its_limit_and_names_are_never_markup(shown: Show) -> None:
    """ipycytoscape's tooltips are HTML: no card has one."""
    evil = "<img src=x onerror=alert(1)>"
    job = StandIn(view(task(evil), *(task(f"t{n}", "WAITING", "UNDEFINED", evil) for n in range(MOST_NODES - 1))))
    widget = shown(job)
    assert len(cards(widget)) == MOST_NODES
    assert len(widget._graph.widget.graph.edges) == MOST_NODES - 1
    assert not any("tooltip" in node.data or evil in str(dict(node.data)) for node in cards(widget).values())
    assert evil not in widget._parts.list.value


@pytest.mark.parametrize(("count", "needs"), [(100, ()), (8, ()), (14, ("before",))])
def test_where_cards_could_not_be_read_there_are_blocks(shown: Show, count: int, needs: tuple[str, ...]) -> None:
    """Many tasks, a wide layer, a long chain: none covers another, five below each other."""
    chain = [task(f"t{n}", "WAITING", "UNDEFINED", *([f"t{n - 1}"] if n and needs else [])) for n in range(count)]
    found = cards(shown(StandIn(view(*chain))))
    places = {(node.position["x"], node.position["y"]) for node in found.values()}
    assert len(places) == count
    assert len({y for _, y in places}) <= 5


@pytest.mark.parametrize("count", [0, 1])
def test_jobs_of_no_task_and_of_one(shown: Show, count: int) -> None:
    """Both are shown, and say what they are."""
    widget = shown(StandIn(view(*(task(f"t{n}") for n in range(count)))))
    until(lambda: widget._parts.list.value, "a painting")
    until(lambda: widget._is_drawn, "the graph")
    assert (widget._graph is None) == (count == 0)
    assert ("no tasks" in widget._parts.list.value) == (count == 0)


# ---------------------------------------------------------------------- the task that is looked at


def test_the_log_of_what_failed_is_shown_until_somebody_chooses(shown: Show) -> None:
    """First what runs, then the cause of the failure; after a choice, the choice."""
    job = StandIn(view(task("a", "RUNNING"), task("b")))
    job.logs = {"a": "\x1b[31mred\x1b[0m\n", "b": "boom\n"}
    widget = shown(job)
    until(lambda: "red" in widget._parts.pane.value, "the log of what runs")
    assert 'aria-label="Log of a"' in widget._parts.pane.value
    job.becomes(DONE, task("b", "TERMINATED", "FAILURE", ended_at=AT))
    until(lambda: "boom" in widget._parts.pane.value, "the log of what failed")
    widget._parts.task.value = "a"
    until(lambda: "red" in widget._parts.pane.value, "the log that was chosen")
    job.becomes(DONE, task("b", "TERMINATED", "FAILURE", ended_at=AT), reason="again")
    until(lambda: "again" in widget._parts.title.value, "the next painting")
    assert widget._parts.task.value == "a"


def test_a_click_on_a_card_chooses_its_task(shown: Show) -> None:
    """As the front-end tells it."""
    widget = shown(StandIn(view(task("a", "RUNNING"), task("b"))))
    assert list(cards(widget)) == ["a", "b"]
    message = {"event": "click", "widget": "node", "data": {"data": {"id": "t1"}}}
    widget._graph.widget._handle_custom_msg(message, [])
    assert widget._parts.task.value == "b"


def test_a_log_that_is_not_followed_stands_still(shown: Show) -> None:
    """Until it is followed again."""
    job = StandIn(view(task("a", "RUNNING")))
    job.logs = {"a": "one\n"}
    widget = shown(job)
    until(lambda: "one" in widget._parts.pane.value, "the log")
    widget._parts.follow.value = False
    until(lambda: widget._log_of is not None, "a look at it")
    job.logs = {"a": "one\ntwo\n"}
    widget._paint()
    assert "two" not in widget._parts.pane.value
    widget._parts.follow.value = True
    until(lambda: "two" in widget._parts.pane.value, "what was written meanwhile")


def test_a_log_that_is_not_there_is_told_in_words(shown: Show) -> None:
    """Not yet, skipped, or not to be read just now; then it is read again."""
    job = StandIn(view(task("a", "WAITING", reason="waits for 2 cpu")))
    widget = shown(job)
    until(lambda: "No log yet: waits for 2 cpu" in widget._parts.pane.value, "why there is none")
    job.logs["a"] = EngineUnavailable("no engine")
    job.becomes(task("a", "RUNNING"))
    until(lambda: "cannot be read just now: no engine" in widget._parts.pane.value, "the trouble")
    job.logs["a"] = "back\n"
    until(lambda: "back" in widget._parts.pane.value, "the log, without anybody asking")


# ---------------------------------------------------------------------- buttons


def test_buttons_can_be_pressed_when_they_make_sense(shown: Show) -> None:
    """Cancel while it runs; rerun when it has ended; from failed when something did."""

    def pressable(widget: JobWidget) -> list[str]:
        return [name for name in ("cancel", "rerun", "rerun_failed") if not getattr(widget._parts, name).disabled]

    job = StandIn(view(task("a", "RUNNING")))
    widget = shown(job)
    assert pressable(widget) == ["cancel"]
    job.becomes(task("a", "TERMINATED", "FAILURE", ended_at=AT), status="TERMINATED", result="FAILURE")
    assert pressable(widget) == ["rerun", "rerun_failed"]
    assert pressable(shown(StandIn(view(DONE, id="job-2", status="TERMINATED", result="SUCCESS")))) == ["rerun"]


def test_cancelling_asks_first_and_tells_what_it_did(shown: Show) -> None:
    """The question says how much would be lost; "Keep it running" changes nothing."""
    job = StandIn(view(task("a", "RUNNING"), task("b", "PREPARING"), task("c")))
    widget = shown(job)
    press(widget, "cancel")
    assert widget._parts.confirm.layout.display is None
    assert widget._parts.question.value == "Cancel digits#3? 2 tasks would be ended."
    press(widget, "no")
    assert (widget._parts.confirm.layout.display, job.done) == ("none", [])
    press(widget, "cancel")
    press(widget, "yes")
    until(lambda: "digits#3 was asked to end" in widget._parts.said.value, "what it did")
    assert job.done == ["cancel"]


def test_a_rerun_is_shown_in_the_same_place(shown: Show) -> None:
    """What it did is told; the old job is heard no more, and can be shown anew."""
    job = StandIn(view(task("a", "TERMINATED", "FAILURE", ended_at=AT), status="TERMINATED", result="FAILURE"))
    job.next = again = StandIn(view(task("a", "RUNNING"), id="job-4", index=4))
    widget = shown(job)
    press(widget, "rerun_failed")
    until(lambda: "digits#4 is a rerun of digits#3" in widget._parts.said.value, "what it did")
    assert job.done == ["rerun {'from_failed': True}"]
    until(lambda: "digits#4 running" in text(widget._parts.title.value), "the new job")
    assert (job.heard, len(again.heard)) == ([], 1)
    assert widget_of(again) is widget
    assert shown(job) is not widget


def test_a_refusal_is_told(shown: Show) -> None:
    """With what to do; the buttons can be pressed again."""
    job = StandIn(view(DONE, status="TERMINATED", result="SUCCESS"))
    job.next = Refused("image x is not there", hint="Name <another>.")
    widget = shown(job)
    press(widget, "rerun")
    until(lambda: "Name &lt;another&gt;." in widget._parts.said.value, "why not")
    assert 'role="alert"' in widget._parts.said.value
    until(lambda: not widget._parts.rerun.disabled, "the button")


def test_pressing_never_waits(shown: Show) -> None:
    """The kernel's thread goes on while the engine thinks."""
    job = StandIn(view(task("a", "RUNNING")))
    widget, thinks = shown(job), threading.Event()
    job.cancel = lambda: thinks.wait(5)  # type: ignore[method-assign,assignment,return-value]
    begun = time.monotonic()
    press(widget, "yes")
    widget._parts.task.value = "a"
    assert time.monotonic() - begun < 1
    thinks.set()


# ---------------------------------------------------------------------- ends


def test_the_end_is_painted_before_the_job_is_let_go(shown: Show) -> None:
    """When the job has told its end, the end is on the page; then nobody listens and no thread is left."""
    job = StandIn(view(task("a", "RUNNING")))
    widget = shown(job)
    job.becomes(DONE, status="TERMINATED", result="SUCCESS", ended_at=AT)
    assert "succeeded" in text(widget._parts.title.value)
    until(lambda: not job.heard and not threads(), "the end of listening")


def test_a_second_display_is_the_same_widget(shown: Show) -> None:
    """One job, one subscription, one thread, however often it is shown."""
    job = StandIn(view(task("a", "RUNNING")))
    assert len({id(shown(job)) for _ in range(20)}) == 1
    assert len(job.heard) == 1
    assert len(threads()) <= 1


def test_closing_the_widget_ends_everything(shown: Show, sent: Sent) -> None:
    """``close()`` of what was displayed: no subscription, no thread, no model; shown again it is a new one."""
    job = StandIn(view(task("a", "RUNNING"), task("b", "WAITING", "UNDEFINED", "a")))
    widget = shown(job)
    widget.box.close()
    until(lambda: not threads(), "the end of the thread")
    assert job.heard == []
    opened = {model for model, kind, _ in sent if kind == "comm_open"}
    closed = {model for model, kind, _ in sent if kind == "comm_close"}
    assert len(opened - closed) <= 1, "ipycytoscape makes one empty graph of which it knows nothing"
    assert shown(job) is not widget


def test_the_job_does_not_keep_the_widget(sent: Sent) -> None:
    """What is closed and forgotten is freed, though the job lives on."""
    from weakref import ref

    job = StandIn(view(task("a", "RUNNING")))
    widget = JobWidget(job)  # type: ignore[arg-type]
    gone = ref(widget)
    widget.close()
    until(lambda: not threads(), "the end of the thread")
    del widget
    gc.collect()
    assert gone() is None


def test_a_deleted_job_is_told(shown: Show) -> None:
    """What was known last stays; nothing can be pressed."""
    job = StandIn(view(task("a", "RUNNING")))
    widget = shown(job)
    job.is_deleted = True
    job.becomes(task("a", "RUNNING"))
    assert "deleted; this is what was known last" in widget._parts.title.value
    assert widget._parts.link.value == ""
    assert all(getattr(widget._parts, name).disabled for name in ("cancel", "rerun", "rerun_failed"))


def test_an_engine_that_is_gone_is_told_and_so_is_its_return(shown: Show) -> None:
    """Trouble stands below the buttons until it is over."""
    job = StandIn(view(task("a", "RUNNING")))
    widget = shown(job)
    job.trouble = EngineUnavailable("it was killed")
    job.becomes(task("a", "RUNNING"))
    until(lambda: "does not answer just now; trying again. (it was killed)" in widget._parts.said.value, "the trouble")
    job.trouble = None
    job.becomes(task("a", "RUNNING"))
    until(lambda: "The engine answers again." in widget._parts.said.value, "its end")


def test_a_worker_ends_when_nothing_is_left_and_begins_again() -> None:
    """A thread only while there is something to do; what it was asked is done even then."""
    goes_on, done = [True], []
    worker = Worker("fasttrack-widget-test", lambda: goes_on[0])
    worker.ask()
    until(lambda: worker.is_alive, "a thread")
    goes_on[0] = False
    until(lambda: not worker.is_alive, "its end")
    worker.ask(lambda: done.append(threading.current_thread().name))
    until(lambda: done, "what was asked")
    until(lambda: not worker.is_alive, "its second end")
    worker.close()
    worker.ask(lambda: done.append("late"))
    assert done == ["fasttrack-widget-test"]


def test_a_rerun_with_edited_cells_takes_those_of_this_kernel(shown: Show, shell: Any) -> None:
    """Offered where this kernel's notebook is what the job was made of; it sends the cells as they are now."""
    shell.cell("%%fasttrack_task a", "x = 1")
    job = StandIn(view(DONE, status="TERMINATED", result="SUCCESS", source=shell.session.source))
    job.next = StandIn(view(task("a", "RUNNING"), id="job-2", index=4))
    widget = shown(job)
    until(lambda: widget._parts.rerun_edited.layout.display is None, "the button")
    shell.cell("%%fasttrack_task a", "x = 2", cell_id=None)
    press(widget, "rerun_edited")
    until(lambda: "digits#4 is a rerun of digits#3" in widget._parts.said.value, "what it did")
    assert "'edited': True" in job.done[0]
    assert "x = 2" in job.done[0]
    assert shell.session.job is job.next
    assert "x = 2" in "".join(shell.session.sent["job-2"].values())


def test_a_job_of_something_else_has_no_edited_cells(shown: Show, shell: Any) -> None:
    """Of a YAML file, of another notebook, or before any cell is a task."""
    done = {"status": "TERMINATED", "result": "SUCCESS"}
    mine = StandIn(view(DONE, source=shell.session.source, **done))
    assert shown(mine)._parts.rerun_edited.layout.display == "none"
    shell.cell("%%fasttrack_task a", "x = 1")
    for number, source in enumerate((None, "/elsewhere/other.ipynb", "/elsewhere/p.fasttrack.yaml"), 2):
        widget = shown(StandIn(view(DONE, id=f"job-{number}", source=source, **done)))
        assert widget._parts.rerun_edited.layout.display == "none"
