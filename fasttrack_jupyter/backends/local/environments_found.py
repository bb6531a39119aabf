"""Pythons that are on this machine already: virtual environments, conda's, Jupyter kernels', other versions.

Nothing here starts a Python or imports Jupyter; conda's and Jupyter's files are read as their documents
say (https://jupyter-client.readthedocs.io/en/stable/kernels.html, https://docs.conda.io/projects/conda).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fasttrack_jupyter.backends.local.environments_uv import uv_binary
from fasttrack_jupyter.errors import ImageUnresolved


@dataclass(frozen=True, slots=True)
class FoundPython:
    """A Python that exists: its executable, and the variables that belong to it."""

    python: Path
    prefix: Path
    environ: Mapping[str, str] = field(default_factory=dict)


def this_python(store: Path) -> FoundPython:
    """The interpreter that runs the engine, in a folder where it is also called ``python``.

    A system's Python may be called ``python3`` alone: then a link below ``store`` gives it the name.
    """
    python, environ = Path(sys.executable), _venv_environ(Path(sys.prefix))
    if (python.parent / "python").exists():
        return FoundPython(python.parent / "python", Path(sys.prefix), environ)
    link = store / f"bin-{sys.version_info.major}.{sys.version_info.minor}" / "python"
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(python)
    return FoundPython(link, Path(sys.prefix), environ)


def find_venv(text: str) -> FoundPython:
    """A virtual environment by its folder. Raises ImageUnresolved."""
    prefix = Path(text).expanduser()
    if not prefix.is_absolute():
        raise ImageUnresolved(f"{text!r} is no absolute path", hint="name a virtual environment by its absolute path")
    return FoundPython(_python_in(prefix, f"virtual environment {prefix}"), prefix, _venv_environ(prefix))


def _venv_environ(prefix: Path) -> dict[str, str]:
    return {"VIRTUAL_ENV": str(prefix)} if (prefix / "pyvenv.cfg").exists() else {}


def _python_in(prefix: Path, what: str) -> Path:
    python = prefix / "bin" / "python"
    if not prefix.is_dir():
        raise ImageUnresolved(f"{what} does not exist", hint="make it, or name another image")
    if not os.access(python, os.X_OK):
        raise ImageUnresolved(f"{what} has no bin/python that can be started", hint="make it again")
    return python


# ---------------------------------------------------------------- conda


def find_conda(name: str, environ: Mapping[str, str]) -> FoundPython:
    """A conda environment by name or folder. Raises ImageUnresolved, naming those that exist."""
    known = conda_environments(environ)
    prefix = Path(name).expanduser() if "/" in name else known.get(name)
    if prefix is None:
        hint = f"conda environments here: {', '.join(sorted(known)) or 'none'}"
        raise ImageUnresolved(f"there is no conda environment {name!r}", hint=hint)
    python = _python_in(prefix, f"conda environment {prefix}")
    variables = {**_conda_state(prefix), "CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": name}
    return FoundPython(python, prefix, variables)


def conda_environments(environ: Mapping[str, str]) -> dict[str, Path]:
    """Name → folder of every conda environment that conda would list; ``base`` is the installation itself."""
    found: dict[str, Path] = {}
    for root in _conda_roots(environ):
        if os.path.isdir(root / "conda-meta"):
            found.setdefault("base", root)
    for folder in _conda_env_folders(environ):
        for prefix in _entries(folder):
            if os.path.isdir(prefix / "conda-meta"):
                found.setdefault(prefix.name, prefix)
    listed = _home(environ) / ".conda" / "environments.txt"
    for line in listed.read_text("utf-8").splitlines() if listed.is_file() else ():
        prefix = Path(line.strip())
        if line.strip() and prefix not in found.values() and (prefix / "conda-meta").is_dir():
            found.setdefault(prefix.name, prefix)
    return found


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, sorted; nothing if it is not there or not for us to see."""
    try:
        return sorted(path for path in folder.iterdir() if os.path.isdir(path))
    except OSError:
        return []


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME", "~")).expanduser()


def _conda_roots(environ: Mapping[str, str]) -> list[Path]:
    named = [Path(environ["CONDA_EXE"]).parent.parent] if environ.get("CONDA_EXE") else []
    named += [Path(environ["MAMBA_ROOT_PREFIX"])] if environ.get("MAMBA_ROOT_PREFIX") else []
    usual = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")
    return [*named, *(_home(environ) / name for name in usual), Path("/opt/conda")]


def _conda_env_folders(environ: Mapping[str, str]) -> list[Path]:
    named = (environ.get("CONDA_ENVS_DIRS") or environ.get("CONDA_ENVS_PATH") or "").split(os.pathsep)
    folders = [Path(name) for name in named if name]
    rc = _home(environ) / ".condarc"
    read: Any = _read_yaml(rc) if rc.is_file() else {}
    folders += [Path(str(name)).expanduser() for name in (read.get("envs_dirs") or [])]
    return [*folders, *(root / "envs" for root in _conda_roots(environ)), _home(environ) / ".conda" / "envs"]


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return read if isinstance(read, dict) else {}


def _conda_state(prefix: Path) -> dict[str, str]:
    """The variables set with ``conda env config vars``."""
    state = _read_json(prefix / "conda-meta" / "state")
    return {str(name): str(value) for name, value in (state.get("env_vars") or {}).items()}


# ---------------------------------------------------------------- Jupyter kernels


def find_kernel(name: str, environ: Mapping[str, str]) -> FoundPython:
    """The Python of a Jupyter kernel. Raises ImageUnresolved, naming the kernels that exist."""
    specs = kernel_specs(environ)
    spec = specs.get(name.lower())
    if spec is None:
        hint = f"kernels here: {', '.join(sorted(specs)) or 'none'}"
        raise ImageUnresolved(f"there is no Jupyter kernel {name!r}", hint=hint)
    argv = spec.get("argv") or [""]
    command = str(argv[0])
    variables = {str(key): str(value) for key, value in (spec.get("env") or {}).items()}
    if not Path(command).name.startswith("python"):
        hint = "name the environment itself: conda:NAME, or the path of a virtual environment"
        raise ImageUnresolved(f"Jupyter kernel {name!r} is started by {command!r}, not by a Python", hint=hint)
    if not Path(command).is_absolute():
        # as jupyter_client does: a bare "python" is the one that runs Jupyter
        own = Path(sys.prefix)
        return FoundPython(Path(sys.executable), own, {**_venv_environ(own), **variables})
    python, prefix = Path(command), Path(command).parent.parent
    if not os.access(python, os.X_OK):
        raise ImageUnresolved(f"the Python of Jupyter kernel {name!r} is gone: {python}", hint="install it again")
    return FoundPython(python, prefix, {**_venv_environ(prefix), **variables})


def kernel_specs(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Kernel name (lower case) → its ``kernel.json``; the first on Jupyter's data path wins."""
    found: dict[str, dict[str, Any]] = {}
    for folder in _jupyter_data_path(environ):
        for entry in _entries(folder / "kernels"):
            spec = _read_json(entry / "kernel.json")
            if spec:
                found.setdefault(entry.name.lower(), spec)
    found.setdefault("python3", {"argv": ["python"], "display_name": "Python 3"})
    return found


def _jupyter_data_path(environ: Mapping[str, str]) -> Iterator[Path]:
    """In Jupyter's order (jupyter_core.paths.jupyter_path)."""
    yield from (Path(part) for part in environ.get("JUPYTER_PATH", "").split(os.pathsep) if part)
    home = _home(environ)
    if environ.get("JUPYTER_DATA_DIR"):
        yield Path(environ["JUPYTER_DATA_DIR"])
    elif sys.platform == "darwin":
        yield home / "Library" / "Jupyter"
    else:
        yield Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter"
    yield Path(sys.prefix) / "share" / "jupyter"
    yield from (Path("/usr/local/share/jupyter"), Path("/usr/share/jupyter"))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


# ---------------------------------------------------------------- other versions of Python


def find_python(version: str, environ: Mapping[str, str]) -> Path:
    """An interpreter of ``version`` (``3.12``): this one, one that uv finds, or pyenv's. Raises ImageUnresolved."""
    own = sys.version.split()[0]
    if own == version or own.startswith(version + "."):
        return Path(sys.executable)
    argv = [uv_binary(), "python", "find", "--no-python-downloads", "--no-project", "--system", version]
    try:
        told = subprocess.run(argv, capture_output=True, text=True, env=dict(environ), cwd="/", timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ImageUnresolved(f"uv does not say where Python {version} is: {error}") from error
    if told.returncode == 0 and told.stdout.strip():
        return Path(told.stdout.strip())
    versions = Path(environ.get("PYENV_ROOT") or _home(environ) / ".pyenv") / "versions"
    candidates = [path for path in versions.glob("*/bin/python") if _is_version(path.parent.parent.name, version)]
    if not candidates:
        hint = f"install it (for example: uv python install {version}), or ask for another python=X.Y"
        raise ImageUnresolved(f"there is no Python {version} on this machine", hint=hint)
    return max(candidates, key=lambda path: [int(part) for part in path.parent.parent.name.split(".")])


def _is_version(name: str, version: str) -> bool:
    return name.replace(".", "").isdigit() and (name == version or name.startswith(version + "."))
