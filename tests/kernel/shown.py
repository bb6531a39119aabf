"""Stand-ins for tests of what is shown: a job that does what it is told, and a wire that notes what is sent."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from comm.base_comm import BaseComm
from ipywidgets import Widget

from fasttrack_jupyter.errors import FastTrackError, NotFound

Json = dict[str, Any]

AT = "2026-03-01T12:00:00+00:00"


def task(path: str, status: str = "WAITING", result: str = "UNDEFINED", *needs: str, **more: Any) -> Json:
    """A TaskInstanceView."""
    return {
        "path": path, "task": path, "status": status, "result": result, "reason": "", "attempts": 0, "exit_code": None,
        "started_at": None, "ended_at": None, "outputs": {}, "outputs_dir": None, "resources": {}, "notes": [],
        "dependencies": list(needs), "progress": None, **more,
    }  # fmt: skip


def view(*tasks: Json, status: str = "RUNNING", result: str = "UNDEFINED", **more: Any) -> Json:
    """A JobView."""
    return {
        "id": "job-1", "index": 3, "pipeline": "digits", "status": status, "result": result, "reason": "",
        "created_at": AT, "started_at": AT, "ended_at": None, "tasks": list(tasks), "paused": None, "seq": 1,
        "expected_seconds": None, **more,
    }  # fmt: skip


class StandInTask:
    """A task in hand."""

    def __init__(self, job: StandIn, found: Json) -> None:
        self.job, self.view, self.name = job, found, found["path"]
        self.status, self.reason = found["status"], found["reason"]
        self.outputs: Any = {}

    @property
    def is_ended(self) -> bool:
        """As of the real one."""
        return self.status in ("TERMINATED", "CANCELLED", "SKIPPED", "ERROR")

    def tail(self, size: int) -> str:
        """What the test has put there."""
        found = self.job.logs.get(self.name)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise NotFound("no log")
        return found


class StandIn:
    """A job in hand: its view is what the test says it is."""

    def __init__(self, found: Json) -> None:
        self.view, self.id = found, found["id"]
        self.logs: dict[str, str | Exception] = {}
        self.heard: list[Callable[[Json], None]] = []
        self.done: list[str] = []
        self.is_deleted = False
        self.trouble: FastTrackError | None = None
        self.next: StandIn | FastTrackError | None = None

    @property
    def name(self) -> str:
        """``digits#3``."""
        return f"{self.view['pipeline']}#{self.view['index']}"

    @property
    def is_ended(self) -> bool:
        """As of the real one."""
        return self.is_deleted or self.view["status"] in ("TERMINATED", "CANCELLED")

    @property
    def result(self) -> str:
        """As of the real one."""
        return str(self.view["result"])

    def yaml(self) -> str:
        """A pipeline of marked cells."""
        return "name: digits\ntasks:\n- {name: a, command: 'true'}\n"

    @property
    def tasks(self) -> dict[str, StandInTask]:
        """By path."""
        return {found["path"]: StandInTask(self, found) for found in self.view["tasks"]}

    def subscribe(self, heard: Callable[[Json], None]) -> Callable[[], None]:
        """Remember who listens."""
        self.heard.append(heard)
        return lambda: self.heard.remove(heard) if heard in self.heard else None

    def becomes(self, *tasks: Json, **more: Any) -> None:
        """The job has changed; who listens is told."""
        self.view = view(*tasks, **{"id": self.id, "index": self.view["index"], "seq": self.view["seq"] + 1, **more})
        for one in list(self.heard):
            one(self.view)

    def cancel(self) -> None:
        """Note it."""
        self.done.append("cancel")

    def rerun(self, **how: Any) -> Any:
        """Note it, and give what the test has prepared."""
        self.done.append(f"rerun {how}")
        if isinstance(self.next, FastTrackError):
            raise self.next
        return self.next


class Wire(BaseComm):
    """A comm of which every message is noted, by the model's id."""

    sent: list[tuple[str, str, Json]]

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        """Note it."""
        self.sent.append((self.comm_id, msg_type, data or {}))


@contextlib.contextmanager
def wired() -> Iterator[list[tuple[str, str, Json]]]:
    """Widgets made within speak to this list; all are closed at the end."""
    sent: list[tuple[str, str, Json]] = []
    made = type("Noting", (Wire,), {"sent": sent})
    with mock.patch("ipywidgets.comm.create_comm", lambda **how: made(**how)):
        yield sent
        Widget.close_all()
