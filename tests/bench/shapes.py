"""The DAGs that are measured, and each as a pipeline and as a Makefile."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A DAG of ``true``: for each task, the positions of those it depends on (all before it)."""

    name: str
    upstream: list[tuple[int, ...]]

    def __len__(self) -> int:
        return len(self.upstream)

    def pipeline(self, *, outputs: bool = False) -> str:
        """As FastTrack's YAML; every task asks for one core, so that as many run at once as with ``make -j2``."""
        lines = [f"name: {self.name}", "resources: {cpu: 1, mem: 16m}", "tasks:"]
        for number, upstream in enumerate(self.upstream):
            needs = ", ".join(f"t{other}" for other in upstream)
            lines.append(f"  - {{name: t{number}, command: 'true'" + (f", dependencies: [{needs}]}}" if needs else "}"))
        return "\n".join(lines) + "\n"

    def makefile(self) -> str:
        """As a Makefile whose targets make nothing."""
        every = " ".join(f"t{number}" for number in range(len(self)))
        lines = [f".PHONY: all {every}", f"all: {every}"]
        for number, upstream in enumerate(self.upstream):
            lines += [f"t{number}: " + " ".join(f"t{other}" for other in upstream), "\t@true"]
        return "\n".join(lines) + "\n"


def chain(length: int) -> Shape:
    """One after another."""
    return Shape(f"chain-{length}", [(number - 1,) if number else () for number in range(length)])


def fan(width: int) -> Shape:
    """1 → width → 1."""
    middle: list[tuple[int, ...]] = [(0,)] * width
    return Shape(f"fan-{width}", [(), *middle, tuple(range(1, width + 1))])


def layers(depth: int, width: int, needs: int = 3) -> Shape:
    """``depth`` layers of ``width``; each task depends on ``needs`` of the layer before."""
    rng = random.Random(1)
    upstream: list[tuple[int, ...]] = [()] * width
    for layer in range(1, depth):
        before = range((layer - 1) * width, layer * width)
        upstream += [tuple(sorted(rng.sample(before, needs))) for _ in range(width)]
    return Shape(f"layers-{depth}x{width}", upstream)
