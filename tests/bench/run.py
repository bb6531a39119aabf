"""Measures FastTrack beside ``make -j2`` on the same DAGs in the same minutes, and says which targets are reached.

    python tests/bench/run.py                   all shapes and modes, growth, start-up (some minutes)
    python tests/bench/run.py --quick           small shapes, once each: does it still work?
    python tests/bench/run.py --only fan        chain | fan | fan10k | layers | cells | growth | startup (repeatable)
    python tests/bench/run.py --mode supervised plain | supervised | namespaces (repeatable)
    python tests/bench/run.py --peers           doit, parsl with checkpoint and DBOS as well (installs them aside)
    python tests/bench/run.py --json FILE       the figures for programs

Trust the ratios: the milliseconds are this machine's. Nothing here is a test, and no test asserts a time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import growth
import peers
import startup
from engines import MODES, Timing, engine, make_seconds, median, percentile, run_job
from shapes import Shape, cells, chain, fan, layers
from targets import HEAD, TARGETS

PARTS = ("chain", "fan", "fan10k", "layers", "cells", "growth", "startup")
COLUMNS = (
    "| shape | mode | tasks/s | × make | step p50 ms | p99 | task p50 ms | p99 "
    "| transitions/s | engine MB | cpu ms/task |"
)


class Bench:
    """What is to be measured, and what was."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.quick: bool = options.quick
        self.parts: list[str] = options.only or list(PARTS)
        self.modes: list[str] = options.mode or list(MODES)
        self.peers: bool = options.peers
        self.times: int = options.times or (1 if options.quick else 3)
        self.figures: dict[str, float] = {}
        self.rows: list[dict[str, Any]] = []

    def shapes(self) -> Iterator[tuple[Shape, int]]:
        """The shapes asked for, and how often each is run."""
        small = self.quick
        known = {
            "chain": (chain(50 if small else 200), self.times),
            "fan": (fan(100 if small else 1_000), self.times),
            "fan10k": (fan(1_000 if small else 10_000), 1),
            "layers": (layers(5, 10) if small else layers(20, 50), self.times),
        }
        return (found for part, found in known.items() if part in self.parts)

    # ---------------------------------------------------------------- jobs

    def jobs(self) -> None:
        """Every shape in every mode, ``make`` before and after each."""
        print(f"{COLUMNS}\n|{'---|' * COLUMNS.count(' |')}", flush=True)
        for shape, times in self.shapes():
            for mode in self.modes:
                self._job(shape, mode, times)

    def _job(self, shape: Shape, mode: str, times: int) -> None:
        ratios, timings = [], []
        with engine(mode) as client:
            for _ in range(times):
                before = make_seconds(shape)
                timings.append(run_job(client, shape))
                ratios.append((before + make_seconds(shape)) / 2 / timings[-1].seconds)
        row = self._row(shape, mode, timings, median(ratios))
        self.rows.append(row)
        print(
            f"| {shape.name} | {mode} | {row['rate']:.0f} | {row['ratio']:.3f} | {row['step_p50']:.2f} | "
            f"{row['step_p99']:.2f} | {row['task_p50']:.2f} | {row['task_p99']:.2f} | {row['transitions']:.0f} | "
            f"{row['mb']:.0f} | {row['cpu']:.2f} |",
            flush=True,
        )

    def _row(self, shape: Shape, mode: str, timings: list[Timing], ratio: float) -> dict[str, Any]:
        seconds = median([timing.seconds for timing in timings])
        steps = [step for timing in timings for step in timing.steps]
        lived = [span for timing in timings for span in timing.lived]
        return {
            "shape": shape.name, "mode": mode, "seen": sorted(timings[-1].modes),
            "seconds": seconds, "rate": len(shape) / seconds, "ratio": ratio,
            "step_p50": 1e3 * percentile(steps, 0.5), "step_p99": 1e3 * percentile(steps, 0.99),
            "task_p50": 1e3 * percentile(lived, 0.5), "task_p99": 1e3 * percentile(lived, 0.99),
            "transitions": timings[-1].events / timings[-1].seconds,
            "mb": max(timing.engine_mb for timing in timings),
            "cpu": 1e3 * median([timing.engine_cpu for timing in timings]) / len(shape),
        }  # fmt: skip

    def judge_jobs(self) -> None:
        """Take the figures that targets speak of from the rows."""
        found = {(row["shape"], row["mode"]): row for row in self.rows}
        for key, shape, mode, column in (
            ("fan", "fan-1000", "supervised", "ratio"), ("fan-ns", "fan-1000", "namespaces", "ratio"),
            ("chain", "chain-200", "supervised", "step_p50"), ("memory", "fan-10000", "supervised", "mb"),
        ):  # fmt: skip
            if (shape, mode) in found:
                self.figures[key] = found[shape, mode][column]
        small, large = found.get(("fan-1000", "supervised")), found.get(("fan-10000", "supervised"))
        if small and large:
            self.figures["growth"] = large["seconds"] / small["seconds"]

    def cells(self) -> None:
        """100 cells that import numpy: fresh interpreters and warm ones by turns, each engine's first job left out."""
        shape = cells(20 if self.quick else 100)
        print("\n| cells, tasks/s | fresh | warm | × |\n|---|---|---|---|")
        for mode, key in (("supervised", "cells"), ("namespaces", "cells-ns")):
            if mode not in self.modes:
                continue
            with engine(mode) as fresh, engine(mode, warm_start=True) as warm:
                run_job(fresh, shape), run_job(warm, shape)
                pairs = [(run_job(fresh, shape).seconds, run_job(warm, shape).seconds) for _ in range(self.times)]
            self.figures[key] = median([slow / fast for slow, fast in pairs])
            slow, fast = (len(shape) / median([pair[which] for pair in pairs]) for which in (0, 1))
            print(f"| {mode} | {slow:.1f} | {fast:.0f} | {self.figures[key]:.1f} |", flush=True)

    # ---------------------------------------------------------------- the rest

    def growth(self) -> None:
        """Planning, machine and store alone, from 1,000 to 100,000 tasks."""
        sizes = growth.SIZES[:2] if self.quick else growth.SIZES
        print("\n| alone | " + " | ".join(f"{size:,}" for size in sizes) + " |\n|---|" + "---|" * len(sizes))
        for what in ("plan", "machine", "store"):
            found = [growth.measure(what, size) for size in sizes]
            words = [f"{one['seconds']:.3g} s, {one['mb']:.0f} MB" + _rate(one) for one in found]
            print(f"| {what} | " + " | ".join(words) + " |", flush=True)
            if what == "plan" and not self.quick:
                self.figures["plan-s"], self.figures["plan-mb"] = found[-1]["seconds"], found[-1]["mb"]

    def startup(self) -> None:
        """The whole command, cold and warm."""
        times = 1 if self.quick else 5
        print(f"\nAn interpreter that does nothing takes {startup.python_seconds():.3f} s.")
        for mode in self.modes:
            cold, warm = (startup.run_seconds(mode, warm=warm, times=times) for warm in (False, True))
            print(f"`fasttrack run` of one task, {mode}: {cold:.3f} s with a cold engine, {warm:.3f} s with a warm one")
            if mode == "supervised" or len(self.modes) == 1:
                self.figures["cold"], self.figures["warm"] = cold, warm

    def compare_peers(self) -> None:
        """The fan of 1,000 through engines from the package index, FastTrack before and after each."""
        shape = fan(100 if self.quick else 1_000)
        with tempfile.TemporaryDirectory() as folder:
            python = peers.install(Path(folder, "peers"))
            print()
            for peer in peers.PACKAGES:
                with engine("supervised") as client:
                    ours = [run_job(client, shape).seconds]
                    theirs = median([peers.fan_seconds(python, peer, len(shape) - 2) for _ in range(self.times)])
                    ours.append(run_job(client, shape).seconds)
                ratio = theirs / (sum(ours) / 2)
                print(
                    f"{peer}: {len(shape) / theirs:.0f} tasks/s; supervised FastTrack is {ratio:.1f} × as fast",
                    flush=True,
                )
                if peer in TARGETS:
                    self.figures[peer] = ratio

    def verdict(self) -> None:
        """The table of targets."""
        print(f"\n{HEAD}")
        for key, value in self.figures.items():
            print(TARGETS[key].row(value))


def _rate(found: dict[str, float]) -> str:
    return f", {found['per_second']:,.0f} moves/s" if "per_second" in found else ""


def _options(argv: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--mode", action="append", choices=list(MODES))
    parser.add_argument("--times", type=int, help="repetitions of each shape (default 3; fan10k: 1)")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(list(argv))


def main() -> None:
    options = _options(sys.argv[1:])
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or every interpreter would compile the package anew
    bench = Bench(options)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {os.cpu_count()} cores\n")
    if any(True for _ in bench.shapes()):
        bench.jobs()
        bench.judge_jobs()
    if "cells" in bench.parts:
        bench.cells()
    if "growth" in bench.parts:
        bench.growth()
    if "startup" in bench.parts:
        bench.startup()
    if bench.peers:
        bench.compare_peers()
    bench.verdict()
    if options.json:
        options.json.write_text(json.dumps({"figures": bench.figures, "rows": bench.rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
