"""Git on behalf of the person who uses this server: it can neither ask, nor run anything of a repository's.

- It never prompts: no terminal, no askpass, no question of ssh. What gives access is what that person has set up
  for git (credential helpers, ssh keys); an address with a token in it is refused, because git would show it in ``ps``
  and keep it in the clone's configuration.
- It runs no hooks, no file system monitor and no filters of Git LFS, and uses no transport but those of
  :data:`~fasttrack_jupyter.model.module_uri.SCHEMES`.
- What it says comes back without users, passwords and queries of addresses.

Calls block: they are for threads (the loop of a Jupyter server on Windows has no processes of its own).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, Conflict, FastTrackError, NotFound, Refused
from fasttrack_jupyter.model.git_environ import git_environ
from fasttrack_jupyter.model.module_uri import ModuleUri, check_module_uri, is_url

_ADDRESS = re.compile(r"[a-z][\w+.-]*://[^\s'\"]+", re.IGNORECASE)
_ACCESS = "Give git the access: a credential helper or an ssh key of the user who runs this Jupyter server."
_SAYS = (
    (
        ("authentication failed", "could not read username", "could not read password", "access denied", "error: 403",
         "permission denied", "terminal prompts disabled", "error: 401", "host key verification failed"),
        Refused, "{url} needs authentication", _ACCESS,
    ),
    (
        ("not found", "does not appear to be a git repository", "does not exist", "not exported"),
        NotFound, "there is no Git repository {url}",
        "Check the address; a private repository also says this to whoever has no access.",
    ),
    (
        ("could not resolve", "failed to connect", "couldn't connect", "connection refused", "connection reset",
         "connection timed out", "connection closed", "operation timed out", "operation too slow", "early eof",
         "network is unreachable", "no route to host", "error: 50", "unable to connect", "unable to look up"),
        BackendUnreachable, "{url} does not answer", "Check the address and the network (or its proxy), and try again.",
    ),
    (
        ("not possible to fast-forward", "diverging branches", "unrelated histories"),
        Conflict, "the repository and this clone have gone different ways",
        "Delete the folder in the file browser and add the repository again, or merge in a terminal.",
    ),
    (
        ("would be overwritten",),
        Conflict, "files here are in the way of new ones of the repository", "Move or rename them, then update again.",
    ),
    (
        ("not currently on a branch", "no tracking information", "no such ref was fetched"),
        Conflict, "this clone follows no branch of its repository",
        "Check out a branch in a terminal, or delete the folder and add the repository again.",
    ),
    (("no space left",), Refused, "the disk is full", "Make room, then try again."),
)  # fmt: skip
"""Words of git (in the C locale), and what they mean; the first that fits."""


class Git:
    """Calls git; :meth:`close` ends what still runs."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def run(self, *words: str, url: str, timeout: float, folder: Path | None = None) -> str:
        """What git prints; ``url`` is the repository's, for messages; ``timeout`` is in seconds.

        Raises:
            Refused, NotFound, Conflict, BackendUnreachable: git is missing, says no, or takes too long.
        """
        binary = shutil.which("git")
        if binary is None:
            raise Refused("git is not installed", hint="Install git on the machine of this Jupyter server.")
        process = subprocess.Popen(
            [binary, *words], cwd=folder, env=_environ(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        with self._lock:
            self._running.add(process)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            message = f"{shown(url)} did not answer within {timeout:.0f} seconds"
            raise BackendUnreachable(message, hint="Try again, or clone it in a terminal.") from None
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode:
            raise _failure(err.decode("utf-8", "replace"), url)
        return out.decode("utf-8", "replace")

    def close(self) -> None:
        """End all calls: each raises."""
        with self._lock:
            for process in self._running:
                _kill(process)


def check_url(url: str) -> None:
    """Whether git may be given this address. Raises BadRequest, which repeats nothing secret."""
    if not url.strip() or not url.isprintable():
        raise BadRequest("that is no address of a Git repository", hint="Write https://…, git@host:path, or a path.")
    if re.match(r"(?:https?|git)://[^?#]*@|ssh://[^/?#]*:[^/?#]*@", url, re.IGNORECASE):
        raise BadRequest(f"the address {shown(url)} holds a user or a password", hint=f"Leave it out. {_ACCESS}")
    try:
        check_module_uri(ModuleUri(url))
    except ValueError:  # urlsplit's, of brackets that are no address
        raise BadRequest("that is no address of a Git repository") from None


def shown(url: str) -> str:
    """``url`` as it may be shown: without user, password, query and fragment."""
    if not is_url(url):
        return url
    scheme, _, rest = url.partition("://")
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{rest.rpartition('@')[2]}"


def name_of(url: str) -> str:
    """A folder's name for the clone: the last word of the address, without what a folder's name cannot hold."""
    path = urlsplit(url).path if is_url(url) else url.rpartition(":")[2]
    name = path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "repository"


def _environ(folder: Path | None) -> dict[str, str]:
    """``folder`` is where git looks for a repository, and not above it."""
    environ = git_environ(os.environ) | {"GIT_OPTIONAL_LOCKS": "0", "LANGUAGE": "C"}
    if folder is not None:
        environ["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    return environ


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End git and what it has started (ssh, remote helpers), where they can be told together."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _failure(words: str, url: str) -> FastTrackError:
    lines = words.strip().splitlines()
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))] or lines[-3:]
    said = _ADDRESS.sub(lambda found: shown(found[0]), " ".join(told))[:500]
    lowered = words.lower()
    for signs, kind, message, hint in _SAYS:
        if any(sign in lowered for sign in signs):
            return kind(f"{message.format(url=shown(url))}: {said}", hint=hint)
    return Refused(f"git failed: {said}", hint="Try the same in a terminal of this server.")
