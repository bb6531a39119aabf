"""The README tells the truth: its tour is followed, command by command, and its claims about files are looked up.

In the README, ``<!-- file: NAME -->`` stands before a block that is a file of the tour, and
``<!-- tour -->`` before a ``console`` block whose lines after ``$`` are typed in the tour's folder.
What a command printed there must be printed here, but for what differs from job to job.
``<!-- cell -->`` stands before a cell of the README's notebook.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"<!-- (tour|file: (?P<name>[\w.-]+)) -->\n+```\w+\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_CELL = re.compile(r"<!-- cell -->\n+```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CHANGES = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?Z?|\b\d\d:\d\d(:\d\d)?\b|\b[0-9a-hjkmnp-tv-z]{16}\b"
    r"|just now|\bago\b|\b[\d.]+ ?(ms|s|min|h|KB|B)\b|~?/\S+|-[0-9a-z]{6,}\b|\s+"
)
"""Times, durations, sizes, ids and paths differ from one machine and job to the next; so may the room between words."""

pytestmark = [pytest.mark.xdist_group("readme"), pytest.mark.timeout(300)]


def _commands(block: str) -> Iterator[tuple[str, str]]:
    """``(command, what it printed)`` of a console block."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def _words(text: str) -> list[str]:
    """The lines of ``text`` without what differs from job to job; a quick task is not always seen running."""
    lines = (" ".join(_CHANGES.sub(" ", line).split()) for line in text.splitlines())
    return [line for line in lines if line and not line.endswith(" running")]


def test_the_tour_can_be_followed(make_checkout: Callable[[str], Checkout], tmp_path: Path) -> None:
    """Every command of the tour does what the README shows."""
    checkout = make_checkout("tour")
    where = tmp_path / "tour"
    where.mkdir()
    seen = 0
    for block in _BLOCK.finditer(README):
        if block["name"]:
            (where / block["name"]).write_text(block["text"], encoding="utf-8")
            continue
        for command, printed in _commands(block["text"]):
            done = checkout.sh(command, cwd=where)
            missing = [line for line in _words(printed) if line not in _words(done.stdout)]
            assert not missing, f"$ {command}\n{done.stdout}\n(exit status {done.returncode})"
            seen += 1
    assert seen >= 8


def test_the_notebook_can_be_run(make_checkout: Callable[[str], Checkout], tmp_path: Path) -> None:
    """Its cells run in the kernel and in a job alike; here without their image, which costs time and says nothing."""
    sources = [re.sub(r' --image "[^"]*"', "", source.strip()) for source in _CELL.findall(README)]
    more = ["import fasttrack_jupyter as ft\n(await ft.job()).tasks['train'].outputs['share'] < share < 1", "strength"]
    cells = [new_code_cell(source) for source in (*sources, *more)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "tumours.ipynb")
    done = make_checkout("cells").sh("jupyter execute tumours.ipynb --output=executed --timeout=120", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    *_, run, same, here = (cell.outputs for cell in executed.cells)
    assert "tumours#1 succeeded" in run[0].data["text/plain"]
    assert [output.data["text/plain"] for output in (*same, *here)] == ["True", "1.0"]


def test_every_file_that_is_named_exists() -> None:
    """Links to files of this repository lead somewhere."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_the_tree_is_the_tree() -> None:
    """Every module and folder that the drawn tree names is there, and every part of the package is drawn."""
    drawn = README.split("<!-- tree -->")[1].split("```")[1]
    below = drawn.split("\nfasttrack_jupyter/\n")[1].split("\nlabextension/")[0]
    named = set(re.findall(r"^  ([\w.]+)/?(?: |$)", below, re.MULTILINE))
    package = ROOT / "fasttrack_jupyter"
    there = {
        path.name for path in package.iterdir() if path.suffix == ".py" or (path.is_dir() and path.name[0] not in "._")
    }
    assert named == there - {"labextension"}  # built, not kept


def test_every_command_is_listed() -> None:
    """The README names every command of ``fasttrack``."""
    from fasttrack_jupyter.cli.app import COMMANDS

    assert not [name for name in COMMANDS if f"`{name}" not in README and f"fasttrack {name}" not in README]
