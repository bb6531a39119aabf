"""The targets of this project, and how a figure compares with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """``first`` must be reached, ``then`` is where we are going; both at most, or at least, the figure."""

    name: str
    first: float
    then: float
    unit: str = ""
    is_ceiling: bool = False

    def meets(self, value: float, limit: float) -> bool:
        """Whether ``value`` is on the right side of ``limit``."""
        return value <= limit if self.is_ceiling else value >= limit

    def row(self, value: float) -> str:
        """One line of the table: what, figure, both targets, verdict."""
        verdict = "then" if self.meets(value, self.then) else "first" if self.meets(value, self.first) else "MISSED"
        sign = "≤" if self.is_ceiling else "≥"
        first, then = f"{sign} {self.first:g}{self.unit}", f"{sign} {self.then:g}{self.unit}"
        return f"| {self.name} | {value:.3g}{self.unit} | {first} | {then} | {verdict} |"


HEAD = "| what | measured | first | then | reached |\n|---|---|---|---|---|"

TARGETS = {
    "fan": Target("fan of 1,000, supervised, × `make -j2`'s rate", 0.2, 0.37),
    "fan-ns": Target("the same with private mounts and pid namespace", 0.08, 0.2),
    "parsl": Target("… supervised, × parsl with checkpoint", 2, 4),
    "dbos": Target("… supervised, × DBOS", 5, 9),
    "chain": Target("chain of 200, p50 per step, supervised", 3, 1.5, " ms", is_ceiling=True),
    "growth": Target("growth, fan of 1,000 → 10,000, supervised", 11, 10, " ×", is_ceiling=True),
    "plan-s": Target("100,000 tasks: parse + validate + plan", 10, 3, " s", is_ceiling=True),
    "plan-mb": Target("… peak memory", 1500, 600, " MB", is_ceiling=True),
    "memory": Target("peak memory of the engine, fan of 10,000", 150, 80, " MB", is_ceiling=True),
    "cells": Target("cells, warm start, × fresh interpreters, supervised", 8, 20, " ×"),
    "cells-ns": Target("the same with private mounts and pid namespace", 8, 20, " ×"),
    "cold": Target("`fasttrack run` of one task, whole process, no engine yet", 0.6, 0.3, " s", is_ceiling=True),
    "warm": Target("… engine running", 0.6, 0.3, " s", is_ceiling=True),
}
