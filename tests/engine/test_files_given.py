"""Files that come with a request are the job's code, over what lies in the source's folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.overlay import MOST_BYTES, MOST_FILES, lay_over
from fasttrack_jupyter.engine.views import Decision, JobRequest, PlanView, RerunRequest
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.testing.fakes import FakeBackend

TEXT = "name: p\ntasks:\n- {name: a, command: python3 p.cells/execute.py a}\n"


def test_what_is_given_wins_over_what_is_found() -> None:
    """Sorted, texts as UTF-8."""
    code = lay_over({"b.py": "/x/b.py", "z": "/x/z"}, {"b.py": "한", "a/c.py": "1"})
    assert list(code.items()) == [("a/c.py", b"1"), ("b.py", "한".encode()), ("z", "/x/z")]


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0b", "a\nb", "\ud800"),
        *("x" * 256, "a/" * 600 + "b", "a/" * 64 + "b"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    """It is named, and the remedy told."""
    with pytest.raises(BadRequest, match="cannot be the path") as raised:
        lay_over({}, {path: "x"})
    assert "relative" in raised.value.hint


@pytest.mark.parametrize(
    ("found", "given"),
    [({"a": "/x/a"}, {"a/b": ""}), ({"a/b": "/x/a/b"}, {"a": ""}), ({}, {"a": "", "a/b/c": ""})],
)
def test_a_file_cannot_be_a_folder_as_well(found: dict[str, str], given: dict[str, str]) -> None:
    """Whichever came first."""
    with pytest.raises(BadRequest, match=r"'a/b.*' and 'a' cannot both be files"):
        lay_over(found, given)


def test_too_much_is_refused() -> None:
    """Bytes in all, and files; the largest is named."""
    with pytest.raises(BadRequest, match=r"20\.0 MB; the largest is 'big'"):
        lay_over({}, {"big": "x" * MOST_BYTES, "small": "y"})
    with pytest.raises(BadRequest, match="2001 files"):
        lay_over({}, {f"f{n}": "" for n in range(MOST_FILES + 1)})


def test_half_a_character_is_no_text() -> None:
    """Told with its place, and not an error of the engine's."""
    with pytest.raises(BadRequest, match="no Unicode at character 1"):
        lay_over({}, {"a.py": "x\ud800"})


def plan(engine: Any, request: JobRequest) -> PlanView:
    """What would happen."""

    async def go() -> PlanView:
        async with engine.on(FakeBackend()) as fasttrack:
            view: PlanView = await fasttrack.plan(request)
            return view

    return asyncio.run(go())


def test_without_a_source_the_files_alone_are_the_code(engine: Any) -> None:
    """A script that a command names is found among them, or missed."""
    there = plan(engine, JobRequest(text=TEXT, files={"p.cells/execute.py": ""}))
    gone = plan(engine, JobRequest(text=TEXT, files={"p.cells/exe.py": ""}))
    assert [there.tasks[0].decision, gone.tasks[0].decision] == [Decision.RUN, Decision.REFUSE]


def test_beside_a_source_they_lie_over_its_folder(engine: Any, tmp_path: Path) -> None:
    """The snapshot holds both; a notebook's folder is its job's code."""
    (folder := tmp_path / "work").mkdir()
    for name in ("helper.py", "p.ipynb", "replaced.py"):
        (folder / name).write_text("old")
    files = {"p.cells/execute.py": "run", "replaced.py": "new"}
    backend = FakeBackend()

    async def go() -> None:
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=TEXT, source=str(folder / "p.ipynb"), files=files))

    asyncio.run(go())
    (code,) = backend.codes.values()
    assert code == {"helper.py": "old", "p.cells/execute.py": "run", "p.ipynb": "old", "replaced.py": "new"}
    assert sorted(path.name for path in folder.iterdir()) == ["helper.py", "p.ipynb", "replaced.py"]


def test_a_plain_rerun_keeps_the_code_and_an_edited_one_brings_its_own(engine: Any) -> None:
    """Files without an edited text would be lost silently: that is refused."""
    backend = FakeBackend()
    codes: list[str | None] = []

    async def go() -> None:
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=TEXT, files={"p.cells/execute.py": "1"}))
            await engine.finish(fasttrack)
            for again in (RerunRequest(), RerunRequest(text=TEXT, files={"p.cells/execute.py": "2"})):
                await fasttrack.rerun("p#1", again)
                await engine.finish(fasttrack)
            codes.extend(spec.code for spec in backend.started)
            with pytest.raises(BadRequest, match="plain rerun"):
                await fasttrack.rerun("p#1", RerunRequest(files={"x": ""}))

    asyncio.run(go())
    texts = [backend.codes[code or ""]["p.cells/execute.py"] for code in codes]
    assert texts == ["1", "1", "2"]


def test_an_edited_text_of_a_job_from_a_notebook_keeps_its_code(engine: Any, tmp_path: Path) -> None:
    """What its cells became lies in no folder: without files, only the text is another one."""
    (folder := tmp_path / "work").mkdir()
    (notebook := folder / "p.ipynb").write_text("{}")
    backend = FakeBackend()

    async def go() -> None:
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(text=TEXT, source=str(notebook), files={"p.cells/execute.py": "1"}))
            await engine.finish(fasttrack)
            await fasttrack.rerun("p#1", RerunRequest(text=TEXT.replace("py a", "py a b")))
            await engine.finish(fasttrack)

    asyncio.run(go())
    assert [spec.command[-3:] for spec in backend.started] == ["y a", "a b"]
    assert len({spec.code for spec in backend.started}) == 1


def test_an_edited_rerun_can_keep_the_code_with_files_laid_over_it(engine: Any, tmp_path: Path) -> None:
    """As debugging does: what lies in the folder by now does not matter."""
    (folder := tmp_path / "work").mkdir()
    (folder / "train.py").write_text("then")
    (source := folder / "p.yaml").write_text("name: p\ntasks:\n- {name: a, command: python3 train.py}\n")
    backend = FakeBackend()

    async def go() -> None:
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(JobRequest(source=str(source)))
            await engine.finish(fasttrack)
            (folder / "train.py").write_text("now")
            text = "name: p\ntasks:\n- {name: a, command: python3 .fasttrack/x.py}\n"
            await fasttrack.rerun("p#1", RerunRequest(text=text, files={".fasttrack/x.py": "ours"}, keep_code=True))
            await engine.finish(fasttrack)

    asyncio.run(go())
    code = backend.codes[backend.started[-1].code or ""]
    assert (code["train.py"], code[".fasttrack/x.py"]) == ("then", "ours")


def test_a_notebook_is_no_pipelines_file(engine: Any, tmp_path: Path) -> None:
    """A face builds it first; who sends its path alone is told so."""
    (tmp_path / "p.ipynb").write_text("{}")
    with pytest.raises(BadRequest, match="is a notebook") as raised:
        plan(engine, JobRequest(source=str(tmp_path / "p.ipynb")))
    assert "fasttrack run" in raised.value.hint
