"""MLflow's calls (``import mlflow`` in a task with ``FASTTRACK_MLFLOW=1``), which land where FastTrack's own land.

Metrics, parameters and tags become points and facts of ``.metrics.jsonl``, artifacts files of the outputs: see
``fasttrack_task``. There is one run, the task instance; a nested one puts its name before those of its metrics and
parameters (``trial 1/loss``). What MLflow has besides is refused with a remedy, and never silently left undone.
"""

from __future__ import annotations

import importlib.abc
import json
import os
import sys
import time
import types
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

if TYPE_CHECKING:
    from fasttrack_jupyter.task import fasttrack_task as _task
else:
    try:
        import fasttrack_task as _task
    except ImportError:  # installed, not carried
        from fasttrack_jupyter.task import fasttrack_task as _task

__version__ = "2.99.0+fasttrack"
_REMEDY = (
    "this task has FASTTRACK_MLFLOW set, so `import mlflow` is FastTrack's stand-in, which {what}; unset the variable "
    "to use MLflow itself, or write: import fasttrack_task (metric, param, artifact, value)"
)


class MlflowException(Exception):
    """What MLflow raises; here too, of a call that cannot be carried out."""


class Run:
    """A run: the task instance itself, or one nested in it. ``with start_run():`` ends it."""

    def __init__(self, name: str, parent: Optional[Run]) -> None:
        job = _task.job()
        run_id = "-".join(str(job[key]) for key in ("id", "task", "attempt") if key in job) or "local"
        self.prefix: str = f"{parent.prefix}{name}/" if parent else ""
        self.info = types.SimpleNamespace(
            run_id=f"{run_id}/{self.prefix}".rstrip("/"), run_uuid=run_id, run_name=name, status="RUNNING",
            experiment_id="0", artifact_uri=get_artifact_uri(), start_time=int(time.time() * 1000), end_time=None,
            lifecycle_stage="active",
        )  # fmt: skip
        self.data = types.SimpleNamespace(metrics={}, params={}, tags={})

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Optional[type], error: Any, trace: Any) -> None:
        end_run("FINISHED" if kind is None else "FAILED")


class _Runs:
    """The runs that are open, the innermost last."""

    def __init__(self) -> None:
        self.open: List[Run] = []
        self.last: Optional[Run] = None

    def now(self) -> Run:
        return self.open[-1] if self.open else start_run()


_runs = _Runs()


def start_run(
    run_id: Optional[str] = None,
    experiment_id: Optional[str] = None,
    run_name: Optional[str] = None,
    nested: bool = False,
    parent_run_id: Optional[str] = None,
    tags: Optional[Mapping[str, Any]] = None,
    description: Optional[str] = None,
    log_system_metrics: Optional[bool] = None,
) -> Run:
    """Begin a run. Raises MlflowException: there is one, and this is not ``nested``."""
    if _runs.open and not (nested or parent_run_id):
        raise MlflowException(f"the run {_runs.open[-1].info.run_name!r} is open: end_run() first, or nested=True")
    name = run_name or (f"run {len(_runs.open)}" if _runs.open else str(_task.job().get("task", "run")))
    run = Run(name, _runs.open[-1] if _runs.open else None)
    _runs.open.append(run)
    _runs.last = run
    if run_name:
        _task.tag(f"{run.prefix}mlflow.runName", run_name)
    if description:
        _task.tag(f"{run.prefix}mlflow.note.content", description)
    set_tags(tags or {})
    return run


def end_run(status: str = "FINISHED") -> None:
    """End the innermost run, if one is open."""
    if _runs.open:
        run = _runs.open.pop()
        run.info.status, run.info.end_time = status, int(time.time() * 1000)
        _task.flush()


def active_run() -> Optional[Run]:
    """The innermost run that is open."""
    return _runs.open[-1] if _runs.open else None


def last_active_run() -> Optional[Run]:
    """The one that was begun last."""
    return _runs.last


def set_tracking_uri(uri: Any) -> None:
    """There is one place for all: this task's outputs."""
    _task._task.say_once(f"mlflow: the tracking URI {uri} is not used; all goes to the task's outputs")


def get_tracking_uri() -> str:
    """The folder of outputs."""
    return get_artifact_uri()


def get_artifact_uri(artifact_path: Optional[str] = None) -> str:
    """Where artifacts go."""
    return "file://" + os.path.join(_task._task.outputs, artifact_path or "")


def set_experiment(experiment_name: Optional[str] = None, experiment_id: Optional[str] = None, **_: Any) -> Any:
    """A tag; the pipeline is what an experiment is elsewhere."""
    name = experiment_name or experiment_id or "Default"
    _task.tag("mlflow.experiment", name)
    return types.SimpleNamespace(name=name, experiment_id="0", artifact_location=get_artifact_uri(), tags={})


def log_metric(key: str, value: Any, step: Optional[int] = None, *_: Any, **__: Any) -> None:
    """A point of a metric; time stamps and run ids that are given are not used."""
    run = _runs.now()
    _task.metric(run.prefix + key, value, step)
    run.data.metrics[key] = float(value)


def log_metrics(metrics: Mapping[str, Any], step: Optional[int] = None, *_: Any, **__: Any) -> None:
    """A point of each."""
    for key, value in metrics.items():
        log_metric(key, value, step)


def log_param(key: str, value: Any, *_: Any, **__: Any) -> Any:
    """What the run was done with; another value for the same name is refused, as MLflow does."""
    run = _runs.now()
    if run.data.params.setdefault(key, str(value)) != str(value):
        raise MlflowException(f"the parameter {key!r} is {run.data.params[key]!r} already, not {str(value)!r}")
    _task.param(run.prefix + key, value)
    return value


def log_params(params: Mapping[str, Any], *_: Any, **__: Any) -> None:
    """Each of them."""
    for key, value in params.items():
        log_param(key, value)


def set_tag(key: str, value: Any, *_: Any, **__: Any) -> None:
    """A tag; the last one of a name counts."""
    run = _runs.now()
    _task.tag(run.prefix + key, value)
    run.data.tags[key] = str(value)


def set_tags(tags: Mapping[str, Any], *_: Any, **__: Any) -> None:
    """Each of them."""
    for key, value in tags.items():
        set_tag(key, value)


def log_artifact(local_path: Any, artifact_path: Optional[str] = None, *_: Any, **__: Any) -> None:
    """Copy a file or folder into the outputs."""
    local = os.fspath(local_path).rstrip("/")
    _put(os.path.join(artifact_path or "", os.path.basename(local)), local)


def log_artifacts(local_dir: Any, artifact_path: Optional[str] = None, *_: Any, **__: Any) -> None:
    """Copy all that is in a folder into the outputs."""
    for name in sorted(os.listdir(local_dir)):
        log_artifact(os.path.join(local_dir, name), artifact_path)


def log_text(text: str, artifact_file: str, *_: Any, **__: Any) -> None:
    """A text as a file of the outputs."""
    _put(artifact_file, text.encode("utf-8"))


def log_dict(dictionary: Any, artifact_file: str, *_: Any, **__: Any) -> None:
    """A mapping as JSON (also where the file is called ``.yaml``, which JSON is as well)."""
    _put(artifact_file, json.dumps(dictionary, indent=2, default=str).encode("utf-8"))


def log_figure(
    figure: Any, artifact_file: str, *_: Any, save_kwargs: Optional[Dict[str, Any]] = None, **__: Any
) -> None:
    """A figure of matplotlib (by the ending of its name: PNG, SVG, PDF …) or of plotly (HTML)."""
    if hasattr(figure, "savefig"):
        import io

        data, kind = io.BytesIO(), os.path.splitext(artifact_file)[1][1:] or "png"
        figure.savefig(data, format=kind, **(save_kwargs or {}))
        _put(artifact_file, data.getvalue())
    elif hasattr(figure, "to_html"):
        _put(artifact_file, str(figure.to_html()).encode("utf-8"))
    else:
        raise MlflowException(
            f"{type(figure).__name__} is no figure of matplotlib or plotly: save it, then log_artifact"
        )


def autolog(*_: Any, **__: Any) -> None:
    """Nothing is logged by itself; that is said once."""
    _task._task.say_once("mlflow.autolog() does nothing here: log what you want to see with log_metric, log_param")


def _put(name: str, what: Any) -> None:
    run = _runs.now()
    place = run.prefix + name
    _task.artifact(place, what, path=place)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(f"mlflow.{name} is not there: {_REMEDY.format(what=f'has no {name}')}")


class _NoMore(importlib.abc.MetaPathFinder):
    """Says of ``import mlflow.sklearn`` and the like why they are not there."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname.startswith("mlflow."):
            what = f"has no module {fullname}"
            raise ModuleNotFoundError(f"no module {fullname}: {_REMEDY.format(what=what)}", name=fullname)


if __name__ == "mlflow":
    exceptions = types.ModuleType("mlflow.exceptions")
    exceptions.MlflowException = MlflowException  # type: ignore[attr-defined]
    sys.modules["mlflow.exceptions"] = exceptions
    sys.meta_path.insert(0, _NoMore())
