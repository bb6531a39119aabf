"""Environments built by uv, once each, and then never changed.

An environment is named by a digest of all that decides what is in it: the requirements, the files
that they name, the Python, the platform. It lives in ``<home>/environments/<digest>``; the file
``.ok`` in it is written last, after everything is on the disk, so an environment with ``.ok`` is whole
and one without is a ruin that the next builder clears away. Builders take the flock of
``<digest>.lock``, and uv inherits it: should the engine be killed in the middle, uv lives on for a
moment, and nobody touches the folder until it has ended too. Afterwards nothing in it can be written
(uv hard-links files from its cache: a task that patched a file would patch it for everybody).
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fasttrack_jupyter.backends.files.removal import is_older, remove_tree
from fasttrack_jupyter.backends.local.environments_pip import uv_environ, uv_options
from fasttrack_jupyter.backends.local.file_lock import locked, try_lock
from fasttrack_jupyter.backends.local.images import Requirements, mask_credentials
from fasttrack_jupyter.backends.local.sealing import seal, seal_tree
from fasttrack_jupyter.errors import BackendUnreachable, ImageUnresolved

Say = Callable[[str], None]
OK = ".ok"
_FORMAT = 1
_NOT_OURS = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "UV_SYSTEM_PYTHON")
_NETWORK = ("error sending request", "dns error", "failed to fetch", "timed out", "connection refused", "connect error")
_CERTIFICATE = "invalid peer certificate"
_NO_NETWORK = (_CERTIFICATE, "404 not found", "401 unauthorized", "403 forbidden")


@dataclass(frozen=True, slots=True)
class Plan:
    """An environment that is there, or could be built: which Python, which requirements, where."""

    path: Path
    python: Path
    requirements: Requirements
    code: Path | None

    @property
    def image(self) -> str:
        """What asks for it, as behind ``uv:``, without passwords."""
        python = [f"python={self.requirements.python}"] if self.requirements.python else []
        return mask_credentials(shlex.join([*python, *self.requirements.files, *self.requirements.words]))

    @property
    def description(self) -> str:
        """In words: packages and Python."""
        words = [*self.requirements.files, *map(mask_credentials, self.requirements.words)]
        return f"{' '.join(words) or 'no packages'} on Python {self.requirements.python or sys.version.split()[0]}"

    @property
    def digest(self) -> str:
        """The name of its folder."""
        return self.path.name

    @property
    def lock(self) -> Path:
        """Held by whoever builds it; its time is the environment's last use."""
        return self.path.with_name(self.digest + ".lock")

    def is_ready(self) -> bool:
        """Whether it is built, and its Python still there: two stats."""
        return (self.path / OK).exists() and (self.path / "bin" / "python").exists()


def make_plan(store: Path, asked: Requirements, code: Path | None, python: Path) -> Plan:
    """The plan of an environment below ``store`` on the interpreter ``python``.

    Raises:
        ImageUnresolved: a requirements file is missing or asks for what cannot be hashed.
    """
    files = read_requirement_files(code, asked.files)
    identity = [_FORMAT, _identity(python), str(store), list(asked.words), sorted(files.items())]
    digest = sha256(json.dumps(identity).encode()).hexdigest()[:24]
    return Plan(store / digest, python, asked, code)


def _identity(python: Path) -> list[str]:
    if python == Path(sys.executable):
        return [sys.implementation.name, sys.version, sys.base_prefix, os.uname().machine, sys.platform]
    real = python.resolve()
    return [str(real), str(real.stat().st_mtime_ns), os.uname().machine, sys.platform]


def read_requirement_files(code: Path | None, names: Sequence[str]) -> dict[str, str]:
    """The text of ``names`` and of the files that they include (``-r``, ``-c``), by name within the code.

    Raises:
        ImageUnresolved: one is missing, or asks for an editable or local package.
    """
    if names and code is None:
        raise ImageUnresolved(f"no code to find {names[0]} in", hint="list the file under files: of the pipeline")
    texts: dict[str, str] = {}
    waiting = deque(names)
    while waiting and code is not None:
        name = os.path.normpath(waiting.popleft())
        if name not in texts:
            texts[name] = _read_inside(code, name)
            waiting.extend(str(Path(name).parent / included) for included in _included(name, texts[name]))
    return texts


def _read_inside(code: Path, name: str) -> str:
    path = (code / name).resolve()
    if not path.is_relative_to(code.resolve()):
        raise ImageUnresolved(f"{name} leaves the code of the pipeline", hint="keep requirements beside the pipeline")
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "it must be in the pipeline's folder and among its files:"
        raise ImageUnresolved(f"requirements file {name} cannot be read: {error}", hint=hint) from error


def _included(name: str, text: str) -> list[str]:
    if not name.endswith(".txt"):
        return []
    included = []
    for line in (line.strip() for line in text.splitlines()):
        option, _, rest = line.replace("=", " ", 1).partition(" ")
        if option in ("-r", "-c", "--requirement", "--constraint"):
            included.append(rest.strip())
        elif line.startswith((".", "/", "-e", "--editable", "file:")):
            hint = "publish it, or import it from the code: /home/work is on the path of a script there"
            raise ImageUnresolved(f"{name} asks for {line!r}, a package that is no file of an index", hint=hint)
    return included


async def build(plan: Plan, say: Say, environ: Mapping[str, str]) -> None:
    """Build ``plan`` unless it is there; waits for whoever is building it already.

    Raises:
        ImageUnresolved: uv could not; the message is uv's own.
        BackendUnreachable: the package index did not answer.
    """
    try:
        async with locked(plan.lock, say, plan.description) as lock:
            if not plan.is_ready():
                await _build(plan, lock, say, environ)
    except OSError as error:
        message = f"environment {plan.digest[:8]} cannot be written: {error}"
        raise ImageUnresolved(message, hint="make room on the disk, or mend its permissions") from error


async def _build(plan: Plan, lock: int, say: Say, environ: Mapping[str, str]) -> None:
    await asyncio.to_thread(remove_tree, plan.path)
    say(f"building environment {plan.digest[:8]}: {plan.description}")
    began = time.monotonic()
    await _install(plan, lock, say, {k: v for k, v in environ.items() if k not in _NOT_OURS})
    await asyncio.to_thread(_seal, plan)
    say(f"environment {plan.digest[:8]} is ready after {time.monotonic() - began:.1f} s")


async def _install(plan: Plan, lock: int, say: Say, environ: Mapping[str, str]) -> None:
    no_index = uv_options(environ)
    environ = {**environ, **uv_environ(environ), "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    quiet = ["--no-python-downloads", "--no-project"]
    venv = [uv_binary(), "venv", *quiet, "--python", str(plan.python), str(plan.path)]
    await _uv(venv, "", plan.path.parent, lock, lambda line: None, environ)
    if not plan.requirements.words and not plan.requirements.files:
        return
    install = [uv_binary(), "pip", "install", "--no-python-downloads", "--compile-bytecode", *no_index]
    install += ["--python", str(plan.path / "bin" / "python")]
    for name in plan.requirements.files:
        install += ["-r", str((plan.code or Path()) / name)]
    # words go through stdin: an URL among them may hold a password, and arguments can be seen by everybody
    install += ["-r", "-"] if plan.requirements.words else []
    await _uv(install, "\n".join(plan.requirements.words), plan.path, lock, say, environ)


async def _uv(argv: list[str], stdin: str, cwd: Path, lock: int, say: Say, environ: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=cwd, env=dict(environ), pass_fds=(lock,), start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stderr is not None
    tail: deque[str] = deque(maxlen=40)
    try:
        process.stdin.write(stdin.encode())
        process.stdin.close()
        async for line in process.stderr:
            text = mask_credentials(line.decode("utf-8", "replace").rstrip())
            tail.append(text)
            say(text.strip())
        code = await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code:
        raise _failure(code, "\n".join(tail).strip())


def _complaint(words: str) -> str:
    """On one line, what uv complained of, without what it said before."""
    lines = [line.strip() for line in words.splitlines()]
    first = next((place for place, line in enumerate(lines) if line.startswith(("error:", "×"))), 0)
    return " ".join(lines[first:]).removeprefix("error:").strip().rstrip(".")


def _failure(code: int, words: str) -> ImageUnresolved | BackendUnreachable:
    message = f"uv could not build the environment: {_complaint(words) or f'exit {code}'}"
    lowered = words.lower()
    if any(word in lowered for word in _NETWORK) and not any(word in lowered for word in _NO_NETWORK):
        return BackendUnreachable(
            message, hint="see to the network, or to pip's index configuration, which uv takes as it is"
        )
    if _CERTIFICATE in lowered:
        return ImageUnresolved(message, hint="set `cert` in pip's configuration, SSL_CERT_FILE, or UV_SYSTEM_CERTS=1")
    hint = "mend the requirements of the image; `uv pip install` in a new environment shows the same"
    return ImageUnresolved(message, hint=hint)


def _seal(plan: Plan) -> None:
    """Make it read-only and durable, then say so with ``.ok``."""
    seal_tree(plan.path)
    os.sync()
    plan.path.chmod(0o700)
    marker = {"image": plan.image, "python": str(plan.python), "built_at": time.time()}
    written = plan.path / (OK + ".tmp")
    with written.open("w", encoding="utf-8") as stream:
        json.dump(marker, stream)
        stream.flush()
        os.fsync(stream.fileno())
    seal(written)
    written.rename(plan.path / OK)
    seal(plan.path)


def built(store: Path) -> list[tuple[str, bool]]:
    """``(description, whether its Python is still there)`` of every environment below ``store``."""
    found = []
    for marker in sorted(store.glob(f"*/{OK}")):
        told = json.loads(marker.read_text("utf-8"))
        found.append((str(told["image"]), (marker.parent / "bin" / "python").exists()))
    return found


def unused(store: Path, keep: Collection[str], grace: float) -> list[Path]:
    """Environments below ``store`` whose digest is not in ``keep``, last used ``grace`` seconds ago or earlier."""
    locks = [lock for lock in sorted(store.glob("*.lock")) if lock.stem not in keep and is_older(lock, grace)]
    return [lock.with_suffix("") for lock in locks if lock.with_suffix("").exists()]


def remove_unused(store: Path, keep: Collection[str], grace: float = 0.0) -> int:
    """Remove what :func:`unused` tells, but for what somebody is building; bytes freed."""
    freed = 0
    for environment in unused(store, keep, grace):
        lock = environment.with_name(environment.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            if try_lock(descriptor):
                freed += remove_tree(environment)
        finally:
            os.close(descriptor)
    return freed


def uv_binary() -> str:
    """Where uv is: the package's own, or else the one on PATH.

    Raises:
        ImageUnresolved: nowhere.
    """
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise ImageUnresolved("uv is not installed, so no environment can be built", hint="pip install uv")
    return found
