"""``fasttrack cache``: what is remembered, in words and as JSON."""

from __future__ import annotations

import json
from typing import Any

from fasttrack_jupyter.cli.app import FAILED, REFUSED

ENTRY = {
    "entry": 4, "pipeline": "digits", "task": "train", "job": "digits#11", "job_id": "x", "backend": "local",
    "folder": "digits-abc", "outputs_dir": "jobs/11/train", "size": 2048, "created_at": "2026-11-22T10:00:00Z",
    "last_used": None, "uses": 3, "pinned": True,
}  # fmt: skip


def test_entries_are_listed_with_their_sizes(cli: Any, client: Any) -> None:
    """Number, task, job, size, uses; the sum at the end."""
    client.answers["cache"] = [ENTRY]
    told = cli("cache", "--pipeline", "digits").stdout
    assert all(word in told for word in ("4", "train", "digits#11", "2 KiB", "pinned", "1 result, 2 KiB"))


def test_an_entry_tells_what_its_key_is_made_of(cli: Any, client: Any) -> None:
    """Parts by name, inputs by the task that they come from."""
    details = {"key": "k", "outputs": {}, "parts": {"command": "a" * 64, "input 1": "b" * 64}, "params": {"lr": 0.1}}
    client.answers["cache_entry"] = {**ENTRY, **details, "inputs": ["prep"], "digest": "c" * 64}
    told = cli("cache", "show", "4").stdout
    assert "parameter lr: 0.1" in told
    assert "input 1 (from prep)" in told


def test_what_is_named_is_pinned(cli: Any, client: Any) -> None:
    """By number; without anything named it is refused."""
    client.answers["cache_pin"] = [ENTRY]
    assert json.loads(cli("cache", "pin", "4", "--json").stdout) == [ENTRY]
    assert cli("cache", "pin").exit_code == REFUSED
    assert cli("cache", "evict", "4", "--pipeline", "digits", "--yes").exit_code == REFUSED


def test_verify_fails_if_outputs_are_not_what_they_were(cli: Any, client: Any) -> None:
    """It says whose they are and what is wrong."""
    client.answers["cache_verify"] = [{"entry": 4, "task": "train", "job": "digits#11", "ok": False, "problem": "gone"}]
    done = cli("cache", "verify", "4")
    assert done.exit_code == FAILED
    assert "entry 4: the outputs of train, digits#11: gone" in done.stdout
