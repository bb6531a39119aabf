"""What we bring to the programs of tasks: ``fasttrack_task.py``, and a stand-in for MLflow.

They travel with the code, below :data:`~fasttrack_jupyter.model.notebooks.RUNTIME`, when a file of it or a command
names ``fasttrack_task``, or when a task has the variable :data:`MLFLOW`; a job without any pays nothing. Then each
session of the job has two variables more: :data:`SEARCHED`, which its backend puts before what ``PYTHONPATH`` is there
(an image may have one of its own), and :data:`JOB`, what the helpers can tell of job and task.

To find out whether a file names it, it has to be read, once: what was found is remembered for as long as it has the
same inode, size and time.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Container, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fasttrack_jupyter.model.groups import leaf_tasks
from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.notebooks import RUNTIME
from fasttrack_jupyter.model.pipeline import Pipeline, Task

MLFLOW = "FASTTRACK_MLFLOW"
"""Variable of a task in which ``import mlflow`` is to be FastTrack's stand-in."""
SEARCHED = "FASTTRACK_PYTHONPATH"
"""Variable with the folders that Python is to search first in a session."""
JOB = "FASTTRACK_JOB"
"""Variable with what the helpers tell: ``{pipeline, name, task, attempt, params, outputs: {name: {type, path}}}``."""
HELPED = "helped"
"""Key of a job's options: its code has the helpers."""

_SOURCES = Path(__file__).parent.parent / "task"
_NAME = re.compile(rb"(?<![%\w])fasttrack_task\b")
"""Not the magic ``%%fasttrack_task``, which most notebooks have."""
_PROGRAMS = (".py", ".ipynb", ".sh", ".pyx", ".cfg", ".toml", ".txt")
_LARGEST = 8 << 20
_MOST_JOB = 32_768
"""Bytes of :data:`JOB`; parameters that are larger are left out."""
_OFF = ("", "0", "false", "no", "off")


def helper_files(pipeline: Pipeline, code: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Path → content of what is to go with ``code`` (see :meth:`ExecutionBackend.put_code`); mostly nothing. Blocks."""
    envs = (task.environment.envs for _, task in leaf_tasks(pipeline))
    has_mlflow = MLFLOW in pipeline.environment.envs or any(MLFLOW in each for each in envs)
    if not (has_mlflow or _is_named(pipeline, code)):
        return {}
    files = dict(_sources())
    return files if has_mlflow else {path: data for path, data in files.items() if "/mlflow/" not in path}


def is_helped(files: Container[str]) -> bool:
    """Whether a job with this code has them."""
    return f"{RUNTIME}/task/fasttrack_task.py" in files


def helper_environ(job: PipelineJob, task: Task, path: str, attempt: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a session for the helpers; ``environ`` are those that it has anyway."""
    if not job.options.get(HELPED):
        return {}
    folders = [f"/pipeline/code/{RUNTIME}/task"]
    if environ.get(MLFLOW, "").strip().lower() not in _OFF:
        folders.insert(0, f"/pipeline/code/{RUNTIME}/mlflow")
    told: dict[str, Any] = {
        "pipeline": job.pipeline, "name": job.name or job.pipeline, "task": path, "attempt": attempt,
        "outputs": {name: {"type": spec.type, "path": spec.path_of(name)} for name, spec in task.outputs.items()},
    }  # fmt: skip
    whole = json.dumps(told | {"params": dict(job.params)})
    return {SEARCHED: ":".join(folders), JOB: whole if len(whole) <= _MOST_JOB else json.dumps(told)}


def searched_first(environ: Mapping[str, str]) -> dict[str, str]:
    """``PYTHONPATH`` as a session is to have it; nothing where it has no helpers."""
    folders = environ.get(SEARCHED)
    own = environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{folders}:{own}" if own else folders} if folders else {}


def _is_named(pipeline: Pipeline, code: Mapping[str, str | bytes]) -> bool:
    if any(_NAME.search((task.command or "").encode("utf-8", "replace")) for _, task in leaf_tasks(pipeline)):
        return True
    return any(_names_it(content) for path, content in code.items() if path.endswith(_PROGRAMS) or "." not in path)


def _names_it(content: str | bytes) -> bool:
    if isinstance(content, bytes):
        return _NAME.search(content) is not None
    try:
        found = Path(content).stat()
    except OSError:  # a link that leads nowhere
        return False
    if not 0 < found.st_size <= _LARGEST:
        return False
    return _is_in_file(content, (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size))


@functools.lru_cache(50_000)
def _is_in_file(path: str, identity: tuple[int, int, int, int]) -> bool:
    try:
        return _NAME.search(Path(path).read_bytes()) is not None
    except OSError:  # whoever makes the snapshot says why
        return False


@functools.cache
def _sources() -> Mapping[str, bytes]:
    helpers, calls = (_SOURCES / "fasttrack_task.py").read_bytes(), (_SOURCES / "mlflow_calls.py").read_bytes()
    return MappingProxyType(
        {f"{RUNTIME}/task/fasttrack_task.py": helpers, f"{RUNTIME}/mlflow/mlflow/__init__.py": calls}
    )
