"""What gc removes of code, environments and checkouts: what no job needs, and a dry run tells the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.backends.local.environments import ImageResolver
from fasttrack_jupyter.backends.local.sweeping import Sweeper

COMMITS = ("a" * 40, "b" * 40)
ENVIRONMENTS = ("c" * 24, "d" * 24)


class Litter:
    """A home with two of each, all last used two hours ago."""

    def __init__(self, home: Path) -> None:
        self.snapshots, self.images = Snapshots(home / "code"), ImageResolver(home, engines=list)
        self.sweeper = Sweeper(self.snapshots, self.images, home / "git")
        sources = {name: self._file(home / "sources" / name, 100_000) for name in ("one", "two", "both")}
        self.codes = [
            self.snapshots.put({"x": str(sources[name]), "both": str(sources["both"])}) for name in ("one", "two")
        ]
        self.used = [home / "code" / code for code in self.codes]
        for name in ENVIRONMENTS:
            self._file(home / "environments" / name / "bin/python", 50_000)
            self.used.append(self._file(home / "environments" / f"{name}.lock", 0))
        for name in COMMITS:
            self._file(home / "git/repository/url", 10).write_text("https://x.example/r\n")
            self._file(home / "git/repository/lock", 0)
            self.used.append(self._file(home / "git/repository" / name / "code.py", 20_000).parent)
        for path in self.used:
            self.age(path, 7200)

    @staticmethod
    def _file(path: Path, size: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        return path

    @staticmethod
    def age(path: Path, seconds: float) -> None:
        """As if last used so many seconds ago."""
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


@pytest.fixture
def litter(tmp_path: Path) -> Litter:
    """A fresh one."""
    return Litter(tmp_path)


def test_what_no_job_needs_goes_and_a_dry_run_tells_the_same(litter: Litter, tmp_path: Path) -> None:
    """Names and bytes; what is shared with something kept frees nothing."""
    keep = {litter.codes[0], ENVIRONMENTS[0], COMMITS[0]}
    told = litter.sweeper.sweep(keep, True)
    assert told == litter.sweeper.sweep(keep, False)
    names, freed = told
    assert names == [
        f"code {litter.codes[1][:12]}",
        f"environment {ENVIRONMENTS[1][:8]}",
        f"checkout {COMMITS[1][:12]} of https://x.example/r",
    ]
    assert 170_000 <= freed <= 230_000
    assert [path.exists() for path in litter.used[:2]] == [True, False]
    assert [(tmp_path / "environments" / name).exists() for name in ENVIRONMENTS] == [True, False]
    assert [(tmp_path / "git/repository" / name).exists() for name in COMMITS] == [True, False]
    assert litter.sweeper.sweep(keep, False) == ([], 0)


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_was_used_just_now_stays(litter: Litter, dry_run: bool) -> None:
    """Its job may be about to be stored."""
    for path in litter.used:
        os.utime(path)
    assert litter.sweeper.sweep(set(), dry_run) == ([], 0)
