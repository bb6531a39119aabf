"""Tasks made of functions, before they are text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fasttrack_jupyter.model.parameters import ValueType
from fasttrack_jupyter.notebook.signatures import Signature


@dataclass(frozen=True, eq=False)
class Param:
    """A parameter of a pipeline in the making; may be an argument of a task."""

    name: str
    type: ValueType
    has_default: bool
    default: Any
    description: str | None


@dataclass(frozen=True, eq=False)
class Output:
    """What a task will leave; may be an argument of another task."""

    draft: Draft
    name: str
    type: ValueType | None
    """None: an artifact."""

    @property
    def task(self) -> str:
        """The name of the task that leaves it."""
        return self.draft.name


Given = Any
"""What an argument is given: a :class:`Param`, an :class:`Output`, or a literal."""


@dataclass(frozen=True, eq=False)
class Draft:
    """One task of a pipeline in the making."""

    name: str
    function: Callable[..., Any]
    signature: Signature
    said: Mapping[str, Any]
    """Options as :func:`~fasttrack_jupyter.notebook.marks_reading.said_by_metadata` reads them."""
    after: tuple[str, ...]
    given: Mapping[str, Given]

    @cached_property
    def outputs(self) -> Mapping[str, Output]:
        """What it will leave, by name, in order."""
        return {name: Output(self, name, kind) for name, kind in self.signature.outputs.items()}
