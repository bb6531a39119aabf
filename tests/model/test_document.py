"""Text to data and back to places: YAML 1.2 core, refused clearly, the same with and without libyaml."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model import yaml_events
from fasttrack_jupyter.model.document import load, parse
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.scalars import as_written
from fasttrack_jupyter.model.yaml_events import Limits


@pytest.fixture(params=["libyaml", "python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers."""
    if request.param == "python":
        monkeypatch.setattr(yaml_events, "CParser", None)
    elif yaml_events.CParser is None:
        pytest.skip("PyYAML was built without libyaml")


both_parsers = pytest.mark.usefixtures("_parser")


def problem_of(text: str | bytes, limits: Limits | None = None) -> Problem:
    """The one problem for which ``text`` is refused."""
    with pytest.raises(InvalidPipeline) as caught:
        load(text, limits or Limits())
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


CORE = [
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("12:30", "12:30"), ("1_000", "1_000"),
    ("2024-01-01", "2024-01-01"), ("0b11", "0b11"), ("=", "="), ("<<", "<<"), ("nul", "nul"), (".", "."), ("-", None),
    ("010", 10), ("0o10", 8), ("0x1F", 31), ("-7", -7), ("+7", 7), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5),
    ("1.", 1.0), ("-.inf", -math.inf), (".INF", math.inf), ("~", None), ("null", None), ("NULL", None), ("", None),
    ("true", True), ("FALSE", False), ("tRUE", "tRUE"), ("0o8", "0o8"), ("1e", "1e"), ("1.2.3", "1.2.3"),
    ("'true'", "true"), ('"010"', "010"), ("!!str 010", "010"), ("! 12", "12"), ("!!int '5'", 5), ("!!float 5", 5.0),
    ("|-\n  12", "12"), ("'it''s'", "it's"), ('"\\u00e9\\n"', "é\n"),
]  # fmt: skip


@both_parsers
@pytest.mark.parametrize(("written", "value"), [case for case in CORE if case[0] != "-"])
def test_scalars_follow_the_core_schema_of_yaml_1_2(written: str, value: Any) -> None:
    """Value and type of each; PyYAML by itself would read half of them as YAML 1.1."""
    found = load(f"key: {written}\n").data["key"]
    assert found == value
    assert isinstance(found, type(value))


RUAMEL_KEEPS = ("-", "=", "<<", "1_000", "2024-01-01", "0b11", "! 12")
"""Habits of YAML 1.1 that ruamel has in its 1.2 as well; our edits keep the text, so they do no harm."""


def test_ruamel_reads_the_same_scalars() -> None:
    """The editor of files and the reader agree."""
    yaml = YAML(typ="safe", pure=True)
    for written, value in CORE:
        if written not in RUAMEL_KEEPS:
            assert yaml.load(f"key: {written}\n")["key"] == value, written


def test_numbers_remember_how_they_were_written() -> None:
    """Where text is wanted (a version, an environment variable), 1.10 is not 1.1."""
    data = load("a: 1.10\nb: 010\nc: 5\nd: 22.09\n").data
    assert [as_written(value) for value in data.values()] == ["1.10", "010", "5", "22.09"]
    assert json.dumps(data) == '{"a": 1.1, "b": 10, "c": 5, "d": 22.09}'


@both_parsers
def test_keys_are_their_own_text() -> None:
    """All keys of a pipeline are names, so 1, true and null are too; order is kept."""
    assert list(load("1: a\ntrue: b\nnull: c\n'x y': d\n").data) == ["1", "true", "null", "x y"]


@both_parsers
def test_aliases_share_one_object() -> None:
    """An anchored mapping costs memory once."""
    data = load("a: &env {X: 1}\nb: *env\nc: [*env, &n 5, *n]\n").data
    assert data["b"] is data["a"]
    assert data["c"] == [{"X": 1}, 5, 5]


REFUSED = [
    ("", "empty", 1, 1),
    ("# only a comment\n", "empty", 1, 1),
    ("---\n...\n", "empty", 1, 1),
    ("- a\n- b\n", "not-a-mapping", 1, 1),
    ("just text\n", "not-a-mapping", 1, 1),
    ("a: 1\n---\nb: 2\n", "several-documents", 2, 1),
    ("a: 1\n\tb: 2\n", "tab", 2, 1),
    ("a:\n\t- b\n", "tab", 2, 1),
    ("command: echo a: b\n", "two-colons", 1, 16),
    ("a: 1\n  b: 2\n", "indentation", 2, 4),
    ("a:\n  - b\n - c\n", "indentation", 3, 2),
    ("a: 'x\nb: 1\n", "unclosed-quote", 1, 4),
    ('a: "x\n', "unclosed-quote", 1, 4),
    ("a: [1, 2\nb: 3\n", "unclosed-bracket", 1, 4),
    ("a: {b: 1\n", "unclosed-bracket", 1, 4),
    ("a: b\nc\nd: e\n", "missing-colon", 2, 1),
    ("a: - b\n", "dash", 1, 4),
    ("a: *.py\n", "unquoted", 1, 4),
    ("a: @home\n", "unquoted", 1, 4),
    ("a: `pwd`\n", "unquoted", 1, 4),
    ("a: | echo\n", "unquoted", 1, 6),
    ("a: 'x' y\n", "after-quote", 1, 8),
    ('a: "\\q"\n', "bad-escape", 1, 5),
    ("a: !!python/object:os.system x\n", "unknown-tag", 1, 4),
    ("a: !custom {b: 1}\n", "unknown-tag", 1, 4),
    ("a: !!int abc\n", "wrong-tag", 1, 4),
    ("a: *nothing\n", "unknown-alias", 1, 4),
    ("a: &x [*x]\n", "recursive-alias", 1, 8),
    ("a: {{ b }}\n", "key-not-text", 1, 5),
    ("a: " + "9" * 1001 + "\n", "number-too-long", 1, 4),
    ("a: x\x07y\n", "unfit-character", 1, 5),
    ("a: x\x00y\n", "unfit-character", 1, 5),
    ("a:\n  b: x\u2028y\n", "unfit-character", 2, 7),
    ('a: "x\\0y"\n', "unfit-character", 1, 4),
    ("a: \ud800\n", "unfit-character", 1, 4),
    (b"a: 1\nb: \xff\n", "not-utf-8", 2, 4),
    ("a: 1\n".encode("utf-16"), "not-utf-8", 1, 1),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), REFUSED)
def test_what_is_no_pipeline_text_is_refused_with_place_and_remedy(
    text: str | bytes, code: str, line: int, column: int
) -> None:
    """The code says which mistake it was; the hint what to do about it."""
    problem = problem_of(text)
    assert (problem.code, problem.line, problem.column) == (code, line, column), problem
    assert problem.hint
    assert "expected" not in problem.message.lower() or "tag" in code


@pytest.mark.parametrize("text", [text for text, _, _, _ in REFUSED])
def test_without_libyaml_the_same_texts_are_refused_alike(text: str | bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser has other words, and we the same."""
    expected = problem_of(text)
    monkeypatch.setattr(yaml_events, "CParser", None)
    found = problem_of(text)
    assert (found.code, found.line) == (expected.code, expected.line)


def test_keys_that_come_twice_are_all_told_with_both_places() -> None:
    """The second would silently replace the first."""
    with pytest.raises(InvalidPipeline) as caught:
        load("a: 1\nb:\n  c: {x: 1}\n  c: 2\na: 3\n")
    first, second = caught.value.problems
    assert (first.line, first.column, first.path) == (4, 3, ("b", "c"))
    assert "line 3, column 3" in first.message
    assert (second.line, second.column, second.path) == (5, 1, ("a",))
    assert "line 1, column 1" in second.message


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    """A billion laughs in a kilobyte."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    problem = problem_of("\n".join(lines))
    assert problem.code == "alias-bomb"
    assert "500,000" in problem.message


def test_limits_on_size_and_depth_say_their_numbers() -> None:
    """A file that is too large is not even parsed."""
    assert "10" in problem_of("a: 1234567890\n", Limits(max_bytes=10)).message
    deep = problem_of("a: " + "[" * 101 + "]" * 101)
    assert (deep.code, deep.column) == ("too-deep", 103)
    assert problem_of("a: " + "[" * 100_000).code == "too-deep"


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    """As Windows' editors write them."""
    document = load(b"\xef\xbb\xbfa: 1\r\nb:\r\n  - c\r\n")
    assert document.data == {"a": 1, "b": ["c"]}
    assert document.position(("a",)) == (1, 4)
    assert document.position(("b", 0)) == (3, 5)


@both_parsers
def test_places_of_keys_and_values() -> None:
    """Lines and columns from 1; a path that leads nowhere is where its last existing part is."""
    text = "name: x\ntasks:\n- name: a\n  envs: &e {A: 1, B: [2, 3]}\n- {name: b, envs: *e}\n"
    document = load(text)
    assert document.position(()) == (1, 1)
    assert document.position(("tasks", 0)) == (3, 3)
    assert document.key_position(("tasks", 0, "envs")) == (4, 3)
    assert document.position(("tasks", 0, "envs")) == (4, 9)
    assert document.position(("tasks", 0, "envs", "B", 1)) == (4, 26)
    assert document.position(("tasks", 1, "envs")) == (5, 19)
    assert document.position(("tasks", 1, "envs", "A")) == (4, 16), "inside an alias: where it is written"
    assert document.position(("tasks", 1, "command", "x")) == (5, 3)


def test_a_place_within_a_text() -> None:
    """Exact where the text stands as it is: in one line, or in a block."""
    document = load("a: echo one two\nb: 'echo one two'\nc: |\n  first\n    second two\nd: >-\n  folded\n  two\n")
    assert document.position_within(("a",), 9) == (1, 13)
    assert document.position_within(("b",), 9) == (2, 14)
    assert document.position_within(("c",), document.data["c"].index("two")) == (5, 12)
    assert document.position_within(("d",), 7) == (6, 4)


texts = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
"""What JSON writes without pairs of escapes, which YAML does not put together."""
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, min_size=1, max_size=5))
def test_json_is_read_as_json(data: dict[str, Any]) -> None:
    """JSON is YAML: an independent writer and ours agree about every value."""
    assert load(json.dumps(data)).data == json.loads(json.dumps(data))


@given(st.text(alphabet=st.sampled_from("ab:-[]{}#&*!|>'\"%@ \n\t,?~<.0\\\x07é"), max_size=40) | st.text(max_size=40))
def test_any_text_is_data_or_a_clear_refusal(text: str) -> None:
    """Never another exception, and every problem has a place in the text, and words."""
    try:
        document = parse(text)
    except InvalidPipeline as error:
        problems = error.problems
    else:
        problems = document.problems
        assert isinstance(document.data, dict)
    for problem in problems:
        assert problem.message
        assert 1 <= problem.line <= len(text.splitlines()) + 1
        assert problem.column >= 1


@given(st.binary(max_size=40))
def test_any_bytes_are_data_or_a_clear_refusal(text: bytes) -> None:
    """Whatever somebody feeds us."""
    with contextlib.suppress(InvalidPipeline):
        load(text)
