"""Whether an input is still what it was: no change is missed, and none is seen where there is none."""

from __future__ import annotations

import copy
import functools
import pickle
import random
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression

from fasttrack_jupyter.notebook.travel.changes import difference


class Thing:
    """An object with attributes, one of which is kept on first use."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    @functools.cached_property
    def total(self) -> int:
        """Kept."""
        return 3


class Alone:
    """Equal to itself only, as most objects are."""

    def __init__(self, value: int) -> None:
        self.value = value


def fitted() -> LinearRegression:
    """A model."""
    return LinearRegression().fit(np.arange(6.0).reshape(3, 2), np.arange(3.0))


def table() -> pd.DataFrame:
    """A frame with objects in it."""
    return pd.DataFrame({"a": [1, 2], "b": [[1], {"x": 2}]})


def used(rng: Any) -> None:
    """Draw a number."""
    rng.random()


CHANGES: list[tuple[Callable[[], Any], Callable[[Any], Any], str]] = [
    (lambda: [1, 2], lambda x: x.append(3), "x"),
    (lambda: {"a": [1, {"b": 2}]}, lambda x: x["a"][1].update(b=3), "x['a'][1]['b']"),
    (lambda: {"a": 1}, lambda x: x.update(b=1), "x"),
    (lambda: {1, 2}, lambda x: x.add(3), "x"),
    (lambda: np.arange(4), lambda x: x.__setitem__(0, 9), "x"),
    (lambda: {"w": np.ones(3)}, lambda x: x["w"].__imul__(2), "x['w']"),
    (lambda: pd.DataFrame({"a": [1, 2]}), lambda x: x.insert(1, "b", 0), "x (its columns: 'b' is new)"),
    (lambda: pd.DataFrame({"a": [1, 2]}), lambda x: x.loc.__setitem__(2, [3]), "x (its shape: (3, 1), was (2, 1))"),
    (lambda: pd.DataFrame({"a": [1, 2]}), lambda x: x.__setitem__("a", [1.0, 2.0]), "x['a']"),
    (lambda: pd.DataFrame({"a": [1, 2]}), lambda x: x.loc.__setitem__((0, "a"), 5), "x['a']"),
    (table, lambda x: x["b"][0].append(2), "x['b'][0]"),
    (lambda: pd.Series([1, 2], name="s"), lambda x: setattr(x, "name", "t"), "x"),
    (lambda: pd.DataFrame({"a": [1, 2]}), lambda x: x.attrs.update(u=1), "x (attrs)"),
    (lambda: Thing(a=1), lambda x: setattr(x, "a", 2), "x.a"),
    (lambda: Thing(a=1), lambda x: setattr(x, "b", 2), "x.b"),
    (lambda: Thing(inner=Thing(n=[1])), lambda x: x.inner.n.append(1), "x.inner.n"),
    (fitted, lambda x: x.coef_.__setitem__(0, 7), "x.coef_"),
    (lambda: random.Random(1), used, "x"),
    (lambda: np.random.default_rng(1), used, "x"),
    (lambda: iter([1, 2, 3]), next, "x"),
    (lambda: {Alone(1), Alone(2)}, lambda x: setattr(next(iter(x)), "value", 7), "x"),
    (lambda: types.SimpleNamespace(a=(1, [2])), lambda x: x.a[1].append(1), "x.a[1]"),
    (lambda: pl.DataFrame({"a": [1]}), lambda x: x.insert_column(0, pl.Series("z", [0])), "x"),
    (lambda: bytearray(b"ab"), lambda x: x.append(1), "x"),
]


@pytest.mark.parametrize(("make", "change", "where"), CHANGES)
def test_a_change_is_found_where_it_is(make: Callable[[], Any], change: Callable[[Any], Any], where: str) -> None:
    """Whatever part of a value was changed in place."""
    value = make()
    before = pickle.loads(pickle.dumps(value))
    change(value)
    found = difference(value, before, "x")
    assert found is not None
    assert found.startswith(where)


def keep_total(value: Any) -> None:
    """Use the property that is kept."""
    assert value.total == 3


def in_another_order(value: dict[str, int]) -> None:
    """Same keys and values."""
    value["a"] = value.pop("a")


USES: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (lambda: {"a": 1, "b": 2}, in_another_order),
    (lambda: {"x" * n for n in range(50)}, len),
    (lambda: {Alone(n) for n in range(20)}, len),
    (lambda: {Alone(1): "a"}, len),
    (lambda: Thing(a=1), keep_total),
    (lambda: float("nan"), repr),
    (lambda: [np.nan, None, np.array([np.nan, 1.0])], repr),
    (lambda: pd.DataFrame({"a": [1.0, None]}), lambda x: x.dropna().assign(b=1)),
    (table, lambda x: x.copy().drop(columns="a")),
    (lambda: pd.DataFrame({"a": ["x", "y"]}).groupby("a"), lambda x: x.groups),
    (fitted, lambda x: x.predict(np.ones((1, 2)))),
    (lambda: pl.DataFrame({"a": [1, None]}), lambda x: x.describe()),
    (lambda: [["same"] * 3, "".join(["sa", "me"])], repr),
    (lambda: pd.date_range("2026-01-01", periods=3), lambda x: x.year),
    (lambda: pd.array([1, None], "Int64"), repr),
    (lambda: np.array([{}, None, "x"]), repr),
    (lambda: np.array([(1, np.nan)], [("a", "i4"), ("b", "f8")]), repr),
    (lambda: np.random.default_rng(1), repr),
    (lambda: pd.Timestamp("2026-01-01", tz="Asia/Seoul"), str),
    (lambda: lambda_of(3), lambda x: x(1)),
]


def lambda_of(number: int) -> Any:
    """A function that pickle knows by name."""
    return functools.partial(round, ndigits=number)


@pytest.mark.parametrize(("make", "use"), USES)
def test_use_is_no_change(make: Callable[[], Any], use: Callable[[Any], Any]) -> None:
    """Reading, computing with it, what is kept on first use, the order of a set: all no change."""
    value = make()
    before = pickle.loads(pickle.dumps(value))
    use(value)
    assert difference(value, before, "x") is None


def test_values_that_contain_themselves_are_compared() -> None:
    """Cycles end."""
    value: list[Any] = [1]
    value.append(value)
    other = copy.deepcopy(value)
    assert difference(value, other, "x") is None
    other[0] = 2
    assert difference(value, other, "x") == "x[0]"


def test_deep_values_are_compared() -> None:
    """Deeper than Python's stack."""
    one: list[Any] = []
    other: list[Any] = []
    for _ in range(5000):
        one, other = [one], [other]
    assert difference(one, other, "x") is None


def test_figures_are_compared(tmp_path: Path) -> None:
    """Saving a figure as a picture is no change of it."""
    import matplotlib.figure

    figure = matplotlib.figure.Figure()
    axes = figure.subplots()
    axes.plot([1, 2])
    figure.savefig(tmp_path / "a.png")
    before = pickle.loads(pickle.dumps(figure))
    assert difference(figure, before, "x") is None
    axes.plot([2, 1])
    assert difference(figure, before, "x") is not None
