"""Which files belong to a task whose command names only the script that is one for all of a notebook's tasks."""

from __future__ import annotations

import json

from fasttrack_jupyter.engine.plan import changes_between
from fasttrack_jupyter.engine.scripts import listed_parts
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import read_pipeline

LIST = {
    "tasks": {"a": {"cells": [{"file": "cell-01.py"}, {"file": "cell-02.py"}]}, "b": {"cells": [{"file": "def-f.py"}]}}
}


def pipeline(folder: str) -> Pipeline:
    """Two tasks that run the script in ``folder``, and one that does not."""
    found = read_pipeline(
        "name: n\ntasks:\n"
        + "".join(f"- name: {name}\n  command: |-\n    python3 '{folder}/execute.py' {name}\n" for name in "ab")
        + "- {name: c, command: 'true'}\n"
    ).pipeline
    assert found is not None
    return found


def test_a_task_s_cells_are_those_that_the_list_beside_its_script_names() -> None:
    """Also where the folder's name must be quoted."""
    for folder in ("n.cells", "my notes.cells"):
        found = listed_parts(pipeline(folder), {f"{folder}/tasks.json": json.dumps(LIST).encode(), "other.py": b""})
        assert found == {"a": {f"{folder}/cell-01.py", f"{folder}/cell-02.py"}, "b": {f"{folder}/def-f.py"}}


def test_an_edited_cell_changes_its_task_alone() -> None:
    """So a rerun from what failed runs the task whose cell was edited, and reuses the others."""
    read = pipeline("n.cells")
    parts = listed_parts(read, {"n.cells/tasks.json": json.dumps(LIST).encode()})
    changed = changes_between(read, read, files=["n.cells/cell-02.py"], parts=parts)
    assert changed == {"a": "n.cells/cell-02.py changed"}


def test_a_damaged_list_lists_nothing() -> None:
    """As does one that is somebody else's: the task that needs it will say so."""
    damaged = (b"{", b"[]", b"[" * 99_999, b'{"tasks": 3}', b'{"tasks": {"a": [1]}}', b'{"tasks": {"a": {"cells": 3}}}')
    for content in damaged:
        assert not any(listed_parts(pipeline("n.cells"), {"n.cells/tasks.json": content}).values())
