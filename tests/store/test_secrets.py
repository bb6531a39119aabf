"""Secrets: kept privately, found by scope, never told."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend

from fasttrack_jupyter.errors import BadRequest, Forbidden, NotFound, StoreError
from fasttrack_jupyter.store.secrets import FileSecrets, KeyringSecrets, open_secrets


class MemoryKeyring(KeyringBackend):
    """A desktop's keyring, in memory."""

    priority: ClassVar[float] = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if self.held.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError(username)

    def _check(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")


@pytest.fixture
def desktop() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    fake = MemoryKeyring()
    keyring.set_keyring(fake)
    yield fake
    keyring.set_keyring(before)


@pytest.fixture(params=["file", "keyring", "auto"])
def secrets(request: pytest.FixtureRequest, tmp_path: Path, desktop: MemoryKeyring) -> object:
    return open_secrets(tmp_path, request.param)


def test_a_secret_is_found_by_its_name(secrets: FileSecrets) -> None:
    """What was set comes back, also by the next engine's store."""
    secrets.set("TOKEN", "비밀 value\nof two lines")
    assert secrets.get("TOKEN") == "비밀 value\nof two lines"
    assert secrets.get("OTHER") is None


def test_a_pipelines_own_secret_comes_first(secrets: FileSecrets) -> None:
    """The home's secret serves the pipelines that have none of that name."""
    secrets.set("TOKEN", "home-value")
    secrets.set("TOKEN", "digits-value", "digits")
    assert secrets.get("TOKEN", "digits") == "digits-value"
    assert secrets.get("TOKEN", "other") == "home-value"
    assert secrets.get("TOKEN") == "home-value"


def test_names_are_listed_without_values(secrets: FileSecrets) -> None:
    """``(name, pipeline)``, sorted; a name set twice stands once."""
    for name, pipeline in [("B", None), ("A", "digits"), ("A", None), ("A", None)]:
        secrets.set(name, "value", pipeline)
    assert secrets.names() == [("A", None), ("A", "digits"), ("B", None)]


def test_a_removed_secret_is_gone(secrets: FileSecrets) -> None:
    """The home's secret of the same name stays."""
    secrets.set("TOKEN", "home-value")
    secrets.set("TOKEN", "digits-value", "digits")
    secrets.remove("TOKEN", "digits")
    assert secrets.get("TOKEN", "digits") == "home-value"
    with pytest.raises(NotFound, match="'digits' has no secret 'TOKEN'"):
        secrets.remove("TOKEN", "digits")


def test_former_values_are_kept_for_masking_and_for_nothing_else(secrets: FileSecrets) -> None:
    """A log may hold what a secret was before; nobody can ask for it, and removing the secret removes it."""
    for value in ("first", "second", "second", "third"):
        secrets.set("TOKEN", value)
    secrets.set("TOKEN", "of the pipeline", "digits")
    secrets.set("TOKEN_2", "another")
    assert sorted(secrets.values(None)) == ["another", "first", "second", "third"]
    assert set(secrets.values("digits")) == {"another", "first", "second", "third", "of the pipeline"}
    assert secrets.get("TOKEN") == "third"
    assert secrets.names() == [("TOKEN", None), ("TOKEN", "digits"), ("TOKEN_2", None)]
    with pytest.raises(NotFound):
        secrets.remove("TOKEN~1")
    secrets.remove("TOKEN")
    assert secrets.values(None) == ["another"]


@pytest.mark.parametrize("name", ["", "1ST", "with space", "a-b", "x" * 129, "ключ", "A\n"])
def test_a_name_that_no_expression_could_hold_is_refused(secrets: FileSecrets, name: str) -> None:
    """The error says which letters may be used."""
    with pytest.raises(BadRequest) as caught:
        secrets.set(name, "value")
    assert "digits" in caught.value.hint


@pytest.mark.parametrize("value", ["", "with\0nul", "x" * 200_000])
def test_a_value_that_no_environment_could_hold_is_refused(secrets: FileSecrets, value: str) -> None:
    """And the value is not in the error."""
    with pytest.raises(BadRequest) as caught:
        secrets.set("TOKEN", value)
    assert not value or value not in str(caught.value)


def test_nothing_shows_a_value(secrets: FileSecrets) -> None:
    """``repr`` may be logged."""
    secrets.set("TOKEN", "hunter2")
    assert "hunter2" not in repr(secrets)


def test_the_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    """0600 whatever the umask, and replaced as a whole."""
    old = os.umask(0)
    try:
        FileSecrets(tmp_path / "secrets.json").set("TOKEN", "hunter2")
    finally:
        os.umask(old)
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600]


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """With the command that mends it."""
    path = tmp_path / "secrets.json"
    FileSecrets(path).set("TOKEN", "hunter2")
    path.chmod(0o640)
    with pytest.raises(Forbidden) as caught:
        FileSecrets(path).get("TOKEN")
    assert "chmod 600" in caught.value.hint


def test_a_damaged_file_is_said_so(tmp_path: Path) -> None:
    """It is not taken for an empty one and overwritten."""
    path = tmp_path / "secrets.json"
    path.write_text('{"home": ')
    path.chmod(0o600)
    with pytest.raises(StoreError, match="damaged"):
        FileSecrets(path).set("TOKEN", "hunter2")
    assert path.read_text() == '{"home": '


def test_a_keyring_holds_the_value_and_the_home_only_the_name(tmp_path: Path, desktop: MemoryKeyring) -> None:
    """No file below the home has it."""
    open_secrets(tmp_path).set("TOKEN", "hunter2", "digits")
    assert list(desktop.held.values()) == ["hunter2"]
    assert [path.read_text() for path in tmp_path.iterdir()] == [json.dumps({"names": [["TOKEN", "digits"]]}, indent=1)]


def test_two_homes_in_one_keyring_are_apart(tmp_path: Path, desktop: MemoryKeyring) -> None:
    """Each has its own values."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        open_secrets(tmp_path / name, "keyring").set("TOKEN", f"of {name}")
    assert open_secrets(tmp_path / "one", "keyring").get("TOKEN") == "of one"


def test_without_a_usable_keyring_the_file_is_used(tmp_path: Path, desktop: MemoryKeyring) -> None:
    """A backend that keeps nothing says so by its priority."""
    desktop.__class__ = type("Useless", (MemoryKeyring,), {"priority": 0})
    open_secrets(tmp_path).set("TOKEN", "hunter2")
    assert not desktop.held
    assert open_secrets(tmp_path, "file").get("TOKEN") == "hunter2"


def test_a_home_stays_with_what_it_uses(tmp_path: Path, desktop: MemoryKeyring) -> None:
    """A keyring that appears later does not split the secrets in two."""
    open_secrets(tmp_path, "file").set("OLD", "value")
    open_secrets(tmp_path).set("NEW", "value")
    assert open_secrets(tmp_path).names() == [("NEW", None), ("OLD", None)]
    assert not desktop.held


def test_a_locked_keyring_is_an_error_with_a_way_out(tmp_path: Path, desktop: MemoryKeyring) -> None:
    """And not a secret that seems to be missing."""
    open_secrets(tmp_path).set("TOKEN", "hunter2")
    desktop.locked = True
    with pytest.raises(StoreError) as caught:
        open_secrets(tmp_path).get("TOKEN")
    assert "Unlock" in caught.value.hint


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    """With those there are."""
    with pytest.raises(BadRequest) as caught:
        open_secrets(tmp_path, "vault")
    assert "keyring" in caught.value.hint


def test_keyrings_interface_is_the_same(tmp_path: Path) -> None:
    """An entry that somebody removed from the keyring itself reads as missing."""
    assert KeyringSecrets(tmp_path).get("TOKEN") is None


def test_where_secrets_are_is_told_without_touching_one(tmp_path: Path, desktop: MemoryKeyring) -> None:
    """Before the first as well; a keyring that would wait for its owner is not asked."""
    desktop.locked = True
    place, trouble = open_secrets(tmp_path).kept_in()
    assert place.startswith("nothing yet; the keyring (")
    assert trouble == ""
    file = open_secrets(tmp_path, "file")
    assert file.kept_in() == (f"nothing yet; a file that only you can read ({tmp_path / 'secrets.json'})", "")
    file.set("TOKEN", "hunter2")
    assert open_secrets(tmp_path).kept_in() == (f"a file of mode 0600 ({tmp_path / 'secrets.json'})", "")


def test_a_place_for_secrets_that_will_not_do_is_told(tmp_path: Path, desktop: MemoryKeyring) -> None:
    """A file that others can read; a setting that asks for a keyring where there is none."""
    file = open_secrets(tmp_path, "file")
    file.set("TOKEN", "hunter2")
    (tmp_path / "secrets.json").chmod(0o644)
    assert "0644" in file.kept_in()[1]
    keyring.set_keyring(keyring.backends.fail.Keyring())
    assert "no keyring" in open_secrets(tmp_path, "keyring").kept_in()[1]
