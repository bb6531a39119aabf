"""The key of an execution, and what is said when it is another one."""

from __future__ import annotations

from fasttrack_jupyter.model.fingerprint import Fingerprint, differences, digest_of, keyed_digest


def test_every_part_counts() -> None:
    """Another value, another name or one part more is another key; the order is none."""
    key = Fingerprint({"a": "1", "b": "2"}).key
    assert Fingerprint({"b": "2", "a": "1"}).key == key
    others = [{"a": "1", "b": "3"}, {"a": "1", "c": "2"}, {"a": "1", "b": "2", "c": ""}]
    assert len({key, *(Fingerprint(parts).key for parts in others)}) == 4


def test_what_is_told_is_no_part_of_the_key() -> None:
    """It explains, and changes nothing."""
    assert Fingerprint({"a": "1"}, {"params": {"x": 1}}).key == Fingerprint({"a": "1"}).key


def test_a_keyed_digest_needs_its_key() -> None:
    """The same value under another key, or another name, looks like another one."""
    assert len({keyed_digest(b"k", "A", "v"), keyed_digest(b"l", "A", "v"), keyed_digest(b"k", "B", "v")}) == 3


def test_a_changed_parameter_stands_for_the_command_that_mentions_it() -> None:
    """Only a command that is itself another one is told as well."""
    text = {"command": digest_of("train ${{ params.lr }}")}
    then = Fingerprint({"command": "1"}, {"params": {"lr": 0.1}, "texts": text})
    now = Fingerprint({"command": "2"}, {"params": {"lr": 0.2}, "texts": text})
    assert differences(then, now) == ["parameter lr changed (0.1 → 0.2)"]
    edited = Fingerprint({"command": "2"}, {"params": {"lr": 0.2}, "texts": {"command": "other"}})
    assert differences(then, edited) == ["parameter lr changed (0.1 → 0.2)", "command changed"]


def test_each_change_is_named() -> None:
    """Files of the code, inputs by the task that they come from, what was added and removed."""
    then = Fingerprint({"code": "1", "input 1": "1", "variable X": "1", "mount /data": "1"}, {"inputs": ["prep"]})
    now = Fingerprint({"code": "2", "input 1": "2", "variable Y": "1", "mount /data": "2"}, {"inputs": ["prep"]})
    assert differences(then, now, {"train.py": "changed"}) == [
        "train.py changed",
        "variable X was removed",
        "variable Y was added",
        "input from prep changed",
        "mount /data changed",
    ]


def test_many_files_are_counted() -> None:
    """Three are named."""
    files = {f"{name}.py": "changed" for name in "abcde"}
    assert differences(Fingerprint({"code": "1"}), Fingerprint({"code": "2"}), files)[-1] == "2 more files changed"
