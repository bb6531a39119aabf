"""``crash_steps.py engine|cancel|launcher MODE STRIDE FOLDER``: die at every step of a job's life, one after the other.

A step is anything that leaves a trace outside the process: a file that is opened for writing, made, linked,
renamed, removed or locked, a process that is started (all of these by Python's audit hooks, so that none can be
forgotten when the product changes), a transaction before and after its commit, a message to the launcher before
and after, a report. For step 1, 1 + STRIDE …: a forked engine runs a job and is gone at that step (``cancel``: steps
count from the moment in which the running job is cancelled; ``launcher``: it is the launcher that goes, or the
process that it is about to become); then a whole engine takes the home over and goes on until nothing is unfinished.
What came of it is one line of JSON for each step, the last of them without a death; the test judges.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.local import link
from fasttrack_jupyter.engine import views
from fasttrack_jupyter.engine.runner import JobRunner
from fasttrack_jupyter.host.settings import HostSettings
from fasttrack_jupyter.host.wiring import open_fasttrack
from fasttrack_jupyter.store.writer import Writer

TRACES = frozenset(
    {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.symlink", "os.truncate", "os.chmod",
     "fcntl.flock", "os.posix_spawn", "subprocess.Popen", "os.fork", "os.kill", "shutil.rmtree"}
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SETTINGS = HostSettings(idle=0, secrets="file")
LINE = "echo {word} $BACKENDAI_SESSION_ID >> $PIPELINE_VFROOT/lines"
TEXT = f"""\
name: steps
tasks:
- name: a
  outputs: {{v: {{type: int}}}}
  command: |
    {LINE.format(word="a")}
    echo '{{"v": 4}}' > "$PIPELINE_OUTPUTS/outputs.json"
- name: b
  inputs: {{v: a.v}}
  retry: {{max_attempts: 2, delay: 0}}
  command: |
    {LINE.format(word="b")}
    mkdir "$PIPELINE_VFROOT/once-$BACKENDAI_PIPELINE_JOB_ID" && exit 3
    test ${{{{ inputs.v }}}} = 4
- name: c
  dependencies: [a]
  continue_on_failure: true
  command: |
    {LINE.format(word="c")}
    exit 7
"""
CANCELLED = """\
name: steps
tasks:
- name: a
  retry: {max_attempts: 3, delay: 0}
  command: (trap '' TERM; exec sleep 600) & sleep 600
- name: b
  command: sleep 600
- name: c
  command: echo c ft-never >> $PIPELINE_VFROOT/lines
  dependencies: [a]
"""
LAUNCHER = """\
import os, sys
traces, writing, last, marker = %r, %r, %r, %r
count, busy = [0], []
def hook(event, args):
    if not busy and (event in traces or event == "open" and isinstance(args[2], int) and args[2] & writing):
        count[0] += 1
        if count[0] == last:
            busy.append(True)
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                return
            os._exit(137)
"""
ARMED = """\
sys.path.insert(0, sys.argv[1])
import launcher
handle = launcher.Launcher._handle
def armed(self, request):
    if request[0] == "launch" and not count[0]:
        sys.addaudithook(hook)
    handle(self, request)
launcher.Launcher._handle = armed
launcher.main()
"""
"""The launcher as ever, whose steps count from its first launch."""


class Steps:
    """Counts steps; at the ``last`` one the process is gone."""

    def __init__(self, last: int, tell: Callable[[str], None]) -> None:
        self.count, self._last, self._tell = 0, last, tell

    def __call__(self, what: str) -> None:
        """One step."""
        self.count += 1
        if self.count == self._last:
            self._tell(what)
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit hook."""
        if event in TRACES or (event == "open" and isinstance(args[2], int) and args[2] & WRITING):
            self(f"{event} {args[0] if args else ''}")

    def around(self, owner: type, name: str) -> None:
        """Count the beginning and the end of a method as steps."""
        method = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self(f"before {owner.__name__}.{name}")
            result = method(*args, **kwargs)
            self(f"after {owner.__name__}.{name}")
            return result

        setattr(owner, name, counted)


async def work(home: Path, key: str, who: str, begin: Callable[[], None]) -> dict[str, Any]:
    """Be an engine: run the job ``key`` (or find it), go on until nothing is unfinished, and tell what became of it."""
    engine = await open_fasttrack(home, SETTINGS)
    if who != "cancel":
        begin()
    job = await engine.run(views.JobRequest(text=CANCELLED if who == "cancel" else TEXT, key=key))
    async with asyncio.timeout(40):
        if who == "cancel":
            while (
                sum(task.status == "RUNNING" for task in (await engine.job(job.id)).tasks) < 2 and not engine.is_idle()
            ):
                await asyncio.sleep(0.003)
            begin()
            await engine.cancel(job.id)
        while not engine.is_idle():
            await asyncio.sleep(0.003)
    view = await engine.job(job.id)
    attempts = await engine.attempts(job.id)
    await engine.aclose()
    return {"job": view.model_dump(mode="json"), "attempts": [one.model_dump(mode="json") for one in attempts]}


def forked(
    home: Path, key: str, who: str, die: Callable[[Callable[[str], None]], Callable[[], None]]
) -> tuple[int, str]:
    """Be an engine in a child: its wait status, and what it wrote (the step at which it went, or what became)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            began = die(lambda what: _tell(writing, what))
            _tell(writing, json.dumps(asyncio.run(work(home, key, who, began))))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as file:
        told = file.read()
    return os.waitpid(child, 0)[1], told


def _tell(descriptor: int, text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(descriptor, data) :]


def engine_that_dies(step: int, tell: Callable[[str], None]) -> Callable[[], None]:
    """Arrange for the death of this process at ``step``."""
    steps = Steps(step, tell)

    def begin() -> None:
        steps.around(Writer, "_do")
        steps.around(link.LauncherLink, "send")
        steps.around(JobRunner, "hear")
        steps.around(JobRunner, "_perform")
        sys.addaudithook(steps.audit)

    return begin


def engine_whose_launcher_dies(step: int, marker: Path) -> Callable[[], None]:
    """Arrange for the death of the launcher (or what it is about to become) at ``step`` of its work."""
    program = LAUNCHER % (TRACES, WRITING, step, str(marker))
    link._MAIN = program + ARMED
    return lambda: None


def try_step(who: str, step: int, folder: Path) -> dict[str, Any]:
    """Run one job with a death at ``step``, and take it to its end."""
    home, key, marker, where = folder / "home", f"step-{step}", folder / f"died-{step}", ""
    if who == "launcher":
        status, told = forked(home, key, who, lambda tell: engine_whose_launcher_dies(step, marker))
        died = marker.exists()
    else:
        status, told = forked(home, key, who, lambda tell: engine_that_dies(step, tell))
        died = os.WIFSIGNALED(status)
        if died:
            where = told
            status, told = forked(home, key, who, lambda tell: lambda: None)
    return {"step": step, "where": where, "died": died, "status": status, **json.loads(told or "{}")}


def main() -> None:
    """See the module's text."""
    who, mode, stride, folder = *sys.argv[1:3], int(sys.argv[3]), Path(sys.argv[4])
    os.environ.update(FASTTRACK_LOCAL_MODE=mode, FASTTRACK_LOCAL_GRACE="0.1", FASTTRACK_CONTAINER_ENGINE="none")
    for step in count(1, stride):
        found = try_step(who, step, folder)
        print(json.dumps(found), flush=True)
        if not found["died"]:
            return


if __name__ == "__main__":
    main()
