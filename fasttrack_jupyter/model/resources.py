"""Resource slots, images, mounts: what a session asks for.

Quantities are integers inside: ``mem`` (and shmem) in bytes, every other slot in hundredths, so
that ``cuda.shares: 0.3`` three times is exactly 0.9. ``g`` is GiB, as everywhere in Backend.AI.
"""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

HUNDRED = 100
LARGEST = (1 << 63) - 1
"""No amount is larger: every program and database can hold it."""
_SIZE = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(i?b)?\s*$", re.IGNORECASE)
SIZE_SCHEMA: dict[str, Any] = {
    "type": ["string", "integer"], "minimum": 0, "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*[kmgtpKMGTP]?([iI]?[bB])?\s*$",
}  # fmt: skip
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


class ClusterMode(StrEnum):
    """Whether the containers of one session share a machine."""

    SINGLE_NODE = "single-node"
    MULTI_NODE = "multi-node"


def parse_size(text: str | int) -> int:
    """Bytes in ``16g``, ``512m``, ``1.5GiB`` or a plain number of bytes.

    Raises:
        ValueError: it is no size; the message says what one looks like.
    """
    match = _SIZE.match(str(text)) if not isinstance(text, bool) else None
    if match is None:
        raise ValueError(f"{text!r} is not a size: write a number and a unit, such as 512m or 16g")
    size = Decimal(match[1]) * _UNITS[match[2].lower()]
    if size > LARGEST:
        raise ValueError(f"{text!r} is larger than any machine")
    return int(size)


def format_size(size: int) -> str:
    """The shortest exact way to write ``size`` bytes: ``16g``, ``1536m``, ``1000``."""
    for unit, factor in reversed(_UNITS.items()):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def parse_quantity(slot: str, value: Any) -> int:
    """A slot's amount as an integer: bytes for ``mem``, hundredths for everything else.

    Raises:
        ValueError: it is no quantity of that slot, or is negative.
    """
    if slot == "mem":
        return parse_size(value)
    try:
        amount = Decimal(str(value)) * HUNDRED
    except ArithmeticError:
        raise ValueError(f"{value!r} is not a number of {slot}: write a number such as 1 or 0.5") from None
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ValueError(f"{value!r} is not a number of {slot}: write a number such as 1 or 0.5")
    if amount > LARGEST:
        raise ValueError(f"{value!r} is more {slot} than any machine has")
    if amount != int(amount):
        raise ValueError(f"{value!r} is too fine: {slot} counts in hundredths")
    return int(amount)


def asked_quantity(slot: str, value: Any) -> int:
    """As :func:`parse_quantity`, of what a task asks for.

    Raises:
        ValueError: it is no quantity of that slot, or no cpu or no mem at all.
    """
    amount = parse_quantity(slot, value)
    if not amount and slot in ("cpu", "mem"):
        raise ValueError(f"{slot} is zero: every task needs some")
    return amount


def format_quantity(slot: str, amount: int) -> str:
    """The inverse of :func:`parse_quantity`, as FastTrack writes it: ``16g``, ``4``, ``0.5``."""
    if slot == "mem":
        return format_size(amount)
    return f"{Decimal(amount) / HUNDRED:f}".rstrip("0").rstrip(".") if amount % HUNDRED else str(amount // HUNDRED)


def say_quantity(slot: str, amount: int) -> str:
    """As :func:`format_quantity`, but memory to a tenth of the largest unit, rounded down: ``23.5g``, for people."""
    if slot != "mem":
        return format_quantity(slot, amount)
    unit, factor = next(((unit, factor) for unit, factor in reversed(_UNITS.items()) if amount >= factor), ("", 1))
    whole, tenths = divmod(amount * 10 // factor, 10)
    return f"{whole}.{tenths}{unit}" if tenths else f"{whole}{unit}"


class ResourceSlots(Mapping[str, int]):
    """An amount of each slot, immutable and hashable: ``cpu``, ``mem``, ``cuda.device`` … any name.

    Values are integers in the units of :func:`parse_quantity`. A slot that is absent is zero. What a person wrote as
    zero (:meth:`parse`) stays there as it is written, so that it can be laid over a default, as in
    ``ResourceSlots({**default, **written})``, where it has done its work and is absent.
    """

    __slots__ = ("_amounts", "_hash")

    def __init__(self, amounts: Mapping[str, int] | None = None, *, keep_zeros: bool = False) -> None:
        self._amounts = {slot: amount for slot, amount in sorted((amounts or {}).items()) if amount or keep_zeros}
        self._hash = hash(tuple(self._amounts.items()))

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> ResourceSlots:
        """From the YAML's ``{cpu: 4, mem: 16g, cuda.shares: '0.5'}``; ``memory`` is an old name of ``mem``.

        Raises:
            ValueError: some quantity is none, or no task can do with it (see :func:`asked_quantity`).
        """
        if "mem" in written and "memory" in written:
            raise ValueError("mem and its old name memory are both given")
        renamed = {("mem" if slot == "memory" else slot): value for slot, value in written.items()}
        return cls({slot: asked_quantity(slot, value) for slot, value in renamed.items()}, keep_zeros=True)

    def written(self) -> dict[str, str]:
        """As FastTrack writes it: ``{"cpu": "4", "mem": "16g"}``."""
        return {slot: format_quantity(slot, amount) for slot, amount in self._amounts.items()}

    def __getitem__(self, slot: str) -> int:
        return self._amounts[slot]

    def __iter__(self) -> Iterator[str]:
        return iter(self._amounts)

    def get(self, slot: str, default: Any = None, /) -> Any:
        """As of any mapping, without its detours: the line for slots asks often."""
        return self._amounts.get(slot, default)

    def items(self) -> ItemsView[str, int]:
        """As of any mapping."""
        return self._amounts.items()

    def __len__(self) -> int:
        return len(self._amounts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceSlots) and self._amounts == other._amounts

    def __repr__(self) -> str:
        return "ResourceSlots(" + ", ".join(f"{k}={v}" for k, v in self.written().items()) + ")"

    def plus(self, other: Mapping[str, int]) -> ResourceSlots:
        """Slot by slot sum."""
        return ResourceSlots({slot: self.get(slot, 0) + other.get(slot, 0) for slot in set(self) | set(other)})

    def minus(self, other: Mapping[str, int]) -> ResourceSlots:
        """Slot by slot difference; amounts may go below zero."""
        return ResourceSlots({slot: self.get(slot, 0) - other.get(slot, 0) for slot in set(self) | set(other)})

    def times(self, count: int) -> ResourceSlots:
        """``count`` of each: what a cluster of that size takes."""
        return ResourceSlots({slot: amount * count for slot, amount in self._amounts.items()})

    def exceeding(self, capacity: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """The slots that do not fit into ``capacity``, as ``{slot: (asked, there)}``."""
        return {
            slot: (asked, capacity.get(slot, 0))
            for slot, asked in self._amounts.items()
            if asked > capacity.get(slot, 0)
        }

    def fits(self, capacity: Mapping[str, int]) -> bool:
        """Whether ``capacity`` holds all of it."""
        return all(amount <= capacity.get(slot, 0) for slot, amount in self._amounts.items())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else _parsed(_as_mapping(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(cls.written),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        amount = {"type": ["string", "number"], "pattern": r"^\s*[0-9]*\.?[0-9]+\s*$", "minimum": 0}
        return {
            "type": "object",
            "description": "Amount of each resource slot: cpu, mem, cuda.device, cuda.shares, or any other slot name",
            "properties": {
                "cpu": {
                    **amount,
                    "exclusiveMinimum": 0,
                    "description": "Cores; fractions such as 0.5 are possible here",
                },
                "mem": {**SIZE_SCHEMA, "description": "Memory: a number and a unit (k, m, g, t), such as 512m or 16g"},
                "memory": {**SIZE_SCHEMA, "description": "Old name of mem", "deprecated": True},
                "cuda.device": {**amount, "description": "Whole GPUs"},
                "cuda.shares": {**amount, "description": "Fractions of a GPU, such as 0.5"},
            },
            "additionalProperties": amount,
            "examples": [{"cpu": 4, "mem": "16g", "cuda.device": 1}],
        }


def _as_mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("resources are no mapping: write {cpu: 2, mem: 4g}")
    return value


def _parsed(written: Mapping[str, Any]) -> ResourceSlots:
    """One object for all tasks that write the same, which thousands do."""
    try:
        return _parse_once(tuple((slot, type(value), value) for slot, value in written.items()))
    except TypeError:  # an unhashable quantity, such as a list
        return ResourceSlots.parse(written)


@lru_cache(maxsize=1024)
def _parse_once(written: tuple[tuple[str, type, Any], ...]) -> ResourceSlots:
    return ResourceSlots.parse({slot: value for slot, _, value in written})


class Mount(BaseModel):
    """A vfolder in the session: ``name`` at ``/home/work/name``, ``name:alias`` at ``/home/work/alias``;
    an alias that starts with ``/`` is absolute."""

    model_config = ConfigDict(frozen=True)

    folder: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Mount:
        """From the YAML's ``name`` or ``name:alias``.

        Raises:
            ValueError: no name, or a target that climbs out with ``..``.
        """
        name, colon, alias = str(text).partition(":")
        if not name.strip() or (colon and not alias.strip()):
            raise ValueError(f"{text!r} is not a mount: write a folder's name, or name:alias")
        if ":" in alias:
            raise ValueError(f"mount {text!r} has two colons: write name or name:alias; there are no further options")
        target = alias if alias.startswith("/") else f"/home/work/{alias or name}"
        if ".." in target.split("/") or ".." in name.split("/") or name.startswith("/"):
            raise ValueError(f"mount {text!r} leaves its place: write a folder's name, or name:alias, without '..'")
        return cls(folder=name, target="/" + "/".join(part for part in target.split("/") if part not in ("", ".")))

    @property
    def written(self) -> str:
        """The inverse of :meth:`parse`, as short as it can be."""
        if self.target == f"/home/work/{self.folder}":
            return self.folder
        alias = self.target.removeprefix("/home/work/")
        return f"{self.folder}:{alias}"
