"""Where a task's code comes from: ``<url>[@ref][#subfolder]``, the ``module_uri`` of a task of type git.

::

    https://host/group/repo.git@v1.2#training       a tag, a branch or a commit; a folder in it
    https://host/group/repo@feature/new-loader      refs may hold slashes
    git@host:group/repo.git@main                    ssh, short; the user is no ref
    ssh://git@host:2222/group/repo.git
    file:///srv/git/repo.git, /srv/git/repo.git@main

The ref begins behind the first ``@`` of a remote URL's path (so tags such as ``pkg@1.0`` work), and behind the
last ``@`` of a local path; where a path itself holds one, write ``%40`` in a URL. Passwords have no place
in it: a pipeline is a file that people share.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from fasttrack_jupyter.errors import BadRequest

SCHEMES = ("https", "http", "ssh", "git", "file")
_SCP = re.compile(r"(?:\w[\w.+-]*@)?\w[\w.-]*:(?!//|:)")
_BAD_REF = re.compile(r"^-|\.\.|[\x00-\x20~^:?*\[\\\x7f]|@\{|//|/$|\.lock$|\.$")
_SECRETS = "put the token into an env of the task: GIT_TOKEN: ${{ secrets.NAME }}"


class ModuleUri(NamedTuple):
    """A repository, what of it (None: its default branch), and where in it (None: at the top)."""

    url: str
    ref: str | None = None
    subfolder: str | None = None


def parse_module_uri(text: str) -> ModuleUri:
    """Split and check ``text``.

    Raises:
        BadRequest: it is no such address, or holds a password; the message repeats no password.
    """
    address, _, subfolder = text.strip().partition("#")
    start = _path_start(address)
    path = address[start:]
    before, at, ref = path.partition("@") if start else path.rpartition("@")
    url, ref = (address[:start] + before, ref) if at else (address, "")
    if at and not ref:
        raise BadRequest(f"{hide_user(text)!r} has an '@' and no ref behind it", hint="name a branch, tag or commit")
    uri = ModuleUri(url, ref or None, subfolder.strip("/") or None)
    check_module_uri(uri)
    return uri


def check_module_uri(uri: ModuleUri) -> None:
    """Whether the parts are fit to be given to git.

    Raises:
        BadRequest: they are not.
    """
    url, ref, subfolder = uri
    _check_url(url)
    if ref is not None and _BAD_REF.search(ref):
        raise BadRequest(f"{ref!r} is no name of a branch, tag or commit")
    if subfolder is not None and (subfolder.startswith("/") or ".." in PurePosixPath(subfolder).parts):
        raise BadRequest(f"subfolder {subfolder!r} leaves the repository", hint="name it from the repository's top")


def _check_url(url: str) -> None:
    if is_local(url) and not url.startswith("file:"):
        if not url.startswith("/"):
            hint = "write https://…, git@host:path, or an absolute path"
            raise BadRequest(f"{url!r} is no address of a Git repository", hint=hint)
        return
    if not is_url(url):
        return  # user@host:path, for ssh
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise BadRequest(f"{parts.scheme}:// is no way to a Git repository", hint=f"use {', '.join(SCHEMES)}")
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise BadRequest(f"the address {hide_user(url)} holds a user or a password", hint=_SECRETS)
    if parts.scheme != "file" and not re.match(r"[\w\[]", parts.hostname or ""):
        raise BadRequest(f"{url!r} names no host")
    try:
        parts.port  # noqa: B018 - the property raises
    except ValueError:
        raise BadRequest(f"the address at {parts.hostname!r} has no number as its port", hint=_SECRETS) from None


def is_url(url: str) -> bool:
    """Whether it is written with a scheme."""
    return "://" in url


def is_local(url: str) -> bool:
    """Whether the repository is on this machine's disk."""
    return url.startswith("file:") or not (is_url(url) or _SCP.match(url))


def hide_user(text: str) -> str:
    """``text`` without the users and passwords of URLs."""
    return re.sub(r"(?<=://)[^/\s]*@(?=[^/@\s]+(?:[/\s:]|$))", "****@", text)


def _path_start(address: str) -> int:
    """Where the path of a remote URL begins; 0 for a local one."""
    if is_local(address):
        return 0
    if is_url(address):
        slash = address.find("/", address.index("://") + 3)
        return slash if slash > 0 else len(address)
    return address.index(":") + 1
