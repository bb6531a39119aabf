"""What the editor in the browser takes for granted about reading: scalars, and keys that it keeps for itself."""

from __future__ import annotations

import json
from pathlib import Path

from fasttrack_jupyter.model.document import load
from fasttrack_jupyter.model.reading import read_pipeline

SCALARS = Path(__file__).parents[2] / "labextension" / "src" / "editor" / "fixtures" / "scalars.json"


def test_the_editor_s_corpus_of_scalars_is_what_the_reader_reads() -> None:
    """The same file is checked against npm's yaml in the editor's tests."""
    rows = json.loads(SCALARS.read_text(encoding="utf-8"))
    assert len(rows) > 40
    for row in rows:
        wanted = float(row["value"]["float"]) if isinstance(row["value"], dict) else row["value"]
        found = load(f"key: {row['written']}\n").data["key"]
        assert found == wanted, row
        assert isinstance(found, bool) is isinstance(wanted, bool), row


def test_keys_that_begin_with_x_are_kept_and_nothing_is_said_about_them() -> None:
    """The canvas keeps its pinned positions and remarks under x-canvas; tasks may have such keys too."""
    canvas = "x-canvas: {positions: {a: [1, 2]}, remarks: {r1: {text: look, at: [3, 4]}}}\n"
    reading = read_pipeline(f"name: p\ntasks:\n- {{name: a, command: echo, x-mine: [1]}}\n{canvas}")
    assert reading.problems == ()
    assert reading.pipeline is not None
    assert reading.pipeline.model_extra is not None
    assert reading.pipeline.model_extra["x-canvas"]["positions"] == {"a": [1, 2]}
    assert reading.pipeline.tasks[0].model_extra == {"x-mine": [1]}
