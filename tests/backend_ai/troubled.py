"""A job on a real cluster behind proxies that fail on demand, and what must be true of it whatever happened.

Each command writes its task's name into one file when it begins, so that nothing can run twice unseen.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backend_ai.cluster_home import BACKEND, ClusterHome, cluster_home
from backend_ai.fault_proxy import FaultProxy, Hold
from backend_ai.real_cluster import Cluster

from fasttrack_jupyter.errors import EngineUnavailable

Json = dict[str, Any]
BEGIN = "echo begun {name}; echo {name} >> /pipeline/vfroot/begun; "
WORK = """cat lib/part.txt; cd /pipeline/outputs; echo made > made.txt; echo '{"score": 7}' > outputs.json; """


@dataclass
class Troubled:
    """A home whose profile leads to the cluster through proxies: `manager` and, for files, `storage`."""

    home: ClusterHome
    manager: FaultProxy
    storage: FaultProxy
    folder: Path
    """For the pipeline's file and the code beside it."""

    def start(self, tasks: Sequence[Json] | None = None, **more: Any) -> str:
        """Start a job; its id. By default one task with everything, and one that needs its output."""
        (self.folder / "lib").mkdir(exist_ok=True)
        (self.folder / "lib" / "part.txt").write_text("part\n")
        file = self.folder / "troubled.fasttrack.yaml"
        pipeline = {
            "name": self.home.unique("troubled"), "environment": {"image": self.home.cluster.image},
            "resources": {"cpu": 1, "mem": "256m"}, **more, "tasks": list(tasks or [first()]),
        }  # fmt: skip
        file.write_text(json.dumps(pipeline))
        request = {"source": str(file), "backend": BACKEND, "key": self.home.unique("key")}
        while True:
            with contextlib.suppress(EngineUnavailable):  # killed oftener than a client tries
                return str(self.home.client.run(request)["id"])

    def ended(self, job: str, seconds: float = 150) -> Json:
        """The job, ended; and no session of ours is left on the cluster."""
        found: Json = self.home.ended(job, seconds)
        self.home.until(lambda: not self.live(), lambda: f"sessions are left: {self.live()}", 30)
        return found

    def live(self) -> list[str]:
        """All living sessions of ours on the cluster, as its own database has them."""
        return self.rows("status NOT IN ('TERMINATED', 'CANCELLED', 'ERROR')")

    def rows(self, which: str) -> list[str]:
        """Sessions of this home in the manager's database."""
        jobs = [job["id"] for job in self.home.client.jobs()]
        names = " OR ".join(f"name LIKE 'ft-{job}-%'" for job in jobs) or "false"
        told = self.home.cluster.sql(f"SELECT name, status, result FROM sessions WHERE ({names}) AND {which};")
        return str(told).split()

    def begun(self, job: str) -> list[str]:
        """The names of the tasks whose command began, once for each time."""
        file = self.home.folder_on_disk(job) / ".pipeline" / "begun"
        return sorted(file.read_text().split()) if file.exists() else []

    def went_well(self, job: str, seconds: float = 150, tasks: Sequence[str] = ("first",)) -> None:
        """All is as if nothing had happened."""
        found = self.ended(job, seconds)
        ends = {task["path"]: (task["result"], task["exit_code"], task["reason"]) for task in found["tasks"]}
        wanted = {"first": ("SUCCESS", 0, ""), "second": ("FAILURE", 3, "exit 3")}
        assert ends == {path: wanted[path] for path in tasks}, ends
        assert self.begun(job) == list(tasks), self.begun(job)
        logs = {"first": "begun first\npart\n", "second": "begun second\nmade 7\n"}
        told = {path: self.home.log(job, path) for path in tasks}
        assert told == {path: logs[path] for path in tasks}, told
        assert self.home.output(job, "first", "made.txt") == b"made\n"
        attempts = [each["number"] for each in self.home.client.attempts(job)]
        assert attempts == [1 for _ in tasks], attempts

    def says(self, job: str, path: str, words: str) -> None:
        """Wait until a task's reason has some words (a pattern)."""

        def has_them() -> bool:
            reasons = [task["reason"] for task in self.home.client.job(job)["tasks"] if task["path"] == path]
            return any(re.search(words, reason or "") for reason in reasons)

        self.home.until(has_them, lambda: f"{words!r} is not said: {self.home.client.job(job)['tasks']}", 60)

    def put_keys(self) -> None:
        """Put the profile again: the backend is made anew."""
        keys = self.home.cluster.user
        profile = {"endpoint": self.manager.endpoint, "user": keys.access_key, "secret": keys.secret_key}
        self.home.client.put_profile("default", profile)

    # ------------------------------------------------------------ requests that are held up

    def proxy(self, step: str) -> FaultProxy:
        """The one through which a kind of request goes."""
        return self.storage if step in ("PATCH", "GET /download") else self.manager

    def hold(self, step: str, when: Literal["before", "after"]) -> Hold:
        """Hold up the next request of a kind."""
        return self.proxy(step).hold(step, when)

    def next_hold(self, following: str, when: Literal["before", "after"]) -> Hold:
        """``kill -9`` of the engine, and hold up the next request of a kind that another engine makes."""
        self.home.kill_engine()
        hold = self.hold(following, when)
        self.home.client.info()
        return hold


def first(sleep: float = 0) -> Json:
    """A task with code, an output and a value."""
    command = BEGIN.format(name="first") + WORK + (f"sleep {sleep:g}; " if sleep else "") + "true"
    outputs = {"made": {"type": "Dataset", "path": "made.txt"}, "score": {"type": "int"}}
    return {"name": "first", "command": command, "outputs": outputs}


def second() -> Json:
    """A task that takes what the first one made, and fails."""
    command = (
        BEGIN.format(name="second") + "echo $(cat /pipeline/input1/made.txt) $(cat /pipeline/inputs/score); exit 3"
    )
    return {"name": "second", "command": command, "inputs": {"score": "first.score"}, "dependencies": ["first"]}


@contextlib.contextmanager
def troubled(cluster: Cluster, folder: Path) -> Iterator[Troubled]:
    """A fresh home behind proxies."""
    storage = FaultProxy(cluster.settings.url("storage_client")).start()
    manager = FaultProxy(cluster.endpoint).start()
    manager.renamed[storage.target] = storage.endpoint
    try:
        with cluster_home(cluster, manager.endpoint) as home:
            try:
                yield Troubled(home, manager, storage, folder)
            finally:
                manager.heal()
                storage.heal()
                cluster.start_all()
    finally:
        manager.stop()
        storage.stop()
