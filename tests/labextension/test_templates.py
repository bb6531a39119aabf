"""What the palette keeps as a template is a pipeline."""

from __future__ import annotations

from pathlib import Path

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.reading import read_pipeline

FIXTURE = Path(__file__).parents[2] / "labextension" / "src" / "editor" / "fixtures" / "template.yaml"


def test_a_kept_selection_is_a_pipeline_without_errors() -> None:
    """The text that ``palette_items.test.ts`` has the palette write, of tasks out of the middle of a pipeline."""
    reading = read_pipeline(FIXTURE.read_text(encoding="utf-8"))
    assert [problem.message for problem in reading.problems if problem.severity is Severity.ERROR] == []
    assert reading.pipeline is not None
    assert (reading.pipeline.name, list(reading.pipeline.by_name)) == ("010", ["훈련 1", "report"])
