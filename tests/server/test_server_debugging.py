"""Failed tasks as notebooks, and their fixes, by calls of the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from nbformat.v4 import new_code_cell, new_notebook

from fasttrack_jupyter.server import notebooks

LONG = 40.0
CELLS = (
    "%%fasttrack_task one\nx = 1",
    "%%fasttrack_task two\ny = x / 0",
)

CELL = {"cell_type": "code", "source": "x = 2", "metadata": {"fasttrack_debug": {"kind": "task", "base": "x = 1"}}}


class NoContents(Authorizer):
    """Lets everybody do everything but with contents."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "contents"


async def failed(call: Any, folder: Path, *, name: str = "broken.ipynb") -> str:
    """The id of a job of a notebook in ``folder`` whose second task failed."""
    folder.mkdir(exist_ok=True)
    content = new_notebook(cells=[new_code_cell(cell) for cell in CELLS])
    (folder / name).write_text(json.dumps(content))
    built = json.loads((await call("POST", "/notebooks/build", {"content": content, "path": name})).body)
    request = {"text": built["text"], "files": built["files"], "source": str(folder / name)}
    job = str(json.loads((await call("POST", "/jobs", request)).body)["id"])
    for _ in range(int(LONG / 0.2)):
        if json.loads((await call("GET", f"/jobs/{job}")).body)["ended_at"]:
            return job
        await call("GET", f"/events?after={10**9}&wait=0.2")
    raise AssertionError("the job did not end")


async def test_a_debug_notebook_is_written_beside_the_source_and_never_over_another(
    call: Any, jp_root_dir: Path
) -> None:
    """Its path is one of the file browser's; it opens with the kernel that is the task's session."""
    job = await failed(call, jp_root_dir / "lab")
    paths = [json.loads((await call("POST", f"/jobs/{job}/tasks/two/debug")).body)["path"] for _ in range(2)]
    first, second = (jp_root_dir / path for path in paths)
    assert (first.parent, second.parent) == (jp_root_dir / "lab",) * 2
    assert first != second
    told = json.loads(first.read_bytes())["metadata"]
    assert told["kernelspec"]["name"] == "fasttrack-debug"
    assert (told["fasttrack"]["debug"]["job"], told["fasttrack"]["debug"]["origin"]) == (job, "broken.ipynb")


async def test_a_source_outside_of_the_root_is_no_place_to_write_to(
    call: Any, jp_root_dir: Path, tmp_path: Path
) -> None:
    """The notebook lies in the root then."""
    job = await failed(call, tmp_path / "elsewhere")
    path = json.loads((await call("POST", f"/jobs/{job}/tasks/two/debug")).body)["path"]
    assert "/" not in path
    assert (jp_root_dir / path).is_file()


async def test_a_fix_is_shown_and_nothing_is_written(call: Any, jp_root_dir: Path) -> None:
    """Cell by cell: what it is, what it would be."""
    job = await failed(call, jp_root_dir / "lab")
    path = json.loads((await call("POST", f"/jobs/{job}/tasks/two/debug")).body)["path"]
    content = json.loads((jp_root_dir / path).read_bytes())
    last = content["cells"][-1]
    last["source"] = "".join(last["source"]).replace("/ 0", "/ 2")
    before = (jp_root_dir / "lab/broken.ipynb").read_bytes()
    fix = json.loads((await call("POST", "/notebooks/fix", {"path": path, "content": content})).body)
    assert (fix["path"], fix["conflicts"]) == ("lab/broken.ipynb", [])
    assert fix["cells"] == [{"index": 1, "before": CELLS[1], "after": CELLS[1].replace("/ 0", "/ 2")}]
    assert "+y = x / 2" in fix["diff"]
    assert (jp_root_dir / "lab/broken.ipynb").read_bytes() == before


@pytest.mark.parametrize(("origin", "code"), [("../../etc/x.ipynb", 403), ("/etc/x.ipynb", 403), ("gone.ipynb", 404)])
async def test_an_original_is_looked_for_below_the_root_only(call: Any, origin: str, code: int) -> None:
    """Whatever the notebook says."""
    about = {"job": "x", "task": "a", "origin": origin}
    content = {"cells": [], "metadata": {"fasttrack": {"debug": about}}}
    assert (await call("POST", "/notebooks/fix", {"path": "lab/debug.ipynb", "content": content})).code == code


async def test_a_huge_original_is_refused_unread(call: Any, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To read and check it would hold up everybody else."""
    (jp_root_dir / "large.ipynb").write_text(json.dumps(new_notebook()))
    monkeypatch.setattr(notebooks, "LARGEST", 10)
    about = {"job": "x", "task": "a", "origin": "large.ipynb"}
    content = {"cells": [], "metadata": {"fasttrack": {"debug": about}}}
    answer = await call("POST", "/notebooks/fix", {"path": "debug.ipynb", "content": content})
    assert (answer.code, "large.ipynb" in json.loads(answer.body)["message"]) == (400, True)


async def test_an_original_that_is_no_json_is_told(call: Any, jp_root_dir: Path) -> None:
    """Of the original, not of what was sent."""
    (jp_root_dir / "broken.ipynb").write_text("{")
    content = {
        "cells": [CELL],
        "metadata": {"fasttrack": {"debug": {"job": "x", "task": "a", "origin": "broken.ipynb"}}},
    }
    answer = await call("POST", "/notebooks/fix", {"path": "debug.ipynb", "content": content})
    assert (answer.code, "broken.ipynb" in json.loads(answer.body)["message"]) == (422, True), answer.body


async def test_a_task_that_did_not_run_is_said(call: Any, jp_root_dir: Path) -> None:
    """As words, with a status of its own."""
    job = await failed(call, jp_root_dir / "lab")
    assert (await call("POST", f"/jobs/{job}/tasks/three/debug")).code == 404
    assert (await call("POST", "/jobs/none/tasks/two/debug")).code == 404


class TestWithoutPermission:
    """Somebody who may do nothing with contents."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        """Contents are refused."""
        jp_server_config["ServerApp"]["authorizer_class"] = NoContents
        return jp_server_config

    async def test_nothing_is_written_or_read(self, call: Any) -> None:
        """Neither route."""
        assert (await call("POST", "/jobs/last/tasks/two/debug")).code == 403
        assert (await call("POST", "/notebooks/fix", {"path": "a.ipynb", "content": {}})).code == 403
