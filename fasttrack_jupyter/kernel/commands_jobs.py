"""``%fasttrack run``, ``plan``, ``rerun``, ``status``, ``jobs``, ``logs``, ``cancel``, ``result``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from fasttrack_jupyter.api.environ import use_environ
from fasttrack_jupyter.api.parameters import parameters
from fasttrack_jupyter.api.states import icon, state_of
from fasttrack_jupyter.api.words import ago, between, clean, duration, job_word, slots
from fasttrack_jupyter.errors import BadRequest, InvalidPipeline, NotFound
from fasttrack_jupyter.kernel.building import Made, has_changed, made_of
from fasttrack_jupyter.kernel.editing import rerun_edited
from fasttrack_jupyter.kernel.feed import feed
from fasttrack_jupyter.kernel.jobs import Job, job, take_in_hand
from fasttrack_jupyter.kernel.options import (
    Command,
    Words,
    selection,
    takes_job,
    takes_params,
    takes_selection,
    takes_way,
    way,
)
from fasttrack_jupyter.kernel.problems import in_words, problem_lines
from fasttrack_jupyter.kernel.watching import watch

if TYPE_CHECKING:
    from fasttrack_jupyter.kernel.session import Session
    from fasttrack_jupyter.kernel.tasks import TaskHandle

Json = dict[str, Any]

_MOST_JOBS = 20


def job_meant(session: Session, word: str | None) -> Job:
    """The job of ``--job``, else the last one of this kernel, else the last one of this notebook's pipeline.

    Raises:
        NotFound: there is none.
    """
    if word:
        return job(word)
    if session.job is not None:
        return session.job
    name = pipeline_name(session)
    found = feed().client.jobs(pipeline=name, limit=1)
    if not found:
        raise NotFound(
            f"the pipeline {name!r} of this notebook has no job yet",
            hint="%fasttrack run makes one; --job names another pipeline's, and %fasttrack jobs --all lists them.",
        )
    return take_in_hand(feed(), found[0])


def pipeline_name(session: Session) -> str:
    """What this notebook's pipeline is called, also while something is wrong with its cells."""
    try:
        return session.notebook().name
    except InvalidPipeline:
        return session.path.stem if session.path else "notebook"


# ---------------------------------------------------------------- run, plan, rerun


def _for_a_job(parser: argparse.ArgumentParser) -> None:
    takes_params(parser)
    takes_selection(parser)
    takes_way(parser)
    parser.add_argument(
        "--backend", metavar="BACKEND", help="where to run (default: as %%fasttrack_pipeline says, or local)"
    )
    parser.add_argument("--shrink", action="store_true", help="fit tasks that ask for more than there is")


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    _for_a_job(parser)
    parser.add_argument("--name", default="", help="a name for this job")
    parser.add_argument("--tag", dest="tags", action="append", default=[], help="a tag (may be repeated)")
    _going_on(parser)


def _going_on(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--detach", "-d", action="store_true", help="only start it; show nothing but its name")
    group.add_argument("--wait", "-w", action="store_true", help="wait for its end, line by line; fail if it fails")


def run(session: Session, words: Words) -> Job | None:
    """Make a job of the cells and start it."""
    made = made_of(session, way=way(words))
    request = {**_request(session, made, words), "name": words.name, "tags": words.tags}
    use_environ(feed().client, request["backend"], os.environ, lambda: made.text)
    try:
        found = feed().client.run(request)
    except InvalidPipeline as error:
        raise in_words(error, made.text) from None
    return _begun(session, take_in_hand(feed(), found), made, words)


def _request(session: Session, made: Made, words: Words) -> Json:
    return {
        "text": made.text,
        "source": session.source,
        "files": dict(made.files),
        "params": {**made.given, **parameters(words.params, "-p")},
        "selection": selection(words),
        "backend": words.backend or made.built.backend or "local",
        "shrink": words.shrink,
    }


def _begun(session: Session, started: Job, made: Made | None, words: Words) -> Job | None:
    session.has_begun(started, {**made.files, made.file_name: made.text} if made is not None else None)
    if made is not None:
        for line in problem_lines(made.problems, made.text):
            print(line)
    if words.detach:
        print(f"{started.name} is on its way. %fasttrack status shows it; ft.job({started.name!r}) is it.")
        return None
    if words.wait:
        watch(started, _say)
    session.show(started)
    return started


def _say(line: str) -> None:
    print(line, flush=True)


def plan(session: Session, words: Words) -> None:
    """Say what a job would do; nothing is started."""
    made = made_of(session, way=way(words))
    request = _request(session, made, words)
    use_environ(feed().client, request["backend"], os.environ, lambda: made.text)
    try:
        found = feed().client.plan(request)
    except InvalidPipeline as error:
        raise in_words(error, made.text) from None
    for line in (*problem_lines(made.problems), *problem_lines(found["problems"], made.text)):
        print(line)
    print(f"{found['pipeline']} on {found['backend']}:")
    _print_rows([_planned(task) for task in found["tasks"]])
    if found["expected_seconds"] is not None:
        print(f"about {duration(found['expected_seconds'])}, as earlier jobs taught")


def _planned(task: Json) -> tuple[str, ...]:
    needs = f"after {', '.join(task['dependencies'])}" if task["dependencies"] else ""
    why = "; ".join(clean(text) for text in (task["reason"], *task["notes"]) if text)
    return task["path"], task["decision"], needs, slots(task["resources"]), why


def _print_rows(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(f"  {'  '.join(map(str.ljust, row, widths)).rstrip()}")


def _rerun_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from-failed", action="store_true", help="reuse what succeeded; run the rest")
    parser.add_argument("--edited", action="store_true", help="with the cells as they are now, not as they were")
    takes_params(parser)
    takes_selection(parser)
    takes_job(parser)
    _going_on(parser)


def rerun(session: Session, words: Words) -> Job | None:
    """Make a new job from an old one."""
    old, chosen = job_meant(session, words.job), selection(words)
    how: Json = {"from_failed": words.from_failed}
    how |= {"only": chosen["only"], "from_": chosen["from"], "until": chosen["until"]}
    if words.params:
        how["params"] = parameters(words.params, "-p")
    use_environ(feed().client, old.view["backend"], os.environ, old.yaml)
    if words.edited:
        return _begun(session, *rerun_edited(session, old, **how), words)
    if has_changed(session, old):
        print(f"The cells have changed since {old.name}; this runs them as they were. --edited takes them as they are.")
    try:
        again = old.rerun(**how)
    except InvalidPipeline as error:
        raise in_words(error) from None
    session.has_begun(again, session.sent.get(old.id))
    return _begun(session, again, None, words)


# ---------------------------------------------------------------- jobs that are there


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    takes_job(parser)


def status(session: Session, words: Words) -> Job:
    """Show a job."""
    return job_meant(session, words.job).refresh()


def _jobs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", "-a", action="store_true", help="of all pipelines, not of this notebook's alone")
    parser.add_argument("--limit", "-n", type=int, default=_MOST_JOBS, metavar="N", help="at most so many")


def jobs(session: Session, words: Words) -> None:
    """List jobs, newest first."""
    name = None if words.all else pipeline_name(session)
    found = feed().client.jobs(pipeline=name, limit=words.limit)
    if not found:
        print("No jobs yet. %fasttrack run makes one." if name is None else f"No jobs of {name} yet: %fasttrack run.")
        return
    _print_rows([_job_row(one) for one in found])


def _job_row(one: Json) -> tuple[str, ...]:
    state = state_of(one["status"], one["result"])
    took = between(one["started_at"], one["ended_at"])
    said = " ".join([one["name"], *(f"[{tag}]" for tag in one["tags"])]).strip()
    return job_word(one), f"{icon(state)} {state.word}", ago(one["created_at"]), took, clean(said)


def _logs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="the task")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until it ends; Ctrl-C ends the showing only")
    parser.add_argument("--tail", type=int, metavar="N", help="only the last N lines of what is there")
    takes_job(parser)


def logs(session: Session, words: Words) -> None:
    """Print what a task wrote."""
    task = job_meant(session, words.job).tasks[words.task]
    if words.follow:
        _follow(task.follow_log())
        return
    text = task.log()
    if words.tail is not None:
        text = "".join(text.splitlines(keepends=True)[-words.tail :] if words.tail > 0 else [])
    print(text, end="" if text.endswith("\n") else "\n") if text else print(_nothing_written(task))


def _nothing_written(task: TaskHandle) -> str:
    if task.is_ended:
        return f"{task.name} of {task.job.name} wrote nothing{f': {clean(task.reason)}' if task.reason else '.'}"
    return f"{task.name} of {task.job.name} wrote nothing yet."


def _follow(parts: Any) -> None:
    try:
        for part in parts:
            sys.stdout.write(part)
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("\n(the task goes on; only the showing has ended)")


def _cancel_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?", metavar="TASK", help="only this task")
    takes_job(parser)


def cancel(session: Session, words: Words) -> None:
    """Ask for the end of a job, or of one of its tasks."""
    meant = job_meant(session, words.job)
    if words.task:
        meant.tasks[words.task].cancel()
    elif meant.refresh().is_ended:
        print(f"{meant.name} has ended already: {state_of(meant.status, meant.result).word}")
        return
    else:
        meant.cancel()
    print(f"{f'{words.task} of ' if words.task else ''}{meant.name} is being cancelled.")


def _result_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="TASK.VARIABLE", help="what to bring; TASK alone lists what it left")
    parser.add_argument("-o", "--output", dest="name", metavar="NAME", help="assign it to NAME instead of showing it")
    takes_job(parser)


def result(session: Session, words: Words) -> Any:
    """Bring back what a task left."""
    meant = job_meant(session, words.job)
    task, variable = _split(meant, words.what)
    outputs = meant.tasks[task].outputs
    if variable is None:
        if words.name:
            left = ", ".join(outputs) or "nothing"
            raise BadRequest(f"-o {words.name} needs TASK.VARIABLE", hint=f"{task} left: {left}.")
        return outputs
    if words.name and not words.name.isidentifier():
        raise BadRequest(f"-o {words.name!r} is no name of a variable", hint="Write -o model, say.")
    found = outputs[variable]
    if not words.name:
        return found
    session.shell.push({words.name: found})
    print(f"{words.name} = {task}.{variable} of {meant.name}: {outputs.summary(variable)}")
    return None


def _split(meant: Job, what: str) -> tuple[str, str | None]:
    """``TASK.VARIABLE`` in two; a task's name may hold neither a dot, nor need quoting here."""
    if what in meant.tasks:
        return what, None
    task, dot, variable = what.rpartition(".")
    if dot and task in meant.tasks:
        return task, variable
    raise NotFound(
        f"{meant.name} has no task {task or what!r}", hint=f"Write TASK.VARIABLE; its tasks: {', '.join(meant.tasks)}."
    )


COMMANDS = (
    Command("run", "Make a job of this notebook's tasks and start it; the kernel stays free.", run, _run_arguments),
    Command("plan", "Say what a job would do, and start nothing.", plan, _for_a_job),
    Command("status", "Show the last job.", status, _status_arguments),
    Command("logs", "Print what a task wrote.", logs, _logs_arguments),
    Command("result", "Bring a value of a job back into the notebook.", result, _result_arguments),
    Command("cancel", "End a job, or one of its tasks.", cancel, _cancel_arguments),
    Command("rerun", "Make a new job from an old one.", rerun, _rerun_arguments),
    Command("jobs", "List this notebook's jobs.", jobs, _jobs_arguments),
)
