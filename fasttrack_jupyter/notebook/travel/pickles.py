"""Pickles for values that no plain format holds, by cloudpickle, with two differences.

What a cell defines at its top (a class, a function) is referred to by its name, for definitions travel by source
and exist in the consumer as well: so ``isinstance`` holds there. Beside the pickle lie the definitions by value
(``definitions.pkl``): whoever has none of that name, or another one of that name, gets these.

A function without a name of its own (a lambda in a dict) that used the notebook's names uses those of the notebook
into which it is loaded; the values it needs come along and fill what is not there.
"""

from __future__ import annotations

import io
import pickle
import types
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple

from .home import Home

PROTOCOL = 5
_OURS = ("named", "make_function", "fill_function")
_SMALL = (int, float, complex, str, bytes, bool, type(None))


def named(name: str, fingerprint: Optional[str]) -> Any:
    """Stands in pickles for a definition of the notebook; only :class:`Loader` knows what it means."""
    raise pickle.UnpicklingError(f"{name} is defined in a notebook: load this with fasttrack's travel/values.py")


def make_function(code: types.CodeType, closure: Any) -> Any:
    """Stands in pickles for a function of the notebook; only :class:`Loader` knows what it means."""
    raise pickle.UnpicklingError("a function of a notebook: load this with fasttrack's travel/values.py")


def fill_function(function: Any, state: Any) -> None:
    """Stands in pickles for the state of a function of the notebook; only :class:`Loader` knows what it means."""
    raise pickle.UnpicklingError("a function of a notebook: load this with fasttrack's travel/values.py")


class Written:
    """What :func:`dump` wrote: names of definitions that it refers to, and of code that it holds by value."""

    def __init__(self) -> None:
        self.named: Dict[str, Any] = {}
        self.by_value: List[str] = []


def _pickler_class() -> Any:
    """The class is made when it is needed, for cloudpickle takes its time to import."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        """``written`` None: everything by value."""

        def __init__(self, file: Any, home: Home, written: Optional[Written]) -> None:
            super().__init__(file, protocol=PROTOCOL)
            self._home, self._written = home, written

        def reducer_override(self, it: Any) -> Any:
            if isinstance(it, (io.IOBase, memoryview)):
                raise pickle.PicklingError(f"cannot pickle '{type(it).__module__}.{type(it).__qualname__}' object")
            is_function = isinstance(it, types.FunctionType)
            if not is_function and not isinstance(it, type):
                return super().reducer_override(it)
            name = None if self._written is None else self._home.name_of(it)
            if name is not None and self._written is not None:
                self._written.named[name] = it
                return named, (name, self._home.definitions.get(name.partition(".")[0]))
            reduced = super().reducer_override(it)
            if reduced is NotImplemented or isinstance(reduced, str) or reduced[0] is type:
                return reduced
            if self._written is not None:
                self._written.by_value.append(getattr(it, "__qualname__", repr(it)))
            return self._at_home(reduced) if is_function and it.__globals__ is self._home.names else reduced

        def _at_home(self, reduced: Any) -> Any:
            code, _, _, _, closure = reduced[1]
            state, slots = reduced[2]
            if self._written is None:
                slots["__globals__"] = {k: v for k, v in slots["__globals__"].items() if _is_light(v)}
            return make_function, (code, closure), (state, slots), None, None, fill_function

    return Pickler


def _is_light(value: Any) -> bool:
    """Whether a global may come along with a definition: code and small plain values, never data."""
    if isinstance(value, (str, bytes)):
        return len(value) <= 10_000
    return isinstance(value, (*_SMALL, type, types.FunctionType, types.ModuleType, types.BuiltinFunctionType))


def dump(value: Any, file: BinaryIO, home: Home) -> Written:
    """Pickle ``value``. Raises whatever pickling its parts raises."""
    written = Written()
    _pickler_class()(file, home, written).dump(value)
    return written


def dump_definitions(written: Written, home: Home) -> Optional[bytes]:
    """The definitions that a pickle refers to, by value; None if they cannot be had that way."""
    file = io.BytesIO()
    try:
        _pickler_class()(file, home, None).dump(written.named)
    except Exception:
        return None  # they travel by source: this was for those who have no source
    return file.getvalue()


class Loader(pickle.Unpickler):
    """Reads what :func:`dump` wrote. ``definitions`` gives the bytes of :func:`dump_definitions`, or None."""

    def __init__(self, file: Any, home: Home, definitions: Callable[[], Optional[bytes]]) -> None:
        super().__init__(file)
        self._home, self._definitions = home, definitions
        self._by_value: Optional[Dict[str, Any]] = None

    def find_class(self, module: str, name: str) -> Any:
        """The class or function of that name; ours are this loader's own."""
        if module.endswith("travel.pickles") and name in _OURS:
            return getattr(self, name)
        return super().find_class(module, name)

    def named(self, name: str, fingerprint: Optional[str]) -> Any:
        """The notebook's definition; or the one that came along. Raises UnpicklingError if there is neither."""
        found = self._home.find(name, fingerprint)
        if found is not None:
            return found
        if self._by_value is None:
            data = self._definitions()
            self._by_value = {} if data is None else Loader(io.BytesIO(data), self._home, lambda: None).load()
        if name not in self._by_value:
            raise pickle.UnpicklingError(f"{name}, which the notebook defines, is not defined here")
        return self._by_value[name]

    def make_function(self, code: types.CodeType, closure: Any) -> types.FunctionType:
        """A function that uses this notebook's names."""
        return types.FunctionType(code, self._home.names, None, None, closure)

    def fill_function(self, function: Any, state: Tuple[Any, Dict[str, Any]]) -> None:
        """Give the function its state; names it needs and nobody has become the notebook's."""
        attributes, slots = state
        function.__dict__.update(attributes)
        for name, value in slots.pop("__globals__").items():
            self._home.fetch(name)
            self._home.names.setdefault(name, value)
        closure = slots.pop("__closure__")
        slots.pop("_cloudpickle_submodules")
        for own, cell in zip(function.__closure__ or (), closure or ()):
            try:
                own.cell_contents = cell.cell_contents
            except ValueError:
                continue  # an empty cell stays one
        for name, value in slots.items():
            setattr(function, name, value)
