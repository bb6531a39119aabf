"""A login at a Backend.AI webserver, whose session then stands for the signature.

``POST /server/login {username, password}`` → ``{authenticated, data}`` and a cookie. 23.09 answers 200 to a wrong
password as well, later releases 401; what counts is ``authenticated``. A webserver locks an account after some
failures, so a refused password is never tried again by itself, and of many calls that find the session over, one
logs in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from yarl import URL

from fasttrack_jupyter.backends.backend_ai import foreign
from fasttrack_jupyter.backends.backend_ai.profile import Keys
from fasttrack_jupyter.errors import FastTrackError, KeysRefused

if TYPE_CHECKING:
    from fasttrack_jupyter.backends.backend_ai.http import StorageAnswer

Sending = Callable[[str, URL, Mapping[str, str], bytes], Awaitable["StorageAnswer"]]
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_NOT_LOGGED_IN = "unauthorized access"


class WebLogin:
    """One user's session at one webserver, entered when needed."""

    def __init__(self, base: URL, keys: Keys, where: str) -> None:
        self._base, self._keys, self._where = base, keys, where
        self._cookie = ""
        self._refused: KeysRefused | None = None
        self._lock = asyncio.Lock()

    async def enter(self, send: Sending, *, instead_of: str | None = None) -> str:
        """Be logged in; returns what stands for the session, which a caller whose session is over hands back.

        Raises:
            KeysRefused: the password is wrong, the account locked, or a second factor asked for.
        """
        async with self._lock:
            if self._refused is not None:
                raise KeysRefused(self._refused.message, hint=self._refused.hint, details=self._refused.details)
            if not self._cookie or self._cookie == instead_of:
                self._cookie = await self._log_in(send)
            return self._cookie

    def headers(self) -> dict[str, str]:
        """What a call is sent with."""
        return {"Cookie": self._cookie} if self._cookie else {}

    def is_session_over(self, body: bytes) -> bool:
        """Whether a 401 comes from the webserver itself (a manager's has words of its own in ``msg``)."""
        told = foreign.problem(body)
        return "msg" not in told and str(told.get("title", "")).lower() == _NOT_LOGGED_IN

    async def leave(self, send: Sending) -> None:
        """Log out, as far as that can be had."""
        if not self._cookie:
            return
        headers, self._cookie = {**_JSON, **self.headers()}, ""
        try:
            await send("POST", self._at("/server/logout"), headers, b"")
        except FastTrackError:
            return  # the session ends by itself after a while

    async def _log_in(self, send: Sending) -> str:
        body = json.dumps({"username": self._keys.user, "password": self._keys.secret}).encode()
        answer = await send("POST", self._at("/server/login"), _JSON, body)
        told = foreign.problem(answer.body)
        if answer.status == 200 and told.get("authenticated") is True:
            return _cookie_of(answer)
        if "authenticated" not in told:
            if answer.status == 404 or answer.status < 400:
                raise foreign.not_a_manager(self._where, "it has no /server/login")
            raise foreign.refusal(answer.status, answer.headers, answer.body, where=self._where)
        data: Any = told.get("data")
        said = foreign.words(data)[: foreign.LONGEST] if isinstance(data, Mapping) else ""
        kind = data.get("type") if isinstance(data, Mapping) else None
        if answer.status >= 500:
            raise foreign.refusal(answer.status, answer.headers, answer.body, where=self._where)
        self._refused = foreign.keys_refused(self._where, said, {"status": answer.status, "type": kind})
        raise self._refused

    def _at(self, path: str) -> URL:
        return URL(f"{str(self._base).rstrip('/')}{path}")


def _cookie_of(answer: StorageAnswer) -> str:
    """The ``Cookie`` header that goes with an answer's ``Set-Cookie``."""
    found: SimpleCookie = SimpleCookie()
    for line in getattr(answer.headers, "getall", lambda *_: [answer.headers.get("Set-Cookie", "")])("Set-Cookie", []):
        try:
            found.load(line)
        except CookieError:
            continue
    return "; ".join(f"{name}={morsel.value}" for name, morsel in found.items())
