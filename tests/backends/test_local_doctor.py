"""What doctor finds on this machine, and on others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.devices import Capacity
from fasttrack_jupyter.backends.local.devices_ledger import DeviceLedger
from fasttrack_jupyter.backends.local.doctor import Doctor
from fasttrack_jupyter.backends.local.environments import ImageResolver
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.conformance import opened


def rows_on(tmp_path: Path, **files: str) -> dict[str, Mapping[str, Any]]:
    """What doctor says where ``/`` holds ``files`` (``__`` in a name is a slash)."""
    root = tmp_path / "root"
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(home=tmp_path))
    ledger = DeviceLedger(tmp_path / "devices.json", Capacity(ResourceSlots()))
    doctor = Doctor(tmp_path, ImageResolver(tmp_path, engines=list), ledger, "folders", "not permitted", root)
    return {row["check"]: row for row in doctor.look()}


def test_this_machine_is_told_with_remedies(tmp_path: Path) -> None:
    """Everything that sessions may need, each once."""

    async def go() -> list[Mapping[str, Any]]:
        async with opened(backend := LocalBackend(LocalSettings(tmp_path / "ft"))):
            return await backend.doctor()

    rows = asyncio.run(go())
    assert [row["check"] for row in rows] == [
        "private mounts", "namespaces", "control groups", "accelerators", "container engine", "uv", "git",
        "warm start", "home's file system", "free disk space", "serving",
    ]  # fmt: skip
    assert all(row["found"] and bool(row["remedy"]) is not row["ok"] for row in rows)


@pytest.mark.parametrize(("kind", "ok"), [("nfs4", False), ("ext4", True), ("fuse.sshfs", False)])
def test_a_home_on_a_network_is_warned_of(tmp_path: Path, kind: str, ok: bool) -> None:
    """Its locks and its journal cannot be trusted."""
    lines = f"1 0 0:1 / / rw - overlay none rw\n2 1 0:2 / {{home}} rw,relatime shared:1 - {kind} server:/x rw\n"
    row = rows_on(tmp_path, proc__self__mountinfo=lines)["home's file system"]
    assert row["ok"] is ok
    assert kind in row["found"]
    assert ok or "WAL" in row["remedy"]


def test_a_driver_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """The devices are there, and nothing is handed out."""
    assert rows_on(tmp_path)["accelerators"]["ok"]
    row = rows_on(tmp_path, dev__nvidiactl="")["accelerators"]
    assert not row["ok"]
    assert "nvidia-smi" in row["remedy"]


def test_control_groups_are_told_by_version_and_owner(tmp_path: Path) -> None:
    """Version 1, 2, or none."""
    assert rows_on(tmp_path)["control groups"]["found"].startswith("none")
    files = {"sys__fs__cgroup__cgroup.controllers": "memory", "proc__self__cgroup": "0::/user\n"}
    assert "not delegated" in rows_on(tmp_path, **files)["control groups"]["found"]
    files["sys__fs__cgroup__user__cgroup.procs"] = ""
    assert "version 2, delegated" in rows_on(tmp_path, **files)["control groups"]["found"]


def test_memory_is_told_as_people_write_it(tmp_path: Path) -> None:
    """To a tenth; what is handed out stays exact."""

    async def go() -> tuple[Any, Any]:
        settings = LocalSettings(tmp_path / "ft", mode="folders", slots={"mem": "24684092k", "cpu": "2"})
        async with opened(backend := LocalBackend(settings)):
            return (await backend.slots())["slots"], backend.capacity()

    slots, capacity = asyncio.run(go())
    assert slots["mem"] == {"total": "23.5g", "used": "0"}
    assert capacity is not None
    assert capacity["mem"] == 24684092 << 10
