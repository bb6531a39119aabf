"""Cells that use a task's helpers, run in the notebook's own kernel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest


def test_a_cell_with_helpers_runs_here_too(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are found once the extension is loaded, MLflow's stand-in is not; it is unloaded with nothing left."""
    monkeypatch.delitem(sys.modules, "fasttrack_task", raising=False)
    done = shell.cell(
        "import fasttrack_task, importlib.util",
        "fasttrack_task.metric('a', 1)",
        "fasttrack_task.flush()",
        "found = importlib.util.find_spec('mlflow'), fasttrack_task._task.outputs",
    )
    assert done.success
    spec, outputs = shell.names["found"]
    assert spec is None or "fasttrack" not in str(spec.origin)
    assert (Path(outputs) / ".metrics.jsonl").exists()
    shell.ip.run_line_magic("unload_ext", "fasttrack_jupyter")
    assert not [place for place in sys.path if Path(place).match("fasttrack_jupyter/task")]
