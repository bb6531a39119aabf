"""Signatures of requests that come in are checked as a manager checks them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fasttrack_jupyter.backends.backend_ai.signing import is_signed, signed_headers, signer_of

NOW = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
KEY, SECRET = "AKIAEXAMPLE", "a secret key"


def headers(**changes: str) -> dict[str, str]:
    """A login as a webserver forwards it, in lower case, and changed on its way."""
    made = signed_headers(
        "POST", "/login/?a=1", host="127.0.0.1:9500", content_type="application/json", version="v9.20250722",
        when=NOW, access_key=KEY, secret_key=SECRET,
    )  # fmt: skip
    return {**{name.lower(): value for name, value in made.items()}, **changes}


def test_a_signed_request_is_recognised() -> None:
    """With the key that it was signed with, within the quarter of an hour, also over midnight."""
    for minutes in (-14, 0, 14):
        assert is_signed("POST", "/login/?a=1", headers(), SECRET, now=NOW + timedelta(minutes=minutes))
    assert signer_of(headers()["authorization"]) == KEY


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "127.0.0.1:9501"}, {"content-type": "text/plain"}, {"x-backendai-version": "v8"},
        {"date": (NOW + timedelta(seconds=1)).isoformat()}, {"date": ""}, {"date": "2026-03-01T23:59:00"},
        {"authorization": ""},
        {"authorization": "BackendAI signMethod=HMAC-SHA256, credential=AKIAEXAMPLE:" + "0" * 64},
    ],
)  # fmt: skip
def test_what_was_changed_on_its_way_is_not(changes: dict[str, str]) -> None:
    """Every part that is signed, one after the other."""
    assert not is_signed("POST", "/login/?a=1", headers(**changes), SECRET, now=NOW)


def test_another_path_another_key_or_another_hour_is_not() -> None:
    """A signature is for one request."""
    assert not is_signed("POST", "/login/", headers(), SECRET, now=NOW)
    assert not is_signed("GET", "/login/?a=1", headers(), SECRET, now=NOW)
    assert not is_signed("POST", "/login/?a=1", headers(), "another key", now=NOW)
    assert not is_signed("POST", "/login/?a=1", headers(), SECRET, now=NOW + timedelta(minutes=16))
