"""Fingerprints of executions, before a job (for its plan) and within it (when a task instance may go on).

What is asked of disks and backends on the way is asked once in the life of a :class:`Keys`: make one for each plan, and
one for each instance that is about to run, so that nothing old is believed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrack_jupyter.engine.cache_code import NO_FILES
from fasttrack_jupyter.engine.caching import Identifying
from fasttrack_jupyter.engine.digests import Digest, Digests, Place
from fasttrack_jupyter.engine.ports import ExecutionBackend, SessionSpec
from fasttrack_jupyter.engine.sessions import SECRET_PARTS
from fasttrack_jupyter.engine.task_files import JOB as TOLD
from fasttrack_jupyter.engine.task_files import SEARCHED as HELPERS
from fasttrack_jupyter.errors import FastTrackError
from fasttrack_jupyter.model.expressions import ExpressionError, Reference, parse_template
from fasttrack_jupyter.model.fingerprint import Fingerprint, digest_of, keyed_digest
from fasttrack_jupyter.model.notebooks import command_of, texts_of
from fasttrack_jupyter.model.pipeline import Pipeline, Task

_OF_EACH_JOB = frozenset({"BACKENDAI_PIPELINE_JOB_ID", "BACKENDAI_PIPELINE_JOB_INDEX", SECRET_PARTS, HELPERS, TOLD})
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NOTHING = "nothing"
_KEY_BYTES = 32
_NEVER_TWICE = frozenset({"id", "index"})


class NoKey(Exception):
    """An execution whose result cannot be used again; the text says why."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One that is planned, or about to begin."""

    pipeline: Pipeline
    task: Task
    spec: SessionSpec
    backend: str
    upstream: Sequence[tuple[str, Place | None]]
    """The dependencies in order, each with where its outputs are (None: there are none)."""
    code: str
    """Digest of the files that it sees; empty where there are none."""
    params: Mapping[str, Any]
    """The parameters that it sees."""
    is_helped: bool = False
    """Whether its program can ask for all of these (the helpers tell)."""
    inside: Sequence[Place] = ()
    """Where those inside of its dependencies that are containers left what these hand on."""


class Keys:
    """``secret`` is the key of digests of what may hold secrets."""

    def __init__(self, backends: Callable[[str], ExecutionBackend], digests: Digests, secret: bytes) -> None:
        self._backends, self._digests, self._secret = backends, digests, secret
        self._identities: dict[tuple[str, str | None, str | None], str] = {}
        self._mounts: dict[tuple[str, str], str] = {}
        self.outputs: dict[Place, Digest | None] = {}
        """What is known of output folders."""
        self.is_certain = True
        """Whether all that was asked for was told: what was not may be the next time."""

    async def look_at(self, places: Sequence[Place]) -> None:
        """Know the contents of these output folders, all at once."""
        if missing := [place for place in places if place not in self.outputs]:
            self.outputs |= await self._digests.outputs(missing)

    async def fingerprint(self, execution: Execution) -> Fingerprint:
        """Its parts, and nothing told. Raises NoKey."""
        why = never_reused(execution.pipeline, execution.task)
        if why:
            raise NoKey(why)
        if execution.code == NO_FILES:
            raise NoKey("its `files` name none of the pipeline's code; correct the patterns")
        places = [*(place for _, place in execution.upstream if place is not None), *execution.inside]
        await self.look_at(places)
        spec, task = execution.spec, execution.task
        parts = {
            "command": digest_of(spec.command),
            "code": execution.code,
            "image": digest_of(spec.image),
            "environment": await self._identity(execution.backend, spec.image, spec.code),
            "cluster": f"{spec.cluster_size} {spec.cluster_mode} {spec.run_on_all}"
            + (f" {spec.launch.processes} ranks" if spec.launch else ""),
            "accelerators": " ".join(sorted(name for name in spec.slots if name not in ("cpu", "mem"))),
            "outputs": digest_of({name: _declared(each) for name, each in task.outputs.items()})
            if task.outputs
            else "",
            "source": _source(spec),
            "backend": execution.backend,
        }
        for name, value in spec.environ.items():
            if name not in _OF_EACH_JOB:
                parts[f"variable {name}"] = keyed_digest(self._secret, name, value)
        if spec.launch is not None:
            parts["launcher"] = digest_of(str(spec.launch))
        if execution.is_helped:
            parts |= {f"parameter {name}": digest_of(value) for name, value in execution.params.items()}
        self._add_inputs(parts, execution)
        for mount in spec.mounts:
            parts[f"mount {mount.target}"] = await self._mount(execution.backend, mount.folder)
        return Fingerprint(parts)

    def told(self, execution: Execution) -> dict[str, Any]:
        """What is told about an execution's key, to explain another one by it; see :class:`Fingerprint`."""
        params, texts = self._texts_of(execution.pipeline, execution.task)
        params = tuple(execution.params) if execution.is_helped else params
        return {
            "params": {name: execution.params.get(name) for name in params},
            "texts": texts,
            "inputs": [name for name, _ in execution.upstream],
            "code": execution.spec.code,
        }

    def _add_inputs(self, parts: dict[str, str], execution: Execution) -> None:
        spec, places = execution.spec, []
        for number, (name, place) in enumerate(execution.upstream, start=1):
            digest = self.outputs[place] if place is not None else Digest(_NOTHING, 0)
            if digest is None:
                raise NoKey(f"nobody can vouch for what {name} left")
            parts[f"input {number}"] = digest.text
            places.append(place)
        for name, path in spec.named_inputs.items():
            parts[f"file {name}"] = self._within(path, places, execution.inside)
        for name, text in spec.input_values.items():
            parts[f"value {name}"] = digest_of(text)

    def _within(self, path: str, inputs: Sequence[Place | None], inside: Sequence[Place]) -> str:
        """A path in one of the inputs, or in what was left inside of one, without the names of jobs."""
        for number, place in enumerate(inputs, start=1):
            if place is not None and _is_in(path, place):
                return f"{number}:{path[len(place[2]) :]}"
        for place in inside:
            if _is_in(path, place) and (digest := self.outputs[place]) is not None:
                return f"{digest.text}:{path[len(place[2]) :]}"
        raise NoKey(f"nobody can vouch for {path}")

    async def still_hold(self) -> bool:
        """Whether images, mounted folders and output folders are what they were when these keys were made."""
        now = Keys(self._backends, self._digests, self._secret)
        try:
            for name, image, code in self._identities:
                await now._identity(name, image, code)
            for backend, folder in self._mounts:
                await now._mount(backend, folder)
        except NoKey:
            return False
        if now._identities != self._identities or now._mounts != self._mounts:
            return False
        await now.look_at(list(self.outputs))
        return now.outputs == self.outputs

    async def _identity(self, name: str, image: str | None, code: str | None) -> str:
        key = (name, image, code)
        if key not in self._identities:
            try:
                backend = self._backends(name)
                found = await backend.identity(image, code) if isinstance(backend, Identifying) else ""
            except FastTrackError as error:
                self.is_certain = False
                raise NoKey(f"its image is not known: {error.message}") from error
            if found is None:
                self.is_certain = False
                raise NoKey("nobody knows what its image is just now")
            self._identities[key] = digest_of(found)
        return self._identities[key]

    async def _mount(self, backend: str, mounted: str) -> str:
        folder, _, below = mounted.partition("/")
        if (backend, folder) not in self._mounts:
            digest = await self._digests.mounted(backend, folder)
            if digest is None:
                self.is_certain = False
                raise NoKey(f"nobody can say what is in the mounted folder {folder}")
            self._mounts[backend, folder] = digest
        return f"{self._mounts[backend, folder]} {below}"

    def _texts_of(self, pipeline: Pipeline, task: Task) -> tuple[tuple[str, ...], dict[str, str]]:
        texts = {"command": command_of(task)}
        texts |= {f"variable {name}": text for name, text in pipeline.envs_of(task).items()}
        params = dict.fromkeys(
            str(ref.names[0]) for ref in references(pipeline, task) if ref.root == "params" and ref.names
        )
        return tuple(params), {
            name: digest_of(text) if name == "command" else keyed_digest(self._secret, name, text)
            for name, text in texts.items()
        }


def references(pipeline: Pipeline, task: Task) -> list[Reference]:
    """All that the task's command, its notebook's parameters and its variables mention."""
    texts = [task.command or "", *(text for _, text in texts_of(task)), *pipeline.envs_of(task).values()]
    try:
        return [ref for text in texts if "${{" in text for ref in parse_template(text).references]
    except ExpressionError:  # the check of the text has told
        return []


def never_reused(pipeline: Pipeline, task: Task) -> str:
    """Why a task that may be reused never is, in words; empty if it can be."""
    for ref in references(pipeline, task):
        if ref.root == "job" and (not ref.names or ref.names[0] in _NEVER_TWICE):
            return f"it uses {ref}, which no two jobs share"
    return ""


def _source(spec: SessionSpec) -> str:
    if spec.git is None:
        return ""
    commit = spec.git.commit or (spec.git.ref if _COMMIT.fullmatch(spec.git.ref or "") else None)
    if commit is None:
        raise NoKey("its Git reference may have moved; name a commit to have it reused")
    return digest_of([spec.git.url, commit, spec.git.subfolder])


def _declared(output: Any) -> Any:
    return output.model_dump(mode="json", include={"type", "path", "metadata", "register_as"})


def _is_in(path: str, place: Place) -> bool:
    return path == place[2] or path.startswith(f"{place[2]}/")


def cache_keys(home: Path, backends: Callable[[str], ExecutionBackend], digests: Digests) -> Callable[[], Keys]:
    """What gives fresh keys of a home. The key of their digests is made when it is first needed, for its owner only."""
    secret = b""

    def make() -> Keys:
        nonlocal secret
        secret = secret or _secret(home / "cache.key")
        return Keys(backends, digests, secret)

    return make


def _secret(path: Path) -> bytes:
    """The key in a file of mode 0600, made if it is not there (an engine alone holds the home)."""
    with contextlib.suppress(FileNotFoundError):
        if len(found := path.read_bytes()) == _KEY_BYTES:
            return found
    partial = path.with_name(f"{path.name}.part")
    partial.unlink(missing_ok=True)
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(found := os.urandom(_KEY_BYTES))
    partial.replace(path)
    return found
