"""Finds the part of a value that cannot be pickled, and says what to do."""

from __future__ import annotations

import time
import types
from typing import Any, Iterable, Iterator, List, Optional, Tuple

from . import pickles
from .home import Home

PATIENCE = 3.0
"""Seconds for the search; then what was found so far is told."""
_SHOWN = 60


class _Nowhere:
    """A file that forgets."""

    def write(self, data: Any) -> int:
        return len(data)


def explain(name: str, value: Any, tried: List[str], home: Home, error: BaseException) -> str:
    """Why ``value`` cannot be saved: variable, type, the part at fault, each serializer's reason, what to do."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")
    lines = [f"{name} ({kind}) cannot be handed to other tasks: it cannot be saved."]
    path, part = find(value, name, home)
    if part is not value:
        lines.append(
            f"  At fault: {path} → '{type(part).__module__}.{type(part).__qualname__}'".replace("builtins.", "")
        )
    lines += [f"  Tried {reason}" for reason in tried]
    lines.append(
        f"  What to do: hand on something else (--out NAME,…; or {name} without that part), "
        f"or make {name} in the task that uses it, say by a function of a %%fasttrack_common cell."
    )
    return "\n".join(lines)


def find(value: Any, path: str, home: Home) -> Tuple[str, Any]:
    """The innermost part that fails by itself, and its path (``obj.model.lock``)."""
    end, seen = time.monotonic() + PATIENCE, set()
    while id(value) not in seen:
        seen.add(id(value))
        for step, part in parts(value):
            if time.monotonic() > end:
                return path, value
            if id(part) not in seen and not _is_savable(part, home):
                path, value = path + step, part
                break
    return path, value


def _is_savable(value: Any, home: Home) -> bool:
    try:
        pickles.dump(value, _Nowhere(), home)  # type: ignore[arg-type]
    except Exception:
        return False
    return True


def parts(value: Any) -> Iterator[Tuple[str, Any]]:
    """What ``value`` consists of, with the step that leads there: ``.lock``, ``[3]``, ``['key']``."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"[{_short(key)}]", item
        for key in value:
            yield f", the key {_short(key)}", key
    elif isinstance(value, (list, tuple)):
        yield from _numbered(value)
    elif isinstance(value, (set, frozenset)):
        yield from ((f", the element {_short(item)}", item) for item in value)
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value)
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    yield from _attributes(value)


def _numbered(items: Iterable[Any]) -> Iterator[Tuple[str, Any]]:
    return ((f"[{number}]", item) for number, item in enumerate(items))


def _of_function(function: types.FunctionType) -> Iterator[Tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            yield f" (its {name})", cell.cell_contents
        except ValueError:
            continue
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield f" (its global {name})", function.__globals__[name]


def _attributes(value: Any) -> Iterator[Tuple[str, Any]]:
    """What pickle takes of an object: its attributes, and what it is made from."""
    if isinstance(value, (type, types.FunctionType, types.ModuleType)):
        return
    made = _reduced(value)
    if made is None:
        state: Any = getattr(value, "__dict__", None)
    else:
        yield from ((f" (its argument {number})", item) for number, item in enumerate(made[1]))
        state = made[2] if len(made) > 2 else None
    for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
        if isinstance(part, dict):
            yield from ((f".{key}", item) for key, item in part.items())
    if getattr(getattr(value, "dtype", None), "kind", "") == "O" and hasattr(value, "__iter__"):
        yield from _numbered(value)


def _reduced(value: Any) -> Optional[Any]:
    try:
        made = value.__reduce_ex__(4)
    except Exception:
        return None
    return made if isinstance(made, tuple) else None


def _short(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
