"""Notebooks become pipelines by a call of the server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from fasttrack_jupyter.home import Home
from fasttrack_jupyter.server import apart, notebooks
from fasttrack_jupyter.server.debugging import DebugNotebooks


def notebook(*sources: str | tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A notebook of code cells, each its source or its source and its FastTrack metadata."""
    cells = []
    for number, each in enumerate(sources):
        source, marks = each if isinstance(each, tuple) else (each, None)
        metadata = {} if marks is None else {"fasttrack": marks}
        cells.append(
            {
                "cell_type": "code", "id": f"c{number}", "metadata": metadata, "source": source,
                "execution_count": None, "outputs": [],
            }
        )  # fmt: skip
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


MAGIC = notebook("%%fasttrack_task prepare --cpu 1\nx = [1, 2, 3]", "%%fasttrack_task count\nn = len(x)\nprint(n)")
FORM = notebook(
    ("x = [1, 2, 3]", {"kind": "task", "task": "prepare", "cpu": 1}),
    ("n = len(x)\nprint(n)", {"kind": "task", "task": "count"}),
)


class NoContents(Authorizer):
    """Lets everybody do everything but with contents."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "contents"


async def test_an_open_notebook_becomes_a_pipeline(call: Any) -> None:
    """Its text, the files beside it and which cells became which task; nothing is written."""
    answer = await call("POST", "/notebooks/build", {"content": MAGIC, "path": "lab/numbers.ipynb"})
    told = json.loads(answer.body)
    assert answer.code == 200, told
    assert (told["name"], told["folder"]) == ("numbers", "numbers.cells")
    assert told["tasks"] == [{"name": "prepare", "cells": ["cell 1"]}, {"name": "count", "cells": ["cell 2"]}]
    assert {"numbers.cells/execute.py", "numbers.cells/tasks.json"} <= told["files"].keys()


async def test_the_form_and_the_magic_give_the_same_pipeline(call: Any) -> None:
    """Whichever way a cell was marked, the text is the same."""
    built = [
        json.loads((await call("POST", "/notebooks/build", {"content": each, "path": "n.ipynb"})).body)
        for each in (MAGIC, FORM)
    ]
    assert built[0]["text"] == built[1]["text"]
    assert built[0]["tasks"] == built[1]["tasks"]


async def test_a_notebook_of_the_workspace_is_built_by_its_path(call: Any, jp_root_dir: Path) -> None:
    """As it lies there."""
    (jp_root_dir / "saved.ipynb").write_text(json.dumps(MAGIC))
    answer = await call("POST", "/notebooks/build", {"path": "saved.ipynb"})
    assert (answer.code, json.loads(answer.body)["name"]) == (200, "saved")


@pytest.mark.parametrize("path", ["absent.ipynb", "../absent.ipynb", ".hidden/a.ipynb"])
async def test_a_notebook_that_is_not_there_is_told_so(call: Any, path: str) -> None:
    """Nor is one that Jupyter does not show."""
    answer = await call("POST", "/notebooks/build", {"path": path})
    assert (answer.code, set(json.loads(answer.body))) == (404, {"code", "message", "hint", "details"})


async def test_a_huge_notebook_of_the_workspace_is_refused_unread(
    call: Any, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read and check it would hold up everybody else."""
    (jp_root_dir / "saved.ipynb").write_text(json.dumps(MAGIC))
    monkeypatch.setattr(notebooks, "LARGEST", 100)
    answer = await call("POST", "/notebooks/build", {"path": "saved.ipynb"})
    assert (answer.code, "outputs" in json.loads(answer.body)["hint"]) == (400, True)


async def test_nothing_to_build_makes_no_sense(call: Any) -> None:
    """Neither content nor path."""
    answer = await call("POST", "/notebooks/build", {})
    assert (answer.code, json.loads(answer.body)["code"]) == (400, "bad_request")


async def test_problems_tell_their_cells(call: Any) -> None:
    """A name that nobody writes, and a syntax error: all of them, with cell and line."""
    wrong = notebook("%%fasttrack_task a\ny = nowhere + 1", "%%fasttrack_task b\n\nif True print(1)")
    answer = await call("POST", "/notebooks/build", {"content": wrong, "path": "n.ipynb"})
    told = json.loads(answer.body)
    assert (answer.code, told["code"]) == (422, "invalid_notebook"), told
    messages = " ".join(each["message"] for each in told["details"]["problems"])
    assert "cell 2, line 3" in messages, messages


@pytest.mark.parametrize("content", [{}, {"cells": "no"}, {"nbformat": 3, "worksheets": []}, {"cells": [1]}])
async def test_what_is_no_notebook_is_refused_in_words(call: Any, content: Any) -> None:
    """Not as something unforeseen."""
    answer = await call("POST", "/notebooks/build", {"content": content, "path": "n.ipynb"})
    assert answer.code in (400, 422), answer.body


async def test_building_leaves_the_loop_free(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done in another thread than the server's."""
    where: list[int] = []
    real = apart.WORK["build"]

    def noted(body: bytes, *words: str) -> bytes:
        where.append(threading.get_ident())
        return real(body, *words)

    monkeypatch.setattr(apart, "WORK", {"build": noted})
    assert (await call("POST", "/notebooks/build", {"content": MAGIC})).code == 200
    assert where
    assert where[0] != threading.get_ident()


def large(*sources: str) -> dict[str, Any]:
    """A notebook of 20 MB: pictures in its outputs and attachments, as people save them."""
    found = notebook(*sources)
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * (1 << 20)}}
    found["cells"][0]["outputs"] = [picture] * 15
    rows = [{"output_type": "stream", "name": "stdout", "text": [f"{n} {n * n}\\n"]} for n in range(60_000)]
    found["cells"][0]["outputs"] += rows
    return found


async def stalled(work: Any) -> tuple[Any, float]:
    """The outcome, and for how many seconds the loop stood still at most."""
    longest, is_over = 0.0, asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        while not is_over.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)

    ticking = asyncio.create_task(tick())
    outcome = await work
    is_over.set()
    await ticking
    return outcome, longest


@pytest.mark.parametrize("way", ["content", "path"])
async def test_a_large_notebook_stalls_nobody(jp_serverapp: Any, jp_root_dir: Path, way: str) -> None:
    """20 MB, sent or saved: read in a process of its own, for one call of the JSON reader holds up every thread."""
    text = json.dumps(large("%%fasttrack_task a\nx = 1", "%%fasttrack_task b\ny = x"))
    (jp_root_dir / "saved.ipynb").write_text(text)
    body = f'{{"path": "saved.ipynb", "content": {text}}}' if way == "content" else '{"path": "saved.ipynb"}'
    assert len(text) > 18 << 20
    builder = notebooks.Notebooks(jp_serverapp.contents_manager, str(jp_root_dir))

    async def may_read() -> None:
        """Anybody."""

    answer, longest = await stalled(builder.built(body.encode(), may_read))
    assert [task["name"] for task in json.loads(answer)["tasks"]] == ["a", "b"]
    assert longest < 0.25, f"{longest * 1000:.0f} ms"  # 20 ms on an idle machine; this one may be busy


async def test_a_large_fix_stalls_nobody(jp_serverapp: Any, jp_root_dir: Path) -> None:
    """Neither the debug notebook, which is sent, nor the original, which is saved, is read on the server's loop."""
    original, debug = large("%%fasttrack_task a\nx = 1"), large("# %%fasttrack_task a\nx = 2")
    original["cells"][0]["id"] = debug["cells"][0]["id"] = "c0"
    told = {"kind": "task", "label": "cell 1", "line": 1, "base": "# %%fasttrack_task a\nx = 1"}
    debug["cells"][0]["metadata"]["fasttrack_debug"] = told
    debug["metadata"]["fasttrack"] = {"debug": {"job": "1", "task": "a", "origin": "saved.ipynb"}}
    (jp_root_dir / "saved.ipynb").write_text(json.dumps(original))
    body = json.dumps({"path": "debug.ipynb", "content": debug}).encode()
    fixer = DebugNotebooks(jp_serverapp.contents_manager, Home(), str(jp_root_dir))
    answer, longest = await stalled(fixer.fix(body))
    changed = {"index": 0, "before": "%%fasttrack_task a\nx = 1", "after": "%%fasttrack_task a\nx = 2"}
    assert json.loads(answer)["cells"] == [changed]
    assert longest < 0.25, f"{longest * 1000:.0f} ms"  # 40 ms on a busy machine


async def test_what_is_wrong_with_a_large_notebook_is_told_as_ever(call: Any) -> None:
    """The error crosses the border of the process with its problems."""
    answer = await call("POST", "/notebooks/build", {"content": large("%%fasttrack_task a\ny = nowhere")})
    told = json.loads(answer.body)
    assert (answer.code, told["code"]) == (422, "invalid_notebook")
    assert "nowhere" in told["details"]["problems"][0]["message"]


async def test_a_file_that_is_no_json_is_no_notebook(call: Any, jp_root_dir: Path) -> None:
    """Said of the file, not of the call."""
    (jp_root_dir / "saved.ipynb").write_text("{")
    answer = await call("POST", "/notebooks/build", {"path": "saved.ipynb"})
    assert (answer.code, "saved.ipynb is no notebook" in json.loads(answer.body)["message"]) == (400, True)


async def test_where_the_folder_of_cells_leads_is_told(call: Any, jp_root_dir: Path, tmp_path: Path) -> None:
    """So that nobody writes through a link; and what a later writing needs to know."""
    (jp_root_dir / "here.cells").mkdir()
    (jp_root_dir / "there.cells").symlink_to(tmp_path)
    request = {"content": notebook("%fasttrack_pipeline p --backend far", "%%fasttrack_task a\nx = 1")}
    told = [
        json.loads((await call("POST", "/notebooks/build", {**request, "path": f"{each}.ipynb"})).body)
        for each in ("here", "there")
    ]
    assert [each["is_elsewhere"] for each in told] == [False, True]
    assert told[0]["backend"] == "far"
    assert json.loads(told[0]["record"])["files"].keys() == told[0]["files"].keys()


class TestWithoutContents:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Any) -> Any:
        jp_server_config["ServerApp"]["authorizer_class"] = NoContents
        return jp_server_config

    async def test_only_what_was_sent_is_built(self, call: Any) -> None:
        """Who may not read contents cannot read them this way."""
        assert (await call("POST", "/notebooks/build", {"path": "a.ipynb"})).code == 403
        assert (await call("POST", "/notebooks/build", {"content": MAGIC})).code == 200
