"""What an approval task asks: a question with typed fields, and what holds when nobody answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fasttrack_jupyter.model.artifacts import OutputSpec
from fasttrack_jupyter.model.parameters import Parameter
from fasttrack_jupyter.model.quantities import Text


class Answer(StrEnum):
    """How a question is answered."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, everything filled in."""

    question: str
    fields: tuple[Parameter, ...] = ()
    on_timeout: Answer = Answer.REJECT


COMMENT, ANSWERED_BY = "comment", "answered_by"
"""Outputs that every approval has beside its fields: what was written with the answer, and by whom."""
_ALWAYS = {
    COMMENT: OutputSpec(type="str", description="What was written with the answer"),
    ANSWERED_BY: OutputSpec(type="str", description="Who answered"),
}


def _none_is_empty(value: Any) -> Any:
    return () if isinstance(value, NoneType) else value


class Approval(BaseModel):
    """A question to a person, before what is behind the task may go on."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    question: Text = Field(
        description="What is asked; may hold ${{ params.x }}, ${{ tasks.check.outputs.accuracy }}",
        examples=["Serve the model with accuracy ${{ tasks.check.outputs.accuracy }}?"],
    )
    fields: Annotated[tuple[Parameter, ...], BeforeValidator(_none_is_empty)] = Field(
        default=(), description="What is to be filled in, typed as parameters are; each is an output of the task",
        examples=[[{"name": "share", "type": "float", "default": 0.1}]],
    )  # fmt: skip
    on_timeout: Answer = Field(
        default=Answer.REJECT, description="What holds when nobody has answered within the task's timeout: reject, or "
        "approve with the defaults of the fields",
    )  # fmt: skip

    @property
    def products(self) -> dict[str, OutputSpec]:
        """The outputs of the task: one per field, and what every approval has."""
        own = {field.name: OutputSpec(type=field.type, description=field.description) for field in self.fields}
        return {**_ALWAYS, **own}
