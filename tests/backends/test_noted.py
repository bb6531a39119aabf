"""What a session noted of itself, read at its end: bounded, whatever the files are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.local import noted
from fasttrack_jupyter.backends.local.noted import artifacts_in, noted_in


def point(step: int, value: float) -> str:
    """A line."""
    return json.dumps({"name": "a", "value": value, "step": step}) + "\n"


def descriptors() -> int:
    """How many files this process holds open, where that can be told."""
    place = Path("/proc/self/fd")
    return len(list(place.iterdir())) if place.is_dir() else 0


def test_of_a_very_large_file_the_beginning_and_the_end_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the last value is the last one; that there is more is said."""
    monkeypatch.setattr(noted, "_MOST", 2000)
    monkeypatch.setattr(noted, "_PAGE", 100)
    (tmp_path / ".metrics.jsonl").write_text("".join(point(step, step) for step in range(5000)))
    assert noted_in(str(tmp_path))["metrics_truncated"] is True
    found = noted_in(str(tmp_path))["metrics"]["a"]
    assert (found["last"], found["min"], found["max"]) == (4999, 0, 4999)
    assert found["count"] < 60


def test_a_last_line_without_an_end_counts_if_it_is_whole(tmp_path: Path) -> None:
    """One that was broken off does not."""
    file = tmp_path / ".metrics.jsonl"
    file.write_text(point(0, 1) + point(1, 2).strip())
    assert noted_in(str(tmp_path))["metrics"]["a"]["count"] == 2
    file.write_text(point(0, 1) + point(1, 2)[:10])
    assert noted_in(str(tmp_path))["metrics"]["a"]["count"] == 1


@pytest.mark.parametrize("name", [".metrics.jsonl", ".artifacts.json"])
@pytest.mark.parametrize("kind", ["nothing", "pipe", "folder", "link", "loop", "device"])
def test_what_is_no_plain_file_says_nothing_and_holds_nobody_up(tmp_path: Path, name: str, kind: str) -> None:
    """Nor is a link followed."""
    place, secret = tmp_path / name, tmp_path / "secret"
    secret.write_text('{"name": "a", "value": 1}\n')
    make = {
        "nothing": lambda: None, "pipe": lambda: os.mkfifo(place), "folder": place.mkdir,
        "link": lambda: place.symlink_to(secret), "loop": lambda: place.symlink_to(name),
        "device": lambda: place.symlink_to("/dev/zero"),
    }  # fmt: skip
    make[kind]()
    before = descriptors()
    assert noted_in(str(tmp_path)) == {} == artifacts_in(str(tmp_path))
    assert descriptors() == before
