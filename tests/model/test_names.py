"""Any name as the name of one file, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasttrack_jupyter.model.names import MAX_BYTES, escape_name, unescape_name

names = st.text(st.characters(), max_size=40) | st.text("aA./-%~ 한\n'\"\\", max_size=12)


@pytest.mark.parametrize("name", ["train", "train model_2-b", "v1.2", "Train", "a b", "_x", "a-", "학습", "Zürich"])
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    """Nearly every name."""
    assert escape_name(name) == name


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("", "%"),
        (".", "%2e"),
        ("..", "%2e%2e"),
        (".git", "%2egit"),
        ("-rf", "%2drf"),
        (" a ", "%20a%20"),
        ("a/b", "a%2fb"),
        ("sweep[2]/train", "sweep%5b2%5d%2ftrain"),
        ("a\n'\"", "a%0a%27%22"),
        ("a✓", "a%e2%9c%93"),
        ("Zu\u0308rich", "Zu%cc%88rich"),
        ("\u1112\u1161", "%e1%84%92%e1%85%a1"),
        ("100%", "100%25"),
        ("con", "%63on"),
        ("NUL.txt", "%4eUL.txt"),
        ("a.", "a%2e"),
    ],
)
def test_anything_else_is_escaped(name: str, escaped: str) -> None:
    """Byte by byte of its UTF-8."""
    assert escape_name(name) == escaped
    assert unescape_name(escaped) == name


@given(names)
def test_escaping_is_reversible(name: str) -> None:
    """Every text, surrogates included, comes back."""
    escaped = escape_name(name)
    assert unescape_name(escaped) == name
    assert escaped not in ("", ".", "..")
    assert not set(escaped) & set('/\0\\:*?"<>|')
    assert not escaped.startswith((".", "-", " "))
    assert not escaped.endswith((".", " "))


@given(st.sets(names, min_size=2))
def test_folded_names_differ_without_regard_to_case(several: set[str]) -> None:
    """So that two tasks never share a folder on a file system that does not tell case."""
    folded = {escape_name(name, fold_case=True).lower() for name in several}
    assert len(folded) == len(several)


@given(st.sets(st.text(st.sampled_from("aé한"), min_size=200, max_size=300), min_size=2, max_size=5))
def test_very_long_names_fit_and_differ(several: set[str]) -> None:
    """They are cut, and a digest tells them apart; that form says that it cannot be read back."""
    escaped = {escape_name(name) for name in several}
    assert len(escaped) == len(several)
    assert all(len(name.encode()) <= MAX_BYTES for name in escaped)


def test_a_cut_name_is_not_read_back() -> None:
    """Rather than a wrong name there is an error."""
    with pytest.raises(ValueError, match="shortened"):
        unescape_name(escape_name("x" * 300))


@pytest.mark.parametrize("text", ["a/b", "%4", "%zz", "", "\u1112\u1161", "✓"])
def test_what_is_no_escaped_name_is_refused(text: str) -> None:
    """Found on disk, put there by somebody else."""
    with pytest.raises(ValueError, match="escaped name"):
        unescape_name(text)
