"""What a cluster never takes ends at once, in words: however its release says no."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.backends.backend_ai.backend import BackendAI
from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.engine.ports import SessionReport
from fasttrack_jupyter.model.lifecycle import Result, Status
from fasttrack_jupyter.testing.conformance import opened, session_spec

_SECONDS = 30.0

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "image": ({"image": "registry.invalid/none:1"}, "image"),
    "project": ({"project": "defalt"}, "project|group"),
    "resource group": ({"resource_group": "gpus"}, "gpus"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_there_is_not_ends_a_task_with_its_name(cluster: Cluster, tmp_path: Path, what: str) -> None:
    """25.15 answers an unknown project with an internal error; that is asked for no second time."""
    wrong, word = WRONG[what]
    spec = session_spec(f"r{tmp_path.stat().st_ino}-0-1", "exit 0", **{"image": cluster.image, **wrong})

    async def main() -> SessionReport:
        keys = Keys(cluster.user.access_key, cluster.user.secret_key)
        profile = Profile("default", cluster.endpoint, folder_host=cluster.vfolder_host)
        backend = BackendAI(profile, keys, home=tmp_path, name=profile.backend)
        async with opened(backend, _SECONDS) as reports:
            await backend.submit(spec)
            return await reports.ended(spec.attempt_id)

    end = asyncio.run(main())
    assert (end.status, end.result) in ((Status.ERROR, Result.FAILURE), (Status.ERROR, Result.UNDEFINED))
    assert any(each in end.reason.lower() for each in word.split("|")), end.reason
