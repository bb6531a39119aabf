"""A value in a few words, for people who look at a task's outputs."""

from __future__ import annotations

from typing import Any

from .formats import module_of

LONGEST = 80


def summary(value: Any) -> str:
    """``DataFrame 150 × 5``, ``ndarray float64 (3, 4)``, ``list of 3``, ``0.93``; never raises."""
    try:
        return _summary(value)
    except Exception:
        return type(value).__name__


def _summary(value: Any) -> str:
    kind, shape = type(value).__name__, getattr(value, "shape", None)
    if module_of(value) in ("pandas", "polars") and isinstance(shape, tuple):
        return f"{kind} {' × '.join(f'{size:,}' for size in shape)}"
    if isinstance(shape, tuple) and shape and hasattr(value, "dtype"):
        return f"{kind} {value.dtype} {shape}"
    if type(value) in (dict, list, tuple, set, frozenset) and len(value) > 5:
        return f"{kind} of {len(value):,}"
    if type(value) in (str, bytes) and len(value) > LONGEST:
        return f"{kind} of {len(value):,}: {_cut(repr(value[:LONGEST]), LONGEST // 2)}"
    if type(value) in (dict, list, tuple, set, frozenset) and sum(map(_size, value)) > LONGEST:
        return f"{kind} of {len(value):,}"
    return _cut(" ".join(repr(value).split()), LONGEST)


def _size(item: Any) -> int:
    return len(item) if isinstance(item, (str, bytes, list, tuple, dict, set)) else 1


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
