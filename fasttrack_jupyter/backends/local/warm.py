"""Which tasks a warm interpreter may start (``FASTTRACK_LOCAL_WARM_START=1``), and what it must have imported.

Only cells: tasks whose command is ``python3 NAME.cells/execute.py TASK …`` and nothing else, with this release's
``execute.py`` (``notebook/travel``), which is known to be the same whoever imports it. A task that would find another
interpreter than the warm one is (variables that Python or its libraries read when they begin, modules of its own
that hide installed ones, mounts over the interpreter) gets one of the same variables, or starts fresh and says why. The
interpreters themselves: :mod:`.runner.zygote`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.local.folders_view import WORK, Places
from fasttrack_jupyter.backends.local.runner import room
from fasttrack_jupyter.engine.task_files import SEARCHED

TRAVEL = Path(__file__).parents[2] / "notebook" / "travel"
MODULES = ("numpy", "pandas", "scipy", "sklearn", "pyarrow")
"""What is imported ahead of the cells that name it: used often, slow to import, and without devices of its own."""
_IMPORTED = re.compile(rf"\b(?:{'|'.join(MODULES)})\b(?:\.\w+)*")
_PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
_AT_START = re.compile(
    r"(?:PYTHON|LD_|LC_|OMP_|GOMP_|KMP_|OPENBLAS_|GOTO_|MKL_|BLIS_|VECLIB_|NUMEXPR_|RAYON_|NPY_|NUMPY_|SCIPY_|PANDAS_"
    r"|ARROW_|JE_|MIMALLOC_|MALLOC_|GLIBC_|SKLEARN_|JOBLIB_|LOKY_|CUDA_|NVIDIA_|HIP_|ROCR_).*|LANG|LANGUAGE|TZ|TZDIR"
)
_LEAD_ELSEWHERE = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX")
_OURS = (WORK, "/pipeline")


class Fresh(Exception):
    """The task starts fresh; why, in words. Without words: it is none that could start warm."""


def not_warm(why: str) -> str:
    """The note on a task of cells that started fresh."""
    return f"started fresh, not warm: {why}"


def warm_request(command: str, places: Places, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the launcher hands to a warm interpreter (see ``runner.warming``), for a task of cells.

    Raises:
        Fresh: it starts fresh.
    """
    word, script, task = _words(command)
    if sys.platform != "linux":
        raise Fresh("it needs Linux")
    if places.code is None or os.path.isabs(script) or ".." in script.split("/"):
        raise Fresh
    folder = os.path.join(places.code, os.path.dirname(script))
    if not _is_ours(folder):
        raise Fresh("its cells are run by another release's execute.py")
    for target, _ in places.mounts:
        if not target.startswith(WORK + "/") or f"{WORK}/{script}".startswith(target + "/"):
            raise Fresh(f"something is mounted at {target}")
    if os.path.lexists(os.path.join(places.code, ".local")):
        raise Fresh("its code has packages of a user's own (.local)")
    python = shutil.which(word, path=environ["PATH"])
    if python is None or _leads_elsewhere(python, places):
        raise Fresh(f"{word} is not one that others can use")
    starting = _at_start(environ, places)
    told = json.dumps([python, sorted(starting.items())])
    return {
        "key": hashlib.sha256(told.encode()).hexdigest(),
        "python": python,
        "environ": starting,
        "travel": str(TRAVEL),
        "modules": _modules_of(folder, task),
        "own": sorted({*_own_modules(places.code), *_mounted_modules(places.mounts)}),
    }


def _words(command: str) -> tuple[str, str, str]:
    """Interpreter, script and task of a command that is nothing but these and options. Raises Fresh."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise Fresh from None
    is_cells = len(words) > 2 and _PYTHON.fullmatch(words[0]) and words[1].endswith(".cells/execute.py")
    if not is_cells:
        raise Fresh
    if shlex.join(words) != command.strip():
        raise Fresh("its command is one for a shell")
    return words[0], words[1], words[2]


def _at_start(environ: Mapping[str, str], places: Places) -> dict[str, str]:
    """The variables that an interpreter and its libraries read once. Raises Fresh."""
    if not room.fits(environ):
        raise Fresh("its variables are too large")
    found = {name: value for name, value in environ.items() if _AT_START.fullmatch(name)}
    if environ.get(SEARCHED) == environ.get("PYTHONPATH"):
        found.pop("PYTHONPATH", None)  # ours alone: the fork looks there too
    for name, value in found.items():
        if name in _LEAD_ELSEWHERE or _leads_elsewhere(value, places):
            raise Fresh(f"its variable {name} leads to places of its own")
    return found


def _leads_elsewhere(path: str, places: Places) -> bool:
    return any(place in path for place in (*_OURS, places.control))


@lru_cache(64)
def _is_ours(folder: str) -> bool:
    """Whether the code that runs cells in ``folder``, which never changes, is this release's."""
    try:
        return all((Path(folder) / ours.name).read_bytes() == ours.read_bytes() for ours in _travel_files())
    except OSError:
        return False


def _travel_files() -> list[Path]:
    return [path for path in TRAVEL.glob("*.py") if path.name != "__init__.py"]


@lru_cache(64)
def _own_modules(code: str) -> frozenset[str]:
    """What can be imported from the top of ``code``, which never changes, and so hides what is installed."""
    return frozenset(name for entry in os.listdir(code) if (name := _module(entry, os.path.join(code, entry))))


def _mounted_modules(mounts: tuple[tuple[str, str], ...]) -> set[str]:
    return {name for target, path in mounts if (name := _module(os.path.basename(target), path))}


def _module(entry: str, path: str) -> str:
    name, _, ending = entry.partition(".")
    if ending:
        return name if ending.rpartition(".")[2] in ("py", "pyc", "so") else ""
    return name if os.path.isfile(os.path.join(path, "__init__.py")) else ""


@lru_cache(256)
def _modules_of(folder: str, task: str) -> tuple[str, ...]:
    """Those of :data:`MODULES`, and of what is in them, that the task's cells import; in order."""
    try:
        told = json.loads(Path(folder, "tasks.json").read_bytes())["tasks"][task]["cells"]
        texts = [Path(folder, cell["file"]).read_text("utf-8") for cell in told]
    except (OSError, ValueError, KeyError, TypeError):
        return ()  # execute.py says what is wrong
    lines = [line.split("#")[0] for text in texts for line in text.splitlines()]
    found = {name: None for line in lines for name in _imported(line.split())}
    return tuple(found)


def _imported(words: list[str]) -> list[str]:
    if not words or words[0] not in ("import", "from"):
        return []
    return [word for word in " ".join(words[1 : 2 if words[0] == "from" else None]).replace(",", " ").split()
            if _IMPORTED.fullmatch(word)]  # fmt: skip
