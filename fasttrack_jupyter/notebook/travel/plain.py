"""Outputs that are plain values: one small file each in ``.values``, where every task of a pipeline may leave them."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from .hidden import Hidden
from .values import HoldsSecret

_TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "struct": dict}


class NoValue(Exception):
    """A variable is not what the task has promised; the message says what it is."""


def write_values(outputs: str, kinds: Mapping[str, str], names: Mapping[str, Any], hidden: Hidden) -> None:
    """Write the variables ``kinds`` (name → int, float, str, bool, list, struct) into ``outputs/.values``.

    Raises:
        NoValue: one has another type, or holds what JSON cannot carry.
        HoldsSecret: one holds a secret of the task.
    """
    texts = {name: _text(name, kind, names[name]) for name, kind in kinds.items()}
    for name, text in texts.items():
        secret = hidden.held_by(text, None)
        if secret is not None:
            raise HoldsSecret(name, secret)
    folder = os.path.join(outputs, ".values")
    os.makedirs(folder, exist_ok=True)
    for name, text in texts.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as file:
            file.write(text + "\n")


def _text(name: str, kind: str, value: Any) -> str:
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:  # a scalar of NumPy or torch
        value = value.item()
    wanted = _TYPES[kind]
    if wanted is float and type(value) is int:
        value = float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        shown = repr(value)
        raise NoValue(
            "{} is a {}, not a {}: {}\nReturn what the function's signature says, or change the signature.".format(
                name, type(value).__name__, kind, shown if len(shown) <= 80 else shown[:77] + "…"
            )
        )
    if wanted is str:
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NoValue(f"{name} holds what a plain value cannot carry: {error}") from None
