"""Releases of Backend.AI, which are named by year and month, and what a manager says about itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_RELEASE = re.compile(r"(\d{2})\.0?(\d{1,2})(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A manager's release, ``26.9.6``; they compare by age."""

    year: int
    month: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Release:
        """``26.9.6``, ``23.09.10``, ``24.03.0rc1+dev``. Raises ValueError."""
        if not (found := _RELEASE.match(text)):
            raise ValueError(f"{text!r} is no release of Backend.AI")
        return cls(int(found[1]), int(found[2]), int(found[3] or 0))

    def __str__(self) -> str:
        return f"{self.year}.{self.month}.{self.patch}"


@dataclass(frozen=True, slots=True)
class Greeting:
    """A manager's answer to ``GET /``: ``{"version": "v9.20250722", "manager": "26.9.6"}``."""

    version: str
    """Of its API; requests must name this one (a newer one is refused)."""
    release: Release

    @classmethod
    def parse(cls, told: Any) -> Greeting:
        """Raises ValueError where this is no manager's greeting."""
        if not isinstance(told, Mapping) or not isinstance(told.get("version"), str):
            raise ValueError("there is no `version`")
        return cls(told["version"], Release.parse(str(told.get("manager", ""))))
