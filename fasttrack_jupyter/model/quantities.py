"""Scalar types of the YAML: sizes, durations, values of environment variables."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from fasttrack_jupyter.model.resources import SIZE_SCHEMA, parse_size
from fasttrack_jupyter.model.scalars import as_written

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_LONGEST = 1e12
_DURATION_SCHEMA: dict[str, Any] = {
    "type": ["string", "number"], "examples": ["1h30m", 30],
    "pattern": r"^ *(?=[0-9])([0-9.]+ *[dD])? *([0-9.]+ *[hH])? *([0-9.]+ *[mM])? *([0-9.]+ *[sS]?)? *$",
}  # fmt: skip
_SECONDS = (86_400.0, 3_600.0, 60.0, 1.0)


def parse_duration(value: Any) -> float:
    """Seconds in ``90``, ``1.5h``, ``1h30m``, ``2d``.

    Raises:
        ValueError: it is no duration.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not -_LONGEST <= value <= _LONGEST:
            raise ValueError("longer than any duration: write seconds, or 30s, 10m, 1h30m, 2d")
        return float(value)
    text = str(value).replace(" ", "").lower()
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{value!r} is not a duration: write seconds, or 30s, 10m, 1h30m, 2d")
    return sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)


def format_duration(seconds: float) -> str:
    """``3600`` as ``1h``, ``5400`` as ``1h30m``, ``90.5`` as ``1m30.5s``."""
    words, rest = "", seconds
    for letter, unit in zip("dhm", _SECONDS, strict=False):
        if rest >= unit:
            words, rest = f"{words}{int(rest // unit)}{letter}", rest % unit
    return words + (f"{rest:g}s" if rest or not words else "")


def _text(value: Any) -> Any:
    return as_written(value) if isinstance(value, (bool, int, float)) else value


def _env_value(value: Any) -> Any:
    return "" if value is None else _text(value)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{as_written(value)} is not a number: write 2, for example")
    return value


Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Text; a number or true, which somebody forgot to quote, is the text that was written."""
Count = Annotated[
    int, BeforeValidator(_no_bool), WithJsonSchema({"type": ["integer", "string"], "pattern": "^[0-9]+$"})
]
"""A whole number, also in quotes as FastTrack writes it; true and false are none."""

Size = Annotated[int, BeforeValidator(parse_size), WithJsonSchema({**SIZE_SCHEMA, "examples": ["2g"]})]
Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema(_DURATION_SCHEMA)]
EnvValue = Annotated[
    str, BeforeValidator(_env_value), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]
