"""What a task's image is on this machine: an environment to run in, and never a silent substitute.

The order: the user's map (``images.yaml``); a name that says what it is (``venv:``, ``conda:``,
``kernel:``, ``uv:``, ``docker:``); a container engine that has exactly this image; another Python that
keeps what the image's name promises (:mod:`.images_table`), with a notice; and last the policy:
``strict`` refuses, ``current`` lets this interpreter stand in, with a warning. Spellings and map:
:mod:`.images`; what is there already: :mod:`.environments_found`; what is built: :mod:`.environments_uv`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.files.removal import mark_used
from fasttrack_jupyter.backends.image_map import MAP_FILE, ImageMap
from fasttrack_jupyter.backends.local import environments_found as found
from fasttrack_jupyter.backends.local import environments_uv as uv
from fasttrack_jupyter.backends.local.containers import ContainerEngine, find_engines
from fasttrack_jupyter.backends.local.images import (
    ImageName,
    Requirements,
    Spelling,
    parse_image,
    parse_requirements,
)
from fasttrack_jupyter.backends.local.images_table import installed_version, promise_of
from fasttrack_jupyter.errors import BackendError, FastTrackError, ImageUnresolved
from fasttrack_jupyter.model.problems import Problem, Severity

Say = Callable[[str], None]
STAND_IN = "stand-in"
_OWN = f"Python {sys.version.split()[0]}"
_KNOWN_SECONDS = 30.0
_ENGINE_SECONDS = 60.0


class ImagePolicy(StrEnum):
    """What to do with an image that nothing here is: refuse it, or let this interpreter stand in, visibly."""

    STRICT = "strict"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """Where a session's command runs.

    ``path_prepend`` goes before PATH, ``environ`` into the session's environment, below the pipeline's
    own variables; ``readonly_paths`` are to be mounted read-only where mounts are possible. With
    ``container`` the command runs in a container of that engine and image, and the others are empty.
    """

    kind: str
    """``interpreter``, ``venv``, ``conda``, ``kernel``, ``uv``, ``container``, or ``stand-in`` (by policy)."""
    description: str
    environ: Mapping[str, str] = field(default_factory=dict)
    path_prepend: tuple[Path, ...] = ()
    container: tuple[ContainerEngine, str] | None = None
    readonly_paths: tuple[Path, ...] = ()
    digest: str = ""
    """Of the built environment (``uv``), for gc; of the container's image; else empty."""
    note: str = ""
    """Not empty where something else stands for the image: to be shown on the task instance."""
    plan: uv.Plan | None = field(default=None, repr=False)
    """How the environment was built (``uv``)."""


class ImageResolver:
    """Images of sessions, resolved below ``home``. ``environ`` is the engine's own environment.

    ``engines`` finds the container engines when one is first needed.
    """

    def __init__(
        self,
        home: Path,
        *,
        policy: str = ImagePolicy.CURRENT,
        image_map: Mapping[str, str] | None = None,
        engines: Callable[[], Sequence[ContainerEngine]] = find_engines,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.store = home / "environments"
        self._map = ImageMap(home / MAP_FILE, image_map)
        self._policy = ImagePolicy(policy)
        self._environ = dict(os.environ if environ is None else environ)
        self._find_engines = engines
        self._engines: tuple[float, Sequence[ContainerEngine]] | None = None
        self._pythons: dict[str, Path] = {}
        self._known: dict[tuple[str | None, Path | None], _Known] = {}

    def check(self, image: str | None, code: Path | None = None) -> Problem | None:
        """What is wrong with ``image``, or worth saying; None if all is well.

        An error if nothing here is it; a warning if this interpreter would only stand in for it by
        policy; a notice if another Python keeps what its name promises. Builds nothing, asks no network.
        May block for some tenths of a second when a container engine or another Python is first looked
        for: call it from a thread. Without ``code`` the files of a ``uv:`` image are not looked for.
        """
        try:
            found = self._lookup(image, code, files=code is not None)
        except FastTrackError as error:
            return Problem(code=error.code, message=error.message, value=image, hint=error.hint)
        if not found.note:
            return None
        severity = Severity.WARNING if found.kind == STAND_IN else Severity.NOTICE
        hint = f"map it to an environment in {self._map.path}" if found.kind == STAND_IN else ""
        return Problem(code="image_stand_in", message=found.note, value=image, hint=hint, severity=severity)

    def look(self, image: str | None, code: Path | None = None) -> ResolvedImage:
        """What ``image`` is just now; builds nothing. May block: call from a thread. Raises ImageUnresolved."""
        return self._lookup(image, code, files=code is not None)

    async def resolve(self, image: str | None, say: Say, code: Path | None = None) -> ResolvedImage:
        """Where to run a session of ``image``; builds its environment first if that is not there yet.

        ``code`` is the folder of the job's code, for requirement files. ``say`` hears of progress and
        of whatever the user should know. An environment that is there costs some stats and no process.

        Raises:
            ImageUnresolved: nothing here is that image, or its environment cannot be built.
            BackendUnreachable: the package index did not answer.
        """
        known = self._known.get((image, code))
        if known is None or not known.is_valid(self._map.entries()):
            found = await asyncio.to_thread(self._lookup, image, code, files=True)
            known = _Known(time.monotonic() + _KNOWN_SECONDS, self._map.entries(), found)
            self._known[image, code] = known
        plan = known.image.plan
        if plan is not None and not plan.is_ready():
            await uv.build(plan, say, self._environ)
        if plan is not None:
            mark_used(plan.lock)
        if known.image.note:
            say(known.image.note)
        return known.image

    def engines(self) -> Sequence[ContainerEngine]:
        """The container engines that answer; looked for again after a minute if there was none. May block."""
        now = time.monotonic()
        if self._engines is None or (not self._engines[1] and now - self._engines[0] > _ENGINE_SECONDS):
            self._engines = (now, self._find_engines())
        return self._engines[1]

    def images(self) -> list[Mapping[str, Any]]:
        """What can be named as an image here: ``{name, kind, description, ready}``. May block; call from a thread."""
        this = self._this("interpreter", "")
        rows = [_row("current", "interpreter", this.description, True)]
        rows += [_row(name, "map", f"{MAP_FILE}: {target}", self._is_good(target)) for name, target in self._entries()]
        rows += [_row(f"uv:{text}", "uv", text, ready) for text, ready in uv.built(self.store)]
        rows += [
            _row(f"kernel:{name}", "kernel", str(spec.get("display_name", name)), self._is_good(f"kernel:{name}"))
            for name, spec in sorted(found.kernel_specs(self._environ).items())
        ]
        conda = found.conda_environments(self._environ)
        rows += [_row(f"conda:{name}", "conda", str(prefix), True) for name, prefix in sorted(conda.items())]
        return rows + [row for engine in self.engines() for row in _images_of(engine)]

    def unused(self, keep: Collection[str], grace: float) -> list[Path]:
        """Built environments whose digest is not in ``keep``, last used ``grace`` seconds ago or earlier."""
        return uv.unused(self.store, keep, grace)

    def remove_unused(self, keep: Collection[str], grace: float = 0.0) -> int:
        """Remove those that :meth:`unused` tells and that nobody is building; the bytes freed."""
        return uv.remove_unused(self.store, keep, grace)

    # ---------------------------------------------------------------- the order

    def _lookup(self, image: str | None, code: Path | None, *, files: bool) -> ResolvedImage:
        mapped = self._map.lookup(image) if image else None
        name = parse_image(image if mapped is None else mapped)
        match name.spelling:
            case Spelling.CURRENT:
                return self._this("interpreter", "")
            case Spelling.UV:
                return self._uv(parse_requirements(name.value), code, files=files)
            case Spelling.VENV:
                return _on("venv", f"virtual environment {name.value}", found.find_venv(name.value))
            case Spelling.CONDA:
                return _on("conda", f"conda environment {name.value}", found.find_conda(name.value, self._environ))
            case Spelling.KERNEL:
                return _on("kernel", f"Jupyter kernel {name.value}", found.find_kernel(name.value, self._environ))
            case Spelling.CONTAINER:
                return self._in_container(name)
            case Spelling.NAME:
                return self._by_name(name.text)

    def _in_container(self, name: ImageName) -> ResolvedImage:
        wanted = name.text.partition(":")[0]
        engine = next((engine for engine in self.engines() if engine.name == wanted), None)
        if engine is None:
            hint = f"install and start {wanted}; `fasttrack doctor` tells whether it answers"
            raise ImageUnresolved(f"image {name.text!r} needs {wanted}, which does not answer here", hint=hint)
        if not engine.has_image(name.value):
            hint = f"get it once: {wanted} pull {name.value}"
            raise ImageUnresolved(f"{wanted} has no image {name.value!r} on this machine", hint=hint)
        return _contained(engine, name.value)

    def _by_name(self, image: str) -> ResolvedImage:
        engine = next((engine for engine in self.engines() if engine.has_image(image)), None)
        if engine is not None:
            return _contained(engine, image)
        kept = self._by_promise(image)
        if kept is not None:
            return kept
        if self._policy is ImagePolicy.STRICT:
            hint = f"map it to an environment in {self._map.path}, or use uv:, conda: or a venv's path as the image"
            raise ImageUnresolved(f"image {image!r} is nothing that exists on this machine", hint=hint)
        return self._this(STAND_IN, f"image {image} is not on this machine: this interpreter ({_OWN}) stands in for it")

    def _by_promise(self, image: str) -> ResolvedImage | None:
        promise = promise_of(image)
        if promise is None:
            return None
        if promise.is_kept_by(sys.version.split()[0], installed_version):
            return self._this("interpreter", f"image {image} means {promise} here: this interpreter ({_OWN})")
        if promise.packages or promise.python is None:
            return None
        try:
            bare = self._uv(parse_requirements(f"python={promise.python}"), None, files=True)
        except ImageUnresolved:
            return None  # no such Python here: the policy decides
        return replace(bare, note=f"image {image} means {promise} here, and no packages")

    def _this(self, kind: str, note: str) -> ResolvedImage:
        return _on(kind, f"this interpreter, {_OWN}", found.this_python(self.store), note=note)

    def _uv(self, asked: Requirements, code: Path | None, *, files: bool) -> ResolvedImage:
        uv.uv_binary()
        plan = uv.make_plan(self.store, asked if files else replace(asked, files=()), code, self._python(asked.python))
        return ResolvedImage(
            "uv",
            plan.description,
            environ={"VIRTUAL_ENV": str(plan.path)},
            path_prepend=(plan.path / "bin",),
            readonly_paths=(plan.path,),
            digest=plan.digest,
            plan=plan,
        )

    def _python(self, version: str | None) -> Path:
        if version is None:
            return Path(sys.executable)
        if version not in self._pythons or not self._pythons[version].exists():
            self._pythons[version] = found.find_python(version, self._environ)
        return self._pythons[version]

    def _entries(self) -> list[tuple[str, str]]:
        try:
            return list(self._map.entries().items())
        except ImageUnresolved:
            return []

    def _is_good(self, image: str) -> bool:
        problem = self.check(image)
        return problem is None or problem.severity is not Severity.ERROR


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer that holds for a while, as long as the user's map is the same object and its Python is there."""

    until: float
    entries: Mapping[str, str]
    image: ResolvedImage

    def is_valid(self, entries: Mapping[str, str]) -> bool:
        if time.monotonic() > self.until or entries is not self.entries:
            return False
        return self.image.plan is not None or all(folder.exists() for folder in self.image.path_prepend)


def _on(kind: str, description: str, python: found.FoundPython, *, note: str = "") -> ResolvedImage:
    return ResolvedImage(kind, description, python.environ, (python.python.parent,), note=note)


def _contained(engine: ContainerEngine, image: str) -> ResolvedImage:
    description = f"{engine.name} image {image}"
    return ResolvedImage("container", description, container=(engine, image), digest=engine.image_id(image))


def _images_of(engine: ContainerEngine) -> list[Mapping[str, Any]]:
    try:
        return [_row(name, "container", f"{engine.name} image", True) for name in engine.images()]
    except BackendError as error:
        return [_row(f"{engine.name}:", "container", error.message, False)]


def _row(name: str, kind: str, description: str, ready: bool) -> Mapping[str, Any]:
    return {"name": name, "kind": kind, "description": description, "ready": ready}
