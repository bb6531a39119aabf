"""Scalar types of the YAML: sizes, durations, values of environment variables."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from fasttrack_jupyter.model.resources import parse_size

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_SECONDS = (86_400.0, 3_600.0, 60.0, 1.0)


def parse_duration(value: Any) -> float:
    """Seconds in ``90``, ``1.5h``, ``1h30m``, ``2d``.

    Raises:
        ValueError: it is no duration.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
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


def _env_value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return str(value) if isinstance(value, (int, float)) else value


Size = Annotated[int, BeforeValidator(parse_size), WithJsonSchema({"type": ["string", "integer"], "examples": ["2g"]})]
Duration = Annotated[
    float, BeforeValidator(parse_duration), WithJsonSchema({"type": ["string", "number"], "examples": ["1h30m"]})
]
EnvValue = Annotated[
    str, BeforeValidator(_env_value), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]
