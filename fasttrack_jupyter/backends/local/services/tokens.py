"""Tokens for services that are not public: who has one may ask, until it expires.

A token is ``<payload>.<signature>``, both in URL-safe base 64: the payload names the service (by an id that no later
service of the same name has) and the second when it expires, the signature is HMAC-SHA-256 with a key
that lies in the home, readable by its owner alone. So the gateway needs no list, and a removed service's
tokens open nothing.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from pathlib import Path

_KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """The key at ``path``, made if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags | os.O_CLOEXEC, 0o600)) as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        return path.read_bytes()


def make_token(key: bytes, service: str, expires_at: float) -> str:
    """For the service with the id ``service``, until ``expires_at`` (seconds since the epoch)."""
    payload = json.dumps({"service": service, "expires": int(expires_at)}, separators=(",", ":")).encode()
    return f"{_text(payload)}.{_text(_signature(key, payload))}"


def refusal(key: bytes, service: str, authorization: str, now: float) -> str:
    """Why the header does not open ``service``, in words; empty if it does."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "backendai" or not token:
        return "this service needs a token: Authorization: BackendAI <token> (see `fasttrack services token`)"
    try:
        payload, signature = map(_bytes, token.strip().split("."))
        if not hmac.compare_digest(signature, _signature(key, payload)):
            return "the token is not one of this service"
        told = json.loads(payload)
        if told["service"] != service:
            return "the token is another service's"
        if told["expires"] < now:
            return "the token has expired: get a new one with `fasttrack services token`"
    except (ValueError, KeyError, TypeError):
        return "that is no token"
    return ""


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
