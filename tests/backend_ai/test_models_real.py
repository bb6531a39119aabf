"""The model registry on a real cluster: versions are vfolders, made once and whole, whatever dies meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from backend_ai.cluster_home import BACKEND, ClusterHome, cluster_home
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.errors import Conflict, NotFound

Json = dict[str, Any]
SIZE = 48 << 20
"""Bytes of a model: enough to be on its way for a while."""
LEARN = """
mkdir -p /pipeline/outputs/model/code /pipeline/outputs/.values
head -c {size} /dev/urandom > /pipeline/outputs/model/weights.bin
echo {accuracy} > /pipeline/outputs/model/code/note.txt
sha256sum < /pipeline/outputs/model/weights.bin
echo {accuracy} > /pipeline/outputs/.values/accuracy
"""


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[ClusterHome]:
    """One engine (and, where it is killed, the next) for all of these."""
    with cluster_home(cluster) as home:
        yield home


def _train(home: ClusterHome, accuracy: float, size: int = 1000) -> Json:
    outputs = {
        "model": {"type": "Model", "path": "model", "register": home.unique("reader")},
        "accuracy": {"type": "float"},
    }
    command = LEARN.format(size=size, accuracy=accuracy)
    return {"name": "train", "command": command, "outputs": outputs}


def _is_over(home: ClusterHome, job: str) -> bool:
    return home.client.job(job)["ended_at"] is not None


@pytest.fixture(scope="module")
def killed(home: ClusterHome) -> Json:
    """A job whose engine was killed while it registered: once as the version was begun, once as its files arrived."""
    job = home.start("learn", [_train(home, 0.9, SIZE)])

    def arrived(least: int) -> bool:
        home.client.info()  # somebody has to be there who registers
        spool = home.home / "registering"
        return any(path.stat().st_size >= least for path in spool.glob("*/*") if path.exists())

    for least in (0, SIZE // 4):  # the second moment is a short one: it may have passed
        home.until(lambda least=least: arrived(least) or _is_over(home, job), lambda: home.job_words(job), 120)  # type: ignore[misc]
        assert least or not _is_over(home, job)
        home.kill_engine()
    return home.ended(job)


def test_a_killed_engine_registers_one_whole_version(home: ClusterHome, killed: Json) -> None:
    """What is in it is what the session left, by the session's own word."""
    assert killed["result"] == "SUCCESS", home.job_words(killed["id"])
    assert killed["tasks"][0]["attempts"] == 1
    (version,) = home.client.model(BACKEND, home.unique("reader"))["versions"]
    assert version["version"] == 1
    files = {file["path"]: file for file in version["files"]}
    assert files.keys() == {"weights.bin", "code/note.txt"}
    assert files["weights.bin"]["sha256"] in home.log(killed["id"], "train")
    data = b"".join(home.client.download_cluster_file(BACKEND, version["folder"], "weights.bin"))
    assert hashlib.sha256(data).hexdigest() == files["weights.bin"]["sha256"]
    assert version["metrics"] == {"accuracy": 0.9}
    assert version["lineage"]["image"] == home.cluster.image
    named = [each["name"] for each in home.client.cluster_folders(BACKEND) if home.unique("reader") in each["name"]]
    assert named == [version["folder"]]
    assert not list((home.home / "registering").glob("*"))


def test_versions_are_compared_promoted_and_deleted(home: ClusterHome, killed: Json) -> None:
    """As on this machine; the vfolder of a version that is deleted is gone, and its number is not given away again."""
    model, client = home.unique("reader"), home.client
    assert home.ended(home.start("learn", [_train(home, 0.95)]))["result"] == "SUCCESS"
    client.promote_model(BACKEND, model, "production", 1)
    found = client.compare_models(BACKEND, model, "production", "latest")
    assert [(each["one"], each["other"]) for each in found["metrics"]] == [(0.9, 0.95)]
    assert {each["path"]: each["change"] for each in found["files"]} == dict.fromkeys(
        ("weights.bin", "code/note.txt"), "changed"
    )
    with pytest.raises(Conflict, match="production"):
        client.delete_model(BACKEND, model, 1)
    client.delete_model(BACKEND, model, 2)
    assert not [each for each in client.cluster_folders(BACKEND) if each["name"] == f"{model}-v2"]
    (made,) = [line["version"] for line in client.register_model(killed["id"], "train", "model") if line["version"]]
    assert made["version"] == 1
    assert home.ended(home.start("learn", [_train(home, 0.8)]))["result"] == "SUCCESS"
    assert [each["version"] for each in client.model(BACKEND, model)["versions"]] == [3, 1]
    client.demote_model(BACKEND, model, "production")
    with pytest.raises(NotFound):
        client.compare_models(BACKEND, model, "production", "latest")


def test_the_manifest_is_in_the_vfolder(home: ClusterHome, killed: Json) -> None:
    """Whoever mounts the folder can read where it comes from."""
    folder = f"{home.unique('reader')}-v1"
    text = b"".join(home.client.download_cluster_file(BACKEND, folder, ".fasttrack/model.json"))
    manifest = json.loads(text)
    assert (manifest["version"], manifest["lineage"]["job"]) == (1, killed["id"])
