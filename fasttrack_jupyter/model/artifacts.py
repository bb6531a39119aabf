"""Typed outputs of tasks."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class OutputSpec(BaseModel):
    """A declared output: a value (``int`` …) or an artifact (any other type name)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    path: str | None = None
    description: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
