"""Whether two variables are, or hold, one object that can change, or share memory.

In the notebook a change of the one then shows in the other; tasks hand on copies, so there it would not. The analysis
names the pairs for which that would matter and which cannot be told from the text; here the values are looked at.

Everything that can be reached is looked at, except where no copy is made or nothing can change: numbers and texts,
modules, classes, functions, what pickles by its name, what belongs to an installed library (its default random
numbers, its caches, the defaults of its functions), indexes and copies-on-write of pandas. Arrays share memory where
they have a byte in common.
"""

from __future__ import annotations

import array
import collections
import enum
import functools
import gc
import io
import logging
import os
import re
import sys
import types
import weakref
from typing import Any, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple

from .formats import module_of

MOST = 100_000
"""Objects of one variable that are looked at; plain numbers and texts are not counted."""
_MOST_PAIRS = 20_000
_MOST_OF_LIBRARIES = 8
_ATOMS = frozenset({int, float, complex, str, bytes, bool, type(None), type(...), type(NotImplemented), range, slice})
_COLLECTIONS = (list, tuple, set, frozenset, collections.deque)
_PASSED = (
    type, types.ModuleType, types.CodeType, types.FrameType, types.GeneratorType,
    types.GetSetDescriptorType, types.MemberDescriptorType, types.MappingProxyType,
    property, staticmethod, classmethod, enum.Enum, logging.Logger, logging.Handler, io.IOBase, weakref.ref, re.Pattern,
)  # fmt: skip
_PASSED_MODULES = frozenset({"_thread", "threading", "weakref", "_weakref", "typing", "abc", "_abc"})
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType)
_ITERATING = frozenset({"builtins", "itertools"})
_CHANGE = (list, dict, set, bytearray, array.array, collections.deque, memoryview)
_Where = Optional[Tuple[Any, str]]


class TooLarge(Exception):
    """The values hold too much to be looked through."""


class Common(NamedTuple):
    """What two variables have in common: where it is in each, and what it is."""

    one: str
    other: str
    type: str


class _Block(NamedTuple):
    """Memory of an array: from byte ``start`` to ``stop``."""

    start: int
    stop: int
    array: Any
    where: _Where
    is_frame: bool
    """Whether it belongs to a frame of pandas."""


class Contents:
    """What can change of all that a variable holds, less the objects of the ids ``without``. Raises TooLarge."""

    def __init__(self, value: Any, without: FrozenSet[int] = frozenset()) -> None:
        self.value, self.without = value, without
        self.objects: Dict[int, Tuple[Any, _Where]] = {}
        """Each once, by its id."""
        self.blocks: List[_Block] = []
        self._seen: Set[int] = set(without)
        self._kept: List[Any] = []  # what is made on the way keeps its id as long as this lives
        self._todo: List[Tuple[Any, _Where]] = [(value, None)]
        while self._todo:
            self._look_at(*self._todo.pop())

    def _look_at(self, it: Any, where: _Where) -> None:
        if type(it) in _ATOMS or id(it) in self._seen or isinstance(it, _PASSED):
            return
        self._seen.add(id(it))
        self._kept.append(it)
        if len(self._seen) > MOST:
            raise TooLarge
        library, kind = module_of(it), type(it)
        if library in _PASSED_MODULES or kind is object:
            return
        if isinstance(it, _FUNCTIONS):
            self._look_at_function(it, where)
        elif kind.__module__ in _ITERATING and hasattr(kind, "__next__"):  # it reads on in what it goes through
            self._add(gc.get_referents(it), where, " (it goes through this)")
        elif library == "matplotlib":  # its parts hold each other, and much that all figures have
            figure = getattr(it, "figure", None)
            self._keep(it if figure is None else figure, where)
        elif library in ("pandas", "polars", "pyarrow"):
            self._look_at_table(it, library, where)
        elif library == "numpy" and hasattr(it, "__array_interface__"):
            self._look_at_array(it, where, is_frame=False)
        elif library == "torch" and hasattr(it, "data_ptr"):
            self._look_at_tensor(it, where)
        else:
            self._look_into(it, where)

    def _keep(self, it: Any, where: _Where) -> None:
        self.objects.setdefault(id(it), (it, where))

    def _add(self, items: Any, where: _Where, how: str = "[{}]") -> None:
        self._todo.extend((item, (where, how.format(number))) for number, item in enumerate(items))

    def _look_at_function(self, it: Any, where: _Where) -> None:
        """A function changes nothing but what it has closed over."""
        if not isinstance(it, types.FunctionType):
            self._todo.append((it.__self__, where))
        elif it.__module__ == "__main__":
            for name, cell in zip(it.__code__.co_freevars, it.__closure__ or ()):
                if cell != types.CellType():  # an empty one has no contents
                    self._todo.append((cell.cell_contents, (where, f" (its {name})")))

    def _look_into(self, it: Any, where: _Where) -> None:
        kind = type(it)
        if not isinstance(it, (tuple, frozenset)) and not _is_changing(kind) and not _is_frozen(kind):
            return
        if isinstance(it, _COLLECTIONS):
            if not _ATOMS.issuperset(map(type, it)):
                self._add(it, where, "[…]" if isinstance(it, (set, frozenset)) else "[{}]")
        elif isinstance(it, dict):
            if not _ATOMS.issuperset(map(type, it.values())):
                self._todo.extend((value, (where, f"[{_short(key)}]")) for key, value in it.items())
            if not _ATOMS.issuperset(map(type, it)):
                self._add(it, where, " (a key)")
        if kind.__module__ != "builtins":
            self._todo.extend((value, (where, f".{name}")) for name, value in _attributes(it))
        if _is_changing(kind) and not isinstance(it, (tuple, frozenset)):
            self._keep(it, where)

    def _look_at_array(self, it: Any, where: _Where, *, is_frame: bool) -> None:
        block = _memory(it)
        if block is not None:
            self.blocks.append(_Block(block[0], block[1], it, where, is_frame))
        if it.dtype.hasobject and it.dtype.names is None and not _ATOMS.issuperset(map(type, it.flat)):
            self._add(it.flat, where)

    def _look_at_table(self, it: Any, library: str, where: _Where) -> None:
        """Frames and series; an index cannot change, nor can a column of polars or Arrow."""
        if library == "pandas" and not hasattr(it, "_mgr"):
            names = (
                ("_ndarray", "_data", "_mask", "_codes", "obj") if hasattr(it, "dtype") or hasattr(it, "obj") else ()
            )
            is_index = hasattr(it, "to_frame")
            parts = [] if is_index else [getattr(it, name, None) for name in names]
        else:
            parts = list(getattr(getattr(it, "_mgr", None), "arrays", ()))
            if hasattr(it, "columns") or hasattr(it, "_mgr"):
                self._keep(it, where)
        for part in parts:
            if hasattr(part, "__array_interface__"):
                self._look_at_array(part, where, is_frame=True)
            elif part is not None:
                self._todo.append((part, where))

    def _look_at_tensor(self, it: Any, where: _Where) -> None:
        try:
            storage = it.untyped_storage() if hasattr(it, "untyped_storage") else it.storage()
            start = storage.data_ptr()
            size = storage.nbytes() if hasattr(storage, "nbytes") else len(storage) * it.element_size()
        except Exception:
            self._keep(it, where)
            return
        if size:
            self.blocks.append(_Block(start, start + size, None, where, False))


def common(one: Contents, other: Contents, *, by_columns: bool = False) -> Optional[Common]:
    """The first thing that both hold and that can change; None: there is none. Raises TooLarge.

    ``by_columns`` says that only whole columns of frames are changed: then their memory stays as it is.
    """
    for _ in range(_MOST_OF_LIBRARIES):
        key = next((key for key in one.objects if key in other.objects), None)
        if key is None:
            break
        it, where = one.objects[key]
        if not _is_of_a_library(it):
            return Common(_path(where), _path(other.objects[key][1]), type(it).__name__)
        without = one.without | {key}
        one, other = Contents(one.value, without), Contents(other.value, without)
    else:
        raise TooLarge
    for mine, theirs in _overlaps(one.blocks, other.blocks):
        if _is_seen(mine, theirs, by_columns) and _has_common_bytes(mine, theirs):
            return Common(_path(mine.where), _path(theirs.where), "memory")
    return None


def within(value: Any) -> Optional[Tuple[str, str]]:
    """Two arrays in lists, tuples and dicts of ``value`` that share memory, by their places; no pickle keeps that."""
    try:
        blocks = Contents(value).blocks
    except TooLarge:
        return None
    for one, other in _overlaps(blocks, blocks):
        places = _path(one.where), _path(other.where)
        are_plain = not any("." in place or "(" in place for place in places)
        if one is not other and are_plain and _is_seen(one, other, False) and _has_common_bytes(one, other):
            return min(places), max(places)
    return None


def _overlaps(one: List[_Block], other: List[_Block]) -> Iterator[Tuple[_Block, _Block]]:
    """Blocks of both that lie within the same stretch of memory."""
    tagged = sorted([(block.start, 0, block) for block in one] + [(block.start, 1, block) for block in other],
                    key=lambda entry: entry[0])  # fmt: skip
    active: Tuple[List[_Block], List[_Block]] = ([], [])
    tried = 0
    for start, side, block in tagged:
        others = active[1 - side]
        others[:] = [held for held in others if held.stop > start]
        for held in others:
            tried += 1
            if tried > _MOST_PAIRS:
                raise TooLarge
            yield (block, held) if side == 0 else (held, block)
        active[side].append(block)


def _is_seen(one: _Block, other: _Block, by_columns: bool) -> bool:
    """Whether a change of the memory would be seen on both sides."""
    if one.is_frame and other.is_frame and _copies_on_write():
        return False
    if by_columns and (one.is_frame or other.is_frame):
        return False
    return any(block.array is None or block.is_frame or block.array.flags.writeable for block in (one, other))


def _copies_on_write() -> bool:
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False
    if int(pandas.__version__.partition(".")[0]) >= 3:
        return True
    try:
        return pandas.get_option("mode.copy_on_write") is True
    except Exception:  # one that does not know it
        return False


def _has_common_bytes(one: _Block, other: _Block) -> bool:
    if one.array is None or other.array is None:
        return True
    import numpy

    try:
        return bool(numpy.shares_memory(one.array, other.array, max_work=10_000))  # type: ignore[arg-type]
    except Exception:  # too hard to tell
        return True


def _memory(it: Any) -> Optional[Tuple[int, int]]:
    """The first byte of an array's elements, and the one after the last; None: it has none."""
    start = stop = it.__array_interface__["data"][0]
    for count, stride in zip(it.shape, it.strides):
        if count == 0:
            return None
        if stride < 0:
            start += (count - 1) * stride
        else:
            stop += (count - 1) * stride
    return start, stop + it.dtype.itemsize


def _attributes(it: Any) -> Iterator[Tuple[str, Any]]:
    yield from list(getattr(it, "__dict__", {}).items())
    if isinstance(it, functools.partial):
        yield from (("func", it.func), ("args", it.args), ("keywords", it.keywords))
    for kind in type(it).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                name = f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") else name
                try:
                    yield name, getattr(it, name)
                except Exception:  # not set
                    continue


def _is_changing(kind: type) -> bool:
    """Whether objects of a type can change: those of libraries that are equal by value are taken not to."""
    if _is_frozen(kind) or "function" in kind.__name__ or "method" in kind.__name__ or kind.__name__ == "ufunc":
        return False
    return kind.__module__ == "__main__" or getattr(kind, "__hash__", None) in (object.__hash__, None)


def _is_frozen(kind: type) -> bool:
    return bool(getattr(getattr(kind, "__dataclass_params__", None), "frozen", False))


def _is_of_a_library(it: Any) -> bool:
    """Whether an object pickles by its name, or belongs to an installed module, class or function."""
    if not isinstance(it, _CHANGE):
        try:
            if isinstance(it.__reduce_ex__(4), str):
                return True
        except Exception:  # what cannot be pickled is told where it is saved
            return False
    modules = {
        id(vars(module)): module for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)
    }
    for holder in gc.get_referrers(it):
        if isinstance(holder, dict) and id(holder) in modules:
            if _is_installed(modules[id(holder)]):
                return True
        elif isinstance(holder, (dict, tuple)) and _is_of_definition(holder):
            return True
    return False


def _is_of_definition(holder: Any) -> bool:
    """Whether these are the attributes of a library's class, or the defaults of its function."""
    for owner in gc.get_referrers(holder):
        if isinstance(owner, types.FunctionType):
            held = owner.__defaults__ is holder or owner.__kwdefaults__ is holder
        else:
            held = isinstance(owner, type) and isinstance(holder, dict) and owner.__dict__ == holder
        if held and _is_installed(sys.modules.get(str(owner.__module__))):
            return True
    return False


def _is_installed(module: Any) -> bool:
    if module is None or module.__name__ == "__main__":
        return False
    path = getattr(module, "__file__", None)
    if not path:
        return True
    where = os.path.realpath(path)
    return any(
        part in where for part in (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
    ) or where.startswith(os.path.realpath(os.path.dirname(os.__file__)) + os.sep)


def _short(key: Any) -> str:
    text = repr(key) if type(key) in _ATOMS else "…"
    return text if len(text) <= 30 else text[:29] + "…"


def _path(where: _Where) -> str:
    steps: List[str] = []
    while where is not None:
        steps.append(where[1])
        where = where[0]
    return "".join(reversed(steps))
