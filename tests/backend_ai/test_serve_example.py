"""The example that trains, registers, serves and asks, on a real cluster: its file as it is, but for who asks.

The tests' app proxy listens on this machine's loopback, where no container gets, so the one who asks runs here; and
the names of model and service are nobody else's. Takes minutes (``--backend-ai-services``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from backend_ai.cluster_home import BACKEND, ClusterHome, cluster_home
from backend_ai.real_cluster import Cluster

pytestmark = [pytest.mark.since(26, 9), pytest.mark.services, pytest.mark.timeout(900, func_only=True)]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits"


@pytest.fixture
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """A home; of what the example made on the cluster nothing is left."""
    with cluster_home(cluster) as home:
        names = f'"uv:scikit-learn*": current\nbackend.ai:\n  "uv:scikit-learn*": {home.cluster.image}\n'
        (home.home / "images.yaml").write_text(names)
        yield home
        for service in home.client.services(BACKEND)["services"]:
            home.client.remove_service(BACKEND, service["name"])
        live = lambda: home.client.cluster_sessions(BACKEND, text=home.unique(""), limit=9)["sessions"]  # noqa: E731
        home.until(lambda: not live(), lambda: f"sessions are left: {live()}", 300)


def test_the_example_is_served_by_a_cluster(home: ClusterHome, tmp_path: Path) -> None:
    """Version 1 is registered, its folder is served, and the service reads digits that no model has seen."""
    folder = tmp_path / "digits"
    shutil.copytree(EXAMPLE, folder)
    file = folder / "serve.fasttrack.yaml"
    text = file.read_text().replace("digits-model", home.unique("model"))
    text = text.replace("name: digits-service\n", f"name: {home.unique('pipeline')}\n")
    text = text.replace("name: digits\n", f"name: {home.unique('service')}\n")
    text = text.replace("  - name: ask\n", "  - name: ask\n    backend: local\n")
    file.write_text(text)
    job = home.client.run({"source": str(file), "backend": BACKEND, "params": {"kind": "logistic"}})["id"]
    ended = home.ended(job, 780)
    assert ended["result"] == "SUCCESS", [(task["path"], task["reason"]) for task in ended["tasks"]]
    assert ended["outputs"]["ask"]["accuracy"] > 0.9
    (service,) = home.client.services(BACKEND)["services"]
    assert (service["status"], service["model"]) == ("HEALTHY", f"{home.unique('model')}-v1")
    assert service["endpoint"] == ended["outputs"]["serve"]["endpoint"]
