"""The DAGs that are measured, and each as a pipeline and as a Makefile."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from fasttrack_jupyter.notebook.carried import travel_files

NUMPY = "import numpy\nnumpy.arange(10).sum()\n"


@dataclass(frozen=True)
class Shape:
    """A DAG of ``true``: for each task, the positions of those it depends on (all before it)."""

    name: str
    upstream: list[tuple[int, ...]]

    def __len__(self) -> int:
        return len(self.upstream)

    def pipeline(self, *, outputs: bool = False) -> str:
        """As FastTrack's YAML; every task asks for one core, so that as many run at once as with ``make -j2``."""
        lines = [f"name: {self.name}", f"resources: {{cpu: 1, mem: {self.memory()}}}", "tasks:"]
        for number, upstream in enumerate(self.upstream):
            needs = ", ".join(f"t{other}" for other in upstream)
            command = self.command(number)
            lines.append(
                f"  - {{name: t{number}, command: '{command}'" + (f", dependencies: [{needs}]}}" if needs else "}")
            )
        return "\n".join(lines) + "\n"

    def command(self, number: int) -> str:
        """What task ``number`` does."""
        return "true"

    def memory(self) -> str:
        """What each task asks for."""
        return "16m"

    def files(self) -> dict[str, str]:
        """What lies beside the pipeline."""
        return {}

    def makefile(self) -> str:
        """As a Makefile whose targets make nothing."""
        every = " ".join(f"t{number}" for number in range(len(self)))
        lines = [f".PHONY: all {every}", f"all: {every}"]
        for number, upstream in enumerate(self.upstream):
            lines += [f"t{number}: " + " ".join(f"t{other}" for other in upstream), "\t@true"]
        return "\n".join(lines) + "\n"


class Cells(Shape):
    """Tasks of one cell each, as a notebook's are."""

    def command(self, number: int) -> str:
        return f"python3 n.cells/execute.py t{number}"

    def memory(self) -> str:
        return "256m"

    def files(self) -> dict[str, str]:
        cells = [{"file": "c.py", "label": "cell 1", "kind": "task"}]
        tasks = {f"t{number}": {"cells": cells} for number in range(len(self))}
        texts = {name: data.decode() for name, data in travel_files().items()}
        texts |= {"c.py": NUMPY, "tasks.json": json.dumps({"format": 1, "tasks": tasks})}
        return {f"n.cells/{name}": text for name, text in texts.items()}


def cells(width: int) -> Shape:
    """``width`` cells side by side."""
    return Cells(f"cells-{width}", [()] * width)


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
