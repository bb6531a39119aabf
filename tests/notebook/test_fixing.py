"""What was mended in a debug notebook goes back into the cells that it came from, or is a conflict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.notebook.debugging import MARK
from fasttrack_jupyter.notebook.fixing import Fix, fix_of

COMMON = "%%fasttrack_common\nimport math\n\ndef clean(x):\n    return x\n\ndef other():\n    pass"
TASK = "%%fasttrack_task train --cpu 2\n%matplotlib inline\nx = clean(1)\ny = x / 0\ny"


def original(*sources: str) -> bytes:
    """The pipeline's notebook."""
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": "# Digits"}]
    cells += [
        {
            "cell_type": "code", "id": f"id-{number}", "metadata": {"kept": 1}, "execution_count": 3,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "old"}],
            "source": source.splitlines(keepends=True),
        }
        for number, source in enumerate(sources)
    ]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"mine": 1}, "cells": cells}).encode()


def debug(*cells: tuple[str, str, str, int, str], whole: bool = False) -> bytes:
    """A debug notebook of ``(kind, label, base, line, text now)``; a cell of the person's own comes with it."""
    made = [
        {
            "cell_type": "code", "id": f"{kind}-{number}", "source": now, "outputs": [], "execution_count": None,
            "metadata": {MARK: {"kind": kind, "label": label, "base": base, "line": line}},
        }
        for number, (kind, label, base, line, now) in enumerate(cells)
    ]  # fmt: skip
    made.append({"cell_type": "code", "id": "own", "metadata": {}, "outputs": [], "source": "print(x)"})
    about = {"job": "01", "task": "train", "whole": whole}
    return json.dumps({"metadata": {"fasttrack": {"debug": about}}, "cells": made}).encode()


def travelled(sources: Sequence[str] = (COMMON, TASK)) -> str:
    """The task's cell as it travels, by the reader of notebooks itself."""
    from fasttrack_jupyter.notebook.cells import read_notebook

    return read_notebook(original(*sources), "digits.ipynb").cells[-1].source


def source_of(fix: Fix, index: int) -> str:
    """A cell of the changed file."""
    return "".join(json.loads(fix.content)["cells"][index]["source"])


def test_a_changed_line_is_changed_and_nothing_else() -> None:
    """Marks and IPython lines stay as their author wrote them; the rest of the file as well."""
    base = travelled()
    fix = fix_of(debug(("task", "cell 3", base, 1, base.replace("/ 0", "/ 2"))), original(COMMON, TASK), "digits.ipynb")
    assert (fix.changed, fix.conflicts, fix.own) == (("cell 3",), (), 1)
    assert source_of(fix, 2) == TASK.replace("/ 0", "/ 2")
    assert source_of(fix, 1) == COMMON
    content = json.loads(fix.content)
    assert (content["metadata"], content["cells"][2]["metadata"]) == ({"mine": 1}, {"kept": 1})
    assert content["cells"][2]["outputs"] == []
    assert "-y = x / 0\n+y = x / 2\n" in fix.diff
    assert "digits.ipynb cell 3" in fix.diff


def test_lines_that_come_and_go_leave_the_mark() -> None:
    """Even when the comment that it became was deleted."""
    base = travelled()
    now = "import os\n" + "\n".join(base.split("\n")[2:]) + "\nprint(y)"
    fix = fix_of(debug(("task", "cell 3", base, 1, now)), original(COMMON, TASK), "digits.ipynb")
    assert source_of(fix, 2) == "%%fasttrack_task train --cpu 2\nimport os\nx = clean(1)\ny = x / 0\ny\nprint(y)"


def test_a_function_is_mended_in_the_cell_that_defines_it() -> None:
    """By its lines; several of one cell do not get in each other's way."""
    first, second = "def clean(x):\n    return x", "def other():\n    pass"
    fix = fix_of(
        debug(
            ("definition", "cell 2", first, 4, "def clean(x):\n    x += 1\n    return x"),
            ("definition", "cell 2", second, 7, "def other():\n    return 2"),
        ),
        original(COMMON, TASK),
        "digits.ipynb",
    )
    assert fix.conflicts == ()
    assert source_of(fix, 1) == (
        "%%fasttrack_common\nimport math\n\ndef clean(x):\n    x += 1\n    return x\n\ndef other():\n    return 2"
    )


def test_a_cell_that_was_changed_meanwhile_is_a_conflict() -> None:
    """It is named, and stays; others are mended all the same."""
    base = travelled()
    changed = TASK.replace("clean(1)", "clean(2)")
    fix = fix_of(
        debug(
            ("task", "cell 3", base, 1, base + "\n1"),
            ("definition", "cell 2", "def clean(x):\n    return x", 4, "def clean(x):\n    return -x"),
        ),
        original(COMMON, changed),
        "digits.ipynb",
    )
    assert fix.conflicts == ("cell 3 was changed in the notebook since, or is gone",)
    assert (fix.changed, source_of(fix, 2)) == (("cell 2",), changed)


def test_a_cell_that_moved_is_found_by_its_text() -> None:
    """Also one of a live kernel, which has no place."""
    base = travelled()
    for label in ("cell 3", "In [7]"):
        fix = fix_of(
            debug(("task", label, base, 1, base + "\n1")), original(COMMON, "print('new')", TASK), "digits.ipynb"
        )
        assert fix.changed == ("cell 4",)


def test_the_same_text_twice_is_a_conflict_unless_its_place_tells() -> None:
    """Never a guess."""
    fix = fix_of(debug(("cell", "", "x = 1", 1, "x = 2"), whole=True), original("x = 1", "x = 1"), "r.ipynb")
    assert fix.conflicts == ("a cell: the same text is in cell 2 and cell 3",)
    data = json.loads(debug(("cell", "", "x = 1", 1, "x = 2"), whole=True))
    data["cells"][0]["id"] = "id-1"
    assert fix_of(json.dumps(data).encode(), original("x = 1", "x = 1"), "r.ipynb").changed == ("cell 3",)


def test_nothing_changed_is_nothing_to_do() -> None:
    """The file is not even written anew."""
    base = travelled()
    fix = fix_of(debug(("task", "cell 3", base, 1, base)), original(COMMON, TASK), "digits.ipynb")
    assert (fix.changed, fix.diff, fix.sources) == ((), "", {})


def test_a_command_has_no_cells_to_put_a_fix_into() -> None:
    """That is said, with what to do."""
    with pytest.raises(BadRequest, match="'train' is a command") as raised:
        fix_of(debug(), original(TASK), "digits.ipynb")
    assert "files that it runs" in raised.value.hint


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"cells": []}'])
def test_another_file_is_refused(data: bytes) -> None:
    """In words."""
    with pytest.raises(BadRequest, match="debug notebook"):
        fix_of(data, original(TASK), "digits.ipynb")
