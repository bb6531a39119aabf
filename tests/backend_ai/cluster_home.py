"""A home whose engine knows a real cluster as ``backend.ai``: jobs are run on it as a user would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from backend_ai.real_cluster import Cluster, Who

from fasttrack_jupyter.api.client import Client, connect
from fasttrack_jupyter.errors import FastTrackError

T = TypeVar("T")
Json = dict[str, Any]
BACKEND = "backend.ai"
SETTINGS = {"FASTTRACK_IDLE": "60", "FASTTRACK_SECRETS": "file", "FASTTRACK_CONTAINER_ENGINE": "none"}
PATIENCE = 240.0
"""Seconds for a job; on 26.9 one session takes a quarter of a minute."""


class ClusterHome:
    """One home; ``vfolders`` that it made, and those of its pipelines, are removed in the end."""

    def __init__(self, cluster: Cluster, client: Client) -> None:
        self.cluster, self.client = cluster, client
        self.home = client.home.path
        self._mark = os.urandom(3).hex()

    def unique(self, what: str) -> str:
        """A name that is nobody else's on the cluster."""
        return f"{what}-{self._mark}"

    # ------------------------------------------------------------ jobs

    def start(self, name: str, tasks: Sequence[Mapping[str, Any]], **more: Any) -> str:
        """Start a job of these tasks on the cluster; its id. ``request`` goes into the request."""
        request = {"backend": BACKEND, **more.pop("request", {})}
        environment = {"image": self.cluster.image, **more.pop("environment", {})}
        pipeline = {
            "name": self.unique(name), "environment": environment, "resources": {"cpu": 1, "mem": "256m"}, **more,
            "tasks": list(tasks),
        }  # fmt: skip
        return str(self.client.run({"text": json.dumps(pipeline, ensure_ascii=False), **request})["id"])

    def ended(self, job: str, seconds: float = PATIENCE) -> Json:
        """The job, once it has ended."""
        self.until(lambda: self.client.job(job)["ended_at"], lambda: self.job_words(job), seconds)
        return self.client.job(job)

    def job_words(self, job: str) -> str:
        """Where its tasks are."""
        tasks = self.client.job(job)["tasks"]
        return str([(task["path"], task["status"], task["result"], task["reason"]) for task in tasks])

    def log(self, job: str, path: str, attempt: int | None = None) -> str:
        """A whole log, as the API gives it."""
        return str(self.client.logs(job, path, attempt=attempt, limit=1 << 20)["data"])

    def output(self, job: str, path: str, file: str) -> bytes:
        """An output file."""
        return b"".join(self.client.read_output(job, path, file))

    def running(self, job: str, path: str, word: str) -> None:
        """Wait until a task has written ``word`` to its log."""

        def has_it() -> bool:
            with contextlib.suppress(FastTrackError):
                return word in self.log(job, path)
            return False

        self.until(has_it, lambda: f"no {word!r} in the log of {path}: {self.job_words(job)}", PATIENCE)

    @staticmethod
    def until(holds: Callable[[], T], what: Callable[[], str], seconds: float) -> T:
        """Wait until ``holds()`` is true, and return what it was; fail with ``what()`` when it does not come true."""
        deadline = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what()}"
            time.sleep(0.2)
        return found

    # ------------------------------------------------------------ the engine

    def kill_engine(self) -> int:
        """``kill -9``; the next call starts another one. What its id was."""
        process = psutil.Process(self.client.info()["pid"])
        process.send_signal(signal.SIGKILL)
        gone = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        self.until(lambda: not process.is_running() or process.status() in gone, lambda: "the engine's end", 20)
        return process.pid

    # ------------------------------------------------------------ the cluster

    def folder_on_disk(self, job: str) -> Path:
        """Where the cluster itself keeps the pipeline's vfolder."""
        name = self.client.job(job)["folder"]
        (folder,) = [each for each in self.client.cluster_folders(BACKEND) if each["name"] == name]
        hexadecimal = folder["id"].replace("-", "")
        below = f"*/{hexadecimal[:2]}/{hexadecimal[2:4]}/{hexadecimal[4:]}"
        return next((self.cluster.dir / "volumes" / "volume1").glob(below))

    def sessions(self, job: str, *, live: bool) -> list[Json]:
        """The cluster's sessions of a job."""
        found = self.client.cluster_sessions(BACKEND, live=live, text=job, limit=50)["sessions"]
        return [session for session in found if str(session["name"]).startswith(f"ft-{job}-")]

    def make_folder(self, name: str, files: Mapping[str, str]) -> str:
        """A vfolder with files in it; its name."""
        unique = self.unique(name)
        self.client.make_cluster_folder(BACKEND, unique)
        for path, text in files.items():
            with tempfile.NamedTemporaryFile() as file:
                Path(file.name).write_text(text)
                list(self.client.upload_cluster_file(BACKEND, unique, path, Path(file.name)))
        return unique

    def leave_nothing(self) -> None:
        """Cancel what runs, and remove our vfolders."""
        for job in self.client.jobs(status=["PENDING", "RUNNING"]):
            self.client.cancel(job["id"])
            self.ended(job["id"], 60)
        for folder in self.client.cluster_folders(BACKEND):
            if self._mark in folder["name"]:
                self.client.remove_cluster_folder(BACKEND, folder["name"])


@contextlib.contextmanager
def cluster_home(cluster: Cluster, endpoint: str = "", who: Who = "user") -> Iterator[ClusterHome]:
    """A fresh home whose profile ``default`` is the cluster's ordinary user, or somebody else."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ft") as folder:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        with connect(f"{folder}/home", timeout=120.0) as client:
            keys = cluster.keys(who)
            profile = {"endpoint": endpoint or cluster.endpoint, "user": keys.access_key, "secret": keys.secret_key}
            client.put_profile("default", profile)
            home = ClusterHome(cluster, client)
            try:
                yield home
            finally:
                home.leave_nothing()
                client.shutdown()
