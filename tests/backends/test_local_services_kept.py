"""What is kept of services and their rollouts, when a crash lay between two words of it."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from backends.local_services import Desk, ask, definition, deployment, fill, serving

from fasttrack_jupyter.backends.local.services import records
from fasttrack_jupyter.backends.local.services import services as housing
from fasttrack_jupyter.backends.local.services.keeper import Keeper
from fasttrack_jupyter.backends.local.services.records import ReplicaRecord, Revision, ServiceRecord
from fasttrack_jupyter.backends.local.services.rollouts import Outcome, Rollout
from fasttrack_jupyter.backends.local.services.services import Services
from fasttrack_jupyter.errors import Conflict
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.serving import ModelService, ServiceStatus, read_definition


def services(folder: Path, reports: list[Any]) -> Services:
    """As an engine has them; its sessions are folders that nothing runs in."""
    sessions: Any = SimpleNamespace(
        control=lambda attempt: str(folder / "attempts" / attempt), forget=lambda attempt: None
    )
    house = Services(folder, sessions, lambda spec: str(folder / "outputs" / spec.outputs), reports.append)
    house.desk = Desk()
    return house


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
    assert [record.name for record in records.load_all(tmp_path)[0]] == ["digits"]
    assert [name in caplog.text for name in ("words", "later")] == [True, True]
    assert "something" in later.read_text()


# ---------------------------------------------------------------------- records that cannot be read


def test_a_service_of_a_later_release_is_listed_and_told_by_the_doctor_and_never_written_over(tmp_path: Path) -> None:
    """Nobody looks after it here, which is said with what to do; its code is kept, its name is taken."""

    async def scenario() -> None:
        async with serving(tmp_path, cleanly=False) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1"))
        kept = tmp_path / "services" / "named" / "digits" / "service.json"
        known = kept.read_bytes()
        later = {**json.loads(known), "colour": "red"}
        later["revisions"][0]["spec"]["code"] = "ab" * 32
        kept.write_text(json.dumps(later))
        async with serving(tmp_path, cleanly=False) as here:
            other = await here.deploy(deployment("b-0-1", name="words"))
            info = await here.backend.service("digits")
            assert [each.name for each in await here.backend.services()] == ["digits", "words"]
            assert info.status is ServiceStatus.UNHEALTHY
            assert "a later release may have written it: it has colour" in info.reason
            (line,) = [line for line in await here.backend.doctor() if line["check"] == "service"]
            assert (line["ok"], line["found"].startswith("digits: its record cannot be read")) == (False, True)
            assert "use the release that wrote it" in line["remedy"]
            for refused in (
                here.backend.scale_service("digits", 2),
                here.backend.remove_service("digits"),
                here.backend.submit(deployment("c-0-1")),
            ):
                with pytest.raises(Conflict, match="cannot be read"):
                    await refused
            assert "ab" * 32 in here.backend._open_services().codes()
            assert json.loads(kept.read_bytes()) == later
            assert [await asyncio.to_thread(_answers, url) for url in (endpoint, other)] == [True, True]
        kept.write_bytes(known)
        async with serving(tmp_path) as here:
            await here.healthy(1)

    asyncio.run(scenario())


def _answers(endpoint: str) -> bool:
    return bool(ask(endpoint)[0] == 200)


def test_a_folder_in_which_a_record_was_only_begun_is_removed(tmp_path: Path) -> None:
    """The engine died before there was a service."""
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "service.json.new").write_text("{")
    assert records.load_all(tmp_path) == ([], [])
    assert not (tmp_path / "digits").exists()


# ---------------------------------------------------------------------- a disk that is full


def full(*_: Any) -> None:
    """Instead of what writes."""
    raise OSError(errno.ENOSPC, "No space left on device")


def kept_keeper(tmp_path: Path, **fields: Any) -> Keeper:
    """Of the service digits, which is written down."""
    house = services(tmp_path, [])
    first = revision("a-0-1", 1)
    told = {"current": "a-0-1", "target": "a-0-1", "revisions": {"a-0-1": first}, **fields}
    keeper = house._keepers["digits"] = Keeper(ServiceRecord("digits", 2, **told), house)
    house.save(keeper.record)
    return keeper


def written(tmp_path: Path) -> dict[str, Any]:
    """The record as it lies there."""
    text = (tmp_path / "services" / "named" / "digits" / "service.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize(
    "act",
    [
        lambda keeper, path: keeper.roll(revision("b-0-1", 2), Rollout("b-0-1", path / "attempts" / "b", "digits")),
        lambda keeper, path: keeper.scale(5),
        lambda keeper, path: keeper.remove(),
    ],
)
def test_what_cannot_be_written_down_has_not_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Keeper, Path], None]
) -> None:
    """Memory is as the record is: nothing is half done, and it can be asked for again."""

    async def scenario() -> None:
        keeper = kept_keeper(tmp_path)
        record = keeper.record
        under_way = keeper.rollouts["a-0-1"] = Rollout("a-0-1", tmp_path / "attempts" / "a", "digits")
        with monkeypatch.context() as disk:
            disk.setattr(records, "write_safely", full)
            with pytest.raises(OSError, match="No space left"):
                act(keeper, tmp_path)
        assert (record.target, record.wanted, record.wanted_before, record.is_going) == ("a-0-1", 2, 0, False)
        assert (list(record.revisions), keeper.rollouts, under_way.outcome) == (["a-0-1"], {"a-0-1": under_way}, None)
        act(keeper, tmp_path)
        assert written(tmp_path)["updated_at"] == record.updated_at

    asyncio.run(scenario())


def test_an_update_that_did_not_fit_the_disk_is_rolled_out_when_it_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the revision before serves as ever."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            await fill(here.backend)
            endpoint = await here.deploy(deployment("a-0-1", "1"))
            with monkeypatch.context() as disk:
                disk.setattr(records, "write_safely", full)
                with pytest.raises(OSError, match="No space left"):
                    await here.backend.submit(deployment("b-0-1", "2"))
            info = await here.backend.service("digits")
            assert (info.revision, info.healthy, len(info.replicas)) == (1, 1, 1)
            assert await here.deploy(deployment("b-0-1", "2")) == endpoint
            assert (await here.backend.service("digits")).revision == 2

    asyncio.run(scenario())


def test_a_rollout_that_is_taken_back_while_the_disk_is_full_goes_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end was written, the step back was not: the service's loop does it."""

    async def scenario() -> None:
        keeper = kept_keeper(tmp_path, target="b-0-1", wanted_before=1)
        keeper.record.revisions["b-0-1"] = revision("b-0-1", 2)
        rollout = keeper.rollouts["b-0-1"] = Rollout("b-0-1", tmp_path / "attempts" / "b-0-1", "digits")
        with monkeypatch.context() as disk:
            disk.setattr(housing.records, "save", full)
            with pytest.raises(OSError, match="No space left"):
                keeper.cancel(rollout, "cancelled")
        assert (keeper.record.target, keeper.record.wanted) == ("b-0-1", 2)
        keeper._step_back()
        assert (keeper.record.target, keeper.record.wanted) == ("a-0-1", 1)
        keeper._tell()
        assert rollout.is_over

    asyncio.run(scenario())


def test_a_service_that_is_being_removed_is_not_scaled(tmp_path: Path) -> None:
    """Nobody would start what it is asked for."""
    keeper = kept_keeper(tmp_path, is_going=True)
    with pytest.raises(Conflict, match="'digits' is being removed"):
        keeper.scale(3)
    assert keeper.record.wanted == 2


def test_a_service_that_is_removed_while_the_gateway_is_told_is_not_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its gateway would listen for ever: it is told once more, before the service is forgotten."""

    async def scenario() -> None:
        keeper = kept_keeper(tmp_path, target=None, current=None)
        told: list[list[str]] = []

        async def sync(services: Any, spared: Any) -> dict[str, Any]:
            told.append([each["name"] for each in services])
            keeper.remove()
            return {"ports": {}, "troubles": {}, "busy": {}}

        monkeypatch.setattr(keeper._house._link, "sync", sync)  # type: ignore[attr-defined]
        await keeper._pass()
        assert not keeper.is_gone
        await keeper._pass()
        assert (keeper.is_gone, told) == (True, [["digits"], []])

    asyncio.run(scenario())


# ---------------------------------------------------------------------- killed in the middle of clearing up


def test_what_a_replica_left_is_removed_before_it_is_forgotten(tmp_path: Path) -> None:
    """An engine that is killed before the record is written finds the replica again, and clears up after it."""

    async def scenario() -> None:
        replica = ReplicaRecord("r-1", "a-0-1")
        keeper = kept_keeper(tmp_path, replicas=[replica], ended=[f"old-{n}" for n in range(5)])
        left = [tmp_path / "attempts/r-1/work", tmp_path / "outputs/.services/r-1", tmp_path / "attempts/old-0"]
        for folder in left:
            folder.mkdir(parents=True)
        gone = keeper._add(replica)
        gone.is_gone = gone.is_ending = True
        await keeper._clear(gone)
        assert [folder.exists() for folder in left] == [False, False, True]
        assert written(tmp_path)["replicas"] != []
        await keeper._strike_out()
        kept = written(tmp_path)
        assert (kept["replicas"], kept["ended"]) == ([], ["old-1", "old-2", "old-3", "old-4", "r-1"])
        assert not left[2].exists()

    asyncio.run(scenario())


def test_a_service_is_forgotten_after_its_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in between, the next engine still knows of what is left."""

    async def scenario() -> None:
        keeper = kept_keeper(tmp_path, is_going=True, ended=["r-1", "r-2"])
        for name in ("r-1", "r-2"):
            (tmp_path / "attempts" / name).mkdir(parents=True)
        house = keeper._house
        removed: list[str] = []

        def remove(path: Path) -> int:
            removed.append(path.name)
            if path.name == "r-2" and len(removed) == 2:
                full()
            shutil.rmtree(path, ignore_errors=True)
            return 0

        monkeypatch.setattr(housing, "remove_tree", remove)
        with pytest.raises(OSError, match="No space"):
            await house.forget(keeper.record)
        assert written(tmp_path)["ended"] == ["r-1", "r-2"]
        await house.forget(keeper.record)
        assert (list((tmp_path / "attempts").iterdir()), list((tmp_path / "services/named").iterdir())) == ([], [])

    asyncio.run(scenario())


# ---------------------------------------------------------------------- past the token


@pytest.mark.parametrize(
    ("service", "is_public", "is_told"),
    [
        ({"start_command": "exec serve --port ${PORT:-8000}", "shell": "/bin/sh"}, False, True),
        ({"start_command": "exec serve --port ${PORT:-8000}", "shell": "/bin/sh"}, True, False),
        ({"start_command": ["serve"]}, False, False),
    ],
)
def test_a_private_service_on_a_port_of_this_machine_is_told_of(
    tmp_path: Path, service: dict[str, Any], is_public: bool, is_told: bool
) -> None:
    """Whoever reaches the port needs no token; the job may start all the same."""

    async def scenario() -> None:
        async with serving(tmp_path) as here:
            here.backend._open_services()._networks = True
            found = read_definition(json.dumps(definition(**service)).encode(), "digits-model/model-definition.yaml")
            spec = deployment("a-0-1", is_public=is_public).service
            problems = await here.backend.remarks(spec, found)
            assert [problem.severity for problem in problems] == [Severity.NOTICE] * is_told
            here.backend._open_services()._networks = False
            assert bool(await here.backend.remarks(spec, found)) is not is_public

    asyncio.run(scenario())
