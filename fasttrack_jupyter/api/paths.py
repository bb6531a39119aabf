"""Every operation of the engine's API: its name, where it is, and what it takes to be allowed it.

The one table from which the engine binds its handlers (:mod:`fasttrack_jupyter.api.routes`) and the Jupyter
server its own, which check and forward. Light: importing it brings nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["read", "write", "execute"]
"""``read`` changes nothing; ``execute`` has commands run, or ended; ``write`` is the rest."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path; ``path`` is below ``/v1`` of the engine and below ``fasttrack`` of a Jupyter server."""

    name: str
    method: str
    path: str
    action: Action
    is_forwarded: bool = True
    """Whether a Jupyter server hands it on; what it keeps to itself, or answers itself, it does not."""


_JOB, _TASK = "/jobs/{job}", "/jobs/{job}/tasks/{path}"
_CLUSTER = "/clusters/{backend}"
_SERVICE = "/services/{backend}/{name}"
_MODEL = "/models/{backend}/{name}"
_FOLDER, _SESSION = f"{_CLUSTER}/folders/{{folder}}", f"{_CLUSTER}/sessions/{{session}}"

OPERATIONS = (
    Operation("info", "GET", "/info", "read", is_forwarded=False),
    Operation("validate", "POST", "/validate", "read"),
    Operation("plan", "POST", "/plan", "read"),
    Operation("export", "POST", "/export", "read"),
    Operation("jobs", "GET", "/jobs", "read"),
    Operation("run", "POST", "/jobs", "execute"),
    Operation("delete_jobs", "POST", "/jobs/delete", "write"),
    Operation("job_tags", "GET", "/jobs/tags", "read"),
    Operation("job_counts", "GET", "/jobs/counts", "read"),
    Operation("job", "GET", _JOB, "read"),
    Operation("change_job", "PATCH", _JOB, "write"),
    Operation("delete_job", "DELETE", _JOB, "write"),
    Operation("job_text", "GET", f"{_JOB}/text", "read"),
    Operation("cancel_job", "POST", f"{_JOB}/cancel", "execute"),
    Operation("rerun", "POST", f"{_JOB}/rerun", "execute"),
    Operation("plan_rerun", "POST", f"{_JOB}/rerun/plan", "read"),
    Operation("attempts", "GET", f"{_JOB}/attempts", "read"),
    Operation("logs", "GET", f"{_TASK}/logs", "read"),
    Operation("logs_stream", "GET", f"{_TASK}/logs/stream", "read"),
    Operation("logs_text", "GET", f"{_TASK}/logs/text", "read"),
    Operation("cancel_task", "POST", f"{_TASK}/cancel", "execute"),
    Operation("usage", "GET", f"{_TASK}/usage", "read"),
    Operation("usage_samples", "GET", f"{_TASK}/usage/samples", "read"),
    Operation("session", "GET", f"{_TASK}/session", "read"),
    Operation("shell", "GET", f"{_TASK}/shell", "execute"),
    Operation("metrics", "GET", f"{_TASK}/metrics", "read"),
    Operation("figures", "GET", f"{_TASK}/figures", "read"),
    Operation("outputs", "GET", f"{_TASK}/outputs", "read"),
    Operation("read_output", "GET", f"{_TASK}/outputs/{{file}}", "read"),
    Operation("events", "GET", "/events", "read"),
    Operation("events_stream", "GET", "/events/stream", "read"),
    Operation("pipelines", "GET", "/pipelines", "read"),
    Operation("pipeline", "GET", "/pipelines/{name}", "read"),
    Operation("delete_pipeline", "DELETE", "/pipelines/{name}", "write"),
    Operation("backends", "GET", "/backends", "read"),
    Operation("usage_history", "GET", "/usage/history", "read"),
    Operation("schema", "GET", "/schema", "read"),
    Operation("folders", "GET", "/folders", "read"),
    Operation("make_folder", "POST", "/folders", "write"),
    Operation("remove_folder", "DELETE", "/folders/{name}", "write"),
    Operation("images", "GET", "/images", "read"),
    Operation("slots", "GET", "/slots", "read"),
    Operation("secrets", "GET", "/secrets", "read"),
    Operation("set_secret", "PUT", "/secrets/{name}", "write"),
    Operation("remove_secret", "DELETE", "/secrets/{name}", "write"),
    Operation("profiles", "GET", "/profiles", "read"),
    Operation("put_profile", "PUT", "/profiles/{name}", "write"),
    Operation("delete_profile", "DELETE", "/profiles/{name}", "write"),
    Operation("check_profile", "POST", "/profiles/{name}/check", "read"),
    Operation("verify_signed", "POST", "/profiles/{name}/verify", "read", is_forwarded=False),
    Operation("cluster", "GET", _CLUSTER, "read"),
    Operation("cluster_images", "GET", f"{_CLUSTER}/images", "read"),
    Operation("cluster_quotas", "GET", f"{_CLUSTER}/quotas", "read"),
    Operation("cluster_folders", "GET", f"{_CLUSTER}/folders", "read"),
    Operation("make_cluster_folder", "POST", f"{_CLUSTER}/folders", "write"),
    Operation("remove_cluster_folder", "DELETE", _FOLDER, "write"),
    Operation("cluster_files", "GET", f"{_FOLDER}/files", "read"),
    Operation("make_cluster_path", "POST", f"{_FOLDER}/files", "write"),
    Operation("download_cluster_file", "GET", f"{_FOLDER}/files/{{path}}", "read"),
    Operation("remove_cluster_path", "DELETE", f"{_FOLDER}/files/{{path}}", "write"),
    Operation("add_upload_part", "PUT", f"{_FOLDER}/parts/{{key}}", "write"),
    Operation("upload_cluster_file", "POST", f"{_FOLDER}/uploads", "write"),
    Operation("folder_shares", "GET", f"{_FOLDER}/shares", "read"),
    Operation("share_folder", "POST", f"{_FOLDER}/shares", "write"),
    Operation("unshare_folder", "DELETE", f"{_FOLDER}/shares/{{user}}", "write"),
    Operation("cluster_invitations", "GET", f"{_CLUSTER}/invitations", "read"),
    Operation("answer_invitation", "POST", f"{_CLUSTER}/invitations/{{invitation}}", "write"),
    Operation("cluster_sessions", "GET", f"{_CLUSTER}/sessions", "read"),
    Operation("terminate_session", "DELETE", _SESSION, "execute"),
    Operation("cluster_session_log", "GET", f"{_SESSION}/log", "read"),
    Operation("start_app", "POST", f"{_SESSION}/apps/{{app}}", "execute"),
    Operation("questions", "GET", "/questions", "read"),
    Operation("answer", "POST", f"{_TASK}/answer", "execute"),
    Operation("triggers", "GET", "/triggers", "read", is_forwarded=False),
    Operation("add_trigger", "POST", "/triggers", "execute", is_forwarded=False),
    Operation("remove_trigger", "DELETE", "/triggers/{trigger}", "execute", is_forwarded=False),
    Operation("services", "GET", "/services", "read"),
    Operation("service", "GET", _SERVICE, "read"),
    Operation("service_scale", "PATCH", _SERVICE, "execute"),
    Operation("service_remove", "DELETE", _SERVICE, "execute"),
    Operation("service_token", "POST", f"{_SERVICE}/token", "execute"),
    Operation("service_logs", "GET", f"{_SERVICE}/logs", "read"),
    Operation("models", "GET", "/models", "read"),
    Operation("model_register", "POST", "/models", "write"),
    Operation("model", "GET", _MODEL, "read"),
    Operation("model_compare", "GET", f"{_MODEL}/compare", "read"),
    Operation("model_promote", "PUT", f"{_MODEL}/aliases/{{alias}}", "write"),
    Operation("model_demote", "DELETE", f"{_MODEL}/aliases/{{alias}}", "write"),
    Operation("model_delete", "DELETE", f"{_MODEL}/versions/{{version}}", "write"),
    Operation("compare", "GET", "/compare", "read"),
    Operation("diff", "POST", "/diff", "read"),
    Operation("lineage", "GET", "/lineage", "read"),
    Operation("cache", "GET", "/cache", "read"),
    Operation("cache_pin", "POST", "/cache/pin", "write"),
    Operation("cache_evict", "POST", "/cache/evict", "write"),
    Operation("cache_verify", "POST", "/cache/verify", "read"),
    Operation("cache_entry", "GET", "/cache/{entry}", "read"),
    Operation("gc", "POST", "/gc", "write"),
    Operation("doctor", "GET", "/doctor", "read"),
    Operation("openapi", "GET", "/openapi.json", "read", is_forwarded=False),
    Operation("shutdown", "POST", "/shutdown", "execute", is_forwarded=False),
)
