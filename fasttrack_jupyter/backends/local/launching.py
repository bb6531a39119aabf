"""Distributed training on this machine: all ranks of all nodes are processes of one session (see ``ranks.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fasttrack_jupyter.backends.launched import Launched, parse_launched
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.model.launchers import Launch

_FOLDER = "ranks"
"""Where the nodes meet, in the attempt's directory."""
_ADDRESS = "127.0.0.1"


def ranks_of(spec: SessionSpec, launch: Launch, control: str, members: Sequence[dict[str, str]]) -> dict[str, Any]:
    """What ``ranks.py`` is told; ``members`` are each node's own variables."""
    return {
        "folder": f"{control}/{_FOLDER}",
        "nodes": [variables["BACKENDAI_CLUSTER_HOST"] for variables in members],
        "processes": launch.processes,
        "within": launch.start_within,
        "address": _ADDRESS,
        "port": launch.port or 0,
        "run": spec.attempt_id,
        "members": list(members),
        "poll": 0.1,
    }


def launched(control: str) -> Launched:
    """How the ranks of a session came out; nothing where there are none, or nothing is known of it."""
    try:
        with open(f"{control}/{_FOLDER}/told", encoding="utf-8", errors="replace") as file:
            return parse_launched(file.read())
    except OSError:
        return Launched()
