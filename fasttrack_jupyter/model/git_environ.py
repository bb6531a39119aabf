"""Variables under which git never asks, runs nothing of a repository's own, and gives up on a host that is silent."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from fasttrack_jupyter.model.module_uri import SCHEMES

_KEPT = ("GIT_SSH", "GIT_SSL", "GIT_PROXY", "GIT_HTTP", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "filter.lfs.smudge": "",
    "filter.lfs.process": "",
    "filter.lfs.required": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "advice.detachedHead": "false",
}


def git_environ(environ: Mapping[str, str], config: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """``environ`` for git: of its own variables only how to reach hosts is kept; ``config`` is more configuration."""
    found = {key: value for key, value in environ.items() if not key.startswith("GIT_") or key.startswith(_KEPT)}
    pairs = [*_CONFIG.items(), *config]
    for number, (key, value) in enumerate(pairs):
        found[f"GIT_CONFIG_KEY_{number}"], found[f"GIT_CONFIG_VALUE_{number}"] = key, value
    found |= {
        "GIT_CONFIG_COUNT": str(len(pairs)), "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never", "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES), "LC_ALL": "C",
    }  # fmt: skip
    found.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30")
    return found
