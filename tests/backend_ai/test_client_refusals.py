"""Whatever a cluster refuses, and however a connection fails, becomes one of our errors, and says no secret."""

from __future__ import annotations

import json
import ssl
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from backend_ai.recordings import REFUSED, recorded

from fasttrack_jupyter.backends.backend_ai import foreign
from fasttrack_jupyter.errors import BackendUnreachable, BadRequest, FastTrackError, Forbidden, KeysRefused, NotFound

WHERE = "the cluster https://ai.example.org"
RECORDED = recorded()


def error_of(answer: dict[str, Any]) -> FastTrackError:
    """What the client makes of a recorded answer."""
    body = answer["body"].encode()
    told = json.loads(answer["body"])
    if told.get("errors"):
        return foreign.graphql_error(told["errors"], where=WHERE)
    if "authenticated" in told:
        return foreign.keys_refused(WHERE, foreign.words(told["data"]), {})
    asked = REFUSED[answer["what"]]
    now = parsedate_to_datetime(answer["headers"]["Date"]) + timedelta(minutes=asked.minutes)
    return foreign.refusal(answer["status"], answer["headers"], body, where=WHERE, now=now)


@pytest.mark.parametrize("answer", RECORDED, ids=lambda answer: f"{answer['release']}: {answer['what']}")
def test_what_real_clusters_refused_is_told_in_our_words(answer: dict[str, Any]) -> None:
    """The class is the expected one, the cluster is named, and there is more to read than a status."""
    error = error_of(answer)
    assert type(error).__name__ == REFUSED[answer["what"]].error
    assert error.message.startswith(WHERE)
    assert len(error.message) > len(WHERE) + 20


@pytest.mark.parametrize("answer", RECORDED, ids=lambda answer: f"{answer['release']}: {answer['what']}")
def test_no_answer_brings_back_what_was_sent(answer: dict[str, Any]) -> None:
    """Releases from 25 on repeat the request in their words, environment and all; ours do not."""
    error = error_of(answer)
    assert "hunter2" not in str(error.to_dict())
    assert "pydantic" not in error.message
    assert "\n" not in error.message


def test_every_recording_is_of_a_known_request_and_both_releases_have_all() -> None:
    """What is recorded is what is asked."""
    for release in ("23.09.10", "26.9.6"):
        assert [answer["what"] for answer in RECORDED if answer["release"] == release] == list(REFUSED)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("The virtual folder already exists with the same name. (VFolder … (data))", BadRequest),
        ("The specified storage permission is not allowed. (`create-vfolder` Not allowed in …)", BadRequest),
        ("Unexpected error 400 from storage proxy", BadRequest),
        ("Forbidden operation. (no permission)", Forbidden),
        ("Unexpected error 502 from storage proxy", BackendUnreachable),
        (None, BackendUnreachable),
    ],
)
def test_a_refusal_inside_an_internal_error_is_one(said: str | None, kind: type[FastTrackError]) -> None:
    """As 25.15.12 says them; an internal error in other words says nothing about what was asked for."""
    told = {"title": "Internal server error.", "error_code": "backendai_generic_internal-error", "msg": said}
    assert type(foreign.refusal(500, {}, json.dumps(told).encode(), where=WHERE)) is kind


def test_every_status_has_an_error() -> None:
    """The seam is total: also with a body that is none, and each says its status to programs."""
    for status in range(100, 600):
        for body in (b"", b"<html>gateway</html>", b"[1]", b'{"title": null, "msg": 3, "data": 4}', b"\xff\xfe"):
            error = foreign.refusal(status, {}, body, where=WHERE)
            assert isinstance(error, FastTrackError)
            assert error.details["status"] == status


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ((401,), KeysRefused), ((403,), Forbidden), ((404, 410), NotFound), ((416,), BadRequest),
        ((400, 402, 405, 406, 409, 411, 412, 413, 415, 422, 423, 451), BadRequest),
        ((408, 425, 429, 500, 501, 502, 503, 504, 520, 599), BackendUnreachable),
        ((100, 301, 302, 307, 308), BackendUnreachable),
    ],
)  # fmt: skip
def test_which_status_is_which_error(statuses: tuple[int, ...], kind: type[FastTrackError]) -> None:
    """The table of the module, row by row."""
    for status in statuses:
        assert isinstance(foreign.refusal(status, {}, b"{}", where=WHERE), kind), status


def test_a_wrong_clock_is_told_with_the_difference() -> None:
    """The signature is refused then; what helps is to set the clock, so that is what is said."""
    for answer in (each for each in RECORDED if each["what"] == "a clock that is ahead"):
        error = error_of(answer)
        assert "this machine's clock is 37 minutes ahead of the cluster's" in error.message
        assert not isinstance(error, KeysRefused)


def test_missing_fields_are_told_alike_of_all_releases() -> None:
    """Which fields, and why; in one line each."""
    for answer in (each for each in RECORDED if each["what"] == "a session without a name"):
        message = error_of(answer).message
        assert "session_name: " in message
        assert "image: " in message


def test_values_that_may_not_be_said_are_starred_out() -> None:
    """Wherever a release may put them: an environment's values, passwords, tokens; long ones first."""
    sent = {"config": {"environ": {"A": "s3cret", "B": "s3cret-and-more", "C": "ab"}}, "name": "ft-1", "token": "t0ken"}
    hidden = list(foreign.secrets_in(sent))
    body = json.dumps({"title": "no", "msg": "s3cret-and-more is no s3cret of ft-1, t0ken"}).encode()
    error = foreign.refusal(400, {}, body, where=WHERE, hidden=hidden)
    assert "**** is no **** of ft-1, ****" in error.message
    assert "ab" not in hidden


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "did not answer within 30 s"),
        (aiohttp.ServerTimeoutError(), "did not answer within 30 s"),
        (aiohttp.ServerDisconnectedError(), "broke the connection"),
        (aiohttp.ClientPayloadError(), "broke the connection"),
        (ConnectionResetError(104, "reset"), "broke the connection"),
        (aiohttp.ClientConnectorError(ConnectionKey("h", 1, False, True, None, None, None), OSError(111, "x")),
         "Connection refused"),
        (aiohttp.ClientConnectorDNSError(ConnectionKey("h", 1, False, True, None, None, None), OSError(-2, "x")),
         "a name that nobody knows"),
        (aiohttp.ClientConnectorCertificateError(
            ConnectionKey("h", 1, True, True, None, None, None), ssl.SSLCertVerificationError("self-signed")),
         "a certificate that cannot be trusted"),
        (aiohttp.ClientConnectorSSLError(ConnectionKey("h", 1, True, True, None, None, None), ssl.SSLError(1, "x")),
         "does not speak TLS with us"),
        (aiohttp.InvalidURL("x"), "is no address"),
    ],
)  # fmt: skip
def test_what_keeps_us_from_an_answer_is_told(error: Exception, said: str) -> None:
    """No time, no connection, no name, no trust: each in words, with the cluster's name."""
    told = foreign.trouble(error, where=WHERE, timeout=30.0)
    assert said in told.message
    assert told.message.startswith(WHERE)


def test_a_certificate_that_is_not_trusted_says_what_to_do() -> None:
    """The remedy is the authority, and what turning the check off means is said."""
    key = ConnectionKey("h", 1, True, True, None, None, None)
    error = aiohttp.ClientConnectorCertificateError(key, ssl.SSLCertVerificationError("self-signed"))
    assert "SSL_CERT_FILE" in foreign.trouble(error, where=WHERE, timeout=1.0).hint


def test_a_long_refusal_is_cut_after_its_secrets_are_taken_out() -> None:
    """A secret at the place of the cut is not said by half."""
    secret = "correct-horse-battery-staple"
    body = json.dumps({"title": "x" * 590 + secret + "y" * 100}).encode()
    said = str(foreign.refusal(400, {}, body, where=WHERE, hidden=[secret]))
    assert "correct" not in said
    assert len(said) < 700


def test_a_cluster_that_stumbles_over_vfolders_is_asked_about_its_storage() -> None:
    """It says no more than 500 where it cannot reach its storage proxy; what else it says stays as it is."""
    stumbled = foreign.refusal(500, {}, b'{"title": "Internal server error"}', where=WHERE)
    assert isinstance(stumbled, BackendUnreachable)
    assert "Internal server error" in foreign.without_storage(stumbled).message
    assert "is its storage proxy up?" in foreign.without_storage(stumbled).message
    away = BackendUnreachable("no answer")
    assert foreign.without_storage(away) is away


@pytest.mark.parametrize("said", ["could not serialize access due to read/write dependencies", "deadlock detected"])
def test_what_a_managers_database_says_to_who_came_at_once_is_no_refusal(said: str) -> None:
    """Seen from 25.15.12: nothing is known then, and to ask again helps."""
    error = foreign.graphql_error([{"message": said}], where=WHERE)
    assert isinstance(error, BackendUnreachable)
    assert said in error.message
