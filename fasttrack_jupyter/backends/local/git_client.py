"""The git command, called so that it can neither ask, nor run anything of the repository's, nor tell a secret.

- It never prompts: no terminal, no askpass, no host key question of ssh.
- It runs no hooks and no filters, and uses no transport but those of :data:`SCHEMES`.
- A token goes to it as a variable that a credential helper of one line prints, and the helper is bound
  to the address's own scheme and host: a redirect or a submodule elsewhere does not get it. It is in no
  argument, no file, and in no text that comes back.
- Its variables (``GIT_DIR`` …) and traces do not come in from outside; the user's own configuration does, for
  proxies, certificates, ssh and their own credential helpers.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fasttrack_jupyter.engine.ports import GitSource
from fasttrack_jupyter.errors import BackendUnreachable, SessionRejected
from fasttrack_jupyter.model.git_environ import git_environ
from fasttrack_jupyter.model.module_uri import hide_user, is_local, is_url

_PRINT = 'printf "username=%s\\npassword=%s\\n" "$FASTTRACK_GIT_USERNAME" "$FASTTRACK_GIT_TOKEN"'
_HELPER = f'!f() {{ test "$1" = get && {_PRINT}; }}; f'
_REFUSED = (
    "authentication failed", "could not read username", "could not read password", "access denied",
    "permission denied", "terminal prompts disabled", "error: 403", "error: 401", "host key verification failed",
)  # fmt: skip
_MISSING = ("not found", "does not appear to be a git repository", "does not exist", "not exported")
_AWAY = (
    "could not resolve host", "could not resolve proxy", "failed to connect", "couldn't connect", "connection refused",
    "connection reset", "connection timed out", "connection closed", "operation timed out", "operation too slow",
    "network is unreachable", "no route to host", "early eof", "error: 50", "unable to connect", "name or service not",
    "unable to look up",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitClient:
    """Calls git about ``source`` in a bare ``repository``; ``lock`` is a descriptor that git's processes share."""

    source: GitSource
    lock: int
    repository: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    async def init(self) -> None:
        """Make the repository."""
        await self._call("init", "--quiet", "--bare", "--template=", str(self.repository))

    async def run(self, *words: str, index: Path | None = None, tree: Path | None = None) -> str:
        """What git prints; with ``index`` and ``tree`` in place of the repository's own.

        Raises:
            SessionRejected: git says no; the message is its own.
            BackendUnreachable: the server did not answer.
        """
        at = ["--git-dir", str(self.repository), *(["--work-tree", str(tree)] if tree else [])]
        return await self._call(*at, *words, index=index)

    async def _call(self, *words: str, index: Path | None = None) -> str:
        environ = self._environ(index)
        try:
            process = await asyncio.create_subprocess_exec(
                git_binary(), *words, env=environ, cwd="/", pass_fds=(self.lock,), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise SessionRejected(f"git could not be started: {error}") from error
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise self._failure(err.decode("utf-8", "replace"))
        return out.decode("utf-8", "surrogateescape")

    def _environ(self, index: Path | None) -> dict[str, str]:
        variables = dict(self.environ)
        config = [("core.autocrlf", "false"), *self._credentials(variables)]
        environ = git_environ(variables, config)
        if index is not None:
            environ["GIT_INDEX_FILE"] = str(index)
        return environ

    def _credentials(self, environ: dict[str, str]) -> list[tuple[str, str]]:
        """Adds the token to ``environ``; the configuration that hands it to the source's own host only."""
        token, url = self.source.token, self.source.url
        if not token or is_local(url) or not is_url(url):
            return []
        parts = urlsplit(url)
        environ["FASTTRACK_GIT_USERNAME"] = self.source.username or "oauth2"
        environ["FASTTRACK_GIT_TOKEN"] = token
        # an empty helper first: the user's own would be asked before ours, and be told to store ours after
        return [("credential.helper", ""), (f"credential.{parts.scheme}://{parts.netloc}.helper", _HELPER)]

    def _failure(self, words: str) -> SessionRejected | BackendUnreachable:
        said, lowered = self._masked(words), words.lower()
        url = hide_user(self.source.url)
        if any(word in lowered for word in _AWAY):
            return BackendUnreachable(
                f"{url} does not answer: {said}", hint="mend module_uri, or see to the network (or its proxy)"
            )
        if any(word in lowered for word in _MISSING):
            hint = "mend module_uri; a private repository also says this to whoever brings no token"
            return SessionRejected(f"there is no repository {url}: {said}", hint=hint)
        if any(word in lowered for word in _REFUSED):
            hint = "set GIT_TOKEN (and GIT_USERNAME) of the task from secrets, or give this user access"
            return SessionRejected(f"{url} refused us: {said}", hint=hint)
        return SessionRejected(f"git failed on {url}: {said}")

    def _masked(self, words: str) -> str:
        lines = [
            line for line in words.strip().splitlines() if line.startswith(("fatal:", "error:", "remote:", "ssh:"))
        ]
        said = hide_user(" ".join(lines or words.strip().splitlines()[-3:]))
        return said.replace(self.source.token, "****") if self.source.token else said


def git_binary() -> str:
    """Where git is. Raises SessionRejected: nowhere."""
    found = shutil.which("git")
    if found is None:
        raise SessionRejected("git is not installed, so no code can be fetched", hint="install git")
    return found


def has_same_host(url: str, other: str) -> bool:
    """Whether two URLs have the same scheme and host, so that one's token may be shown to the other."""
    return urlsplit(url)[:2] == urlsplit(other)[:2] if is_url(url) and is_url(other) else False
