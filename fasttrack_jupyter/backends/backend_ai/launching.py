"""Distributed training in the containers of one session: how their ranks are started (see ``backends/ranks.py``).

A cluster runs the command of a batch session on main1 alone. So the others start their ranks from the script that
each container runs as it comes up (``subs.sh``), and all meet in the folder of the session's records, which all of
them mount. What leads the ranks is a file there, run by the Python that Backend.AI itself brings into each container:
the image needs none.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from fasttrack_jupyter.backends.backend_ai.mounts import CONTROL
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.model.launchers import PORT

SCRIPT = "ranks.py"
"""Among the records of an attempt."""
_FILE = Path(__file__).parent.parent / SCRIPT
_PYTHON = "/opt/backend.ai/bin/python"


def script() -> bytes:
    """What leads the ranks of one container."""
    return _FILE.read_bytes()


def command_of(spec: SessionSpec) -> str:
    """What a container runs: the command, or what starts it once per rank."""
    if spec.launch is None:
        return spec.command
    plan = {
        "folder": f"{CONTROL}/ranks",
        "nodes": ["main1", *(f"sub{number}" for number in range(1, spec.cluster_size))],
        "processes": spec.launch.processes,
        "within": spec.launch.start_within,
        "address": "main1" if spec.cluster_size > 1 else "127.0.0.1",
        "port": spec.launch.port or PORT,
        "run": spec.attempt_id,
    }
    python = f'"$([ -x {_PYTHON} ] && echo {_PYTHON} || echo python3)"'
    told = shlex.quote(json.dumps(plan))
    return f"FT_RANKS={told} exec {python} -I -S {CONTROL}/{SCRIPT} {shlex.quote(spec.command)}"
