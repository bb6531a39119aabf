"""Data frames of pandas and polars as Parquet, or Arrow's own file; read back and compared before they are trusted."""

from __future__ import annotations

import json
from typing import Any, Dict

from .formats import Format, Options, Unsuitable, module_of

_EXACT = (str, bool, int, float, bytes)


class PandasParquet(Format):
    """pandas' DataFrame and Series, where pyarrow is; index, dtypes, categories and order come back."""

    name, file = "parquet", "value.parquet"

    def suits(self, value: Any) -> bool:
        """pandas' own frames and series; subclasses know more than Parquet."""
        return module_of(value) == "pandas" and type(value).__name__ in ("DataFrame", "Series")

    def save(self, value: Any, path: str) -> Options:
        """Write it, read it, compare."""
        import pandas

        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise Unsuitable("this image has no pyarrow") from None
        if type(value) not in (pandas.DataFrame, pandas.Series):
            raise Unsuitable(f"{type(value).__module__}.{type(value).__name__} is more than a frame")
        options: Dict[str, Any] = {}
        frame = value
        if isinstance(value, pandas.Series):
            options["series"] = _plain_name(value.name)
            frame = value.to_frame("value")
            if value.attrs:
                frame.attrs = dict(value.attrs)
        freq = getattr(value.index, "freqstr", None) if type(value.index).__name__ == "DatetimeIndex" else None
        if freq is not None:
            options["freq"] = freq
        self._write(frame, path)
        try:
            again = self.load(path, options)
        except Exception as error:
            raise Unsuitable(f"Parquet does not give it back ({_first_line(error)})") from error
        difference = frame_difference(value, again)
        if difference:
            raise Unsuitable(f"Parquet changes {difference}")
        return options

    def _write(self, frame: Any, path: str) -> None:
        try:
            frame.to_parquet(path, engine="pyarrow", index=None)
        except Exception as error:  # whatever pyarrow's layers raise for what Parquet cannot hold
            raise Unsuitable(f"Parquet does not take it ({_first_line(error)})") from error

    def load(self, path: str, options: Options) -> Any:
        """The frame or series."""
        import pandas

        frame = pandas.read_parquet(path, engine="pyarrow")
        if "freq" in options:
            frame.index.freq = options["freq"]
        if "series" not in options:
            return frame
        series = frame["value"]
        series.name, series.attrs = options["series"], dict(frame.attrs)
        return series


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _plain_name(name: Any) -> Any:
    if name is not None and type(name) not in (str, int):
        raise Unsuitable(f"the series' name is of type {type(name).__name__}")
    return name


def frame_difference(one: Any, other: Any) -> str:
    """What is not the same in two frames or series of pandas, in words; empty: nothing."""
    import pandas

    if type(one) is not type(other):
        return "its type"
    is_frame = isinstance(one, pandas.DataFrame)
    if one.shape != other.shape or (is_frame and not one.columns.equals(other.columns)):
        return _difference_of_shape(one, other, is_frame)
    check = pandas.testing.assert_frame_equal if is_frame else pandas.testing.assert_series_equal
    try:
        check(one, other, check_exact=True, check_freq=True, check_flags=True)
    except AssertionError as error:
        return _first_line(error).split(" are different")[0]
    except (TypeError, ValueError) as error:
        return f"something that cannot be compared ({_first_line(error)})"
    if json.dumps(one.attrs, default=repr, sort_keys=True) != json.dumps(other.attrs, default=repr, sort_keys=True):
        return "attrs"
    for axis in [one.index, *([one.columns] if is_frame else [])]:
        theirs = other.index if axis is one.index else other.columns
        if axis.dtype == object and list(map(type, axis)) != list(map(type, theirs)):
            return "the types of its labels"
    columns = [(one.iloc[:, n], other.iloc[:, n]) for n in range(one.shape[1])] if is_frame else [(one, other)]
    for mine, theirs in columns:
        if mine.dtype == object and not _same_objects(mine, theirs):
            return f"objects in {mine.name!r}"
    return ""


def _difference_of_shape(one: Any, other: Any, is_frame: bool) -> str:
    if not is_frame or one.columns.equals(other.columns):
        return f"its shape: {one.shape}, was {other.shape}"
    new = [repr(name) for name in one.columns if name not in other.columns]
    gone = [repr(name) for name in other.columns if name not in one.columns]
    told = [f"{', '.join(names[:3])} {word}" for names, word in ((new, "is new"), (gone, "is gone")) if names]
    return "its columns: " + ("; ".join(told) or "their order")


def _same_objects(one: Any, other: Any) -> bool:
    """Whether two columns of objects hold the same plain values of the same types."""
    for mine, theirs in zip(one.array, other.array):
        if type(mine) is not type(theirs):
            return False
        if type(mine) in _EXACT:
            if mine != theirs and not (mine != mine and theirs != theirs):
                return False
        elif mine is not theirs:
            return False
    return True


class PolarsParquet(Format):
    """polars' DataFrame and Series as Parquet."""

    name, file = "parquet", "value.parquet"
    writes, reads = "write_parquet", "read_parquet"

    def suits(self, value: Any) -> bool:
        """polars' own frames and series."""
        return module_of(value) == "polars" and type(value).__name__ in ("DataFrame", "Series")

    def save(self, value: Any, path: str) -> Options:
        """Write it, read it, compare."""
        import polars

        if type(value) not in (polars.DataFrame, polars.Series):
            raise Unsuitable(f"{type(value).__module__}.{type(value).__name__} is more than a frame")
        options: Dict[str, Any] = {"library": "polars"}
        frame = value
        if isinstance(value, polars.Series):
            options["series"] = value.name
            frame = polars.DataFrame({"value": value.rename("value")})
        try:
            getattr(frame, self.writes)(path)
            again = self.load(path, options)
        except Exception as error:  # polars' own errors, and a panic of its core
            raise Unsuitable(f"{self.name} does not take it ({_first_line(error)})") from error
        if not same_polars(value, again):
            raise Unsuitable(f"{self.name} changes it")
        return options

    def load(self, path: str, options: Options) -> Any:
        """The frame or series."""
        import polars

        frame = getattr(polars, self.reads)(path)
        return frame if "series" not in options else frame["value"].rename(options["series"])


class PolarsArrow(PolarsParquet):
    """polars' DataFrame and Series as Arrow's file."""

    name, file = "arrow", "value.arrow"
    writes, reads = "write_ipc", "read_ipc"


def same_polars(one: Any, other: Any) -> bool:
    """Whether two frames or series of polars are equal, types included."""
    if type(one) is not type(other):
        return False
    if type(one).__name__ == "Series":
        return bool(one.dtype == other.dtype and one.name == other.name and one.equals(other, null_equal=True))
    return bool(one.schema == other.schema and list(one.columns) == list(other.columns) and one.equals(other))
