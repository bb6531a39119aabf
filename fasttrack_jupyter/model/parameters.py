"""Typed parameters of a pipeline."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class ValueType(StrEnum):
    """Type of a parameter or of a value that tasks hand on."""

    INT = "int"
    FLOAT = "float"
    STR = "str"
    BOOL = "bool"
    LIST = "list"
    STRUCT = "struct"


class Parameter(BaseModel):
    """A declared parameter."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    type: ValueType = ValueType.STR
    default: Any = None
    required: bool | None = None
    description: str | None = None
