"""A distributed task over a killed engine: its ranks go on, are adopted, and run once; their lines hide secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fasttrack_jupyter.api.client import connect
from fasttrack_jupyter.home import Home

if TYPE_CHECKING:
    from tests.host.conftest import Engines

SECRET = "hunter2-and-more\nsecond-line-of-it"


def test_ranks_outlive_the_engine_and_run_once(home: Home, engines: Engines, tmp_path: Path) -> None:
    """Killed in the middle: the next engine waits for the same ranks; slots count for all containers."""
    command = (
        f'echo "$TOKEN"; echo $RANK >>{tmp_path}/ran; until [ -e {tmp_path}/go ]; do sleep 0.05; done; '
        "echo $RANK >/pipeline/outputs/$RANK"
    )
    text = f"""
name: ranks
tasks:
- name: train
  cluster_size: 2
  launcher: {{processes_per_node: 2}}
  resources: {{cpu: 0.25}}
  environment: {{envs: {{TOKEN: "${{{{ secrets.TOKEN }}}}"}}}}
  command: {command!r}
"""
    with connect(home.path) as client:
        client.set_secret("TOKEN", SECRET)
        job = client.run({"text": text})["id"]
        engines.wait_until(lambda: (tmp_path / "ran").exists() and len((tmp_path / "ran").read_text().split()) == 4)
        assert float(client.slots()["used"]["cpu"]) == 0.5
    engines.end()
    with connect(home.path) as client:
        (tmp_path / "go").touch()
        engines.wait_until(lambda: client.job(job)["status"] == "TERMINATED")
        (task,) = client.job(job)["tasks"]
        assert (task["result"], task["attempts"]) == ("SUCCESS", 1)
        log = client.logs(job, "train")["data"]
        (end,) = [event for event in client.events(job=job)["events"] if event["type"] == "SessionEnded"]
    assert sorted((tmp_path / "ran").read_text().split()) == ["0", "1", "2", "3"]
    assert end["data"]["ranks"] == [0, 0, 0, 0]
    assert log.count("[rank ") == 8
    assert "hunter2" not in log
    assert "second-line" not in log
