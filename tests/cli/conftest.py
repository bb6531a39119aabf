"""A client without an engine: jobs that happen as a test tells them, in the shapes of the engine's views."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fasttrack_jupyter.cli.app import root
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.engine import views
from fasttrack_jupyter.errors import FastTrackError, NotFound

Json = dict[str, Any]

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
JOB_ID = "01h455vb4pex5vsk"


def at(seconds: float) -> str:
    """A moment of the story, RFC 3339."""
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def task(path: str, status: str = "WAITING", result: str = "UNDEFINED", **more: Any) -> Json:
    """A task instance, as the API shows it."""
    fields = {
        "path": path, "task": path, "status": status, "result": result, "reason": "", "attempts": 0, "exit_code": None,
        "started_at": None, "ended_at": None, "outputs": {}, "outputs_dir": None,
        "resources": {"cpu": "1", "mem": "1g"},
    }  # fmt: skip
    return views.TaskInstanceView(**{**fields, **more}).model_dump(mode="json")


def job(*tasks: Json, **more: Any) -> Json:
    """A job, as the API shows it."""
    fields = {
        "id": JOB_ID, "index": 12, "pipeline": "digits", "status": "RUNNING", "result": "UNDEFINED", "reason": "",
        "created_at": at(0), "started_at": at(0), "ended_at": None, "params": {}, "folder": "digits-a1b2c3",
        "folder_path": "/data/digits-a1b2c3", "source": "/home/me/digits.fasttrack.yaml", "outputs": {},
    }  # fmt: skip
    return views.JobView(**{**fields, "tasks": tasks, **more}).model_dump(mode="json")


def event(
    seq: int, path: str | None, status: str, result: str | None = None, reason: str | None = None, **more: Any
) -> Json:
    """An event of the job."""
    fields = {
        "seq": seq, "at": at(seq), "job_id": JOB_ID, "path": path, "type": "SessionReported", "attempt": 1,
        "status": status, "result": result, "reason": reason, "data": {},
    }  # fmt: skip
    return views.EventView(**{**fields, **more}).model_dump(mode="json")


class FakeClient:
    """Answers from what the test put in; remembers what it was asked in ``calls``."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.home: str | None = None
        self.started = True
        self.now = job(task("prepare"), task("train", dependencies=("prepare",)))
        self.end: Json | None = None
        self.story: list[Json] = []
        self.logs_by_path: dict[str, str] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.answers: dict[str, Any] = {}
        self.text = "name: digits\ntasks: []\n"
        """The pipeline of every job."""
        self.errors: dict[str, FastTrackError] = {}
        self.pid = 100
        self.told = threading.Event()

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Any other call: the answer that the test gave for it."""

        def call(*args: Any, **named: Any) -> Any:
            self._asked(name, *args, **named)
            return self.answers[name]

        return call

    def _asked(self, method: str, /, *args: Any, **named: Any) -> None:
        self.calls.append((method, (*args, named) if named else args))
        if method in self.errors:
            raise self.errors[method]

    def asked(self, name: str) -> Any:
        """What the last call of ``name`` was given."""
        return [what for called, what in self.calls if called == name][-1]

    def close(self) -> None:
        """Nothing is open."""

    def info(self) -> Json:
        self._asked("info")
        return views.EngineInfo(
            version="0.1.0",
            home="/home/me/ft",
            pid=self.pid,
            started_at=START,
            backends=("local",),
            running_jobs=1,
            seq=0,
        ).model_dump(mode="json")

    def job(self, word: str) -> Json:
        self._asked("job", word)
        if word not in (self.now["id"], "last", "digits#12", "#12"):
            raise NotFound(f"there is no job {word!r}", hint="fasttrack jobs lists them.")
        return self.end if self.end is not None and (self.told.is_set() or not self.story) else self.now

    def job_text(self, word: str) -> str:
        self._asked("job_text", word)
        return self.text

    def run(self, request: Mapping[str, Any]) -> Json:
        self._asked("run", request)
        return self.now

    def rerun(self, word: str, request: Mapping[str, Any]) -> Json:
        self._asked("rerun", word, request)
        return self.now

    def cancel(self, word: str, path: str | None = None) -> Json:
        self._asked("cancel", word, path)
        return self.now

    def jobs(self, **which: Any) -> list[Json]:
        self._asked("jobs", **which)
        return [{key: value for key, value in self.now.items() if key not in ("tasks", "outputs")}]

    def follow_events(self, after: int = 0, *, job: str | None = None) -> Iterator[Json]:
        self._asked("follow_events", after, job)
        for one in self.story:
            if one is self.story[-1]:
                self.told.set()
            yield one

    def logs(self, word: str, path: str, *, attempt: int | None = None, after: int = 0, limit: int = 65_536) -> Json:
        self._asked("logs", word, path, attempt=attempt, after=after, limit=limit)
        if path not in self.logs_by_path:
            raise NotFound(f"{path} has no log")
        data = self.logs_by_path[path].encode()
        start = max(0, len(data) + after) if after < 0 else after
        part = data[start : start + limit]
        return views.LogView(
            attempt="a", data=part.decode(), start=start, next=start + len(part), size=len(data), ended=True
        ).model_dump(mode="json")

    def follow_logs(self, word: str, path: str, *, attempt: int | None = None, after: int = 0) -> Iterator[Json]:
        yield self.logs(word, path, attempt=attempt, after=after)

    def outputs(self, word: str, path: str) -> list[Json]:
        self._asked("outputs", word, path)
        return [
            views.FileView(path=name, is_dir=False, size=len(data), modified_at=START).model_dump(mode="json")
            for name, data in self.files.get(path, {}).items()
        ]

    def read_output(self, word: str, path: str, file: str) -> Iterator[bytes]:
        self._asked("read_output", word, path, file)
        data = self.files[path][file]
        yield data[: len(data) // 2]
        if "read_output_end" in self.errors:
            raise self.errors["read_output_end"]
        yield data[len(data) // 2 :]


class Shapes:
    """What the API's answers look like, for tests to build."""

    job_id = JOB_ID
    at = staticmethod(at)
    task = staticmethod(task)
    job = staticmethod(job)
    event = staticmethod(event)


@pytest.fixture
def shapes() -> Shapes:
    """Builders of jobs, task instances and events."""
    return Shapes()


@pytest.fixture
def client() -> FakeClient:
    """A client whose answers the test decides."""
    return FakeClient()


Cli = Callable[..., Result]


@pytest.fixture
def cli(client: FakeClient) -> Cli:
    """Call the command line on the fake client: ``cli("jobs", "--json")``."""

    def connect(home: str | None = None, *, start: bool = True) -> Any:
        client.home = home
        if not start and not client.started:
            from fasttrack_jupyter.errors import EngineUnavailable

            raise EngineUnavailable("no engine serves this home")
        return client

    def call(*words: str, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None) -> Result:
        return CliRunner().invoke(root, list(words), input=stdin, env=env, obj=Face(connect=connect))

    return call


@pytest.fixture
def story(client: FakeClient) -> Callable[..., None]:
    """Let the job go on by ``events`` and come out as ``end``."""

    def tell(events: Sequence[Json], end: Json) -> None:
        client.story, client.end = list(events), end

    return tell
