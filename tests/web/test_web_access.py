"""Signatures and tokens: what is good once, and for whom."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fasttrack_jupyter.errors import BackendUnreachable, SignedOut
from fasttrack_jupyter.web.access import Door

Json = dict[str, Any]


def test_a_signature_is_good_once_however_it_is_written() -> None:
    """Blanks are no part of what was signed: the same signature with others is the same."""
    door = Door(lambda signed: {"account": "me"})
    signature = f"credential=KEY:{'a' * 64}"
    door.login({"authorization": f"BackendAI signMethod=HMAC-SHA256, {signature}"})
    for again in (f"BackendAI signMethod=HMAC-SHA256,{signature}", f"BackendAI signMethod=HMAC-SHA256,  {signature} "):
        with pytest.raises(SignedOut, match="before"):
            door.login({"authorization": again})


def test_a_signature_that_comes_twice_at_once_is_good_once() -> None:
    """The second is not let in while the first is still being checked."""
    second_came = threading.Event()

    def slow(signed: Json) -> Json:
        second_came.wait(0.3)
        return {"account": "me"}

    door = Door(slow)
    signed = {"authorization": f"BackendAI signMethod=HMAC-SHA256, credential=KEY:{'b' * 64}"}

    def try_it(_: int) -> bool:
        try:
            door.login(signed)
        except SignedOut:
            second_came.set()
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(try_it, range(4))) == [False, False, False, True]


def test_a_request_that_could_not_be_checked_may_come_again() -> None:
    """An engine that did not answer has not used the signature up."""
    answers: list[Json | Exception] = [BackendUnreachable("no answer"), {"account": "me"}]

    def verify_once(signed: Json) -> Json:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    door = Door(verify_once)
    signed = {"authorization": f"BackendAI signMethod=HMAC-SHA256, credential=KEY:{'c' * 64}"}
    with pytest.raises(BackendUnreachable):
        door.login(signed)
    assert door.login(signed)["user"] == {"account": "me"}
