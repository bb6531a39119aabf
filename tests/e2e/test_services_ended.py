"""Real services of a real engine: asked as the API says, kept alive, and ended with their job whatever is killed."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fasttrack_jupyter.kernel.feed import Feed
from fasttrack_jupyter.kernel.jobs import job
from fasttrack_jupyter.testing.serving import model_files


def model_folder(place: Any, name: str) -> None:
    """A model folder with a server of the standard library."""
    folder = Path(place.client.make_folder(name, "model")["host_path"])
    for path, data in model_files(answer="seven").items():
        (folder / path).write_bytes(data)


def serve(name: str, **more: Any) -> dict[str, Any]:
    """A deployment of it."""
    service = {"name": name, "model": name, **more}
    return {"name": "serve", "type": "deployment", "resources": {"cpu": 0.5}, "service": service}


@pytest.fixture
def place(new_place: Callable[..., Any]) -> Any:
    """A home, whose services end with the test."""
    found = new_place("namespaces")
    if found.client.slots()["mode"] != "namespaces":
        found = new_place("folders")
    yield found
    for service in found.client.services("local")["services"]:
        found.client.remove_service("local", service["name"])
    found.until(lambda: not found.client.services("local")["services"], "the end of all services")


def test_a_job_hands_its_endpoint_on_and_to_python(place: Any) -> None:
    """As a value of its task's outputs; with a token, whoever has both is answered."""
    model_folder(place, "asked")
    ask = {"name": "ask", "inputs": {"url": "serve.endpoint"}, "command": "echo ${{ inputs.url }}"}
    view = place.run(serve("asked"), ask)
    assert view["result"] == "SUCCESS", view["tasks"]
    endpoint = job(view["id"], client_of=Feed(place.client)).tasks["serve"].outputs["endpoint"]
    assert place.log(view["id"], "ask") == f"{endpoint}\n"
    token = place.client.service_token("local", "asked")
    request = urllib.request.Request(endpoint, headers={"Authorization": f"BackendAI {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.read() == b"seven"


@pytest.mark.parametrize("moment", [0.0, 0.05])
def test_an_ephemeral_service_ends_although_the_engine_is_killed_at_its_jobs_end(place: Any, moment: float) -> None:
    """Whatever the engine had begun by then: the next one looks, and removes it."""
    model_folder(place, "gone")
    begun = place.start(serve("gone", ephemeral=True), {"name": "ask", "command": "true", "dependencies": ["serve"]})
    pid = place.pid
    place.ended(begun)
    time.sleep(moment)  # by then it may have done any part of it
    os.kill(pid, signal.SIGKILL)
    assert place.client.job(begun)["result"] == "SUCCESS"
    place.until(lambda: not place.client.services("local")["services"], "the end of the service")
    assert [process for process in place.processes() if "serve.py" in " ".join(process.cmdline())] == []


def test_an_idle_engine_stays_as_long_as_it_serves(new_place: Callable[..., Any]) -> None:
    """And ends when its last service is gone."""
    place = new_place("folders", IDLE="0.5")
    model_folder(place, "kept")
    view = place.run(serve("kept"))
    assert view["result"] == "SUCCESS", view["tasks"]
    pid = place.pid
    place.client.close()
    time.sleep(2.0)  # four times as long as an idle engine lives
    assert place.pid == pid
    place.client.remove_service("local", "kept")
    place.client.close()
    place.until(lambda: not psutil.pid_exists(pid) or _is_zombie(pid), "the end of the idle engine")


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
