"""Masking: no secret in any reading of a log, nothing else touched."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.engine.masking import SHORTEST, Masker, forms
from fasttrack_jupyter.testing.fakes import FakeBackend

TOKEN = 's3cr3t/токен+\'"quoted"'

secrets_lists = st.lists(st.text("abc\n", min_size=SHORTEST, max_size=9), min_size=1, max_size=4)
log_bytes = st.lists(st.sampled_from([b"a", b"b", b"c", b"x", b"\n", b"\xff", b"abca", b"cbab"]), max_size=60).map(
    b"".join
)


def pages(masker: Masker, data: bytes, size: int) -> bytes:
    """The log as a reader of pages of ``size`` bytes sees it."""

    def read(start: int, length: int) -> bytes:
        return data[start : start + length]

    return b"".join(masker.mask_range(read, start, size) for start in range(0, len(data) + 1, size))


@given(secrets_lists, log_bytes, st.integers(1, 20))
@settings(max_examples=300, deadline=None)
def test_no_secret_survives_whatever_the_pages(secrets: list[str], data: bytes, size: int) -> None:
    """Lengths are equal, no form is left, and a byte changed only if it belongs to an occurrence of a form."""
    masker = Masker(secrets)
    seen = pages(masker, data, size)
    assert len(seen) == len(data)
    assert seen == masker.mask(data)
    all_forms = {form for secret in secrets for form in forms(secret)}
    assert not [form for form in all_forms if form in seen]
    hidden = {i for form in all_forms for at in occurrences(data, form) for i in range(at, at + len(form))}
    assert [i for i in range(len(data)) if seen[i] != data[i]] == sorted(hidden)


@given(secrets_lists, log_bytes, st.lists(st.integers(1, 12), max_size=40))
@settings(max_examples=300, deadline=None)
def test_a_log_that_grows_never_shows_the_beginning_of_a_secret(
    secrets: list[str], data: bytes, growth: list[int]
) -> None:
    """Whoever follows a log while it is written sees in the end exactly what one reading of the whole shows."""
    masker = Masker(secrets)
    size, seen = 0, b""
    for more in [*growth, len(data)]:
        size = min(len(data), size + more)
        written = data[:size]
        seen += masker.mask_range(lambda at, n, w=written: w[at : at + n], len(seen), 1000, ended=size == len(data))
    assert seen == masker.mask(data)


@pytest.mark.parametrize(
    "written",
    [
        TOKEN,
        json.dumps(TOKEN),
        json.dumps(TOKEN, ensure_ascii=False),
        repr(TOKEN),
        quote(TOKEN),
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").lower(),
        base64.b64encode(TOKEN.encode()).decode(),
        base64.urlsafe_b64encode(TOKEN.encode()).decode(),
        "'" + TOKEN.replace("'", "'\\''") + "'",
    ],
    ids=["raw", "json", "json-utf8", "repr", "url", "url-all", "url-lower", "base64", "base64url", "shell"],
)
def test_every_usual_way_of_writing_a_value_is_masked(written: str) -> None:
    """What stands between the quotes is all stars."""
    masked = Masker([TOKEN]).mask(f"value: {written} end".encode())
    assert masked.startswith(b"value: ")
    assert masked.endswith(b" end")
    assert set(masked[7:-4]) <= set(b"*\"'=")


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "someone:"])
def test_base64_is_masked_at_every_alignment(before: str) -> None:
    """Basic authorization encodes the secret after a name of any length."""
    encoded = base64.b64encode(f"{before}hunter2-hunter2:tail".encode())
    masked = Masker(["hunter2-hunter2"]).mask(encoded)
    assert len(masked) == len(encoded)
    assert masked.count(b"*") >= len("hunter2-hunter2") * 8 // 6 - 2


def test_each_line_of_a_secret_of_many_lines_is_masked() -> None:
    """A key printed with every line indented is still hidden."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n"
    masked = Masker([key]).mask(key.replace("\n", "\n    ").encode())
    assert b"MIIE" not in masked
    assert b"Bgkq" not in masked
    assert masked.count(b"\n") == key.count("\n")


def test_values_shorter_than_four_characters_are_left() -> None:
    """Stars for every ``on`` would tell more than they hide."""
    assert Masker(["on", "abc", " x "]).mask(b"on abc x abcd") == b"on abc x abcd"


def test_overlapping_secrets_are_both_hidden() -> None:
    """The rest of the second one does not stand there."""
    assert Masker(["abcdef", "defghi"]).mask(b"--abcdefghi--") == b"--*********--"


def test_a_value_is_not_in_the_repr() -> None:
    """A masker may be logged."""
    assert "hunter" not in repr(Masker(["hunter2"]))


def test_a_page_of_a_big_log_is_masked_in_milliseconds() -> None:
    """Twenty secrets over one megabyte: far below what a reader would notice."""
    masker = Masker([f"secret-number-{i}-{'x' * i}" for i in range(20)])
    data = b"loss=0.123 accuracy=0.98 epoch 17 of 100\n" * 25_000
    begun = time.perf_counter()
    assert masker.mask(data) == data
    assert time.perf_counter() - begun < 2.0


def test_a_very_long_secret_is_handled() -> None:
    """A hundred kilobytes (the longest that an environment variable holds) neither hang nor leak."""
    value = "".join(chr(97 + i * 7919 % 26) for i in range(100_000))
    masker = Masker([value])
    log = b"x" * 50 + value.encode() + b"y" * 50
    assert masker.mask_range(lambda at, n: log[at : at + n], 0, 100, ended=False) == b"x" * 50 + b"*" * 50
    half = log[:50_050]
    assert masker.mask_range(lambda at, n: half[at : at + n], 0, 60_000, ended=False) == b"x" * 50


def occurrences(data: bytes, form: bytes) -> list[int]:
    return [i for i in range(len(data)) if data.startswith(form, i)]


class Browsed(FakeBackend):
    """A cluster where every session wrote the same."""

    def browser(self) -> Any:
        async def log(session: str) -> str:
            return "token=hunter2-of-home, key=swordfish-of-demo\n"

        return SimpleNamespace(log=log)


def test_what_a_cluster_keeps_of_a_sessions_log_is_masked_too(engine: Any) -> None:
    """The home's secrets, and those of any pipeline: whose session it is need not be known."""

    async def story() -> str:
        async with engine.on(FakeBackend(), cluster=Browsed()) as fasttrack:
            await fasttrack.set_secret("TOKEN", "hunter2-of-home", None)
            await fasttrack.set_secret("KEY", "swordfish-of-demo", "demo")
            found: str = await fasttrack.cluster_log("cluster", "some-session")
            return found

    text = asyncio.run(story())
    assert "hunter2" not in text
    assert "swordfish" not in text
    assert text.startswith("token=*")
