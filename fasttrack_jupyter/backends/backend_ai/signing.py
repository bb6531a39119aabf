"""How a request to a Backend.AI manager is signed (its API reference, "Authentication": HMAC-SHA256, API v4 on).

The string to sign is these, joined by line feeds: method, raw path with query, the ``Date`` header as it is sent,
``host:…``, ``content-type:…``, ``x-backendai-version:…``, and the SHA-256 of nothing (bodies are not part of it, which
is what lets them be streamed). The key is derived anew for each day and host, so that a leaked signature serves
for one request alone.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

_NO_BODY = hashlib.sha256(b"").hexdigest()


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
    told = (method, raw_path, date, f"host:{host}", f"content-type:{content_type}", f"x-backendai-version:{version}")
    key = _hmac(_hmac(secret_key.encode(), when.strftime("%Y%m%d")), host)
    signature = _hmac(key, "\n".join((*told, _NO_BODY))).hex()
    return {
        "Host": host,
        "Date": date,
        "Content-Type": content_type,
        "X-BackendAI-Version": version,
        "Authorization": f"BackendAI signMethod=HMAC-SHA256, credential={access_key}:{signature}",
    }


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
