"""The digits model is served by a real cluster: deployed from a pipeline, asked, rolled under load, scaled, removed.

By an ordinary user, through Backend.AI's own app proxy. A manager's steps come every 5 to 60 s, so these tests take
minutes each, and are run when asked for (``--backend-ai-services``); they build on each other, in this order.
"""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from backend_ai.cluster_home import BACKEND, ClusterHome, Json, cluster_home
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.errors import NotFound

pytestmark = [pytest.mark.since(26, 9), pytest.mark.services, pytest.mark.timeout(900, func_only=True)]
ROLLS = 780.0
"""Seconds for a rollout that other sessions do not hold up; one takes some four minutes, an update some six."""
DEFINITION = """models:
- name: digits
  model_path: /models
  service:
    start_command: [python3, /models/serve.py]
    port: 9000
    health_check: {path: /health, interval: 5, max_retries: 6, initial_delay: 30}
"""
SERVE = """
import http.server, json, os, pickle
with open("/models/model.pkl", "rb") as file:
    model = pickle.load(file)
print("serves", os.environ["RELEASE"], flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({"ok": True})

    def do_POST(self):
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        who = {"release": os.environ["RELEASE"], "replica": os.environ["BACKENDAI_KERNEL_ID"]}
        self.answer({"digits": model.predict(rows).tolist(), **who})

    def answer(self, told):
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("0.0.0.0", 9000), Handler).serve_forever()
"""
TRAIN = """
import json, os, pickle, shutil
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
x, rest, y, truth = train_test_split(*load_digits(return_X_y=True), test_size=100, random_state=0)
model = LogisticRegression(max_iter=300).fit(x / 16.0, y)
with open("/mnt/model/model.pkl", "wb") as file:
    pickle.dump(model, file)
for name in ("serve.py", "model-definition.yaml"):
    shutil.copyfile(name, f"/mnt/model/{name}")
with open("/pipeline/outputs/test.json", "w") as file:
    json.dump({"rows": (rest / 16.0).tolist(), "truth": truth.tolist()}, file)
"""
PREDICT = """
import json, os, sys, urllib.request
test = json.load(open("/pipeline/inputs/test"))
request = urllib.request.Request(sys.argv[1], json.dumps(test["rows"]).encode(), method="POST")
told = json.load(urllib.request.urlopen(request, timeout=30))
right = sum(each == true for each, true in zip(told["digits"], test["truth"]))
found = {"accuracy": right / len(test["truth"]), "release": told["release"]}
json.dump(found, open("/pipeline/outputs/outputs.json", "w"))
"""


class Served:
    """What the tests share: a home, a model folder, a service's name, and the pipeline's files."""

    def __init__(self, home: ClusterHome, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.name = home.unique("digits")
        self.model = home.unique("model")
        home.client.make_cluster_folder(BACKEND, self.model, usage_mode="model")
        files = {"serve.py": SERVE, "model-definition.yaml": DEFINITION, "train.py": TRAIN, "predict.py": PREDICT}
        for name, text in files.items():
            (folder / name).write_text(text)

    def service(self, release: str, **more: Any) -> Json:
        """The deployment task."""
        service = {"name": self.name, "model": self.model, "open_to_public": True, **more.pop("service", {})}
        environment = {"envs": {"RELEASE": release}}
        return {"name": "serve", "type": "deployment", "service": service, "environment": environment, **more}

    def start(self, name: str, *tasks: Mapping[str, Any]) -> str:
        """Start a job of these tasks; its id."""
        pipeline = {
            "name": self.home.unique(name), "environment": {"image": self.home.cluster.image},
            "resources": {"cpu": 1, "mem": "512m"}, "tasks": list(tasks),
        }  # fmt: skip
        file = self.folder / f"{name}.fasttrack.yaml"
        file.write_text(json.dumps(pipeline))
        return str(self.home.client.run({"source": str(file), "backend": BACKEND})["id"])

    def sessions(self) -> list[str]:
        """Those that live of any service here, which are called after it."""
        found = self.home.client.cluster_sessions(BACKEND, live=True, text=self.home.unique(""), limit=50)["sessions"]
        return [str(session["name"]) for session in found]

    @property
    def info(self) -> Json:
        """The service, as the API tells of it."""
        return self.home.client.service(BACKEND, self.name)

    def now(self) -> tuple[str, int, str]:
        """The endpoint, the number of the revision that serves, and what it says that it is."""
        info = self.info
        return info["endpoint"], info["revision"], ask(info["endpoint"], rows=[[0.0] * 64])[1]["release"]

    def task(self, job: str, path: str) -> Json:
        """A task of a job."""
        return next(task for task in self.home.client.job(job)["tasks"] if task["path"] == path)


@pytest.fixture(scope="module")
def served(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for all tests here, removed in the end."""
    with cluster_home(cluster) as home:
        served = Served(home, tmp_path_factory.mktemp("served"))
        try:
            yield served
        finally:
            for service in home.client.services(BACKEND)["services"]:
                home.client.remove_service(BACKEND, service["name"])
            home.until(lambda: not served.sessions(), lambda: f"sessions are left: {served.sessions()}", 300)


def ask(url: str, token: str = "", rows: Any = None) -> tuple[int, Any]:
    """Status and answer of one request to an endpoint; status 0: nobody is there."""
    data = None if rows is None else json.dumps(rows).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"BackendAI {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except urllib.error.URLError:
        return 0, None


def test_a_pipeline_trains_deploys_and_predicts(served: Served) -> None:
    """Train writes the model folder, the service of it comes up, and a task on this machine asks it.

    The engine is killed while the replica is awaited: the next one goes on waiting for the same one.
    """
    train = {"name": "train", "mounts": [f"{served.model}:/mnt/model"], "command": "python3 train.py",
             "outputs": {"test": {"type": "Dataset", "path": "test.json"}}}  # fmt: skip
    predict = {
        "name": "predict", "backend": "local", "environment": {"image": "current"},
        "inputs": {"test": "train.test", "url": "serve.endpoint"}, "command": "python3 predict.py ${{ inputs.url }}",
        "outputs": {"accuracy": {"type": "float"}, "release": {"type": "str"}},
    }  # fmt: skip
    job = served.start("deploys", train, served.service("one", dependencies=["train"]), predict)
    waiting = lambda: served.task(job, "serve")["reason"]  # noqa: E731
    served.home.until(lambda: "replica 1 of 1" in waiting(), waiting, 120)
    served.home.kill_engine()
    ended = served.home.ended(job, ROLLS)
    assert ended["result"] == "SUCCESS", [(task["path"], task["reason"]) for task in ended["tasks"]]
    assert served.task(job, "serve")["attempts"] == 1
    told = ended["outputs"]["predict"]
    assert told["release"] == "one"
    assert told["accuracy"] > 0.9
    info = served.info
    assert (info["status"], info["healthy"], info["revision"], info["job"]) == ("HEALTHY", 1, 1, job)
    assert info["endpoint"] == ended["outputs"]["serve"]["endpoint"]


class Load:
    """Requests to an endpoint, one after the other, over connections that are kept and over new ones."""

    def __init__(self, url: str) -> None:
        self.seen: Counter[str] = Counter()
        self._url, self._stop = url, threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(is_kept,)) for is_kept in (True, False)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, is_kept: bool) -> None:
        where = urlsplit(self._url)
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)
        rows = json.dumps([[0.0] * 64])
        while not self._stop.wait(0.05):
            try:
                connection.request("POST", "/", rows)
                answer = connection.getresponse()
                told = answer.read()
                self.seen[json.loads(told)["release"] if answer.status == 200 else f"status {answer.status}"] += 1
            except (OSError, http.client.HTTPException) as error:
                self.seen[repr(error)] += 1
                connection.close()
            if not is_kept:
                connection.close()
        connection.close()


def test_an_update_rolls_under_load_without_a_failed_request(served: Served) -> None:
    """The endpoint stays the same; requests are answered by the old revision, then by the new one, and always."""
    url = served.info["endpoint"]
    with Load(url) as load:
        job = served.start("rolls", served.service("two"))
        ended = served.home.ended(job, ROLLS)
        assert ended["result"] == "SUCCESS", [(task["path"], task["reason"]) for task in ended["tasks"]]
        assert ask(url, rows=[[0.0] * 64])[1]["release"] == "two"
        before = load.seen["one"]
        served.home.until(lambda: load.seen["two"] > 200, lambda: str(load.seen), 60)
        assert load.seen["one"] == before  # nothing is led to the old one any more
        served.home.until(lambda: len(served.info["replicas"]) == 1, lambda: str(served.info), 240)  # it has ended
    print(dict(load.seen))
    assert set(load.seen) == {"one", "two"}
    assert load.seen["one"] > 500
    info = served.info
    assert (info["status"], info["healthy"], info["revision"], info["job"]) == ("HEALTHY", 1, 2, job)
    assert info["endpoint"] == url == ended["outputs"]["serve"]["endpoint"]


def test_what_a_replica_writes_is_read(served: Served) -> None:
    """By its id, or of the newest; an unknown replica is named."""
    client, (replica,) = served.home.client, served.info["replicas"]
    for wanted in (None, replica["id"]):
        assert "serves two" in client.service_logs(BACKEND, served.name, replica=wanted)["data"]
    with pytest.raises(NotFound, match="nobody"):
        client.service_logs(BACKEND, served.name, replica="nobody")


def test_an_update_that_fails_leaves_the_revision_before(served: Served) -> None:
    """A server that ends at once: its last words are the reason, and requests are answered all the while."""
    url, number, release = served.now()
    with Load(url) as load:
        job = served.start("breaks", served.service("none", timeout=200, environment={}))
        ended = served.home.ended(job, ROLLS)
    reason = served.task(job, "serve")["reason"]
    assert ended["result"] == "FAILURE"
    assert reason.startswith("timeout 3m20s: waits for replica 1 of 1")
    assert f"revision {number} goes on" in reason
    assert "KeyError: 'RELEASE'" in reason
    assert set(load.seen) == {release}
    assert (served.info["status"], served.info["revision"]) == ("HEALTHY", number)


def test_an_update_that_is_cancelled_leaves_the_revision_before(served: Served) -> None:
    """As soon as it is cancelled the cluster goes back."""
    before = served.now()
    job = served.start("cancelled", served.service("four"))
    waiting = lambda: served.task(job, "serve")["reason"]  # noqa: E731
    served.home.until(lambda: "replica 1 of 1" in waiting(), waiting, 120)
    served.home.client.cancel(job)
    ended = served.home.ended(job, 240)
    assert (ended["status"], ended["result"]) == ("CANCELLED", "UNDEFINED")
    assert served.now() == before
    assert served.info["status"] == "HEALTHY"


def test_a_service_is_scaled(served: Served) -> None:
    """To two replicas, which both answer, and to one again."""
    client = served.home.client
    client.scale_service(BACKEND, served.name, 2)
    served.home.until(lambda: served.info["healthy"] == 2, lambda: str(served.info), ROLLS)
    served.home.until(lambda: _kernels(served) == 2, lambda: "one of two is never asked", 120)
    client.scale_service(BACKEND, served.name, 1)
    served.home.until(lambda: len(served.info["replicas"]) == 1, lambda: str(served.info), 300)
    assert ask(served.info["endpoint"])[0] == 200


def _kernels(served: Served) -> int:
    url = served.info["endpoint"]
    return len({ask(url, rows=[[0.0] * 64])[1]["replica"] for _ in range(20)})


def test_a_private_service_wants_a_token_and_goes_with_its_job(served: Served) -> None:
    """Another one: without a token 401, with one an answer; ephemeral, it is removed when its job has ended."""
    client, name = served.home.client, served.home.unique("private")
    wanted = {"name": name, "open_to_public": False, "ephemeral": True}
    hold = {"name": "hold", "dependencies": ["serve"], "command": "while sleep 1; do echo held; done",
            "backend": "local", "environment": {"image": "current"}}  # fmt: skip
    job = served.start("private", served.service("five", service=wanted), hold)
    served.home.until(lambda: served.task(job, "hold")["status"] == "RUNNING", lambda: str(client.job(job)), ROLLS)
    info = client.service(BACKEND, name)
    assert (info["status"], info["is_public"], info["is_ephemeral"]) == ("HEALTHY", False, True)
    assert ask(info["endpoint"])[0] == 401
    token = client.service_token(BACKEND, name, 600)
    assert ask(info["endpoint"], token, [[0.0] * 64])[1]["release"] == "five"
    client.cancel(job)
    served.home.ended(job, 60)
    served.home.until(lambda: not _is_there(served, name), lambda: f"{name} is still there", 120)
    assert ask(info["endpoint"], token)[0] != 200


def _is_there(served: Served, name: str) -> bool:
    return any(each["name"] == name for each in served.home.client.services(BACKEND)["services"])


def test_a_first_rollout_that_is_cancelled_leaves_no_service(served: Served) -> None:
    """Nor a session."""
    name = served.home.unique("never")
    job = served.start("never", served.service("six", service={"name": name}))
    waiting = lambda: served.task(job, "serve")["reason"]  # noqa: E731
    served.home.until(lambda: "replica 1 of 1" in waiting(), waiting, 120)
    served.home.client.cancel(job)
    assert served.home.ended(job, 120)["status"] == "CANCELLED"
    served.home.until(lambda: not _is_there(served, name), lambda: f"{name} is still there", 120)


def test_a_removed_service_is_gone_with_its_sessions(served: Served) -> None:
    """Its endpoint answers no more."""
    client, url = served.home.client, served.info["endpoint"]
    client.remove_service(BACKEND, served.name)
    served.home.until(lambda: not _is_there(served, served.name), lambda: "it is still there", 240)
    with pytest.raises(NotFound, match=served.name):
        client.service(BACKEND, served.name)
    served.home.until(lambda: not served.sessions(), lambda: str(served.sessions()), 240)
    assert ask(url)[0] != 200
