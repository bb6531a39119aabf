"""Pipelines kept as folders, and the words of the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from fasttrack_jupyter.errors import NotFound, SignedOut
from fasttrack_jupyter.web.access import TOKEN_SECONDS, Door
from fasttrack_jupyter.web.library import FILE, Library
from fasttrack_jupyter.web.shapes import instance_id, parse_instance_id, pipeline_shape

TEXT = """\
name: digits
description: the famous ones
tasks:
- {name: a, command: 'true'}
- {name: b, command: 'true', dependencies: [a]}
"""


def test_a_pipeline_is_kept_changed_and_removed(tmp_path: Path) -> None:
    """All of it by its id; its dataflow is given back as it came."""
    library = Library(tmp_path / "kept")
    made = library.create(TEXT, dataflow={"drawn": [1]})
    assert [kept.id for kept in library.all()] == [made.id]
    changed = library.update(made.id, TEXT.replace("famous", "few"), is_active=False)
    assert ("few" in changed.text(), changed.is_active, changed.dataflow) == (True, False, {"drawn": [1]})
    assert changed.created_at == made.created_at
    library.delete(made.id)
    assert library.all() == []
    assert list((tmp_path / "kept").glob("[!.]*")) == []


def test_a_folder_that_a_person_puts_there_is_a_pipeline(tmp_path: Path) -> None:
    """Its id follows from its name, so it is the same tomorrow."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / FILE).write_text(TEXT)
    assert Library(tmp_path).all()[0].id == Library(tmp_path).all()[0].id
    with pytest.raises(NotFound):
        Library(tmp_path).get("no-such")


def test_a_pipeline_in_the_words_of_the_api() -> None:
    """The keys that FastTrack's own client reads; nodes and edges where no editor left its own."""
    shape = pipeline_shape("1", TEXT, created_at="then", last_modified="now", storage="digits-1")
    assert set(shape) == {
        "id", "name", "description", "yaml", "dataflow", "storage", "version", "is_active", "created_at",
        "last_modified",
    }  # fmt: skip
    assert (shape["name"], shape["description"], shape["yaml"]) == ("digits", "the famous ones", TEXT)
    assert shape["dataflow"]["edges"] == [{"source": "a", "target": "b"}]


def test_a_broken_pipeline_is_still_listed() -> None:
    """By its id, with its text, so that somebody can mend it."""
    shape = pipeline_shape("1", "tasks: [", created_at="then", last_modified="now")
    assert (shape["name"], shape["yaml"]) == ("1", "tasks: [")


@pytest.mark.parametrize("path", ["train", "sweep[2]/훈련", "a b"])
def test_ids_of_task_instances_hold_any_path(path: str) -> None:
    """And stand in an address as they are."""
    made = instance_id("1m8", path)
    assert made.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert parse_instance_id(made) == ("1m8", path)


def test_no_id_is_not_found() -> None:
    """However it is broken."""
    for text in ("", "a", "a.~~", "a.w6g"):
        try:
            assert parse_instance_id(text)[1] in ("", "è")
        except NotFound:
            continue


class Clock:
    """Time that is told what it is."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_signature_opens_once_and_a_token_for_a_day() -> None:
    """A login that somebody overheard is no use; a token ends."""
    clock = Clock()
    door = Door(lambda signed: {"access_key": signed["authorization"]}, clock)
    token = f"Token {door.login({'authorization': 'signature'})['token']}"
    assert door.user_of(token) == {"access_key": "signature"}
    with pytest.raises(SignedOut, match="used before"):
        door.login({"authorization": "signature"})
    clock.now += TOKEN_SECONDS + 1
    with pytest.raises(SignedOut):
        door.user_of(token)


def test_a_webserver_that_signs_everything_needs_no_token() -> None:
    """Each of its requests is checked as a login is, and is good once."""
    door = Door(lambda signed: {"path": signed["path"]})
    assert door.admit({"authorization": "BackendAI one", "path": "/api/pipelines/"}) == {"path": "/api/pipelines/"}
    with pytest.raises(SignedOut, match="used before"):
        door.admit({"authorization": "BackendAI one", "path": "/api/pipelines/"})
    with pytest.raises(SignedOut):
        door.admit({"authorization": "Token BackendAI", "path": "/"})


@pytest.mark.parametrize("header", [None, "", "Token ", "Token x", "Basic x", "x"])
def test_no_token_no_entry(header: str | None) -> None:
    """Whatever it looks like."""
    with pytest.raises(SignedOut):
        Door(dict).user_of(header)


def test_who_signs_out_is_out() -> None:
    """The token is forgotten, others stay."""
    door = Door(dict)
    first, second = (f"Token {door.login({'authorization': name})['token']}" for name in "ab")
    door.logout(first)
    assert door.user_of(second)
    with pytest.raises(SignedOut):
        door.user_of(first)


def test_a_file_that_is_no_utf_8_hides_no_other(tmp_path: Path) -> None:
    """What of it can be read is shown."""
    library = Library(tmp_path / "kept")
    library.create(TEXT)
    odd = library.create(TEXT)
    odd.file.write_bytes(b"# caf\xe9\n" + TEXT.encode())
    assert {kept.text() for kept in library.all()} == {TEXT, "# caf\\xe9\n" + TEXT}
