"""Whether two variables share an object that can change, or memory."""

from __future__ import annotations

import collections
import datetime
import enum
import functools
import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fasttrack_jupyter.notebook.travel import sharing
from fasttrack_jupyter.notebook.travel.sharing import Common, Contents, TooLarge, common


class Thing:
    """An object with attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Slotted:
    """An object with slots, one of them empty."""

    __slots__ = ("held", "unset")

    def __init__(self, held: Any) -> None:
        self.held = held


@dataclass(frozen=True)
class Frozen:
    """Cannot change, but holds what can."""

    held: Any


class Colour(enum.Enum):
    """Made once."""

    RED = 1


def _found(one: Any, other: Any, *, by_columns: bool = False) -> Common | None:
    return common(Contents(one), Contents(other), by_columns=by_columns)


Pair = Callable[[], tuple[Any, Any]]


def _held(hold: Callable[[Any], Any], make: Callable[[], Any] = list) -> Pair:
    def pair() -> tuple[Any, Any]:
        it = make()
        return it, hold(it)

    return pair


def _array() -> Any:
    return np.arange(10.0)


def _frame() -> Any:
    return pd.DataFrame({"a": [1.0, 2.0], "o": [[1], [2]], "s": ["x", "y"]})


SHARED: dict[str, Pair] = {
    "the same list": _held(lambda it: it),
    "an element": _held(lambda it: [1, it]),
    "an attribute": _held(lambda it: Thing(a=Thing(b=it))),
    "a slot": _held(Slotted),
    "what a frozen object holds": _held(Frozen),
    "a deque": _held(lambda it: collections.deque([it])),
    "a method of it": _held(lambda it: it.append),
    "what a partial holds": _held(lambda it: functools.partial(print, it)),
    "an instance": _held(lambda it: [it], Thing),
    "a generator of random numbers": _held(lambda it: {"rng": it}, lambda: np.random.default_rng(1)),
    "an array in an object": _held(lambda it: Thing(data=it), _array),
    "a view": _held(lambda it: it[2:4], _array),
    "a view of another shape": _held(lambda it: it.reshape(2, 5), _array),
    "an object in an array": _held(lambda it: np.array([it, None], dtype=object), lambda: [1]),
    "a frame": _held(lambda it: [it], _frame),
    "a column's memory": _held(lambda it: it["a"].to_numpy(), _frame),
    "objects in a copied frame": _held(lambda it: it.copy(), _frame),
}


@pytest.mark.parametrize("pair", SHARED.values(), ids=SHARED)
def test_what_is_shared_is_found(pair: Pair) -> None:
    """Either way round."""
    one, other = pair()
    assert _found(one, other) is not None
    assert _found(other, one) is not None


def _twice(*held: Any) -> Pair:
    return lambda: (Thing(a=list(held)), list(held))


ALONE: dict[str, Pair] = {
    "plain values": _twice(1, "a", b"a", None, True, 1.5, ..., 10**30),
    "empty tuples": _twice((), frozenset()),
    "functions, classes, modules": _twice(len, Thing, np, _found, np.add),
    "what is equal by value": _twice(datetime.datetime(2026, 1, 1), Path("a"), pd.Timestamp("2026"), re.compile("a")),
    "types of data": _twice(np.dtype("f8"), pd.CategoricalDtype(["a"])),
    "loggers and constants": _twice(logging.getLogger("a"), Colour.RED),
    "a library's random numbers": _twice(np.random.mtrand._rand, random._inst),  # type: ignore[attr-defined]
    "disjoint views": lambda: ((a := _array())[:5], a[5:]),
    "views that interleave": lambda: ((a := _array())[::2], a[1::2]),
    "frames that copy on write": lambda: ((f := _frame()[["a", "s"]]), f[["a"]]),
    "indexes": lambda: ((f := _frame()).index, pd.Series([1, 2], index=f.index)),
    "copies": lambda: ((a := _array()), a.copy()),
}


@pytest.mark.parametrize("pair", ALONE.values(), ids=ALONE)
def test_what_cannot_change_is_no_matter(pair: Pair) -> None:
    """Nothing is reported that is the same in each process, or cannot change."""
    one, other = pair()
    assert _found(one, other) is None


def test_it_says_where() -> None:
    """The way to it in both."""
    held: list[int] = []
    found = _found(Thing(a=[1, held]), {"k": (held,)})
    assert found == Common(".a[1]", "['k'][0]", "list")


def test_frames_that_get_columns_keep_their_memory() -> None:
    """A column of a frame that is taken as an array stays what it was."""
    frame = _frame()
    assert _found(frame["a"].to_numpy(), frame, by_columns=True) is None
    assert _found([frame], frame, by_columns=True) is not None


def test_circles_end() -> None:
    """An object may hold itself."""
    circle: list[Any] = []
    circle.append(circle)
    assert _found(circle, [Thing(me=[])]) is None


def test_what_is_too_large_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are counted, plain values are not."""
    monkeypatch.setattr(sharing, "MOST", 100)
    assert _found(list(range(1000)), [[1]]) is None
    with pytest.raises(TooLarge):
        _found([[number] for number in range(1000)], [[1]])


# ---------------------------------------------------------------- in a task


def test_variables_that_share_an_object_fail_their_task(bench: Any) -> None:
    """Both variables, the task, its cell, the later task, where it is, and what to do."""
    bench.task("make", "x = [1]\ny = {'all': x}", outputs=["x", "y"], apart=[["x", "y", "train", "any"]])
    done = bench.run("make")
    assert done.status == 1
    assert "x and y share an object (list) after the task 'make' (cell 1): x and y['all'] are one." in done.log
    assert "The task 'train' changes it" in done.log
    assert "`y = copy.deepcopy(y)`" in done.log
    assert "Traceback" not in done.log
    assert not (done.outputs / "variables").exists()


def test_memory_in_common_fails_the_task(bench: Any) -> None:
    """A view of an array, and a column of a frame; a task that only adds columns does no harm."""
    source = (
        "import numpy as np, pandas as pd\n"
        "a = np.arange(4.0); v = a[1:]\nd = pd.DataFrame({'c': [1.0, 2.0]}); c = d['c'].to_numpy()"
    )
    bench.task("one", source, apart=[["a", "v", "later", "any"]])
    bench.task("two", source, apart=[["c", "d", "later", "any"]])
    bench.task("three", source, apart=[["c", "d", "later", "columns"]], outputs=["c", "d"])
    assert "a and v share memory after the task 'one'" in bench.run("one").log
    assert "c and d share memory after the task 'two'" in bench.run("two").log
    bench.run("three").succeeded()


def test_variables_apart_are_saved(bench: Any) -> None:
    """Copies are fine, and so is a variable that this run of the task does not have; a file of before is read."""
    pairs = [["x", "y", "later", "any"], ["x", "z", "later", "any"], ["x", "y"]]
    bench.task("make", "x = [1]\ny = list(x)", outputs=["x", "y"], apart=pairs)
    assert bench.run("make").succeeded().log == ""


def test_what_holds_too_much_is_noted(bench: Any) -> None:
    """The task goes on, and its log says what was not looked at."""
    bench.task("make", "x = [[n] for n in range(200_000)]\ny = [1]", apart=[["x", "y", "later", "any"]])
    assert "x and y hold too much to see whether they share an object" in bench.run("make").succeeded().log
