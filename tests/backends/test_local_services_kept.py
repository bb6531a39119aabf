"""What is kept of services and their rollouts, when a crash lay between two words of it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from backends.local_services import deployment

from fasttrack_jupyter.backends.local.services import records
from fasttrack_jupyter.backends.local.services.keeper import Keeper
from fasttrack_jupyter.backends.local.services.records import Revision, ServiceRecord
from fasttrack_jupyter.backends.local.services.rollouts import Outcome, Rollout
from fasttrack_jupyter.backends.local.services.services import Services
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.serving import ModelService


def services(folder: Path, reports: list[Any]) -> Services:
    """As an engine has them; its sessions are folders that nothing runs in."""
    sessions: Any = SimpleNamespace(control=lambda attempt: str(folder / "attempts" / attempt))
    return Services(folder, sessions, lambda _: "", reports.append)


def revision(attempt: str, number: int) -> Revision:
    """One of the service digits."""
    served = ModelService(port=8000, start_command=["serve"])
    return Revision(deployment(attempt), "/models", served, number, time.time(), 600.0)


def test_an_update_that_was_only_intended_is_begun_again(tmp_path: Path) -> None:
    """The engine died between the rollout's first word and the service's; the service runs as it was."""
    reports: list[Any] = []
    house = services(tmp_path, reports)
    house._keepers["digits"] = Keeper(ServiceRecord("digits", 1), house)
    Rollout("b-0-1", tmp_path / "attempts" / "b-0-1", "digits").save()
    assert not house.go_on(deployment("b-0-1"))  # so it is submitted
    assert reports == []


def test_a_failed_update_goes_back_though_only_its_end_was_written(tmp_path: Path) -> None:
    """The engine died between the end of the rollout and the step back."""

    async def scenario() -> None:
        house = services(tmp_path, [])
        both = {name: revision(name, number) for number, name in enumerate(("a-0-1", "b-0-1"), 1)}
        record = ServiceRecord("digits", 1, current="a-0-1", target="b-0-1", revisions=both)
        keeper = house._keepers["digits"] = Keeper(record, house)
        rollout = Rollout("b-0-1", tmp_path / "attempts" / "b-0-1", "digits")
        rollout.outcome = Outcome(Status.TERMINATED, Result.FAILURE, "it failed", is_pending=True)
        rollout.save()
        assert house.go_on(deployment("b-0-1"))
        assert (record.target, keeper.rollouts.keys()) == ("a-0-1", {"b-0-1"})

    asyncio.run(scenario())


def test_a_record_that_cannot_be_read_keeps_no_other_from_going_on(tmp_path: Path, caplog: Any) -> None:
    """A later release may have written it, or a disk lost it: it stays as it is, and is told."""
    for name in ("digits", "words", "none", "later"):
        records.save(tmp_path, ServiceRecord(name, 1))
    (tmp_path / "words" / "service.json").write_text("{")
    (tmp_path / "none" / "service.json").write_text("null")
    later = tmp_path / "later" / "service.json"
    later.write_text(json.dumps({**json.loads(later.read_text()), "something": 1}))
    assert [record.name for record in records.load_all(tmp_path)] == ["digits"]
    assert [name in caplog.text for name in ("words", "later")] == [True, True]
    assert "something" in later.read_text()
