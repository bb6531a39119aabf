"""Addresses of code in Git: how they are split, and which are refused."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.module_uri import ModuleUri, hide_user, is_local, parse_module_uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://h/g/r.git@v1.2#training", ModuleUri("https://h/g/r.git", "v1.2", "training")),
        ("https://h/g/r@feature/new-loader", ModuleUri("https://h/g/r", "feature/new-loader")),
        ("https://h/g/r@pkg@1.0#a/b/", ModuleUri("https://h/g/r", "pkg@1.0", "a/b")),
        ("https://h:8443/g/r", ModuleUri("https://h:8443/g/r")),
        ("git@h:g/r.git@main", ModuleUri("git@h:g/r.git", "main")),
        ("git@h:g/r.git", ModuleUri("git@h:g/r.git")),
        ("ssh://git@h:2222/g/r.git@v1", ModuleUri("ssh://git@h:2222/g/r.git", "v1")),
        ("file:///srv/r.git@main", ModuleUri("file:///srv/r.git", "main")),
        ("/srv/me@work/r.git@main", ModuleUri("/srv/me@work/r.git", "main")),
        (" /srv/r.git ", ModuleUri("/srv/r.git")),
    ],
)
def test_address_ref_and_subfolder_are_told_apart(text: str, uri: ModuleUri) -> None:
    """The ``@`` of a user is no ref, and a ref may hold slashes and ``@``."""
    assert parse_module_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        "", "../repo", "repo", "--upload-pack=x", "ext::sh -c x", "ftp://h/r", "https:///r", "https://h/r@", "https://h/r@-x",
        "https://h/r@a..b", "https://h/r@a b", "https://h/r#../x", "https://h/r#/../x", "-oProxyCommand=x:r", "ssh://-ox/r",
    ],
)  # fmt: skip
def test_what_git_shall_not_see_is_refused(text: str) -> None:
    """Options, commands, unknown transports, refs that are none, folders outside."""
    with pytest.raises(BadRequest):
        parse_module_uri(text)


@pytest.mark.parametrize("user", ["kim:s3cret", "s3cret", "kim:s3c@ret", "kim:x/s3cret"])
def test_credentials_are_refused_and_not_repeated(user: str) -> None:
    """A pipeline is shared: the remedy is a secret, and the message does not tell what was typed."""
    with pytest.raises(BadRequest) as caught:
        parse_module_uri(f"https://{user}@h/g/r.git@main")
    assert "secrets." in caught.value.hint
    assert "s3c" not in str(caught.value.to_dict())


def test_users_are_hidden_in_texts() -> None:
    """In the middle of a sentence as well."""
    assert hide_user("fatal: https://kim:pw@h/r: no") == "fatal: https://****@h/r: no"


def test_local_addresses_are_known() -> None:
    """Paths and file: URLs are on this machine, the others are not."""
    assert [is_local(url) for url in ("/a", "file:///a", "git@h:a", "https://h/a", "h:a")] == [
        True,
        True,
        False,
        False,
        False,
    ]
