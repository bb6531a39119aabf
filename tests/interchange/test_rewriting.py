"""Changing a YAML text as little as needed."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.interchange.rewriting import rewrite
from fasttrack_jupyter.model import writing
from fasttrack_jupyter.model.document import load

TEXT = """\
# head
name: p   # the name

about:
  a: 1  # one
  # between
  b: 'two'
# tail of about
list:
- x   # ex
- y
flow: {k: 1, l: [2, 3]}  # flows
script: |
  echo 1

  # not a comment
empty:
last: "z"   # end
# foot
"""


def changed(change: Any, text: str = TEXT) -> str:
    """``text`` after ``change`` was made to its data; what comes out reads as the changed data."""
    old = load(text).data
    new = copy.deepcopy(old)
    change(new)
    result, keeps_comments = rewrite(text, old, new)
    assert keeps_comments
    assert load(result).data == new
    return result


def lines_changed(change: Any, text: str = TEXT) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came."""
    before, after = text.splitlines(), changed(change, text).splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def test_what_does_not_change_is_the_same_text() -> None:
    """Byte for byte."""
    assert changed(lambda data: None) == TEXT


FLOW = "flow: {k: 1, l: [2, 3]}  # flows"
CHANGES = [
    (lambda d: d["about"].update(a=2), ["  a: 1  # one"], ["  a: 2  # one"]),
    (lambda d: d["about"].update(b="on"), ["  b: 'two'"], ["  b: 'on'"]),
    (lambda d: d["about"].pop("a"), ["  a: 1  # one"], []),
    (lambda d: d["about"].pop("b"), ["  b: 'two'"], []),
    (lambda d: d.pop("last"), ['last: "z"   # end'], []),
    (lambda d: d["about"].update(c={"d": [1, "x"]}), [], ["  c:", "    d:", "    - 1", "    - x"]),
    (lambda d: d["list"].append("z"), [], ["- z"]),
    (lambda d: d["list"].append({"a": 1, "b": "c: d"}), [], ["- a: 1", "  b: 'c: d'"]),
    (lambda d: d["flow"].update(m="x"), [FLOW], ["flow: {k: 1, l: [2, 3], m: x}  # flows"]),
    (lambda d: d["flow"]["l"].append("16g"), [FLOW], ["flow: {k: 1, l: [2, 3, 16g]}  # flows"]),
    (lambda d: d["flow"].pop("k"), [FLOW], ["flow: {l: [2, 3]}  # flows"]),
    (lambda d: d.update(script="echo 2\n"), ["  echo 1", "  # not a comment"], ["  echo 2"]),
    (lambda d: d.update(script="a\n\nb"), ["script: |", "  echo 1", "  # not a comment"], ["script: |-", "  a", "  b"]),
    (lambda d: d.update(empty="full"), ["empty:"], ["empty: full"]),
    (lambda d: d.update(list=[]), ["list:", "- x   # ex", "- y"], ["list: []"]),
    (lambda d: d.update(about=None), ["about:", "  a: 1  # one", "  # between", "  b: 'two'"], ["about: null"]),
    (lambda d: d.update(name="a\nb\n"), ["name: p   # the name"], ['name: "a\\nb\\n"   # the name']),
    (lambda d: d.update(last=0.00001), ['last: "z"   # end'], ["last: 1.0e-05   # end"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "went", "came"), CHANGES)
def test_a_change_touches_only_its_own_lines(change: Any, went: list[str], came: list[str]) -> None:
    """Comments, quotes and blank lines elsewhere stay as they are."""
    assert lines_changed(change) == (went, came)


def test_a_key_that_is_only_called_otherwise_keeps_its_line() -> None:
    """Same place, same value, another name."""

    def change(data: dict[str, Any]) -> None:
        data["about"] = {"alpha": 1, "b": "two"}

    assert lines_changed(change) == (["  a: 1  # one"], ["  alpha: 1  # one"])


def test_a_key_is_inserted_where_it_stands_in_the_data() -> None:
    """At the front, and between others."""

    def change(data: dict[str, Any]) -> None:
        items = list(data.items())
        data.clear()
        data.update([("first", 1), *items[:1], ("second", 2), *items[1:]])

    assert changed(change).startswith("# head\nfirst: 1\nname: p   # the name\nsecond: 2\n\nabout:")


def test_the_first_key_of_an_item_can_go() -> None:
    """The next one moves up behind the dash."""
    text = "l:\n- a: 1\n  # c\n  b: 2\n- c: 3\n"
    assert changed(lambda d: d["l"][0].pop("a"), text) == "l:\n- b: 2\n- c: 3\n"


def test_windows_line_ends_stay() -> None:
    """And new lines get them too."""
    text = "a: 1\r\nb:\r\n- x\r\n"
    assert changed(lambda d: d["b"].append("w"), text) == "a: 1\r\nb:\r\n- x\r\n- w\r\n"


def test_a_text_without_a_last_line_end_can_be_continued() -> None:
    """The new line begins on a line of its own."""
    assert changed(lambda d: d.update(b=2), "a: 1") == "a: 1\nb: 2\n"


def test_an_alias_is_written_out_where_it_now_differs_from_its_anchor() -> None:
    """And kept where it does not."""
    text = "a: &x {k: 1}\nb: *x\nc: *x  # same\n"
    old = load(text).data
    new = {"a": {"k": 2}, "b": {"k": 1}, "c": {"k": 2}}
    assert rewrite(text, old, new) == ("a: &x {k: 2}\nb: {k: 1}\nc: *x  # same\n", True)


def test_an_alias_survives_the_end_of_its_anchor() -> None:
    """Its value is written out."""
    text = "a: &x {k: 1}\nb: *x\n"
    assert rewrite(text, load(text).data, {"b": {"k": 1}}) == ("b: {k: 1}\n", True)


def test_a_text_that_cannot_be_edited_is_written_in_full() -> None:
    """Right data, no comments, and it is said."""
    text = "? a\n: 1\n? b  # c\n: 2\n"
    old = load(text).data
    result, keeps_comments = rewrite(text, old, {"a": 1, "b": 2, "c": 3})
    assert load(result).data == {"a": 1, "b": 2, "c": 3}
    assert not keeps_comments


KEYS = st.sampled_from(["a", "b", "on", "한글", "x y", "1", "cuda.shares"])
ODD = ["yes", "12:30", "", " ", "# no", "a: b", "- x", "l1\nl2", "l1\nl2\n", "l1\n\nl2", "\nx\n", "a\n\n", "'", '"']
ODD += ["&a", "*a", "1e3", "010", "---", "}", ",", "a #b", "a:", "?", "~", "=", "<<", "%x", "@x", "|", ">"]
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")
TEXTS = st.text(CHARACTERS, max_size=10) | st.sampled_from(ODD)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
MAPPINGS = st.dictionaries(KEYS, DATA, min_size=1, max_size=4)
SOME = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SOME
@given(MAPPINGS)
def test_what_is_written_reads_as_it_was(data: dict[str, Any]) -> None:
    """In block style, and on one line."""
    assert load(writing.block(data, 0) + "\n").data == data
    assert load("x: " + writing.inline(data)).data == {"x": data}


@SOME
@given(MAPPINGS, MAPPINGS, st.booleans())
def test_any_text_can_be_made_to_read_as_any_data(old: dict[str, Any], new: dict[str, Any], in_flow: bool) -> None:
    """By edits in place: the last resort is not needed."""
    text = "x: " + writing.inline(old) + "\n" if in_flow else writing.block({"x": old}, 0) + "\n"
    assume(load(text).data == {"x": old})
    result, keeps_comments = rewrite(text, {"x": old}, {"x": new})
    assert load(result).data == {"x": new}
    assert keeps_comments
