"""Plain formats for values, each exact: what is loaded equals what was saved, types included, or it is refused.

A format refuses (:class:`Unsuitable`) whatever it would change; then the next one is tried, cloudpickle last.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any, Dict, List, Tuple

Options = Dict[str, Any]

MOST_ITEMS = 1_000_000
"""Of a plain value that is written as JSON; larger ones are read faster from a pickle."""
_DEEPEST = 100
_PLAIN = {type(None), bool, int, float, str, list, dict}


class Unsuitable(Exception):
    """This format would not give the value back as it is; the message says what stands in the way."""


class Format:
    """A way to write values. ``file`` is what it writes, in the variable's folder."""

    name = ""
    file = ""

    def suits(self, value: Any) -> bool:
        """Whether values of this type are this format's business at all; cheap, imports nothing."""
        raise NotImplementedError

    def save(self, value: Any, path: str) -> Options:
        """Write the file; what :meth:`load` must be told comes back (plain JSON). Raises Unsuitable."""
        raise NotImplementedError

    def load(self, path: str, options: Options) -> Any:
        """The value."""
        raise NotImplementedError


def module_of(value: Any) -> str:
    """The top module of the value's type: ``pandas``."""
    return str(getattr(type(value), "__module__", "")).partition(".")[0]


class Json(Format):
    """None, bool, int of 64 bits, finite float, str, and lists and dicts (with str keys) of these; no subclasses."""

    name, file = "json", "value.json"

    def suits(self, value: Any) -> bool:
        """Builtin types only."""
        return type(value).__module__ == "builtins" and not isinstance(value, type)

    def save(self, value: Any, path: str) -> Options:
        """Write it, if it is plain through and through."""
        _check_plain(value)
        with open(path, "w", encoding="ascii") as file:
            file.write(json.dumps(value, allow_nan=False))  # not dump: that one is written in Python, and slow
        return {}

    def load(self, path: str, options: Options) -> Any:
        """The value."""
        with open(path, encoding="ascii") as file:
            return json.load(file)


def _check_plain(value: Any) -> None:
    """Raise Unsuitable unless JSON gives exactly this value back."""
    seen: Dict[int, str] = {}
    todo: List[Tuple[Any, str, int]] = [(value, "", 0)]
    count = 0
    while todo:
        it, where, depth = todo.pop()
        count += 1
        if count > MOST_ITEMS:
            raise Unsuitable(f"more than {MOST_ITEMS:,} items")
        kind = type(it)
        if kind is list or kind is dict:
            if id(it) in seen:
                raise Unsuitable(f"the same {kind.__name__} stands at {seen[id(it)] or 'the top'} and at {where}")
            if depth >= _DEEPEST:
                raise Unsuitable(f"more than {_DEEPEST} levels deep")
            seen[id(it)] = where
        if (kind is list or kind is dict) and _are_plain(it):
            count += len(it)
        elif kind is list:
            strange = set(map(type, it)) - _PLAIN
            if strange:
                number = next(number for number, item in enumerate(it) if type(item) in strange)
                _check_leaf(it[number], f"{where}[{number}]", tuple(_PLAIN))
            todo.extend((item, f"{where}[{number}]", depth + 1) for number, item in enumerate(it))
        elif kind is dict:
            for key, item in it.items():
                _check_leaf(key, f"{where}, a key", (str,))
                todo.append((item, f"{where}[{key!r}]", depth + 1))
        else:
            _check_leaf(it, where, (type(None), bool, int, float, str))


def _are_plain(items: Any) -> bool:
    """Whether a list or dict surely holds plain leaves alone; quick. False says nothing."""
    if type(items) is dict:
        if set(map(type, items)) - {str}:
            return False
        return _are_plain(list(items)) and _are_plain(list(items.values()))
    kinds = set(map(type, items))
    try:
        if kinds <= {str, bool, type(None)}:
            return all(map(str.isascii, items)) if kinds == {str} else not kinds & {str}
        if kinds <= {int, float}:
            return all(map(math.isfinite, items)) and min(items) >= -(2**63) and max(items) < 2**63
    except OverflowError:  # an integer that no float can hold
        pass
    return False


def _check_leaf(it: Any, where: str, allowed: Tuple[type, ...]) -> None:
    at = f" at {where}" if where else ""
    if type(it) not in allowed:
        raise Unsuitable(f"{type(it).__name__}{at} has no form in JSON")
    if type(it) is int and not -(2**63) <= it < 2**63:
        raise Unsuitable(f"an integer of more than 64 bits{at}")
    if type(it) is float and not math.isfinite(it):
        raise Unsuitable(f"{it}{at} is no number in JSON")
    if type(it) is str and not it.isascii():
        try:
            it.encode("utf-8")
        except UnicodeEncodeError:
            raise Unsuitable(f"half a character (a surrogate){at}") from None


class Npy(Format):
    """NumPy arrays and numbers; no objects, no subclasses. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"""

    name, file = "npy", "value.npy"

    def suits(self, value: Any) -> bool:
        """NumPy's own arrays and scalars."""
        return module_of(value) == "numpy" and hasattr(value, "dtype") and hasattr(value, "tobytes")

    def save(self, value: Any, path: str) -> Options:
        """Write it."""
        import numpy

        is_scalar = isinstance(value, numpy.generic)
        if not is_scalar:
            _check_array(value)
        array = numpy.asarray(value)
        _check_dtype(array.dtype)
        if is_scalar and type(array[()]) is not type(value):
            raise Unsuitable(f"{type(value).__name__} comes back as {type(array[()]).__name__}")
        with open(path, "wb") as file:
            numpy.lib.format.write_array(file, array, allow_pickle=False)
        return {"scalar": True} if is_scalar else {} if value.flags.writeable else {"writeable": False}

    def load(self, path: str, options: Options) -> Any:
        """The array, writeable as it was; or the number."""
        import numpy

        with open(path, "rb") as file:
            array = numpy.lib.format.read_array(file, allow_pickle=False)
        if options.get("scalar"):
            return array[()]
        array.flags.writeable = options.get("writeable", True)
        return array


def _check_array(value: Any) -> None:
    import numpy

    if type(value) is not numpy.ndarray:
        raise Unsuitable(f"{type(value).__name__} is more than an array")


def _check_dtype(dtype: Any) -> None:
    import numpy

    if dtype.hasobject:
        raise Unsuitable("its items are Python objects")
    if dtype.metadata:
        raise Unsuitable("its dtype carries metadata")
    describe = numpy.lib.format
    try:
        again = describe.descr_to_dtype(describe.dtype_to_descr(dtype))
    except (AttributeError, ValueError, TypeError):
        again = None
    if again != dtype or again.isalignedstruct != dtype.isalignedstruct:
        raise Unsuitable(f"dtype {dtype} does not come back from .npy")


class Npz(Format):
    """Dicts of arrays. A zip of ``.npy`` files, as ``numpy.savez`` writes it."""

    name, file = "npz", "value.npz"

    def suits(self, value: Any) -> bool:
        """A dict with an array in it."""
        return type(value) is dict and bool(value) and all(module_of(item) == "numpy" for item in value.values())

    def save(self, value: Any, path: str) -> Options:
        """Write it."""
        import zipfile

        import numpy

        for key, array in value.items():
            if type(key) is not str or not key.replace("_", "a").isalnum() or not key.isascii():
                raise Unsuitable(f"the key {key!r} cannot be the name of a file")
            if not isinstance(array, numpy.ndarray):
                raise Unsuitable(f"{type(array).__name__} at [{key!r}] is no array")
            _check_array(array)
            _check_dtype(array.dtype)
            if not array.flags.writeable:
                raise Unsuitable(f"the array at [{key!r}] is read-only")
        if len({id(array) for array in value.values()}) < len(value):
            raise Unsuitable("it holds the same array twice")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for key, array in value.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                    numpy.lib.format.write_array(file, array, allow_pickle=False)
        return {}

    def load(self, path: str, options: Options) -> Any:
        """The dict, in its order."""
        import numpy

        with numpy.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}


class FigurePicture(Format):
    """Matplotlib's figures: ``figure.png`` for people; the figure itself is pickled beside it by the caller."""

    name, file = "figure", "figure.png"

    def suits(self, value: Any) -> bool:
        """A figure."""
        figures = sys.modules.get("matplotlib.figure")
        return figures is not None and isinstance(value, figures.Figure)

    def save(self, value: Any, path: str) -> Options:
        """Draw it."""
        from . import shown

        with open(path, "wb") as file:
            file.write(shown.picture(value))
        return {"picture": os.path.basename(path)}
