"""From the client through the socket to the façade, and back."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from fasttrack_jupyter import errors
from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.api.failures import error_classes
from fasttrack_jupyter.api.wire import Connection
from fasttrack_jupyter.engine.profiles import ProfileRequest, SignedRequest
from fasttrack_jupyter.engine.storing import JobFilter
from fasttrack_jupyter.engine.views import JobRequest, RerunRequest
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.model.problems import Problem

WORDS = [
    "last", "#12", "name#12", "한국어 이름#3", "a b", "a/b", "sweep[2]/train", "100%", "%2F", "a%20b", "..",
    "a?x=1&y=2", "a{b}", "a+b", "a;b", "it's", 'say "hi"', "new\nline", "tab\t", "~", "a\\b", "😀",
]  # fmt: skip


def raw(home: Home, method: str, target: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """One request as it is, past the client."""
    connection = Connection(str(home.socket), 20)
    try:
        answer = connection.ask(method, target, headers, body, 20)
        data = answer.body()
    finally:
        connection.close()
    return answer.status, json.loads(data) if data else None


@pytest.mark.parametrize("word", WORDS)
def test_any_word_for_a_job_reaches_the_engine_unchanged(client: Client, engine: Any, word: str) -> None:
    """Whatever a person types, in any script."""
    client.cancel(word)
    assert engine.calls == [("cancel", (word,), {})]


@pytest.mark.parametrize("word", WORDS)
def test_any_path_and_file_name_reach_the_engine_unchanged(client: Client, engine: Any, word: str) -> None:
    """Slashes inside a word are part of it."""
    engine.answers["read_output"] = lambda job, path, file, start, limit: b""
    client.usage("last", word)
    list(client.read_output("last", word, f"folder/{word}"))
    assert engine.calls[0] == ("usage", ("last", word), {})
    assert engine.calls[1][1][:3] == ("last", word, f"folder/{word}")


CALLS: list[tuple[Callable[[Client], Any], tuple[Any, ...], dict[str, Any]]] = [
    (lambda c: c.validate(text="x"), ("x", None), {}),
    (lambda c: c.plan({"source": "/x", "selection": {"from": ["a"]}}),
     (JobRequest.model_validate({"source": "/x", "selection": {"from": ["a"]}}),), {}),
    (lambda c: c.export("fasttrack-26.4", source="/x"), (None, "/x", "fasttrack-26.4"), {}),
    (lambda c: c.pipelines(), (), {}),
    (lambda c: c.jobs(status=["RUNNING", "PENDING"], tag="한글 &", limit=3),
     (JobFilter(status=("RUNNING", "PENDING"), tag="한글 &", limit=3),), {}),
    (lambda c: c.job_text("last"), ("last",), {}),
    (lambda c: c.attempts("last", "a/b"), ("last", "a/b"), {}),
    (lambda c: c.annotate("last", tags=[]), ("last",), {"name": None, "tags": (), "note": None}),
    (lambda c: c.cancel("last", "train"), ("last", "train"), {}),
    (lambda c: c.delete(["last"]), (["last"],), {}),
    (lambda c: c.plan_rerun("last", {"from_failed": True}), ("last", RerunRequest(from_failed=True)), {}),
    (lambda c: c.logs("last", "a", after=-10), ("last", "a"), {"attempt": None, "after": -10, "limit": 65536}),
    (lambda c: c.shell("last", "a"), ("last", "a"), {}),
    (lambda c: c.outputs("last", "a"), ("last", "a"), {}),
    (lambda c: c.events(3, job="last", wait=1.5), (3, 1000), {"job": "last", "wait": 1.5}),
    (lambda c: c.folders(), ("local",), {}),
    (lambda c: c.make_folder("내 데이터", "data"), ("내 데이터", "data", "local"), {}),
    (lambda c: c.remove_folder("내 데이터", "b"), ("내 데이터", "b"), {}),
    (lambda c: c.images("b"), ("b",), {}),
    (lambda c: c.slots(), ("local",), {}),
    (lambda c: c.secrets(), (), {}),
    (lambda c: c.set_secret("TOKEN", "v", "p q"), ("TOKEN", "v", "p q"), {}),
    (lambda c: c.remove_secret("TOKEN"), ("TOKEN", None), {}),
    (lambda c: c.profiles(), (), {}),
    (lambda c: c.put_profile("work", {"endpoint": "https://a", "user": "A", "secret": "S"}),
     ("work", ProfileRequest(endpoint="https://a", user="A", secret="S")), {}),
    (lambda c: c.delete_profile("work"), ("work",), {"set_aside": False}),
    (lambda c: c.delete_profile("work", set_aside=True), ("work",), {"set_aside": True}),
    (lambda c: c.check_profile("work"), ("work",), {}),
    (lambda c: c.verify_signed("work", {"method": "POST", "path": "/", "content-type": "text/plain"}),
     ("work", SignedRequest(**{"method": "POST", "path": "/", "content-type": "text/plain"})), {}),
    (lambda c: c.gc(keep_jobs=1, dry_run=False), (), {"keep_jobs": 1, "older_than_days": 30.0, "dry_run": False}),
    (lambda c: c.doctor(), (), {}),
]  # fmt: skip


@pytest.mark.parametrize(("call", "args", "kwargs"), CALLS, ids=lambda value: None)
def test_a_call_of_the_client_is_the_same_call_of_the_engine(
    client: Client, engine: Any, call: Callable[[Client], Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """With every argument in its place."""
    call(client)
    assert [(found[1], found[2]) for found in engine.calls] == [(args, kwargs)]


FACES: list[tuple[str, str, bytes | None, tuple[str, tuple[Any, ...]]]] = [
    ("GET", "/v1/jobs/tags", None, ("tags", ())),
    ("GET", "/v1/jobs/counts?tag=%EA%B0%80&status=RUNNING", None,
     ("counts", (JobFilter(tag="가", status=("RUNNING",)),))),
    ("POST", "/v1/jobs/delete", b'{"jobs": ["p#1", "last"]}', ("delete_many", (("p#1", "last"),))),
    ("GET", "/v1/pipelines/a%2Fb", None, ("pipeline", ("a/b",))),
    ("DELETE", "/v1/pipelines/a", None, ("delete_pipeline", ("a",))),
    ("GET", "/v1/jobs/last/tasks/a/usage/samples?attempt=2", None, ("usage_samples", ("last", "a", 2))),
    ("GET", "/v1/jobs/last/tasks/a/session", None, ("session", ("last", "a", None))),
    ("GET", "/v1/usage/history?days=1", None, ("usage_history", (1.0, 168, "local"))),
    ("GET", "/v1/backends", None, ("backends", ())),
    ("GET", "/v1/schema", None, ("schema", ())),
]  # fmt: skip


@pytest.mark.parametrize(("method", "target", "body", "call"), FACES, ids=lambda value: None)
def test_what_the_faces_ask_for_reaches_the_engine(
    served: Home, engine: Any, method: str, target: str, body: bytes | None, call: tuple[str, tuple[Any, ...]]
) -> None:
    """Words that stand where a job's name could are no job's name."""
    engine.answers[call[0]] = 1 if call[0] == "delete_pipeline" else {}
    status, _ = raw(served, method, target, body)
    assert (status, engine.calls) == (200, [(*call, {})])


def test_a_priority_is_set_beside_the_annotations(client: Client, engine: Any) -> None:
    """One PATCH for both."""
    client.annotate("last", name="best", priority=7)
    assert [call[:2] for call in engine.calls] == [("annotate", ("last",)), ("set_priority", ("0123456789abcdef", 7))]


def test_a_job_is_made_with_a_key(client: Client, engine: Any) -> None:
    """So that asking again after an engine's death makes no second one; a caller's own key is kept."""
    client.run({"text": "x"})
    client.run({"text": "x"})
    client.rerun("last", {"key": "mine"})
    keys = [call[1][-1].key for call in engine.calls]
    assert keys[0]
    assert keys[0] != keys[1]
    assert keys[2] == "mine"


@pytest.mark.parametrize(
    ("told", "where", "limit"),
    [
        ({"name": "n" * 201}, "body.name", "200 characters"),
        ({"note": "n" * 10_001}, "body.note", "10000 characters"),
        ({"tags": ["fine", "t" * 65]}, "body.tags.1", "64 characters"),
        ({"tags": [str(n) for n in range(33)]}, "body.tags", "32 items"),
    ],
)
def test_words_on_a_job_have_limits(client: Client, engine: Any, told: dict[str, Any], where: str, limit: str) -> None:
    """For a new job, for its plan and for an old one; what is refused reaches nothing."""
    for call in (client.run, client.plan):
        with pytest.raises(errors.BadRequest, match=f"{where}: .*{limit}"):
            call({"text": "x", **told})
    with pytest.raises(errors.BadRequest, match=f"{where}: .*{limit}"):
        client.annotate("last", **told)
    assert engine.calls == []


def test_words_on_a_job_may_be_as_long_as_the_limits_say(client: Client, engine: Any) -> None:
    """Counted in characters, not in bytes."""
    client.annotate("last", name="가" * 200, tags=["가" * 64] * 32, note="가" * 10_000)
    assert len(engine.calls) == 1


def test_times_are_rfc_3339_in_utc(client: Client) -> None:
    """As JavaScript and people read them."""
    assert client.jobs()[0]["created_at"] == "2026-11-22T06:00:00Z"


def test_what_json_cannot_say_becomes_null(client: Client, engine: Any) -> None:
    """A loss that is not a number must not break every reader."""
    engine.answers["usage"] = {"loss": math.nan}
    assert client.usage("last", "a") == {"loss": None}


def test_half_a_character_breaks_no_answer(client: Client, engine: Any) -> None:
    """A file's name may be no UTF-8; what stands beside it is told all the same."""
    engine.answers["usage"] = {"name": "caf\udce9", "loss": math.nan, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    assert client.usage("last", "a") == {"name": "caf\udce9", "loss": None, "at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "kind", [kind for kind in error_classes().values() if not issubclass(kind, errors.InvalidPipeline)]
)
def test_every_error_arrives_as_what_it_was(client: Client, engine: Any, kind: type[errors.FastTrackError]) -> None:
    """Class, message, hint and details."""
    engine.answers["doctor"] = kind("no such 일", hint="do this", details={"tasks": {"a": "why"}})
    with pytest.raises(kind) as caught:
        client.doctor()
    assert type(caught.value) is kind
    assert caught.value.to_dict() == engine.answers["doctor"].to_dict()


@pytest.mark.parametrize("kind", [errors.InvalidPipeline, errors.InvalidNotebook])
def test_every_problem_of_a_pipeline_arrives(client: Client, engine: Any, kind: type[errors.InvalidPipeline]) -> None:
    """Each with its position."""
    problems = (
        Problem(code="cycle", message="a → b → a", path=("tasks", 0), line=3, column=5, value=["a"], hint="cut it"),
    )
    engine.answers["plan"] = kind("2 problems", problems)
    with pytest.raises(kind) as caught:
        client.plan({"text": "x"})
    assert caught.value.problems == problems


def test_the_status_is_the_one_that_the_error_hints_at(served: Home, engine: Any) -> None:
    """For callers that speak plain HTTP."""
    engine.answers["doctor"] = errors.StoreFull("no space")
    assert raw(served, "GET", "/v1/doctor")[0] == 507


def test_an_unforeseen_error_tells_its_number_and_nothing_else(
    client: Client, engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the rest, under the same number."""
    engine.answers["doctor"] = RuntimeError("hunter2 in /private/place")
    with caplog.at_level(logging.ERROR), pytest.raises(errors.FastTrackError) as caught:
        client.doctor()
    told = json.dumps(caught.value.to_dict())
    assert "hunter2" not in told
    assert "Traceback" not in told
    assert caught.value.details["request"] in caplog.text


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "code"),
    [
        ("GET", "/v1/nothing", None, 404, "not_found"),
        ("GET", "/", None, 404, "not_found"),
        ("DELETE", "/v1/info", None, 405, "bad_request"),
        ("POST", "/v1/jobs", b"{not json", 400, "bad_request"),
        ("POST", "/v1/jobs", b"[]", 400, "bad_request"),
        ("POST", "/v1/jobs", b'{"txet": "x"}', 400, "bad_request"),
        ("POST", "/v1/jobs", b"\xff", 400, "bad_request"),
        ("POST", "/v1/jobs", b'{"text": "x", "priority": 9223372036854775808}', 400, "bad_request"),
        ("GET", "/v1/jobs?limit=many", None, 400, "bad_request"),
        ("GET", "/v1/jobs?colour=red", None, 400, "bad_request"),
        ("GET", "/v1/events?after=-1", None, 400, "bad_request"),
        ("GET", f"/v1/events?after={2**63}", None, 400, "bad_request"),
        ("POST", "/v1/gc", b'{"older_than_days": 1e300}', 400, "bad_request"),
        ("POST", "/v1/export", b"{}", 400, "bad_request"),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_in_the_one_shape_of_errors(
    served: Home, method: str, target: str, body: bytes | None, status: int, code: str
) -> None:
    """Also where no handler is reached."""
    found, told = raw(served, method, target, body)
    assert (found, told["code"]) == (status, code)
    assert told.keys() == {"code", "message", "hint", "details"}


def test_a_bad_request_never_repeats_a_value(served: Home, caplog: pytest.LogCaptureFixture) -> None:
    """It may have been a secret."""
    with caplog.at_level(logging.DEBUG):
        _, told = raw(served, "PUT", "/v1/secrets/TOKEN", b'{"value": ["hunter2"], "more": "hunter2"}')
        _, of_profile = raw(served, "PUT", "/v1/profiles/a", b'{"secret": ["hunter2"], "user": {"a": "hunter2"}}')
    assert "body.value" in told["message"]
    assert "body.secret" in of_profile["message"]
    assert "hunter2" not in json.dumps([told, of_profile]) + caplog.text


def test_a_secret_is_nowhere_in_the_log(client: Client, engine: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Not when it is set, and not when that fails in a way that nobody foresaw."""
    engine.answers["set_secret"] = engine.answers["put_profile"] = RuntimeError("the keyring burnt down")
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.FastTrackError):
        client.set_secret("TOKEN", "hunter2")
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.FastTrackError):
        client.put_profile("work", {"endpoint": "https://a", "user": "hunter2", "secret": "hunter2"})
    assert "burnt down" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_caller_of_another_version_is_told_so(served: Home) -> None:
    """With what a face needs to decide what to do; ``info`` answers everybody."""
    status, told = raw(served, "GET", "/v1/jobs", **{"FastTrack-Version": "0.0.1"})
    assert (status, told["code"], told["details"]["idle"]) == (409, "other_version", True)
    assert told["details"]["engine_version"] in told["message"]
    assert raw(served, "GET", "/v1/jobs")[0] == 200


def test_shutting_down_is_for_whoever_asks(client: Client, stopper: Any) -> None:
    """The answer comes before the end."""
    assert client.shutdown()
    assert stopper.stopped


def test_shutting_down_when_idle_leaves_a_busy_engine_alone(client: Client, engine: Any, stopper: Any) -> None:
    """Jobs go on."""
    engine.idle = False
    assert not client.shutdown(when_idle=True)
    assert not stopper.stopped
