"""What faces see of the model registry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from fasttrack_jupyter.engine.views import View


class ModelFile(View):
    """A file of a version."""

    path: str
    size: int
    sha256: str


class ModelInput(View):
    """What the task that made a version was given. A value, or an artifact with the digest of all that is in it."""

    name: str
    source: str
    """Where it came from: ``prep.clean``, or a task alone."""
    value: Any = None
    path: str | None = None
    """In the pipeline folder, of an artifact."""
    digest: str | None = None
    """Null where nobody hashed it: files of a cluster, or very many bytes."""


class ModelLineage(View):
    """Where a version comes from."""

    home: str
    pipeline: str
    job: str
    """Its id."""
    index: int
    """Its number in the pipeline."""
    task: str
    attempt: str
    output: str
    key: str
    """Stands for this output of this attempt; what is registered twice under one key is one version."""
    backend: str
    image: str | None = None
    code: str | None = None
    """Digest of the code."""
    params: dict[str, Any] = Field(default_factory=dict)
    inputs: tuple[ModelInput, ...] = ()


class ModelVersion(View):
    """A registered version: what it is, and where it comes from."""

    model: str
    version: int
    folder: str
    """The vfolder that holds it."""
    backend: str
    created_at: datetime
    digest: str
    """Of its content: two versions with one digest are the same, byte by byte."""
    size: int
    files: tuple[ModelFile, ...] = ()
    left_out: tuple[str, ...] = ()
    """Links in the artifact that led out of it."""
    metrics: dict[str, Any] = Field(default_factory=dict)
    """The values that its task handed on."""
    lineage: ModelLineage
    aliases: tuple[str, ...] = ()
    """``latest`` among them, for the highest one."""
    services: tuple[str, ...] = ()
    """Which services serve it."""


class ModelSummary(View):
    """A model, with its highest version."""

    name: str
    backend: str
    versions: int
    size: int
    """Bytes of all versions."""
    latest: ModelVersion
    aliases: dict[str, int] = Field(default_factory=dict)


class ModelsView(View):
    """The models on several backends, and why those of others are not known just now, by backend."""

    models: tuple[ModelSummary, ...]
    silent: dict[str, str] = Field(default_factory=dict)


class ModelView(View):
    """A model with its versions, the newest first."""

    name: str
    backend: str
    versions: tuple[ModelVersion, ...]
    aliases: dict[str, int] = Field(default_factory=dict)


class RegisterRequest(View):
    """Register by hand what a task has left: an artifact among its declared outputs."""

    job: str
    task: str
    output: str
    name: str | None = None
    """Of the model; the output's own ``register`` where there is none."""


class RegisterProgress(View):
    """How far it is; at the end with the version."""

    sent: int
    size: int
    version: ModelVersion | None = None


class Promotion(View):
    """Which version an alias is to stand for."""

    version: int


class Difference(View):
    """A metric or a parameter of two versions; null where one of them has none."""

    name: str
    one: Any = None
    other: Any = None
    change: float | None = None
    """``other - one`` of numbers."""


class FileChange(View):
    """A file that two versions do not have in common."""

    path: str
    change: str
    """``added``, ``removed`` or ``changed``, from the one to the other."""
    size: int


class ModelComparison(View):
    """Two versions of a model, side by side."""

    one: ModelVersion
    other: ModelVersion
    metrics: tuple[Difference, ...]
    params: tuple[Difference, ...]
    files: tuple[FileChange, ...]
    same_code: bool
