"""A chain of short tasks on a real cluster, for the benches that look at what lies between two of them."""

from __future__ import annotations

import json
import time
from typing import Any

from fasttrack_jupyter.api.client import Client

BACKEND = "backend.ai"
_PATIENCE = 900.0


def run_chain(client: Client, prefix: str, image: str, links: int) -> str:
    """Run a job of so many links to its end; its id. The pipeline's name begins with ``prefix``."""
    tasks: list[dict[str, Any]] = [{"name": "t0", "command": "true"}]
    tasks += [{"name": f"t{n}", "command": "true", "dependencies": [f"t{n - 1}"]} for n in range(1, links + 1)]
    pipeline = {
        "name": f"{prefix}{time.time_ns()}", "environment": {"image": image},
        "resources": {"cpu": 1, "mem": "256m"}, "tasks": tasks,
    }  # fmt: skip
    job = str(client.run({"text": json.dumps(pipeline), "backend": BACKEND})["id"])
    deadline = time.monotonic() + _PATIENCE
    while not client.job(job)["ended_at"]:
        if time.monotonic() > deadline:
            raise SystemExit(f"the job has not ended in {_PATIENCE:g} s")
        time.sleep(1.0)
    return job
