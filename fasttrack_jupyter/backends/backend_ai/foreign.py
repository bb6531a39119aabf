"""Every foreign error becomes one of ours here: what a cluster refuses, and what keeps us from asking it.

An error's body is RFC 7807: ``{type, title, msg?, data?, error_code?}``. Its words are kept, but cleaned: releases from
25 on repeat parts of the request in them (pydantic's ``input_value=…``), and a session's environment has secrets in it.
So all that pydantic says is read for its fields and messages alone, and what is left is searched for the values that
the request kept secret (:func:`secrets_in`).

===========================  =====================  ======================================================
status                       error
===========================  =====================  ======================================================
400, 402, 405–415, 417–428…  BadRequest             ``details.type``, ``details.status``, the manager's own words
401                          KeysRefused            … but "Unauthorized access" says that a role is missing: Forbidden
403                          Forbidden
404, 410                     NotFound
416                          EmptyRange
408, 425, 429, 5xx           BackendUnreachable     nothing is known
500 in a refusal's words     BadRequest, Forbidden  so 25.15 wraps what forbids a vfolder, or its storage proxy said
1xx, 3xx                     BackendUnreachable     somebody else answers there
===========================  =====================  ======================================================
"""

from __future__ import annotations

import json
import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from fasttrack_jupyter.errors import (
    BackendUnreachable,
    BadRequest,
    EmptyRange,
    FastTrackError,
    Forbidden,
    KeysRefused,
    NotFound,
)

LONGEST = 600
"""Characters of a manager's words that are passed on."""
_UNKNOWN = (408, 425, 429)
"""Statuses below 500 that say nothing about the thing that was asked for."""
_REFUSED = re.compile(
    r"already exists|not allowed|no such (?!file or directory)|unexpected error 4\d\d from storage", re.I
)
"""Refusals, in the words of an internal error that was wrapped around one."""
_FORBIDDEN = "forbidden operation"
_SKEW = "date/time sync"
_NO_ROLE = "unauthorized access"
_PYDANTIC = re.compile(r"^(\S+)\n  (.+?) \[type=\w+, input_value=", re.MULTILINE)
_REPEATED = re.compile(r"\s*(?:-> extra_data:|\[type=\w+, input_value=|input_value=).*", re.DOTALL)
_WRAPPED = re.compile(r"^<\w+\(\d+\): (.*)>$", re.DOTALL)
_SECRET_KEYS = frozenset({"environ", "password", "secret_key", "token"})
_SHORTEST = 4
"""Characters of a value that is looked for; shorter ones are in every word."""


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    where: str,
    hidden: Iterable[str] = (),
    now: datetime | None = None,
) -> FastTrackError:
    """The error that an answer with a status outside 2xx tells of.

    ``where`` names the cluster for people; ``hidden`` are values that may not be said.
    """
    told = problem(body)
    said = _less(words(told), hidden)[:LONGEST]  # in this order: half a secret would be found no more
    details = {"status": status, "type": told.get("type"), "error_code": told.get("error_code")}
    if _SKEW in said.lower():
        return _skewed(headers, where, details, now or datetime.now(UTC))
    if status == 401 and _is_role_missing(told):
        return Forbidden(f"{where} does not allow this to your account", details=details)
    if status == 401:
        return keys_refused(where, said, details)
    if status == 403 or (status == 500 and _FORBIDDEN in said.lower()):
        return Forbidden(f"{where} does not allow this: {said or 'no reason given'}", details=details)
    if status in (404, 410):
        return NotFound(f"{where} does not have it: {said or 'no reason given'}", details=details)
    if status == 416:
        return EmptyRange(f"{where} has nothing (yet) in that part of the file", details=details)
    if status == 429:
        hint = "It limits how often one account may ask; it is asked again later."
        return BackendUnreachable(f"{where} was asked too often", hint=hint, details=details)
    if (400 <= status < 500 and status not in _UNKNOWN) or (status == 500 and _REFUSED.search(_text(told.get("msg")))):
        return BadRequest(f"{where} refuses: {said or f'status {status}, without a reason'}", details=details)
    if status < 400:
        return not_a_manager(where, f"it answers with status {status}", details)
    return BackendUnreachable(f"{where} cannot answer now (status {status}{said and ': '}{said})", details=details)


def without_storage(error: BackendUnreachable) -> BackendUnreachable:
    """The same of a request about vfolders: where a manager cannot reach its storage proxy it says no more than 500."""
    if error.details.get("status") != 500:
        return error
    return BackendUnreachable(f"{error.message}; is its storage proxy up?", hint=error.hint, details=error.details)


def keys_refused(where: str, said: str, details: Mapping[str, Any]) -> KeysRefused:
    """The cluster does not know who asks."""
    return KeysRefused(
        f"{where} refuses the keys: {said or 'no reason given'}",
        hint="Give it others: fasttrack login (they may have been changed, or the account set inactive).",
        details=details,
    )


def not_a_manager(where: str, why: str, details: Mapping[str, Any] | None = None) -> BackendUnreachable:
    """Something answers there, but not in Backend.AI's words."""
    return BackendUnreachable(
        f"{where} is no Backend.AI manager: {why}",
        hint="Check the endpoint: mode `api` wants the manager's address, mode `session` the webserver's.",
        details=dict(details or {}),
    )


def trouble(error: Exception, *, where: str, timeout: float, proxy: str | None = None) -> FastTrackError:
    """What kept us from an answer: no connection, no name, no trust, no time.

    Raise it ``from None``: some of aiohttp's errors have the request's headers in their ``repr``.
    """
    through = f" through the proxy {proxy}" if proxy else ""
    if isinstance(error, TimeoutError):
        return BackendUnreachable(f"{where} did not answer within {timeout:g} s{through}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.CertificateError):
        return BackendUnreachable(
            f"{where} has a certificate that cannot be trusted: {_cause(error)}",
            hint="Add its authority to this machine's (SSL_CERT_FILE); --no-verify-tls takes any, also an impostor's.",
        )
    if isinstance(error, aiohttp.ClientSSLError):
        return BackendUnreachable(f"{where} does not speak TLS with us: {_cause(error)}", hint="https, or http?")
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return BackendUnreachable(f"the proxy {proxy} does not let us through to {where}", hint="Check the proxy.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return BackendUnreachable(f"{where} has a name that nobody knows", hint="Check the endpoint, and the network.")
    if isinstance(error, aiohttp.InvalidURL):
        return BadRequest(f"{where} is no address", hint="An endpoint is like https://backend.example.org")
    if isinstance(error, aiohttp.ClientConnectorError):
        hint = "Is the cluster up, and the endpoint right?"
        return BackendUnreachable(f"{where} cannot be connected to{through}: {_cause(error)}", hint=hint)
    return BackendUnreachable(f"{where} broke the connection{through} ({type(error).__name__})")


def problem(body: bytes) -> Mapping[str, Any]:
    """An RFC 7807 body; empty where it is something else."""
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, Mapping) else {}


def words(told: Mapping[str, Any]) -> str:
    """What a problem says, in one line, without the request's values. A webserver puts it into ``data``."""
    inner = told.get("data") if isinstance(told.get("data"), Mapping) else {}
    title, said = cleaned(_text(told.get("title"))), cleaned(_text(told.get("msg")) or _text(told.get("details")))
    fields = "; ".join(f"{name}: {cleaned(_text(why))}" for name, why in (inner or {}).items() if isinstance(why, str))
    if said == "Input validation error" and fields:
        said = fields
    elif isinstance(data := told.get("data"), str) and not said:
        said = cleaned(data)
    return "; ".join(dict.fromkeys(part.rstrip(".") for part in (title, said) if part))


def cleaned(text: str) -> str:
    """Without class names, and of what pydantic says only which field is wrong and why; on one line."""
    if fields := _PYDANTIC.findall(text.partition("-> extra_data:")[0]):
        return "; ".join(f"{name}: {why}" for name, why in fields)
    text = _REPEATED.sub("", text).strip()
    if wrapped := _WRAPPED.match(text):
        text = wrapped[1]
    return " ".join(text.split())


def secrets_in(body: Any, *, inside: bool = False) -> Iterator[str]:
    """The values of a request that may not be said again: all below ``environ``, passwords, tokens."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield from secrets_in(value, inside=inside or key in _SECRET_KEYS)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from secrets_in(value, inside=inside)
    elif inside and isinstance(body, str) and len(body) >= _SHORTEST:
        yield body


_OF_ITS_DATABASE = ("could not serialize access", "deadlock detected")
"""What a manager's database says to one of several that came at once; 24.09 and 25.15 pass it on."""


def graphql_error(errors: list[Any], *, where: str) -> FastTrackError:
    """The error that a GraphQL answer's ``errors`` tell of."""
    first: Mapping[str, Any] = errors[0] if errors and isinstance(errors[0], Mapping) else {}
    said = "; ".join(dict.fromkeys(cleaned(_text(each.get("message"))) for each in errors if isinstance(each, Mapping)))
    extensions = first.get("extensions")
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    details = {"status": 200, "error_code": code, "path": first.get("path")}
    lower = f"{code or ''} {said}".lower()
    if any(each in lower for each in _OF_ITS_DATABASE):
        return BackendUnreachable(f"{where} cannot tell just now: {said[:LONGEST]}", details=details)
    kind: type[FastTrackError] = BadRequest
    if "forbidden" in lower or "privilege" in lower or "not allowed" in lower:
        kind = Forbidden
    elif "not-found" in lower or "not found" in lower or "no such" in lower:
        kind = NotFound
    return kind(f"{where} refuses: {said[:LONGEST] or 'no reason given'}", details=details)


def _less(said: str, hidden: Iterable[str]) -> str:
    for value in sorted(set(hidden), key=len, reverse=True):
        said = said.replace(value, "****")
    return said


def _skewed(headers: Mapping[str, str], where: str, details: Mapping[str, Any], now: datetime) -> BackendUnreachable:
    try:
        ahead = (now - parsedate_to_datetime(headers.get("Date", ""))).total_seconds() / 60
        by = f" is {abs(ahead):.0f} minutes {'ahead of' if ahead > 0 else 'behind'} the cluster's"
    except (TypeError, ValueError):
        by = " differs from the cluster's"
    hint = "Set the clock (NTP); signatures are taken within 15 minutes."
    return BackendUnreachable(f"{where} refuses: this machine's clock{by}", hint=hint, details=dict(details))


def _is_role_missing(told: Mapping[str, Any]) -> bool:
    """Whether the keys are right but the role is not: 23.09 answers 401 to both."""
    return _text(told.get("msg")).strip().lower() == _NO_ROLE


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _cause(error: Exception) -> str:
    found: Any = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(found, ssl.SSLError):
        said = getattr(found, "verify_message", "") or getattr(found, "reason", "")
        return str(said or type(found).__name__)
    return os.strerror(found.errno) if getattr(found, "errno", None) else type(found).__name__
