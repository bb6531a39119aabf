"""Whether a value is still what it was when it was loaded: by its content, part by part, against a fresh copy.

Bytes of pickles are no measure: what was memoised, the order of a set, what ``cached_property`` keeps
differ without anything having changed. Arrays and frames are compared by their own means, everything else by
what ``pickle`` would take of it.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import types
from typing import Any, Dict, List, Optional, Set, Tuple

from . import pickles
from .formats import module_of
from .frames import frame_difference, same_polars
from .home import Home
from .shown import is_figure, picture

_SETS_TRIED = 300
Todo = List[Tuple[Any, Any, str]]


class _Digest:
    """A file of which only the digest is kept."""

    def __init__(self) -> None:
        self.state = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.state.update(data)
        return len(data)


def is_same_pickle(value: Any, digest: str, home: Home) -> bool:
    """Whether ``value`` pickles to exactly the bytes of that digest: then nothing has changed. False says nothing."""
    file = _Digest()
    try:
        pickles.dump(value, file, home)  # type: ignore[arg-type]
    except Exception:
        return False
    return digest == "sha256:" + file.state.hexdigest()


def difference(now: Any, before: Any, path: str) -> Optional[str]:
    """The path of the first part of ``now`` that is not as in ``before``; None: there is none."""
    if isinstance(now, (list, tuple, dict)) and _is_same_bytes(now, before):
        return None
    todo: Todo = [(now, before, path)]
    seen: Set[Tuple[int, int]] = set()
    held: List[Any] = []  # parts made on the way keep their ids as long as the search goes on
    while todo:
        one, other, where = todo.pop()
        if one is other or (id(one), id(other)) in seen:
            continue
        seen.add((id(one), id(other)))
        held.append((one, other))
        if type(one) is not type(other) and not _same_kind(type(one), type(other)):
            return where
        found = _compare(one, other, where, todo)
        if found is not None:
            return found
    return None


def _is_same_bytes(one: Any, other: Any) -> bool:
    """Whether both pickle to the same bytes, which settles it for long lists in no time."""
    try:
        return pickle.dumps(one, 5) == pickle.dumps(other, 5)
    except Exception:
        return False


def _same_kind(one: type, other: type) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _compare(one: Any, other: Any, where: str, todo: Todo) -> Optional[str]:
    """The path of a difference; what must be looked at still is put on ``todo``."""
    if isinstance(one, (bool, int, float, complex, str, bytes, type(None))) and type(one).__module__ == "builtins":
        return None if one == other or (one != one and other != other) else where
    library = module_of(one)
    if library in ("numpy", "pandas", "polars", "torch") and hasattr(one, "shape"):
        return _compare_arrays(library, one, other, where, todo)
    if is_figure(one):
        return None if picture(one) == picture(other) else where
    if isinstance(one, (list, tuple, dict)) and len(one) != len(other):
        return where
    if type(one) in (list, tuple):
        todo.extend((a, b, f"{where}[{number}]") for number, (a, b) in enumerate(zip(one, other)))
        return None
    if isinstance(one, dict):
        return _compare_dicts(one, other, where, todo)
    if isinstance(one, (set, frozenset)):
        return None if one == other or _same_sets(one, other) else where
    if isinstance(one, type):
        return None if _same_kind(one, other) else where
    if isinstance(one, types.FunctionType):
        todo.append((_function_parts(one), _function_parts(other), where))
        return None
    if isinstance(one, types.CodeType):
        same = one.co_code == other.co_code and one.co_names == other.co_names
        todo.append((one.co_consts, other.co_consts, where))
        return None if same else where
    return _compare_objects(one, other, where, todo)


def _compare_arrays(library: str, one: Any, other: Any, where: str, todo: Todo) -> Optional[str]:
    if library == "polars":
        return None if same_polars(one, other) else where
    if library == "torch":
        same = one.dtype == other.dtype and one.shape == other.shape and bool(((one == other) | (one != one)).all())
        return None if same else where
    if library == "pandas":
        if hasattr(one, "to_frame") and not hasattr(one, "index"):  # an Index
            return None if one.identical(other) else where
        if not hasattr(one, "index"):  # an array of pandas
            return None if one.equals(other) else where
        return _compare_tables(one, other, where, todo)
    if one.shape != other.shape or one.dtype != other.dtype:
        return where
    if one.dtype.hasobject:
        todo.append((one.tolist(), other.tolist(), where))
        return None
    return None if one.tobytes() == other.tobytes() or _equal_but_for_nans(one, other) else where


def _compare_tables(one: Any, other: Any, where: str, todo: Todo) -> Optional[str]:
    """Frames and series of pandas. Objects in them are looked at one by one, for pandas compares them loosely."""
    found = frame_difference(one, other)
    if not found:
        return None
    is_frame = one.ndim > 1
    if one.shape != other.shape or not one.index.identical(other.index):
        return f"{where} ({found})"
    if is_frame and not one.columns.identical(other.columns):
        return f"{where} ({found})"
    columns = [(one.iloc[:, n], other.iloc[:, n]) for n in range(one.shape[1])] if is_frame else [(one, other)]
    has_objects = False
    for mine, theirs in columns:
        step = f"{where}[{mine.name!r}]" if is_frame else where
        if mine.dtype != theirs.dtype:
            return step
        if mine.dtype.kind == "O":
            has_objects = True
            todo.append((list(mine.array), list(theirs.array), step))
        elif not mine.equals(theirs):
            return step
    if has_objects and getattr(one, "name", None) == getattr(other, "name", None):
        todo.append((one.attrs, other.attrs, f"{where}.attrs"))
        return None
    return f"{where} ({found})"


def _equal_but_for_nans(one: Any, other: Any) -> bool:
    try:
        return bool(((one == other) | ((one != one) & (other != other))).all())
    except (TypeError, ValueError):
        return False


def _compare_dicts(one: Dict[Any, Any], other: Dict[Any, Any], where: str, todo: Todo) -> Optional[str]:
    if all(key in other for key in one):
        todo.extend((value, other[key], f"{where}[{key!r}]") for key, value in one.items())
    else:  # keys that are equal to themselves only: by their order
        todo.extend((a, b, f"{where}, a key") for a, b in zip(one, other))
        todo.extend((a, b, f"{where}, a value") for a, b in zip(one.values(), other.values()))
    if type(one) is not dict:
        return _compare_objects(one, other, where, todo, without_items=True)
    return None


def _same_sets(one: Any, other: Any) -> bool:
    """Whether each element has its like in the other set, for elements that are equal to themselves only."""
    mine, theirs = list(one - other), list(other - one)
    if len(mine) != len(theirs) or len(mine) > _SETS_TRIED:
        return False
    for item in mine:
        like = next((number for number, it in enumerate(theirs) if difference(item, it, "") is None), None)
        if like is None:
            return False
        del theirs[like]
    return True


def _function_parts(function: types.FunctionType) -> List[Any]:
    closure = []
    for cell in function.__closure__ or ():
        try:
            closure.append(cell.cell_contents)
        except ValueError:
            closure.append(None)
    return [function.__code__, function.__defaults__, function.__kwdefaults__, closure, function.__dict__]


def _compare_objects(one: Any, other: Any, where: str, todo: Todo, without_items: bool = False) -> Optional[str]:
    try:
        mine, theirs = one.__reduce_ex__(4), other.__reduce_ex__(4)
    except Exception:
        return None if one == other else where
    if isinstance(mine, str) or isinstance(theirs, str):
        return None if mine == theirs else where
    mine, theirs = list(mine) + [None] * (6 - len(mine)), list(theirs) + [None] * (6 - len(theirs))
    mine[2], theirs[2] = _without_caches(one, mine[2], theirs[2]), _without_caches(other, theirs[2], mine[2])
    for number, step in enumerate(("", " (what it is made from)", "", " (its items)", " (its items)")):
        if number in (3, 4):
            if without_items:
                continue
            mine[number], theirs[number] = list(mine[number] or ()), list(theirs[number] or ())
        if number == 2 and isinstance(mine[2], dict) and isinstance(theirs[2], dict):
            for key in sorted(set(mine[2]) | set(theirs[2]), key=str):
                if (key in mine[2]) != (key in theirs[2]):
                    return f"{where}.{key}"
                todo.append((mine[2][key], theirs[2][key], f"{where}.{key}"))
            continue
        todo.append((mine[number], theirs[number], where + step))
    return None


def _without_caches(owner: Any, state: Any, others: Any) -> Any:
    """The state less what is kept in it for speed."""
    if not isinstance(state, dict):
        return {} if state is None and isinstance(others, dict) else state
    kind = type(owner)
    return {key: value for key, value in state.items() if not _is_cache(kind, str(key))}


def _is_cache(kind: type, name: str) -> bool:
    """Whether an attribute is kept for speed only: by ``cached_property``, or called a cache by its author."""
    is_named_so = name.startswith("_") and ("cache" in name.lower() or "memo" in name.lower())
    return is_named_so or isinstance(getattr(kind, name, None), functools.cached_property)
