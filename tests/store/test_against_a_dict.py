"""The store against the plainest model there is: random calls, the same answers."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fasttrack_jupyter.engine.storing import NewJob
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.job import Change, new_job_id
from fasttrack_jupyter.model.lifecycle import ENDED, Result, Status
from fasttrack_jupyter.store.sqlite import SqliteStore

TASKS = ("a", "b", "한")


@dataclass
class Row:
    """An instance as the model knows it."""

    status: Status = Status.WAITING
    result: Result = Result.UNDEFINED
    reason: str = ""
    attempts: int = 0
    exit_code: int | None = None
    data: dict[str, Any] = field(default_factory=dict)

    def apply(self, change: Change) -> bool:
        """Apply a legal change; whether it was one."""
        if change.expected != self.status or (self.status in ENDED and change.status != self.status):
            return False
        if change.attempt > self.attempts:
            self.attempts, self.reason, self.exit_code = change.attempt, "", None
        self.status = Status(change.status)
        self.result = self.result if change.result is None else change.result
        self.reason = self.reason if change.reason is None else change.reason
        self.exit_code = self.exit_code if change.exit_code is None else change.exit_code
        self.data |= {key: change.data[key] for key in ("outputs", "mode") if key in change.data}
        return True


changes = st.fixed_dictionaries(
    {
        "path": st.sampled_from(TASKS),
        "status": st.sampled_from(
            [Status.WAITING, Status.PENDING, Status.RUNNING, Status.TERMINATED, Status.CANCELLED]
        ),
        "stale": st.integers(0, 9).map(lambda n: n == 0),
        "attempt": st.integers(0, 2),
        "result": st.sampled_from([None, *Result]),
        "reason": st.sampled_from([None, "", "exit 3", "한"]),
        "exit_code": st.sampled_from([None, 0, 3, -9]),
        "data": st.dictionaries(
            st.sampled_from(["outputs", "mode", "else"]), st.sampled_from(["x", "", "1"]), max_size=2
        ),
    }
)


class StoreAgainstDict(RuleBasedStateMachine):
    """Jobs of three tasks each; changes right and wrong, alone and together; restarts at any moment."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.model: dict[str, dict[str, Row]] = {}
        self.events = 0
        self.open()

    def open(self) -> None:
        self.store = self.loop.run_until_complete(SqliteStore.open(Path(self.folder.name, "store.db")))

    @rule()
    def restart(self) -> None:
        self.loop.run_until_complete(self.store.aclose())
        self.open()

    @rule()
    def create(self) -> None:
        job = NewJob(
            new_job_id(1.0 + len(self.model)),
            "p",
            "p-1",
            "text",
            None,
            "local",
            {},
            [(task, task) for task in TASKS],
            1.0,
        )
        assert self.loop.run_until_complete(self.store.create_job(job)).index == len(self.model) + 1
        self.model[job.id] = {task: Row() for task in TASKS}
        self.events += 1

    @precondition(lambda self: self.model)
    @rule(calls=st.lists(st.lists(changes, min_size=1, max_size=4), min_size=1, max_size=4), data=st.data())
    def record(self, calls: list[list[dict[str, Any]]], data: st.DataObject) -> None:
        """Several calls at once; each is applied whole or refused whole, in order."""
        job_id = data.draw(st.sampled_from(sorted(self.model)))
        sent: list[list[Change]] = []
        expected: list[bool] = []
        for call in calls:
            rows = {path: Row(**{**vars(row), "data": dict(row.data)}) for path, row in self.model[job_id].items()}
            made = [self.change(job_id, rows, wanted) for wanted in call]
            sent.append([change for change, _legal in made])
            expected.append(all(legal for _change, legal in made))
            if expected[-1]:
                self.model[job_id] = rows
                self.events += len(call)

        async def together() -> list[Any]:
            return await asyncio.gather(*(self.store.record(call) for call in sent), return_exceptions=True)

        outcomes = self.loop.run_until_complete(together())
        assert [not isinstance(outcome, Conflict) for outcome in outcomes] == expected
        assert all(isinstance(outcome, (int, Conflict)) for outcome in outcomes)

    def change(self, job_id: str, rows: dict[str, Row], wanted: dict[str, Any]) -> tuple[Change, bool]:
        """The change, applied to the model's ``rows``, and whether it was legal."""
        fields = dict(wanted)
        row = rows[fields["path"]]
        was = Status.RESIZING if fields.pop("stale") else row.status
        change = Change(job_id=job_id, expected=was, event="Moved", at=1.0, **fields)
        return change, row.apply(change)

    @invariant()
    def same(self) -> None:
        for job_id, rows in getattr(self, "model", {}).items():
            found = self.loop.run_until_complete(self.store.instances(job_id))
            assert {
                i.path: Row(i.status, i.result, i.reason, i.attempts, i.exit_code, dict(i.data)) for i in found
            } == rows
        if hasattr(self, "store"):
            events = self.loop.run_until_complete(self.store.events(0, 100_000))
            assert [event.seq for event in events] == list(range(1, self.events + 1))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.loop.run_until_complete(self.store.aclose())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            self.folder.cleanup()


StoreAgainstDict.TestCase.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStoreAgainstDict = StoreAgainstDict.TestCase
