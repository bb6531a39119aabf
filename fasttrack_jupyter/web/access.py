"""Who may call: one user, the one of a profile, by tokens that a signed login gives out.

A login is a request that a Backend.AI webserver (or any client) signed with the user's access key. Its signature is
checked by the engine, which alone holds the key; a signature is good once, within the clock skew that Backend.AI
allows. A token is random, lives for a day, and is kept as its SHA-256 only, in memory: a restart signs everybody out.

Webservers up to 23.09 sign whatever they forward, and lose the token on the way: there each request is checked as a
login is.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from fasttrack_jupyter.errors import SignedOut

Json = dict[str, Any]

TOKEN_SECONDS = 24 * 3600.0
_SKEW_SECONDS = 15 * 60.0
_MOST_TOKENS = 1000
_SIGNED = "BackendAI "


class Door:
    """Tokens of one user, for any thread.

    ``verify`` asks the engine about a signed request, and returns the user or raises.
    """

    def __init__(self, verify: Callable[[Json], Json], clock: Callable[[], float] = time.time) -> None:
        self._verify, self._clock = verify, clock
        self._tokens: dict[str, tuple[float, Json]] = {}
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def login(self, signed: Json) -> Json:
        """``{token, expires_at, user}`` for a request signed by the profile's own user, once for each signature.

        Raises:
            SignedOut: somebody else's key, a wrong or an old signature, or one that was used before.
        """
        user, now = self._signer(signed), self._clock()
        token = secrets.token_urlsafe(32)
        with self._lock:
            live = [(key, held) for key, held in self._tokens.items() if held[0] > now]
            self._tokens = dict(live[-(_MOST_TOKENS - 1) :])
            self._tokens[_digest(token)] = (now + TOKEN_SECONDS, user)
        return {"token": token, "expires_at": now + TOKEN_SECONDS, "user": user}

    def admit(self, request: Json) -> Json:
        """The user of any other request: whose token it carries, or whose signature. Raises SignedOut."""
        authorization = str(request.get("authorization", ""))
        return self._signer(request) if authorization.startswith(_SIGNED) else self.user_of(authorization)

    def _signer(self, signed: Json) -> Json:
        mark = _digest(_signature(str(signed.get("authorization", ""))))
        self._use(mark)
        try:
            return self._verify(signed)
        except BaseException:
            with self._lock:
                self._used.pop(mark, None)
            raise

    def _use(self, mark: str) -> None:
        """Note a signature before it is checked: it may come twice at once. Raises SignedOut."""
        now = self._clock()
        with self._lock:
            self._used = {mark: until for mark, until in self._used.items() if until > now}
            if mark in self._used:
                raise SignedOut("this signed request was used before", hint="Sign a new one.")
            self._used[mark] = now + 2 * _SKEW_SECONDS

    def user_of(self, authorization: str | None) -> Json:
        """The user whose token stands in ``Authorization: Token …``. Raises SignedOut."""
        scheme, _, token = (authorization or "").partition(" ")
        held = self._tokens.get(_digest(token.strip())) if scheme in ("Token", "Bearer") else None
        if held is None or held[0] <= self._clock():
            raise SignedOut("sign in first", hint="POST login/, signed with your access key, gives a token.")
        return held[1]

    def logout(self, authorization: str | None) -> None:
        """Forget the token. Raises SignedOut where it is none."""
        self.user_of(authorization)
        with self._lock:
            self._tokens.pop(_digest((authorization or "").partition(" ")[2].strip()), None)


def _signature(authorization: str) -> str:
    """The part that nobody else can write: blanks around it are not signed."""
    return authorization.rpartition("credential=")[2].strip()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
