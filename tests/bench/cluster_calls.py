"""Signed calls of a Backend.AI manager: ours beside the official SDK's, same cluster, same run.

::

    python tests/bench/cluster_calls.py --env FILE --sdk PYTHON [--rounds 4] [--calls 200]

FILE is what the cluster's script wrote (endpoint and keys); PYTHON one that has ``backend.ai-client`` (the cluster's
own). ``GET /folders``, one after the other and eight at a time, by turns; the median of the rounds counts. Mind the
keypair's rate limit (30,000 calls in 15 minutes by default).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile

_SDK = """
import asyncio, os, sys, time
from ai.backend.client.request import Request
from ai.backend.client.session import AsyncSession
async def call():
    async with Request("GET", "/folders").fetch() as answer:
        await answer.json()
async def main(calls, lanes):
    async def lane():
        for _ in range(calls // lanes): await call()
    async with AsyncSession():
        await call()
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(lane() for _ in range(lanes)))
        print("FIGURES", time.perf_counter() - began, time.process_time() - cpu)
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


def main() -> None:
    """Measure, and say how it compares."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--env", type=Path, required=True)
    asked.add_argument("--sdk", required=True)
    asked.add_argument("--rounds", type=int, default=4)
    asked.add_argument("--calls", type=int, default=200)
    args = asked.parse_args()
    env = dict(line.split("=", 1) for line in args.env.read_text("utf-8").splitlines() if "=" in line)
    for lanes in (1, 8):
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(asyncio.run(_ours(env, args.calls, lanes)))
            theirs.append(_theirs(env, args.sdk, args.calls, lanes))
        print(f"{lanes} at a time: ours {_said(ours, args.calls)}; the SDK {_said(theirs, args.calls)}")


async def _ours(env: Mapping[str, str], calls: int, lanes: int) -> tuple[float, float]:
    """Seconds, and seconds of this process's own, for so many calls."""
    keys = Keys(env["BACKEND_ACCESS_KEY"], env["BACKEND_SECRET_KEY"])
    cluster = Cluster(Profile("bench", env["BACKEND_ENDPOINT"]), keys)

    async def lane() -> None:
        for _ in range(calls // lanes):
            await cluster.call("GET", "/folders")

    try:
        await cluster.call("GET", "/folders")
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(lane() for _ in range(lanes)))
        return time.perf_counter() - began, time.process_time() - cpu
    finally:
        await cluster.aclose()


def _theirs(env: Mapping[str, str], python: str, calls: int, lanes: int) -> tuple[float, float]:
    done = subprocess.run(
        [python, "-W", "ignore", "-c", _SDK, str(calls), str(lanes)],
        env={**os.environ, **env}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("FIGURES"))
    seconds, cpu = line.split()[1:]
    return float(seconds), float(cpu)


def _said(rounds: list[tuple[float, float]], calls: int) -> str:
    seconds = statistics.median(took for took, _ in rounds)
    cpu = statistics.median(used for _, used in rounds)
    return f"{calls / seconds:.0f}/s ({cpu / calls * 1000:.2f} ms of its own each)"


if __name__ == "__main__":
    main()
