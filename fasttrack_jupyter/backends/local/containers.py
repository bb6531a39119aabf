"""Sessions in containers: docker or podman, if one of them answers on this machine.

A container sees what a local session sees, at the same places, as the same user. Values of variables go
through the client's own environment (``-e NAME``): a command line can be read by everybody. The exit
code is the container's own, as the engine keeps it: a client that is told to end may say 0 (podman's does)
while the command runs on or fails, so it is asked, not believed. The container is removed after that; should its
client be killed, it lives on under its name, by which it is found, asked for its exit code, and ended.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fasttrack_jupyter.errors import BackendError, SessionRejected

ENGINE_VARIABLE = "FASTTRACK_CONTAINER_ENGINE"
_ANSWER_SECONDS = 10
_KNOWN_SECONDS = 30.0
_NO_IMAGE = ("no such image", "image not known", "invalid reference format")
_INITS = ("/usr/libexec/podman/catatonit", "/usr/lib/podman/catatonit", "/usr/local/libexec/podman/catatonit")
_CLIENT_VARIABLES = frozenset({
    "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
    "CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "REGISTRY_AUTH_FILE", "STORAGE_DRIVER",
    "LD_LIBRARY_PATH", "LD_PRELOAD",
})  # fmt: skip

_RUN = """
client=$1 name=$2
shift 2
trap '"$client" kill --signal TERM "$name" >/dev/null 2>&1' TERM INT HUP
"$client" run --name "$name" "$@"
code=$?
state=$("$client" container inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$name" 2>/dev/null)
case $state in
    "") [ "$code" -ne 0 ] || code=125 ;;
    created* | configured* | initialized*) ;;
    exited* | stopped* | dead*) code=${state#* } ;;
    *) code=$("$client" wait "$name") || code=125 ;;
esac
"$client" rm --force --volumes "$name" >/dev/null 2>&1
exit "$code"
"""
"""Runs a container and ends with its exit code: ``sh -c _RUN sh CLIENT NAME ARGUMENTS``."""

ContainerMount = tuple[Path, str, bool]
"""``(path on this machine, absolute place in the container, read-only)``."""


@dataclass(frozen=True, slots=True)
class ContainerEngine:
    """A container engine that answered: ``docker`` or ``podman``, its client, whether it runs without root."""

    name: str
    path: Path
    rootless: bool
    version: str
    has_init: bool = True
    """Whether it can put an init in front of the command, which passes on signals and reaps."""
    has_limits: bool = True
    """Whether it can limit memory and cpu."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False, compare=False)
    _images: dict[str, tuple[float, str]] = field(default_factory=dict, repr=False, compare=False)

    def has_image(self, image: str) -> bool:
        """Whether the engine has ``image`` on this machine; asked again after half a minute. Raises BackendError."""
        return bool(self.image_id(image))

    def image_id(self, image: str) -> str:
        """The image's id, or an empty string if the engine does not have it.

        Raises:
            BackendError: the engine did not answer, so nothing is known.
        """
        asked_at, known = self._images.get(image, (0.0, ""))
        if not asked_at or time.monotonic() - asked_at > _KNOWN_SECONDS:
            found = self._ask("image", "inspect", "--format", "{{.Id}}", image)
            if found.returncode and not any(words in found.stderr.lower() for words in _NO_IMAGE):
                raise BackendError(f"{self.name} does not say whether it has {image}: {found.stderr.strip()}")
            known = found.stdout.strip() if found.returncode == 0 else ""
            self._images[image] = (time.monotonic(), known)
        return known

    def images(self) -> list[str]:
        """Names of all images that the engine has, sorted. Raises BackendError."""
        found = self._ask("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
        if found.returncode:
            raise BackendError(f"{self.name} does not list its images: {found.stderr.strip()}")
        return sorted({line for line in found.stdout.split() if "<none>" not in line})

    def is_running(self, name: str) -> bool:
        """Whether a container of that name is running.

        Raises:
            BackendError: the engine did not answer, so nothing is known.
        """
        found = self._ask("container", "inspect", "--format", "{{.State.Running}}", name)
        if found.returncode and "no such" not in found.stderr.lower():
            raise BackendError(f"{self.name} does not say whether {name} runs: {found.stderr.strip()}")
        return found.stdout.strip() == "true"

    def exit_code(self, name: str) -> int | None:
        """How the container of that name ended; None if there is none, or it has not ended.

        Raises:
            BackendError: the engine did not answer, so nothing is known.
        """
        if self.is_running(name):
            return None
        found = self._ask("container", "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name)
        status, _, code = found.stdout.strip().partition(" ")
        return int(code) if status in ("exited", "stopped", "dead") else None

    def kill(self, name: str, signal: str = "KILL") -> None:
        """Send a signal to the container's main process; one that is gone already is no error."""
        self._ask("kill", "--signal", signal, name)

    def remove(self, name: str) -> None:
        """End and remove the container, if it is there."""
        self._ask("rm", "--force", "--volumes", name)

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [str(self.path), *words]
        try:
            return subprocess.run(
                argv, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False, stdin=subprocess.DEVNULL,
                env=dict(self.environ),
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackendError(f"{self.name} does not answer: {error}", hint="see `fasttrack doctor`") from error


def find_engines(environ: Mapping[str, str] | None = None) -> tuple[ContainerEngine, ...]:
    """The container engines that answer, podman before docker; may take some tenths of a second.

    ``FASTTRACK_CONTAINER_ENGINE`` names the only one to use (or the path of its client), or says ``none``.
    """
    environ = os.environ if environ is None else environ
    wanted = environ.get(ENGINE_VARIABLE, "")
    candidates = ("podman", "docker") if not wanted else () if wanted == "none" else (wanted,)
    paths = [shutil.which(candidate, path=environ.get("PATH")) for candidate in candidates]
    answers = [_answer(Path(path), environ) for path in paths if path]
    return tuple(engine for engine in answers if engine is not None)


def _answer(path: Path, environ: Mapping[str, str]) -> ContainerEngine | None:
    """What the client at ``path`` says of itself; None unless there is an engine behind it."""
    try:
        told = subprocess.run(
            [str(path), "info", "--format", "{{json .}}"],
            capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False, stdin=subprocess.DEVNULL,
            env=dict(environ),
        )  # fmt: skip
        info = json.loads(told.stdout) if told.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    if not isinstance(info, dict):
        return None
    return _podman(info, path, environ) if "host" in info else _docker(info, path, environ)


def _podman(info: Mapping[str, Any], path: Path, environ: Mapping[str, str]) -> ContainerEngine:
    host = info["host"]
    return ContainerEngine(
        "podman",
        path,
        rootless=bool(host.get("security", {}).get("rootless")),
        version=str(info.get("version", {}).get("Version", "")),
        has_init=any(map(os.path.exists, _INITS)) or shutil.which("catatonit") is not None,
        has_limits="memory" in (host.get("cgroupControllers") or ()),
        environ=dict(environ),
    )


def _docker(info: Mapping[str, Any], path: Path, environ: Mapping[str, str]) -> ContainerEngine | None:
    if not info.get("ServerVersion"):
        return None  # a client without its daemon prints its own half
    return ContainerEngine(
        "docker",
        path,
        rootless=any("rootless" in str(option) for option in info.get("SecurityOptions") or ()),
        version=str(info["ServerVersion"]),
        has_init=(info.get("InitCommit") or {}).get("ID") not in ("", "N/A"),
        has_limits=bool(info.get("MemoryLimit")),
        environ=dict(environ),
    )


def container_command(
    engine: ContainerEngine,
    *,
    image: str,
    name: str,
    mounts: Sequence[ContainerMount],
    environ: Mapping[str, str],
    workdir: str,
    command: Sequence[str],
    shmem: int | None = None,
    cpus: float | None = None,
    mem: int | None = None,
    gpus: Sequence[str] = (),
    network: str | None = None,
    hostname: str | None = None,
) -> tuple[list[str], dict[str, str]]:
    """The argv and whole environment that run ``command`` in a container called ``name``.

    It stays in the foreground, passes on output, TERM as TERM, and ends with the container's exit code
    (125–127: the engine itself failed; its message is on stderr). ``shmem`` and ``mem`` in bytes,
    ``gpus`` are NVIDIA UUIDs, ``network`` as the engine spells it (None: the engine's default).
    ``environ`` holds the session's variables; its PATH is left out: an image has its own.

    Raises:
        SessionRejected: a mount that the engine has no way to write.
    """
    argv = ["/bin/sh", "-c", _RUN, "sh", str(engine.path), name, "--pull=never", "--log-driver=none"]
    argv += ["--workdir", workdir, "--entrypoint", "", "--security-opt", "label=disable", *_user(engine)]
    argv += ["--init"] if engine.has_init else []
    argv += [f"--shm-size={shmem}"] if shmem else []
    argv += [f"--memory={mem}"] if mem and engine.has_limits else []
    argv += [f"--cpus={cpus}"] if cpus and engine.has_limits else []
    argv += _devices(engine, gpus)
    argv += ["--network", network] if network else []
    argv += ["--hostname", hostname] if hostname else []
    for mount in mounts:
        argv += _mount(*mount)
    variables, client = _variables(engine, environ)
    return [*argv, *variables, image, *command], client


def _variables(engine: ContainerEngine, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """``--env NAME`` with the value in the client's environment; but a variable that the client itself
    reads (HOME says where rootless podman keeps its images) goes by value, and keeps the client's own there."""
    argv: list[str] = []
    client = dict(engine.environ)
    for name, value in sorted(environ.items()):
        if name == "PATH":
            continue
        if name in _CLIENT_VARIABLES:
            argv += ["--env", f"{name}={value}"]
        else:
            argv += ["--env", name]
            client[name] = value
    return argv, client


def _user(engine: ContainerEngine) -> list[str]:
    """Whose files the outputs will be: this user's, however the engine maps users."""
    if not engine.rootless:
        return ["--user", f"{os.getuid()}:{os.getgid()}"]
    return ["--userns=keep-id"] if engine.name == "podman" else ["--user", "0:0"]


def _devices(engine: ContainerEngine, gpus: Sequence[str]) -> list[str]:
    if not gpus:
        return []
    if engine.name == "docker":
        return ["--gpus", f'"device={",".join(gpus)}"']  # a CSV field: the quotes are docker's
    return [word for gpu in gpus for word in ("--device", f"nvidia.com/gpu={gpu}")]


def _mount(source: Path, target: str, readonly: bool) -> list[str]:
    """``--volume`` has no way to write a colon, ``--mount`` none to write a comma or a quote in every version."""
    if ":" not in f"{source}{target}":
        return ["--volume", f"{source}:{target}" + (":ro" if readonly else "")]
    if "," in f"{source}{target}" or '"' in f"{source}{target}":
        message = f"{str(source)!r} cannot be mounted in a container at {target!r}"
        raise SessionRejected(message, hint="rename it: no engine takes a colon together with a comma or a quote")
    return ["--mount", f"type=bind,source={source},target={target}" + (",readonly" if readonly else "")]
