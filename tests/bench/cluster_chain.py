"""From a parent's end to its child's first instruction on a Backend.AI cluster: whose time it is.

::

    python tests/bench/cluster_chain.py --env FILE [--links 5]

FILE is what the cluster's script wrote. A job is a chain of trivial tasks. By the cluster's own clock: *cluster, end*:
from the end of the command until the cluster says that its session has ended; *ours*: from then until the child's
session is made there; *cluster, begin*: from then until the child's command begins. Target for *ours*: at most 1 s,
then 0.2 s.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from chain_job import BACKEND, run_chain

from fasttrack_jupyter.api.client import Client, connect


def main() -> None:
    """Measure, and say whose time it is."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--env", type=Path, required=True)
    asked.add_argument("--links", type=int, default=5)
    args = asked.parse_args()
    env = dict(line.split("=", 1) for line in args.env.read_text("utf-8").splitlines() if "=" in line)
    os.environ |= {"FASTTRACK_SECRETS": "file", "FASTTRACK_IDLE": "60"}
    with tempfile.TemporaryDirectory(prefix="ft") as folder, connect(f"{folder}/home", timeout=120.0) as client:
        keys = {"user": env["BACKEND_ACCESS_KEY"], "secret": env["BACKEND_SECRET_KEY"]}
        client.put_profile("default", {"endpoint": env["BACKEND_ENDPOINT"], **keys})
        try:
            _tell(
                list(_links(client, run_chain(client, "bench-chain-", env["BACKEND_IMAGE"], args.links))),
                env["BACKEND_VERSION"],
            )
        finally:
            for each in client.cluster_folders(BACKEND):
                if each["name"].startswith("bench-chain-"):
                    client.remove_cluster_folder(BACKEND, each["name"])
            client.shutdown()


def _links(client: Client, job: str) -> Iterator[tuple[float, float, float]]:
    """Seconds of each link: the cluster's before, ours, the cluster's after."""
    found = client.cluster_sessions(BACKEND, live=False, text=job, limit=100)["sessions"]
    sessions = {each["attempt"]: each for each in found}
    attempts = sorted(client.attempts(job), key=lambda each: int(each["id"].split("-")[1]))
    for parent, child in itertools.pairwise(attempts):
        old, new = sessions[parent["id"]], sessions[child["id"]]
        ended, made = _at(old["ended_at"]), _at(new["created_at"])
        yield ended - _at(parent["ended_at"]), made - ended, _at(child["started_at"]) - made


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _tell(links: list[tuple[float, float, float]], release: str) -> None:
    for number, (before, ours, after) in enumerate(links, 1):
        print(f"{number}: cluster, end {before:.2f} s; ours {ours:.2f} s; cluster, begin {after:.2f} s")
    medians = [statistics.median(column) for column in zip(*links, strict=True)]
    print(f"{release}, median of {len(links)}: {medians[0]:.2f}, {medians[1]:.2f}, {medians[2]:.2f} s", end="; ")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
