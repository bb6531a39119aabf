"""Pipeline files of the workspace."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.server import walking
from fasttrack_jupyter.server.walking import find_pipelines

GOOD = "name: digits\ntasks:\n- name: a\n  command: echo a\n- name: b\n  command: echo b\n"


async def _list(call: Any) -> list[dict[str, Any]]:
    answer = json.loads((await call("GET", "/files")).body)
    assert answer["is_complete"]
    found: list[dict[str, Any]] = answer["files"]
    return found


async def test_pipelines_are_listed_with_what_is_in_them(call: Any, jp_root_dir: Path) -> None:
    """Name, tasks, and the first problem of a broken one; what changes is looked at again."""
    (jp_root_dir / "깊은 곳").mkdir()
    (jp_root_dir / "깊은 곳" / "a%20b.fasttrack.yaml").write_text(GOOD)
    (jp_root_dir / "broken.fasttrack.yml").write_text("tasks: [")
    (jp_root_dir / "other.yaml").write_text(GOOD)
    broken, good = await _list(call)
    assert (broken["path"], broken["tasks"], bool(broken["problem"])) == ("broken.fasttrack.yml", 0, True)
    assert (good["path"], good["name"], good["tasks"], good["problem"]) == (
        "깊은 곳/a%20b.fasttrack.yaml", "digits", 2, None,
    )  # fmt: skip
    (jp_root_dir / "broken.fasttrack.yml").write_text(GOOD.replace("digits", "mended"))
    assert [each["name"] for each in await _list(call)] == ["mended", "digits"]


async def test_info_tells_the_root_by_which_sources_and_contents_paths_meet(call: Any, jp_root_dir: Path) -> None:
    """What the editor has open is what the engine is asked to run."""
    assert (await call("PUT", "/files/new.fasttrack.yaml", {})).code == 200
    info = json.loads((await call("GET", "/info")).body)
    assert info["root"] == str(jp_root_dir.resolve())
    answer = await call("POST", "/validate", {"source": f"{info['root']}/new.fasttrack.yaml"})
    assert json.loads(answer.body)["valid"]


async def test_a_new_file_begins_as_an_example_that_runs(call: Any) -> None:
    """Named after its file, whatever that is called."""
    answer = await call("PUT", "/files/1%3A%20%22%EA%B0%80%22.fasttrack.yaml", {})
    told = json.loads(answer.body)
    assert told["path"] == '1: "가".fasttrack.yaml'
    view = json.loads((await call("POST", "/validate", {"text": told["text"]})).body)
    assert (view["tasks"], view["pipeline"]) == (1, '1: "가"')


async def test_text_comes_back_as_it_went_in(call: Any) -> None:
    """Line ends, a final blank, characters beyond the basic plane."""
    text = "name: x\r\n# 🐢 \t\n\n\n  "
    await call("PUT", "/files/x.fasttrack.yaml", {"text": text})
    assert json.loads((await call("GET", "/files/x.fasttrack.yaml")).body)["text"] == text


async def test_folders_above_a_new_file_are_made(call: Any, jp_root_dir: Path) -> None:
    """A template may be the first of its folder."""
    assert (await call("PUT", "/files/new/%EA%B0%80/x.fasttrack.yaml", {})).code == 200
    assert (jp_root_dir / "new" / "가" / "x.fasttrack.yaml").is_file()


async def test_nobody_overwrites_what_somebody_else_wrote(call: Any) -> None:
    """Whoever saves names what he has read; if that is not what is there, nothing is written."""
    path = "/files/x.fasttrack.yaml"
    first = json.loads((await call("PUT", path, {"text": "a"})).body)
    assert (await call("PUT", path, {"text": "again"})).code == 409
    second = json.loads((await call("PUT", path, {"text": "b", "if_hash": first["hash"]})).body)
    late = await call("PUT", path, {"text": "c", "if_hash": first["hash"]})
    told = json.loads(late.body)
    assert (late.code, told["code"], told["details"]["hash"]) == (409, "conflict", second["hash"])
    late = await call("PUT", path, {"text": "c", "if_modified_at": "2020-01-01T00:00:00Z"})
    assert late.code == 409
    assert json.loads((await call("GET", path)).body)["text"] == "b"
    assert (await call("PUT", path, {"text": "c", "if_modified_at": second["modified_at"]})).code == 200


async def test_of_many_who_save_at_once_one_wins(call: Any) -> None:
    """The others are told."""
    path = "/files/x.fasttrack.yaml"
    begun = json.loads((await call("PUT", path, {"text": "0"})).body)["hash"]
    answers = await asyncio.gather(*(call("PUT", path, {"text": str(n), "if_hash": begun}) for n in range(1, 9)))
    assert sorted(answer.code for answer in answers) == [200, *[409] * 7]


async def test_a_deleted_file_is_gone(call: Any) -> None:
    """And saving what one had of it does not bring it back by accident."""
    path = "/files/x.fasttrack.yaml"
    begun = json.loads((await call("PUT", path, {"text": "0"})).body)["hash"]
    assert (await call("DELETE", path)).code == 204
    assert [(await call(method, path)).code for method in ("GET", "DELETE")] == [404, 404]
    assert (await call("PUT", path, {"text": "1", "if_hash": begun})).code == 409


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("a.yaml", 400),
        ("../a.fasttrack.yaml", 404),
        ("..%2F..%2Fa.fasttrack.yaml", 404),
        (".hidden/a.fasttrack.yaml", 404),
        ("file.txt/a.fasttrack.yaml", 404),
        ("folder.fasttrack.yaml", 400),
        ("nul%00.fasttrack.yaml", 404),
        ("%EA%B9%80" * 100 + ".fasttrack.yaml", 400),
    ],
)
async def test_only_pipeline_files_below_the_root_can_be_had(
    call: Any, jp_root_dir: Path, path: str, code: int
) -> None:
    """A clear refusal in one shape for everything else."""
    (jp_root_dir / ".hidden").mkdir()
    (jp_root_dir / "folder.fasttrack.yaml").mkdir()
    (jp_root_dir / "file.txt").write_text("")
    for method, body in (("GET", None), ("PUT", {"text": "x"}), ("DELETE", None)):
        answer = await call(method, f"/files/{path}", body)
        assert answer.code in {code, 404}, (method, answer.body)
        assert set(json.loads(answer.body)) == {"code", "message", "hint", "details"}
    assert not list(jp_root_dir.rglob("a.fasttrack.yaml"))


@pytest.mark.parametrize("mark", ["%0A", "%09", "%1B%5B31m", "%7F", "%C2%85", "%E2%80%A8"])
async def test_a_name_that_holds_control_characters_is_refused(call: Any, jp_root_dir: Path, mark: str) -> None:
    """Also that of a folder, in words; nothing is written."""
    for path in (f"a{mark}b.fasttrack.yaml", f"a{mark}b/c.fasttrack.yaml"):
        answer = await call("PUT", f"/files/{path}", {"text": "x"})
        assert answer.code == 400
        assert "control characters" in json.loads(answer.body)["message"]
    assert list(jp_root_dir.iterdir()) == []


@pytest.mark.parametrize("body", ["{", "[]", '{"text": 1}', '{"foo": 1}', "\xff"])
async def test_a_body_that_makes_no_sense_is_refused(call: Any, body: str) -> None:
    """With what is wrong in it."""
    answer = await call("PUT", "/files/x.fasttrack.yaml", body=body.encode("latin-1"))
    assert (answer.code, json.loads(answer.body)["code"]) == (400, "bad_request")


# ---------------------------------------------------------------- finding


def _paths(root: Path, spare: Path = Path("/nowhere")) -> list[str]:
    return [found.path for found in find_pipelines(root, spare).files]


def _put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GOOD)


def test_folders_of_nobody_s_own_are_left_out(tmp_path: Path) -> None:
    """Hidden ones, packages of node and Python, virtual environments by their mark, and the home."""
    for folder in (".git", "a/.cache", "node_modules/b", "venv", "home/snapshots", "kept/deeper"):
        _put(tmp_path / folder / "x.fasttrack.yaml")
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    assert _paths(tmp_path, tmp_path / "home") == ["kept/deeper/x.fasttrack.yaml"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """Each folder is entered once; a link to nowhere, or to itself, is none."""
    _put(tmp_path / "a" / "x.fasttrack.yaml")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "gone.fasttrack.yaml").symlink_to(tmp_path / "nowhere")
    assert _paths(tmp_path) == ["a/x.fasttrack.yaml"]


def test_a_search_has_limits_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In depth, in entries and in pipelines."""
    _put(tmp_path / "/".join("abcdefghijklmnop") / "x.fasttrack.yaml")
    assert not find_pipelines(tmp_path, Path("/nowhere")).is_complete
    for number in range(9):
        _put(tmp_path / f"{number}.fasttrack.yaml")
    monkeypatch.setattr(walking, "MAX_FILES", 5)
    found = find_pipelines(tmp_path, Path("/nowhere"))
    assert (len(found.files), found.is_complete) == (5, False)
    monkeypatch.setattr(walking, "MAX_ENTRIES", 3)
    assert not find_pipelines(tmp_path, Path("/nowhere")).is_complete
