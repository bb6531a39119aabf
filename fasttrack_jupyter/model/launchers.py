"""How the command of a task is started many times at once, as processes of one training: its ranks.

``launcher: torchrun`` starts the command once per rank with the variables that ``torchrun`` sets (``MASTER_ADDR``,
``MASTER_PORT``, ``WORLD_SIZE``, ``RANK``, ``LOCAL_RANK``, ``LOCAL_WORLD_SIZE``, ``NODE_RANK``, ``GROUP_RANK`` …), which
PyTorch, Lightning, Accelerate and DeepSpeed read as well: nothing has to be installed for it, no ``torchrun`` either.
A task of ``cluster_size`` nodes with ``processes_per_node`` processes each has their product of ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from fasttrack_jupyter.model.quantities import Count, Duration
from fasttrack_jupyter.model.resources import HUNDRED

GPU = "gpu"
"""``processes_per_node``: one for each accelerator that a container is given."""
MOST_RANKS = 4096
"""Ranks of a task at most."""
PORT = 29500
"""Where the ranks of a cluster meet, as with ``torchrun``; on this machine it is any free one."""
_MOST_PROCESSES = 128
_START_WITHIN = 600.0
_NOT_ACCELERATORS = ("cpu", "mem")

_PROCESSES_SCHEMA: dict[str, Any] = {
    "type": ["integer", "string"], "pattern": f"^([0-9]+|{GPU})$",
    "minimum": 1, "maximum": _MOST_PROCESSES, "examples": [2, GPU],
}  # fmt: skip


class LauncherPreset(StrEnum):
    """Which variables the ranks are told by who they are."""

    TORCHRUN = "torchrun"


def _processes(value: Any) -> int | str:
    if isinstance(value, str) and value.strip().lower() == GPU:
        return GPU
    try:
        number = int(value) if not isinstance(value, (bool, float)) else 0
    except (TypeError, ValueError):
        number = 0
    if not 1 <= number <= _MOST_PROCESSES:
        raise ValueError(f"write how many processes each container runs (1 to {_MOST_PROCESSES}), or gpu")
    return number


class Launcher(BaseModel):
    """``launcher: torchrun`` is short for ``launcher: {preset: torchrun}``, and is how it is written again."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    preset: LauncherPreset = Field(
        default=LauncherPreset.TORCHRUN,
        description="torchrun: the command runs once per rank, with the variables that torchrun sets",
    )
    processes_per_node: Annotated[int | str, BeforeValidator(_processes), WithJsonSchema(_PROCESSES_SCHEMA)] = Field(
        default=1, description="Ranks in each container; gpu: one for each accelerator that it asks for"
    )
    start_within: Duration = Field(
        default=_START_WITHIN, gt=0, le=86_400, json_schema_extra={"exclusiveMinimum": 0, "maximum": 86_400},
        description="No rank begins before all containers are there: how long they are waited for",
    )  # fmt: skip
    port: Count | None = Field(
        default=None, ge=1024, le=65_535, json_schema_extra={"minimum": 1024, "maximum": 65_535},
        description=f"MASTER_PORT; empty is {PORT} on a cluster and a free one on this machine",
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, (bool, list, int, float)):
            raise ValueError("a launcher is text: write launcher: torchrun")
        if isinstance(value, str) and value not in [*LauncherPreset]:
            raise ValueError(f"there is no launcher {value!r}: write {' or '.join(LauncherPreset)}")
        return value if isinstance(value, (dict, Launcher)) else {"preset": value}

    @model_serializer(mode="wrap")
    def _shortest(self, write: SerializerFunctionWrapHandler) -> Any:
        """The short form, where that says it all."""
        return str(self.preset) if not (self.model_fields_set - {"preset"} or self.model_extra) else write(self)


@dataclass(frozen=True, slots=True)
class Launch:
    """What a backend must know of a launcher: ``processes`` is how many ranks each container has."""

    processes: int
    start_within: float = _START_WITHIN
    port: int | None = None


def launch_of(launcher: Launcher | None, slots: Mapping[str, int]) -> Launch | None:
    """With ``gpu`` made a number by the ``slots`` (in hundredths) that one container is given; None without one."""
    if launcher is None:
        return None
    wanted = launcher.processes_per_node
    processes = wanted if isinstance(wanted, int) else max(1, accelerators_in(slots))
    return Launch(processes, launcher.start_within, launcher.port)


def accelerators_in(slots: Mapping[str, int]) -> int:
    """How many accelerators one container sees that is given ``slots``; a part of one is one."""
    return sum(-(-amount // HUNDRED) for name, amount in slots.items() if name not in _NOT_ACCELERATORS)
