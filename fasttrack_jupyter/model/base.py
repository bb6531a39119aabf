"""What the objects of a pipeline's file have in common."""

from __future__ import annotations

from typing import Any, TypedDict

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen; written under the file's own keys; keeps keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


class _Range(TypedDict):
    ge: float
    le: float
    json_schema_extra: dict[str, Any]


def between(least: float, most: float) -> _Range:
    """A range, for the reader and for the schema, which does not see through our own number types."""
    return {"ge": least, "le": most, "json_schema_extra": {"minimum": least, "maximum": most}}
