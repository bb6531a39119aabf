"""Helpers for the programs of FastTrack's tasks: values, metrics, artifacts, progress.

    import fasttrack_task as ft_task

    for epoch in range(10):
        ft_task.metric("loss", train_one_epoch(), step=epoch)
        ft_task.progress((epoch + 1) / 10, f"epoch {epoch + 1}")
    ft_task.artifact("model", "model.pkl", metadata={"framework": "sklearn"})
    ft_task.value("accuracy", 0.97)

One file, standard library only, Python 3.8 and later. It reaches a task by itself when the code or a command of its
pipeline names it. Everything becomes files in the task's outputs, read while it runs by whoever watches:

    .metrics.jsonl    a line per point: {"name": "loss", "value": 0.3, "step": 4, "time": 1763824000.123}; a number that
                      JSON has no word for is the text "NaN", "Infinity" or "-Infinity"; also, of what holds for the
                      whole task, {"param": "lr", "value": 0.1, "time": …} and {"tag": "team", "value": "vision", …}
    .artifacts.json   {"model": {"type": "Model", "path": "model.pkl", "metadata": {…}}}
    .values/NAME      a value; .progress.json how far it is; .failure.json why it failed

Points are kept back for at most :data:`INTERVAL` seconds and then written with one append of whole lines, so that any
number of processes may write at once, and a kill costs half a second of them. Who ends a process by ``os._exit`` calls
:func:`flush` before. Outside a task everything works as well: it goes to ``./outputs``, in a notebook's kernel to a
folder of its own, and that is said once.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import pickle
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Optional, Sequence, Set, Tuple, Union

INTERVAL = 0.5
"""Seconds for which points and progress are kept back at most."""
_MOST_KEPT, _LONGEST_NAME, _LONGEST_TEXT, _MOST_POINTS = 10_000, 250, 500, 1_000
_WORDS = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}
_PLACE = "/pipeline/outputs"
_GIVEN = {
    "id": "BACKENDAI_PIPELINE_JOB_ID", "index": "BACKENDAI_PIPELINE_JOB_INDEX",
    "status": "FASTTRACK_JOB_STATUS", "reason": "FASTTRACK_JOB_REASON",
}  # fmt: skip
_NAME = re.compile(r"\w[\w -]{0,63}")


class _Task:
    """The task that this process is part of, or what stands in for one."""

    def __init__(self) -> None:
        self._outputs: Optional[str] = None
        self._said: Set[str] = set()
        self.is_real = False

    @property
    def outputs(self) -> str:
        """The folder of outputs; made when first asked for."""
        if self._outputs is None:
            place = os.environ.get("PIPELINE_OUTPUTS") or ("BACKENDAI_PIPELINE_JOB_ID" in os.environ and _PLACE) or ""
            self.is_real = bool(place)
            if not place:
                place = tempfile.mkdtemp(prefix="fasttrack-task-") if "ipykernel" in sys.modules else "./outputs"
                self.say_once(f"this is no task of a job: values, metrics and artifacts go to {place}")
            self._outputs = os.path.abspath(place)
            os.makedirs(self._outputs, exist_ok=True)
        return self._outputs

    def say_once(self, words: str) -> None:
        """Tell whoever reads the log."""
        if words not in self._said:
            self._said.add(words)
            print(f"fasttrack_task: {words}", file=sys.stderr, flush=True)

    def told(self) -> Dict[str, Any]:
        """What the engine says of the job and the task."""
        return dict(json.loads(os.environ.get("FASTTRACK_JOB", "{}")))


class _Writer:
    """Keeps lines and progress back for a moment; safe for threads, forks and signal handlers."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        self._start_afresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_afresh)
        atexit.register(self.flush)

    def _start_afresh(self) -> None:
        """In a fork as well: what its parent keeps back is the parent's to write."""
        self._lock = threading.RLock()
        self._lines: List[str] = []
        self._progress: Optional[str] = None
        self._written_at = -INTERVAL
        self._timer, self._is_told_of_end = threading.Timer(INTERVAL, self.flush), False
        self._timer.cancel()  # nothing waits
        self._quoted: Dict[str, str] = {}
        self._next: Dict[str, float] = {}

    def point(self, name: str, value: Any, step: Optional[float]) -> None:
        """Add a point."""
        number = value if type(value) is float or type(value) is int else _number(name, value)
        text = repr(number)
        with self._lock:
            quoted = self._quoted.get(name)
            if quoted is None:
                quoted = self._quoted[name] = json.dumps(_checked(name))
            if step is None:
                step = self._next.get(name, 0)
            elif type(step) is not int:
                step = _number(f"step of {name}", step)
                if not math.isfinite(step):
                    raise ValueError(f"the metric {name!r} has the step {step}: give a finite number")
            self._next[name] = step + 1
            written = _WORDS.get(text, text)
            self._lines.append(f'{{"name":{quoted},"value":{written},"step":{step},"time":{time.time():.3f}}}\n')
            self._soon()

    def fact(self, kind: str, name: str, value: Any) -> None:
        """Add what holds for the whole task."""
        line = json.dumps({kind: _checked(name), "value": _short(value), "time": round(time.time(), 3)})
        with self._lock:
            self._lines.append(line + "\n")
            self._soon()

    def progress(self, fraction: Optional[float], text: str) -> None:
        """Say how far the task is."""
        with self._lock:
            self._progress = json.dumps({"fraction": fraction, "text": text[:_LONGEST_TEXT]})
            self._soon()

    def flush(self) -> None:
        """Write all that was kept back. A full disk costs it, and nothing else."""
        with self._lock:
            lines, self._lines = self._lines, []
            progress, self._progress = self._progress, None
            self._written_at = time.monotonic()
            self._timer.cancel()
            try:
                data = "".join(lines).encode("ascii")
                while data:
                    with open(os.path.join(self._task.outputs, ".metrics.jsonl"), "ab", buffering=0) as file:
                        data = data[file.write(data) or 0 :]
                if progress is not None:
                    _write(os.path.join(self._task.outputs, ".progress.json"), progress.encode("ascii"))
            except OSError as error:
                self._task.say_once(f"metrics or progress could not be written: {error}")

    def _soon(self) -> None:
        """At once where nothing was written for a while, else a little later."""
        if time.monotonic() - self._written_at >= INTERVAL or len(self._lines) >= _MOST_KEPT:
            self.flush()
        elif self._timer.finished.is_set():
            known = sys.modules.get("multiprocessing.util")
            if known is not None and not self._is_told_of_end:  # its processes end without the functions of atexit
                self._is_told_of_end = True
                known.Finalize(None, self.flush, exitpriority=0)
            self._timer = threading.Timer(INTERVAL, self.flush)
            self._timer.daemon = True
            try:
                self._timer.start()
            except RuntimeError:  # no more threads: the interpreter is about to end
                self.flush()


_task = _Task()
_writer = _Writer(_task)  # one for each process: its functions are called from anywhere in a program
flush = _writer.flush


def value(name: str, v: Any) -> None:
    """Hand on a value (number, text, truth, list, mapping): the declared output ``name``. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for an output: letters, digits, space, _ and - only, 64 at most")
    v = _plain(v)
    try:
        text = v if isinstance(v, str) else json.dumps(v, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the value {name!r} cannot be handed on: {error}; artifact() takes any object") from error
    folder = os.path.join(_task.outputs, ".values")
    os.makedirs(folder, exist_ok=True)
    _write(os.path.join(folder, name), (text + "\n").encode("utf-8"))


def metric(name: str, value: Any, step: Optional[float] = None) -> None:
    """A point of the metric ``name``; without ``step`` they are counted. Raises TypeError: it is no number."""
    _writer.point(name, value, step)


def metrics(values: Mapping[str, Any], step: Optional[float] = None) -> None:
    """A point of each metric, as :func:`metric`."""
    for name, number in values.items():
        _writer.point(name, number, step)


def param(name: str, v: Any) -> None:
    """What the task was done with, for comparisons; the last one of a name counts."""
    _writer.fact("param", name, v)


def tag(name: str, v: Any) -> None:
    """Anything else that is to be known of the task."""
    _writer.fact("tag", name, v)


def progress(fraction: Optional[float] = None, text: str = "") -> None:
    """How far the task is, from 0 to 1 (None: unknown), and what it does just now."""
    known = None if fraction is None or math.isnan(fraction) else min(max(float(fraction), 0.0), 1.0)
    _writer.progress(known, str(text))


def artifact(
    name: str,
    path_or_obj: Any,
    type: Optional[str] = None,  # noqa: A002 — as outputs call it
    metadata: Optional[Mapping[str, Any]] = None,
    path: Optional[str] = None,
) -> Path:
    """Put an artifact into the outputs, whole or not at all; where it is comes back.

    A file or folder (text or ``Path``) is copied, unless it is in its place already. Of an object: bytes as they are,
    lists and mappings as JSON, figures as PNG, tables of pandas as CSV, anything else pickled. ``path``, relative to
    the outputs, is the declared one or ``name`` by default; ``metadata`` becomes part of the declared output's.
    Raises FileNotFoundError; ValueError: ``path`` leads out of the outputs, or JSON cannot carry ``metadata``.
    """
    declared: Dict[str, str] = _task.told().get("outputs", {}).get(name, {})
    place = os.path.normpath(path or declared.get("path") or name)
    if os.path.isabs(place) or place.split(os.sep)[0] in ("..", ".") or "\0" in place:
        raise ValueError(f"path {place!r} leads out of the outputs: write one below them, such as model.pkl")
    kind = type or declared.get("type") or "Artifact"
    if type and declared.get("type", type) != type:
        _task.say_once(f"output {name!r} is declared as {declared['type']}, and the artifact is a {type}")
    entry = {"type": kind, "path": place, "metadata": dict(metadata or {})}
    json.dumps(entry, allow_nan=False)
    target = os.path.join(_task.outputs, place)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if isinstance(path_or_obj, (str, os.PathLike)):
        _copy(os.fspath(path_or_obj), target)
    else:
        _save(path_or_obj, target)
    with _alone(_task.outputs):
        listed, list_place = {}, os.path.join(_task.outputs, ".artifacts.json")
        with contextlib.suppress(OSError, TypeError, ValueError), open(list_place, encoding="utf-8") as file:
            listed = dict(json.load(file))
        _write(list_place, json.dumps({**listed, name: entry}, indent=1).encode("ascii"))
    return Path(target)


def classification_metrics(
    name: str,
    confusion_matrix: Optional[Sequence[Sequence[float]]] = None,
    labels: Optional[Sequence[str]] = None,
    roc: Optional[Tuple[Sequence[float], Sequence[float], Sequence[float]]] = None,
    metadata: Optional[Mapping[str, Any]] = None,
) -> Path:
    """An artifact of the type ClassificationMetrics, in Kubeflow's shape (``kfp.dsl.ClassificationMetrics``).

    ``confusion_matrix``: rows are what is true, columns what was predicted; ``roc``: false positive rates, true
    positive rates and thresholds, as ``sklearn.metrics.roc_curve`` gives them (its infinite threshold becomes the
    largest finite one plus 1); of more than 1,000 points some are left out. Raises ValueError: they do not fit.
    """
    told: Dict[str, Any] = dict(metadata or {})
    if confusion_matrix is not None:
        rows = [{"row": [_plain(cell) for cell in row]} for row in confusion_matrix]
        names = [str(label) for label in (labels if labels is not None else range(len(rows)))]
        if any(len(row["row"]) != len(names) for row in rows) or len(rows) != len(names):
            raise ValueError(f"a confusion matrix of {len(names)} labels has {len(names)} rows of as many numbers")
        told["confusionMatrix"] = {"annotationSpecs": [{"displayName": each} for each in names], "rows": rows}
    if roc is not None:
        told["confidenceMetrics"] = _roc(*([float(number) for number in part] for part in roc))
    return artifact(name, told, type="ClassificationMetrics", metadata=told)


def inputs() -> Dict[str, Path]:
    """Where each of the task's ``inputs:`` is: a file or folder; of a value, a file with its text."""
    folder = Path(os.environ.get("PIPELINE_INPUTS", "/pipeline/inputs"))
    return {path.name: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def params() -> Dict[str, Any]:
    """The parameters of the job; empty outside one."""
    return dict(_task.told().get("params", {}))


def job() -> Dict[str, Any]:
    """``id, index, pipeline, name, task, attempt``; ``status`` and ``reason`` in a final task; empty outside a job."""
    found = {key: v for key, v in _task.told().items() if key not in ("params", "outputs")}
    given = {key: os.environ[variable] for key, variable in _GIVEN.items() if variable in os.environ}
    return {**found, **given, **({"index": int(given["index"])} if given.get("index", "").isdigit() else {})}


def fail(reason: str) -> NoReturn:
    """End the task as a failure that says why. Raises SystemExit; outside a task RuntimeError, which ends no kernel."""
    _write(os.path.join(_task.outputs, ".failure.json"), json.dumps({"text": str(reason)[:1000]}).encode("ascii"))
    _writer.flush()
    if not _task.is_real:
        raise RuntimeError(reason)
    print(reason, file=sys.stderr, flush=True)
    raise SystemExit(1)


def _checked(name: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"{name!r} is no name: a printable text of at most {_LONGEST_NAME} characters")
    return name


def _number(name: str, found: Any) -> Union[int, float]:
    """Any number, or what holds one (scalars of numpy, torch …)."""
    try:
        found = found.item() if hasattr(found, "item") else found
        return int(found) if isinstance(found, int) else float(found)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"the metric {name!r} is no number: {error}; param() and tag() take texts") from error


def _plain(found: Any) -> Any:
    """What JSON can carry, of scalars and arrays of numpy and the like."""
    return found.tolist() if hasattr(found, "tolist") else found


def _short(found: Any) -> Any:
    found = _plain(found)
    if isinstance(found, float) and not math.isfinite(found):
        return json.loads(_WORDS[repr(found)])
    return found if found is None or isinstance(found, (bool, int, float)) else str(found)[:_LONGEST_TEXT]


def _roc(fpr: List[float], tpr: List[float], thresholds: List[float]) -> List[Dict[str, float]]:
    if not len(fpr) == len(tpr) == len(thresholds):
        raise ValueError(f"a ROC curve has as many rates as thresholds, not {len(fpr)}, {len(tpr)}, {len(thresholds)}")
    if not all(map(math.isfinite, fpr + tpr)):
        raise ValueError("a ROC curve has rates that are no numbers: was there only one class?")
    top = max(filter(math.isfinite, thresholds), default=0.0) + 1
    finite = [at if math.isfinite(at) else top for at in thresholds]
    names = ("falsePositiveRate", "recall", "confidenceThreshold")
    points = [dict(zip(names, point)) for point in zip(fpr, tpr, finite)]
    every = -(-len(points) // _MOST_POINTS) or 1
    return points[:-1:every] + points[-1:]


def _save(obj: Any, target: str) -> None:
    if isinstance(obj, (bytes, bytearray, memoryview)):
        _write(target, bytes(obj))
    elif isinstance(obj, (dict, list)):
        _write(target, json.dumps(obj, ensure_ascii=False, allow_nan=False).encode("utf-8"))
    elif hasattr(obj, "savefig") or hasattr(obj, "to_csv"):
        with _draft(target) as part:
            obj.savefig(part, format="png") if hasattr(obj, "savefig") else obj.to_csv(part)
            os.replace(part, target)
    else:
        _write(target, pickle.dumps(obj))


def _copy(source: str, target: str) -> None:
    if not os.path.lexists(source):
        raise FileNotFoundError(f"there is no file or folder {source!r}; text is given as bytes: text.encode()")
    if os.path.realpath(source) == os.path.realpath(target):
        return
    with _draft(target) as part:
        (shutil.copytree if os.path.isdir(source) else shutil.copyfile)(source, part)
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)  # a folder cannot be replaced by a rename
        os.replace(part, target)


@contextlib.contextmanager
def _draft(target: str) -> Iterator[str]:
    """A name beside ``target`` that nobody else uses; what is left there goes."""
    with tempfile.TemporaryDirectory(prefix=".fasttrack-", dir=os.path.dirname(target)) as folder:
        yield os.path.join(folder, "part")


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Nobody else who asks for the same is in here, where the file system can do that."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl  # Unix

            lock = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(place: str, data: bytes) -> None:
    """A file that is there as a whole or not at all."""
    part = f"{place}.{os.getpid()}.{threading.get_ident()}.part"
    with open(part, "wb") as file:
        file.write(data)
    os.replace(part, place)
