"""Debug notebooks of what tasks left, whatever that is; and fixes that go back into files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.api.debugging import DebugNotebook, debug_notebook_of
from fasttrack_jupyter.api.fixing import file_fix
from fasttrack_jupyter.notebook.debugging import MARK

TEXT = "name: digits\ntasks: [{name: train, command: python3 digits.cells/execute.py train}]\n"
TASK = "%%fasttrack_task train\nx = 1"


class Answers:
    """Stands for a client: a job of one failed task that left ``record``."""

    def __init__(self, source: Path, record: Any) -> None:
        row = {
            "path": "train", "task": "train", "attempts": 1, "ended_at": "now", "reason": "exit 1", "result": "FAILURE"
        }  # fmt: skip
        self.view = {"id": "01", "pipeline": "digits", "index": 3, "source": str(source), "params": {}, "tasks": [row]}
        self.record = record

    def job(self, job: str) -> Any:
        """See the client."""
        return self.view

    def job_text(self, job: str) -> str:
        """See the client."""
        return TEXT

    def logs(self, job: str, path: str, *, after: int, limit: int) -> Any:
        """See the client."""
        return {"data": ""}

    def session(self, job: str, path: str) -> Any:
        """See the client."""
        return {"command": "python3 digits.cells/execute.py train"}

    def read_output(self, job: str, path: str, name: str) -> Iterator[bytes]:
        """See the client."""
        yield self.record if isinstance(self.record, bytes) else json.dumps(self.record).encode()


def made(source: Path, record: Any) -> DebugNotebook:
    """The debug notebook of its task."""
    return debug_notebook_of(Answers(source, record), "01", None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record",
    [
        *(b"", b"[" * 99_999, [], {"cells": 3}, {"cells": [1]}, {"cells": [{"outputs": 3}]}),
        *({"cells": [{"outputs": [3]}]}, {"cells": [{"metadata": 3}]}, {"cells": [], "metadata": 3}),
        *({"cells": [{"source": [3]}]}, {"cells": [{"metadata": {"tags": 3}}]}),
        {"cells": [{"outputs": [{"output_type": "error", "traceback": 3}]}]},
    ],
)
def test_what_is_no_notebook_is_no_record(tmp_path: Path, record: Any) -> None:
    """A task writes what it likes; its command is there all the same."""
    cells = json.loads(made(tmp_path / "a.fasttrack.yaml", record).content)["cells"]
    assert cells[-1]["source"] == "%%sh\npython3 digits.cells/execute.py train"


def test_of_a_saved_pipeline_the_notebook_beside_it_is_the_original(tmp_path: Path) -> None:
    """As the record names it, which names no other folder."""
    (tmp_path / "digits.ipynb").write_text("{}")
    for name, origin in (("digits.ipynb", "digits.ipynb"), ("x/../digits.ipynb", "digits.ipynb"), ("../a.ipynb", None)):
        record = {"cells": [], "metadata": {"fasttrack_run": {"notebook": name}}}
        content = json.loads(made(tmp_path / "digits.fasttrack.yaml", record).content)
        assert content["metadata"]["fasttrack"]["debug"]["origin"] == origin


def test_a_file_that_is_its_owner_s_alone_is_so_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written aside can be read by nobody else either."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": TASK,
    }
    original = tmp_path / "digits.ipynb"
    original.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
    original.chmod(0o600)
    mark = {MARK: {"kind": "task", "label": "cell 1", "line": 1, "base": "# %%fasttrack_task train\nx = 1"}}
    mended = {**cell, "metadata": mark, "source": "# %%fasttrack_task train\nx = 2"}
    about = {"job": "01", "task": "train", "origin": "digits.ipynb"}
    debug = tmp_path / "debug.ipynb"
    debug.write_text(json.dumps({"cells": [mended], "metadata": {"fasttrack": {"debug": about}}}))
    modes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: modes.append(os.fstat(fd).st_mode & 0o777))
    file_fix(debug).apply()
    assert "x = 2" in original.read_text()
    assert modes == [0o600]
