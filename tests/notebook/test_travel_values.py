"""Variables that travel: what is loaded is what was saved, in the plainest format that can do that."""

from __future__ import annotations

import collections
import datetime
import enum
import json
import math
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.notebook.travel import changes, values
from fasttrack_jupyter.notebook.travel.cells import Cell, Runner
from fasttrack_jupyter.notebook.travel.home import Home


def saved(folder: Path, value: Any, name: str = "x") -> dict[str, Any]:
    """The manifest of ``value``, saved below ``folder``."""
    return values.save(name, value, str(folder), task="prepare")


def notebook(*sources: str) -> tuple[Runner, Home]:
    """A namespace in which these cells ran."""
    runner = Runner(lambda value: None)
    for number, source in enumerate(sources, 1):
        runner.run(runner.compile(Cell(f"cell {number}", f"{number:02}", "task", source)))
    return runner, Home(runner.names, runner.definitions)


SHARED = [1]
PLAIN = [None, True, 0, -(2**63), 1.5, -0.0, 1e-320, "", "한국어 😀 \x00", [], {}, [[], {}], {"a": [1, {"b": None}]}]
OTHER = [
    (1, 2), {1, 2}, frozenset(), {1: 2}, math.inf, 2**63, b"x", "\ud800", [SHARED, SHARED], range(3), 1 + 2j,
    collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]), datetime.date(2026, 1, 1), {"a": (1,)},
    [{1: 2}],
    True.__class__, len, slice(1, 2), Ellipsis, NotImplemented,
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_are_json(tmp_path: Path, value: Any) -> None:
    """What JSON gives back exactly is written as JSON."""
    assert saved(tmp_path, value)["serializer"] == "json"
    again = values.load(str(tmp_path / "x"))
    assert (type(again), repr(again)) == (type(value), repr(value))


@pytest.mark.parametrize("value", OTHER, ids=ascii)
def test_what_json_would_change_is_pickled(tmp_path: Path, value: Any) -> None:
    """Tuples, sets, keys that are no texts, big integers: the type comes back, and the manifest says why no JSON."""
    manifest = saved(tmp_path, value)
    assert manifest["serializer"] == "cloudpickle"
    again = values.load(str(tmp_path / "x"))
    assert (type(again), again) == (type(value), value)
    if type(value).__module__ == "builtins" and not isinstance(value, type):
        assert manifest["why"][0].startswith("json: ")


def test_not_a_number_comes_back(tmp_path: Path) -> None:
    """NaN is none of JSON's numbers."""
    assert saved(tmp_path, [math.nan])["serializer"] == "cloudpickle"
    assert math.isnan(values.load(str(tmp_path / "x"))[0])


def test_subclasses_of_plain_types_stay_what_they_are(tmp_path: Path) -> None:
    """An IntEnum is no int, a Counter no dict."""
    for value in (enum.IntEnum("Colour", "RED").RED, collections.Counter("aab")):  # type: ignore[attr-defined]
        _, home = notebook()
        manifest = values.Store(str(tmp_path), "t", home).save("x", value)
        assert manifest["serializer"] == "cloudpickle"


def test_an_object_in_two_places_stays_one(tmp_path: Path) -> None:
    """JSON would make two lists of one."""
    inner: list[int] = []
    saved(tmp_path, [inner, inner])
    one, other = values.load(str(tmp_path / "x"))
    assert one is other


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(plain)
def test_any_value_of_builtin_types_comes_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    """Whatever was chosen, what is loaded has the same types and contents."""
    folder = tmp_path_factory.mktemp("v")
    saved(folder, value)
    again = values.load(str(folder / "x"))
    assert repr(again) == repr(value)
    assert changes.difference(again, value, "x") is None


ARRAYS = [
    np.arange(6).reshape(2, 3), np.asfortranarray(np.ones((3, 2))), np.array(3.5), np.array([]), np.array(["a", "ü"]),
    np.array([b"x"]), np.array(["2026-01-01", "NaT"], "M8[ns]"), np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    np.arange(10)[::2], np.array([1, 2], ">i4"), np.float64(1.5), np.int8(3), np.bool_(True), np.complex64(1j),
    np.datetime64("2026-01-01"),
]  # fmt: skip


@pytest.mark.parametrize("value", ARRAYS, ids=lambda value: f"{type(value).__name__} {value.dtype}")
def test_arrays_and_numbers_of_numpy_are_npy(tmp_path: Path, value: Any) -> None:
    """Any dtype without objects, and scalars with their type."""
    assert saved(tmp_path, value)["serializer"] == "npy"
    again = values.load(str(tmp_path / "x"))
    assert (type(again), again.dtype, again.shape) == (type(value), value.dtype, value.shape)
    assert again.tobytes() == value.tobytes()


@pytest.mark.parametrize(
    "value",
    [np.array([{}, None]), np.ma.masked_array([1, 2], [0, 1]), np.array([1, "a"], dtype=object)],
    ids=["objects", "masked", "mixed"],
)
def test_arrays_that_npy_would_change_are_pickled(tmp_path: Path, value: Any) -> None:
    """Objects and masks have no place in .npy."""
    assert saved(tmp_path, value)["serializer"] == "cloudpickle"
    again = values.load(str(tmp_path / "x"))
    assert type(again) is type(value)
    assert again.tolist() == value.tolist()


def test_a_read_only_array_stays_read_only(tmp_path: Path) -> None:
    """Whoever relied on that is not disappointed."""
    array = np.arange(3)
    array.flags.writeable = False
    saved(tmp_path, array)
    assert not values.load(str(tmp_path / "x")).flags.writeable


def test_a_dict_of_arrays_is_one_npz(tmp_path: Path) -> None:
    """In its order, readable by numpy.load; a key that cannot be a file's name goes to the pickle."""
    value = {"b": np.arange(3), "a": np.ones(2), "file": np.zeros(1)}
    assert saved(tmp_path, value)["serializer"] == "npz"
    again = values.load(str(tmp_path / "x"))
    assert list(again) == ["b", "a", "file"]
    assert all(np.array_equal(again[key], value[key]) for key in value)
    assert saved(tmp_path, {"a/b": np.arange(3)}, "y")["serializer"] == "cloudpickle"


DAY = pd.Timestamp("2026-01-01")
LEVELS = pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["n", None])
KINDS = pd.Categorical(["b", "a", None], categories=["b", "a", "z"], ordered=True)
FRAMES: dict[str, tuple[Any, str]] = {
    "numbers": (pd.DataFrame({"a": [1, 2], "b": [1.5, None], "c": [True, False]}), "parquet"),
    "empty": (pd.DataFrame(), "parquet"),
    "texts": (pd.DataFrame({"a": ["x", None], "b": ["ü", ""]}), "parquet"),
    "categories": (pd.DataFrame({"a": KINDS}), "parquet"),
    "times": (pd.DataFrame({"a": [DAY, pd.NaT], "b": [DAY.tz_localize("Asia/Seoul")] * 2}), "parquet"),
    "index": (pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key")), "parquet"),
    "levels": (pd.DataFrame({"a": [1, 2]}, index=LEVELS), "parquet"),
    "range": (pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 9, 2)), "parquet"),
    "days": (pd.DataFrame({"a": [1, 2, 3]}, index=pd.date_range(DAY, periods=3, freq="D")), "parquet"),
    "nullable": (pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}), "parquet"),
    "series": (pd.Series([1.0, 2.0], name="s"), "parquet"),
    "nameless": (pd.Series([1, 2]), "parquet"),
    "columns": (pd.DataFrame([[1, 2]], columns=[0, 1]), ""),
    "twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "cloudpickle"),
    "objects": (pd.DataFrame({"a": [[1, 2], {"b": 1}]}), "cloudpickle"),
    "mixed": (pd.DataFrame({"a": [1, "x"]}), "cloudpickle"),
    "lists": (pd.DataFrame({"a": [[1], [2]]}), "cloudpickle"),
    "tuple name": (pd.Series([1], name=("a", 1)), "cloudpickle"),
    "periods": (pd.DataFrame({"a": pd.period_range("2026-01", periods=2, freq="M")}), ""),
    "intervals": (pd.DataFrame({"a": pd.interval_range(0, 2)}), ""),
    "sparse": (pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}), "cloudpickle"),
    "spans": (pd.DataFrame({"a": pd.to_timedelta([1, None], unit="s")}), "parquet"),
    "none and nan": (pd.DataFrame({"a": pd.Series([None, math.nan, "x"], dtype=object)}), "cloudpickle"),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_pandas_come_back_equal(tmp_path: Path, name: str) -> None:
    """Parquet where it gives the frame back with index, dtypes and categories; else the pickle."""
    value, serializer = FRAMES[name]
    manifest = saved(tmp_path, value)
    assert manifest["serializer"] == serializer or not serializer, manifest["why"]
    again = values.load(str(tmp_path / "x"))
    check = pd.testing.assert_frame_equal if isinstance(value, pd.DataFrame) else pd.testing.assert_series_equal
    check(again, value, check_freq=True)
    assert changes.difference(again, value, "x") is None


CELLS = [
    st.none() | st.text(max_size=3), st.floats(), st.integers(-(2**70), 2**70), st.booleans(), st.binary(max_size=2),
    st.none() | st.booleans() | st.text(max_size=2) | st.integers(0, 9), st.dates(), st.datetimes(),
    st.decimals(allow_nan=False, places=2), st.lists(st.integers(0, 9), max_size=2), st.tuples(st.booleans()),
]  # fmt: skip


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Frames of columns of any kind, some as categories, with any index."""
    rows = draw(st.integers(0, 4))
    columns = draw(st.lists(st.text("ab한", max_size=3) | st.integers(0, 2), max_size=3, unique_by=str))
    frame = pd.DataFrame(
        index=draw(st.sampled_from([pd.RangeIndex(rows), pd.Index(["k"] * rows), pd.Index([1.5] * rows)]))
    )
    for column in columns:
        values_in = draw(st.lists(draw(st.sampled_from(CELLS)), min_size=rows, max_size=rows))
        data = pd.Series(values_in, index=frame.index, dtype=draw(st.sampled_from([None, object])))
        is_hashable = not any(isinstance(value, list) for value in values_in)
        frame[column] = data.astype("category") if is_hashable and draw(st.booleans()) else data
    return frame


@settings(max_examples=40, deadline=None)
@given(frame=frames())
def test_any_frame_comes_back(tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame) -> None:
    """Whatever the columns hold: equal, of the same dtypes, with the same Python types in them."""
    folder = tmp_path_factory.mktemp("f")
    saved(folder, frame)
    again = values.load(str(folder / "x"))
    pd.testing.assert_frame_equal(again, frame, check_freq=True)
    for name in frame.columns:
        if frame[name].dtype == object:
            assert [*map(type, again[name])] == [*map(type, frame[name])]
    assert changes.difference(again, frame, "x") is None


def test_attributes_of_a_frame_come_back(tmp_path: Path) -> None:
    """``attrs`` are part of a frame."""
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["unit"] = "kg"
    saved(tmp_path, frame)
    assert values.load(str(tmp_path / "x")).attrs == {"unit": "kg"}


@pytest.mark.parametrize(
    "value",
    [
        pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1], [2, 3]]}),
        pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Categorical), "d": [datetime.date(2026, 1, 1), None]}),
        pl.DataFrame({"e": pl.Series(["x"], dtype=pl.Enum(["x", "y"]))}),
        pl.Series("s", [1.5, None]),
        pl.DataFrame(),
    ],
    ids=["lists", "categories", "enum", "series", "empty"],
)
def test_frames_of_polars_come_back_equal(tmp_path: Path, value: Any) -> None:
    """Parquet, or Arrow's file, with the schema as it was."""
    manifest = saved(tmp_path, value)
    assert manifest["serializer"] in ("parquet", "arrow"), manifest["why"]
    again = values.load(str(tmp_path / "x"))
    assert type(again) is type(value)
    assert again.equals(value)
    assert changes.difference(again, value, "x") is None


def test_a_figure_is_a_picture_and_itself(tmp_path: Path) -> None:
    """People find a PNG, the next task the figure."""
    figure = matplotlib.figure.Figure()
    figure.subplots().plot([1, 3, 2])
    manifest = saved(tmp_path, figure)
    assert (tmp_path / "x" / manifest["options"]["picture"]).read_bytes().startswith(b"\x89PNG")
    assert len(values.load(str(tmp_path / "x")).axes[0].lines) == 1


def test_a_manifest_that_points_out_of_its_folder_is_damaged(tmp_path: Path) -> None:
    """What a variable is lies beside its manifest, and nowhere else."""
    manifest = values.save("x", [1, 2], str(tmp_path))
    (tmp_path / "elsewhere.json").write_bytes((tmp_path / "x" / manifest["file"]).read_bytes())
    for file in ("../elsewhere.json", str(tmp_path / "elsewhere.json")):
        (tmp_path / "x" / "manifest.json").write_text(json.dumps({**manifest, "file": file}))
        with pytest.raises(values.Damaged, match="elsewhere"):
            values.load(str(tmp_path / "x"))


def test_the_manifest_tells_what_it_is(tmp_path: Path) -> None:
    """Name, type, size, digest, versions, a few words."""
    manifest = saved(tmp_path, pd.DataFrame({"a": range(150)}), "iris")
    written = json.loads((tmp_path / "iris" / "manifest.json").read_text())
    assert written == manifest
    assert manifest["type"] in ("pandas.DataFrame", "pandas.core.frame.DataFrame")
    assert manifest["summary"] == "DataFrame 150 × 1"
    assert manifest["versions"]["pandas"] == pd.__version__
    assert manifest["size"] == (tmp_path / "iris" / manifest["file"]).stat().st_size
    assert manifest["digest"].startswith("sha256:")
