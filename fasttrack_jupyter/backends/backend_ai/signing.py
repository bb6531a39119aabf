"""How a request to a Backend.AI manager is signed (its API reference, "Authentication": HMAC-SHA256, API v4 on).

The string to sign is these, joined by line feeds: method, raw path with query, the ``Date`` header as it is sent,
``host:…``, ``content-type:…``, ``x-backendai-version:…``, and the SHA-256 of nothing (bodies are not part of it, which
is what lets them be streamed). The key is derived anew for each day and host, so that a leaked signature serves
for one request alone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

_NO_BODY = hashlib.sha256(b"").hexdigest()
_CREDENTIAL = re.compile(r"BackendAI signMethod=HMAC-SHA256,\s*credential=([^:\s]+):([0-9a-f]{64})")
SKEW = timedelta(minutes=15)
"""How far two clocks may be apart, as a manager has it."""


def signed_headers(
    method: str,
    raw_path: str,
    *,
    host: str,
    content_type: str,
    version: str,
    when: datetime,
    access_key: str,
    secret_key: str,
) -> dict[str, str]:
    """The headers that make a request one of this keypair's; ``host`` is the ``Host`` header's value.

    ``raw_path`` is percent-encoded and has the query, exactly as in the request line. ``when`` may differ from the
    manager's clock by less than 15 minutes.
    """
    when = when.astimezone(UTC)
    date = when.isoformat(timespec="microseconds")
    told = (method, raw_path, date, host, content_type, version)
    return {
        "Host": host,
        "Date": date,
        "Content-Type": content_type,
        "X-BackendAI-Version": version,
        "Authorization": f"BackendAI signMethod=HMAC-SHA256, "
        f"credential={access_key}:{_signature(told, when, secret_key)}",
    }


def signer_of(authorization: str) -> str | None:
    """The access key that an ``Authorization`` header names; None where it is none of these."""
    match = _CREDENTIAL.fullmatch(authorization.strip())
    return match[1] if match else None


def is_signed(method: str, raw_path: str, headers: Mapping[str, str], secret_key: str, *, now: datetime) -> bool:
    """Whether a request that came in was signed with ``secret_key``, not long before or after ``now``.

    ``headers`` by their names in lower case: ``authorization``, ``date`` (or ``x-backendai-date``), ``host``,
    ``content-type``, ``x-backendai-version``.
    """
    match = _CREDENTIAL.fullmatch(headers.get("authorization", "").strip())
    date = headers.get("x-backendai-date") or headers.get("date", "")
    try:
        when = datetime.fromisoformat(date)
    except ValueError:
        return False
    if match is None or when.tzinfo is None or abs(now - when) > SKEW:
        return False
    content_type = headers.get("content-type", "").partition(";")[0].strip()
    told = (method, raw_path, date, headers.get("host", ""), content_type, headers.get("x-backendai-version", ""))
    return hmac.compare_digest(_signature(told, when.astimezone(UTC), secret_key), match[2])


def _signature(told: tuple[str, str, str, str, str, str], when: datetime, secret_key: str) -> str:
    """``told``: method, raw path, date as it is sent, host, content type, API version."""
    method, raw_path, date, host, content_type, version = told
    lines = (method, raw_path, date, f"host:{host}", f"content-type:{content_type}", f"x-backendai-version:{version}")
    key = _hmac(_hmac(secret_key.encode(), when.strftime("%Y%m%d")), host)
    return _hmac(key, "\n".join((*lines, _NO_BODY))).hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
