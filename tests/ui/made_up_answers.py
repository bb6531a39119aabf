"""What a server might answer of services, models and a cluster: much of it, long names, long reasons."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page, Route

Json = dict[str, Any]
BACKEND = "backend.ai:research-cluster"
LONG = "a-name-of-sixty-characters-which-is-as-long-as-a-name-can-be"
THEN, NOW = "2026-11-20T08:00:00Z", "2026-11-22T08:30:00Z"
WHY = (
    "waits for replica 2 of 3 to be healthy: replica svc-1m82kq-7 failed before it was healthy: its command ended "
    "(exit 1)\nits last words:\nTraceback (most recent call last):\n"
    '  File "/models/serve.py", line 12, in <module>\n    model = joblib.load("/models/a/long/path/model.joblib")\n'
    "ModuleNotFoundError: No module named 'sklearn'"
)
IMAGE = "registry.example.org/stable/python-ml-with-many-libraries:3.11-ubuntu22.04-cuda12.4@x86_64"


def service(name: str, **more: Any) -> Json:
    """A ServiceView."""
    known = {
        "backend": "local", "name": name, "status": "HEALTHY", "reason": "", "endpoint": "http://127.0.0.1:41234",
        "wanted": 1, "healthy": 1, "model": f"{name}-v2", "image": None, "is_public": False, "is_ephemeral": False,
        "revision": 2, "created_at": THEN, "updated_at": NOW, "job": "1m82kq", "task": "serve", "pipeline": name,
        "replicas": [replica(f"svc-{name}-1")],
    }  # fmt: skip
    return known | more


def replica(name: str, **more: Any) -> Json:
    """A ReplicaView."""
    known = {"id": name, "status": "RUNNING", "is_healthy": True, "reason": "", "started_at": NOW, "revision": 2}
    return known | more


SERVICES = [
    service("digits", is_public=True, endpoint=f"https://{LONG}.apps.example.org/v1/models/digits/predict"),
    service(LONG[:24], model=LONG, status="DEGRADED", wanted=3, healthy=1, reason=WHY, is_public=True,
            is_ephemeral=True, image=IMAGE,
            replicas=[replica("svc-1m82kq-5"),
                      replica("svc-1m82kq-7", is_healthy=False, status="ERROR", reason=WHY)]),
    service("fresh", status="PROVISIONING", healthy=0, endpoint=None, backend=BACKEND, replicas=[],
            reason="waits for replica 1 of 1 to be healthy: waits for slots: 2 cpu asked, 1 of 4 free"),
    service("resting", wanted=0, healthy=0, replicas=[], job=None),
    service("leaving", status="DESTROYING", reason="it is being removed"),
]  # fmt: skip


def version(model: str, number: int, **more: Any) -> Json:
    """A ModelVersion."""
    known = {
        "model": model, "version": number, "folder": f"{model}-v{number}", "backend": "local", "created_at": THEN,
        "digest": "sha256:" + "0123456789abcdef" * 4, "size": 7_340_032, "left_out": [], "aliases": [], "services": [],
        "files": [{"path": "model.joblib", "size": 7_340_000, "digest": ""}],
        "metrics": {"accuracy": 0.9 + number / 10_000, "f1": 0.91, "loss": 0.1122334},
        "lineage": {"job": "1m82kq", "index": number, "pipeline": "digits", "task": "train", "output": "model",
                    "attempt": "1m82kq-1-1", "image": "uv:scikit-learn", "params": {}, "code": None},
    }  # fmt: skip
    return known | more


VERSIONS = [version("digits", number) for number in range(200, 0, -1)]
VERSIONS[0] |= {"aliases": ["latest", "staging"], "services": ["digits"]}
VERSIONS[3] |= {"aliases": ["production", LONG], "metrics": {f"metric_{n}": n / 7 for n in range(12)}}


def model(name: str, **more: Any) -> Json:
    """A ModelSummary."""
    known = {
        "name": name,
        "backend": "local",
        "versions": 3,
        "size": 1 << 24,
        "latest": version(name, 3),
        "aliases": {},
    }
    return known | more


MODELS = [
    model("digits", versions=200, aliases={"production": 197, "staging": 200}),
    model(LONG, aliases={"production": 1, LONG[:40]: 2}, backend=BACKEND),
    *(model(f"model-{n}") for n in range(8)),
]
COMPARED = {
    "one": VERSIONS[3], "other": VERSIONS[0], "same_code": False,
    "metrics": [{"name": "accuracy", "one": 0.9197, "other": 0.92, "change": 0.0003},
                {"name": LONG, "one": None, "other": 12.5, "change": None}],
    "params": [{"name": "max_depth", "one": 12, "other": 14, "change": 2},
               {"name": "columns", "one": ["a", "b"] * 12, "other": ["a"], "change": None}],
    "files": [{"path": f"weights/{LONG}.safetensors", "change": "changed", "size": 1 << 30},
              {"path": "README.md", "change": "added", "size": 120}],
}  # fmt: skip
SLOTS = {"cpu": "64", "mem": "256g", "cuda.device": "8", "cuda.shares": "16", "atom.device": "4"}


def _part(of: float) -> Json:
    return {slot: f"{float(re.sub('[a-z]', '', amount)) * of:g}" + ("g" if "g" in amount else "")
            for slot, amount in SLOTS.items()}  # fmt: skip


OVERVIEW = {
    "backend": BACKEND, "endpoint": "https://api.backend.ai", "release": "26.4.1", "user": "someone@example.org",
    "domain": "default", "project": "default", "asked_at": NOW,
    "projects": [{"name": name, "id": name, "is_active": True, "limits": {}} for name in ("default", LONG)],
    "groups": [
        {"name": "default", "is_active": True, "free": _part(0.25), "mine": _part(0.125), "total": SLOTS,
         "used": _part(0.75), "largest": _part(0.5), "nodes": 3},
        {"name": LONG, "is_active": False, "free": {"cpu": "0", "mem": "0"}, "mine": {}, "total": None, "used": None,
         "largest": None, "nodes": None},
    ],
    "presets": [{"name": "small", "resources": {"cpu": "1", "mem": "1g"}, "shmem": None, "is_free": True},
                {"name": LONG, "resources": SLOTS, "shmem": "16g", "is_free": False}],
    "limits": {"policy": "default", "slots": SLOTS, "used": _part(0.5), "left": _part(0.5), "domain": {}, "sessions": 3,
               "max_sessions": 5, "max_pending_sessions": 2, "max_containers": 4, "max_lifetime": 86_400,
               "idle_timeout": 3_600, "max_folders": 20},
    "slots": [{"name": "cuda.device", "title": "CUDA device", "unit": "GPU", "is_whole": True}],
}  # fmt: skip
IMAGES = [
    {"name": IMAGE, "architectures": ["x86_64", "aarch64"], "aliases": ["python-ml"], "accelerators": ["cuda", "rocm"],
     "minimum": {"cpu": "1", "mem": "1g"}, "maximum": {}, "is_installed": False, "size": 12_884_901_888,
     "apps": ["jupyter", "jupyterlab", "ttyd", "tensorboard", "vscode"], "labels": {}},
    *({"name": f"cr.example.org/stable/python:3.{n}-ubuntu22.04", "architectures": ["x86_64"], "aliases": [],
       "accelerators": [], "minimum": {}, "maximum": {}, "is_installed": True, "size": 1 << 30, "apps": ["ttyd"],
       "labels": {}} for n in range(30)),
]  # fmt: skip


def folder(name: str, **more: Any) -> Json:
    """A ClusterFolder."""
    known = {
        "name": name, "id": name, "host": "local:volume1", "usage_mode": "general", "created_at": THEN,
        "permission": "wd", "is_owner": True, "owner": "someone@example.org", "project": None,
    }  # fmt: skip
    return known | more


FOLDERS = [
    folder("data"),
    folder(LONG, usage_mode="data"),
    folder("theirs", is_owner=False, owner="somebody.with.a.long.name@research.example.org", permission="ro"),
    folder("of-all", project=LONG, is_owner=False, owner=None, permission="rw"),
    folder("digits-v3", usage_mode="model"),
]
FILES = [
    {"name": name, "path": name, "is_dir": name.endswith("er"), "size": 1 << 20, "modified_at": THEN}
    for name in ("folder", f"{LONG}-{LONG}.parquet", "자료 2026.csv", "train.py")
]
SHARES = [{"user": "somebody.with.a.long.name@research.example.org", "permission": "rw", "is_accepted": True},
          {"user": "new@example.org", "permission": "ro", "is_accepted": False}]  # fmt: skip
INVITATIONS = [{"id": "1", "folder": LONG, "inviter": "somebody.else@research.example.org", "permission": "rw"}]
QUOTAS = [{"host": "local:volume1", "scope": "you", "used": 9 << 30, "limit": 10 << 30, "host_full": 81.3},
          {"host": "local:volume1", "scope": LONG, "used": None, "limit": None, "host_full": None}]  # fmt: skip


def session(name: str, **more: Any) -> Json:
    """A ClusterSession."""
    known = {
        "id": f"0b1d{len(name):04d}-0000-4000-8000-000000000000", "name": name, "type": "batch", "status": "RUNNING",
        "result": "UNDEFINED", "image": IMAGE, "project": "default", "group": "default",
        "resources": {"cpu": "4", "mem": "16g", "cuda.device": "1"}, "cluster_size": 1, "created_at": THEN,
        "ended_at": None, "attempt": None, "task": None,
        "apps": [{"name": each, "protocol": "http", "ports": [8080]} for each in ("ttyd", "jupyterlab", "tensorboard")]
        + [{"name": "sshd", "protocol": "tcp", "ports": [2200]}],
    }  # fmt: skip
    return known | more


TASK = {"job": "1m82kq", "pipeline": "digits", "index": 12, "path": "train", "attempt": 2}
SESSIONS = [
    session("ft-1m82kq-1-2", attempt="1m82kq-1-2", task=TASK),
    session("ft-1m82kq-10-1", attempt="1m82kq-10-1", task=TASK | {"pipeline": LONG, "path": LONG, "attempt": 1}),
    session("ft-elsewhere-0-1", attempt="elsewhere-0-1", status="PENDING"),
    session("my-notebook", type="interactive", status="ERROR", result="FAILURE", ended_at=NOW, cluster_size=2),
    session("done", status="TERMINATED", result="SUCCESS", ended_at=NOW),
]
PROFILE = {
    "name": "research-cluster", "backend": BACKEND, "endpoint": "https://api.backend.ai", "mode": "api",
    "domain": "default", "project": "default", "resource_group": None, "folder_host": None, "verify_tls": True,
    "proxy": None, "account": "someone@example.org", "key": "AKIA…", "kept": True, "trouble": "", "checked": None,
}  # fmt: skip
LOG = "".join(f"line {n}: {'x' * (n * 9 % 200)}\n" for n in range(80))

ANSWERS: dict[str, Any] = {
    "profiles": [PROFILE],
    "services": {"services": SERVICES, "silent": {BACKEND: "the manager at https://api.backend.ai does not answer"}},
    "models": {"models": MODELS, "silent": {}},
    "models/local/digits": {"name": "digits", "backend": "local", "versions": VERSIONS, "aliases": {}},
    "models/local/digits/compare": COMPARED,
    f"clusters/{BACKEND}": OVERVIEW,
    f"clusters/{BACKEND}/images": IMAGES,
    f"clusters/{BACKEND}/folders": FOLDERS,
    f"clusters/{BACKEND}/folders/data/files": FILES,
    f"clusters/{BACKEND}/folders/data/shares": SHARES,
    f"clusters/{BACKEND}/invitations": INVITATIONS,
    f"clusters/{BACKEND}/quotas": QUOTAS,
    f"clusters/{BACKEND}/sessions": {"total": 60, "sessions": SESSIONS},
}


def answer(page: Page, answers: Json = ANSWERS) -> None:
    """Have the page answered by ``answers`` where they know the path, and by the server elsewhere."""

    def reply(route: Route) -> None:
        path = unquote(urlsplit(route.request.url).path.partition("/fasttrack/")[2])
        if path in answers:
            route.fulfill(json=answers[path])
        elif path.endswith(("/logs", "/log")):
            route.fulfill(
                json={"data": LOG, "text": LOG, "start": 0, "next": 1, "size": 1, "ended": False, "attempt": ""}
            )
        else:
            route.fallback()

    page.route(re.compile(r"/fasttrack/(profiles|services|models|clusters)"), reply)


def empty() -> Json:
    """The same paths, where there is nothing."""
    nothing: Json = json.loads(json.dumps(ANSWERS))
    for path, value in nothing.items():
        if isinstance(value, list) and path != "profiles":
            nothing[path] = []
    nothing["services"] = {"services": [], "silent": {}}
    nothing["models"] = {"models": [], "silent": {}}
    nothing[f"clusters/{BACKEND}/sessions"] = {"total": 0, "sessions": []}
    return nothing
