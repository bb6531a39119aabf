"""Upload to a Backend.AI cluster: ours beside the official SDK's, same cluster, same run.

::

    python tests/bench/cluster_upload.py --env FILE --sdk PYTHON [--rounds 3] [--files 1000]

FILE is what the cluster's script wrote (endpoint and keys); PYTHON one that has ``backend.ai-client`` (the cluster's
own). One file of 90 MB, and 1,000 files of 2 kB in 10 folders, by turns; the better half of the rounds counts. Target:
our rate is at least 0.8 of the SDK's. A manager of 26.9 takes its time for each file: fewer tell the same sooner.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.files.snapshots import Snapshots

Work = Callable[[Vfolders, str], Awaitable[float]]

_SDK = """
import asyncio, sys, time
from pathlib import Path
from ai.backend.client.session import AsyncSession
async def main(folder, base, names):
    async with AsyncSession() as session:
        began = time.perf_counter()
        await session.VFolder(folder).upload([Path(base) / name for name in names], basedir=base, recursive=True)
        print("SECONDS", time.perf_counter() - began)
asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
"""


def main() -> None:
    """Measure, and say how it compares."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--env", type=Path, required=True)
    asked.add_argument("--sdk", required=True)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--files", type=int, default=1000)
    args = asked.parse_args()
    env = dict(line.split("=", 1) for line in args.env.read_text("utf-8").splitlines() if "=" in line)
    with tempfile.TemporaryDirectory() as folder:
        many = partial(_many, args.files)
        for name, make in (("one file of 90 MB", _one), (f"{args.files:,} files of 2 kB", many)):
            _compare(name, make, Path(folder) / name, env, args.sdk, args.rounds)


def _one(base: Path) -> None:
    (base / "big.bin").write_bytes(os.urandom(90 << 20))


def _many(files: int, base: Path) -> None:
    for number in range(files):
        place = base / f"part{number % 10}"
        place.mkdir(exist_ok=True)
        (place / f"{number}.txt").write_bytes(os.urandom(2000))


def _compare(
    name: str, make: Callable[[Path], None], base: Path, env: Mapping[str, str], sdk: str, rounds: int
) -> None:
    ours, theirs = [], []
    for number in range(rounds):
        place = base / str(number)
        place.mkdir(parents=True)
        make(place)
        theirs.append(asyncio.run(_with_folder(env, partial(_by_sdk, sdk, env, place))))
        ours.append(asyncio.run(_with_folder(env, partial(_by_us, place))))
        print(f"  round {number + 1}: the SDK {theirs[-1]:.2f} s, ours {ours[-1]:.2f} s", flush=True)
    mine, other = (statistics.mean(sorted(times)[: (rounds + 1) // 2]) for times in (ours, theirs))
    print(f"{name}: ours {mine:.2f} s, the SDK {other:.2f} s: {other / mine:.2f} of its rate", flush=True)


async def _with_folder(env: Mapping[str, str], work: Work) -> float:
    profile = Profile("default", env["BACKEND_ENDPOINT"], folder_host=env["BACKEND_VFOLDER_HOST"])
    cluster = Cluster(profile, Keys(env["BACKEND_ACCESS_KEY"], env["BACKEND_SECRET_KEY"]))
    with tempfile.TemporaryDirectory() as home:
        folders = Vfolders(cluster, tickets=Path(home) / "tickets", snapshots=Snapshots(Path(home) / "code"))
        try:
            name = (await folders.make(f"bench-upload-{time.time_ns()}", "data")).name
            try:
                return await work(folders, name)
            finally:
                await folders.remove(name)
        finally:
            await cluster.aclose()


async def _by_sdk(sdk: str, env: Mapping[str, str], place: Path, folders: Vfolders, name: str) -> float:
    names = sorted(each.name for each in place.iterdir())
    environ = {**os.environ, **{key: value for key, value in env.items() if key.startswith("BACKEND_")}}
    argv = [sdk, "-c", _SDK, name, str(place), *names]
    told = await asyncio.to_thread(subprocess.run, argv, env=environ, check=True, capture_output=True, text=True)
    return float(told.stdout.rpartition("SECONDS ")[2])


async def _by_us(place: Path, folders: Vfolders, name: str) -> float:
    files = {file.relative_to(place).as_posix(): str(file) for file in place.rglob("*") if file.is_file()}
    digest = await asyncio.to_thread(folders.snapshots.put, files)  # type: ignore[union-attr]
    began = time.perf_counter()
    await folders.bring_code(name, digest, lambda fraction, text: None)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
