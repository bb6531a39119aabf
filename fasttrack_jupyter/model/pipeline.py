"""A pipeline: the YAML *is* this model.

One model for the three generations of FastTrack's file (22.09, 25.x, 26.4) and for what this
project adds. Keys that nobody here knows are kept (``model_extra``), so that reading and writing
loses nothing. All objects are frozen: a pipeline job holds on to the pipeline as it was.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from fasttrack_jupyter.model.artifacts import OutputSpec
from fasttrack_jupyter.model.parameters import Parameter
from fasttrack_jupyter.model.quantities import Duration, EnvValue, Size
from fasttrack_jupyter.model.resources import ClusterMode, Mount, ResourceSlots


class Model(BaseModel):
    """Frozen; written under the file's own keys; keeps keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


class Generation(StrEnum):
    """Which of FastTrack's file formats a text is written in (found from its keys)."""

    G2209 = "22.09"
    G25 = "25.15"
    G264 = "26.4"


class TaskType(StrEnum):
    """What a task is. Every spelling of every generation is read into one of these."""

    CUSTOM = "custom"
    GIT = "git"
    GITHUB = "github"
    GITLAB = "gitlab"
    DEPLOYMENT = "deployment"


class RunOn(StrEnum):
    """Which containers of a multi-node session run the command."""

    MAIN = "main"
    ALL = "all"


class Ownership(Model):
    """Who a pipeline belongs to on a cluster."""

    domain: str | None = None
    domain_name: str | None = None
    scope: str | None = None
    group_name: str | None = None


class Environment(Model):
    """Where a task runs: image, project, resource group (``scaling-group``), environment variables."""

    project: str | None = None
    scaling_group: str | None = Field(default=None, alias="scaling-group")
    image: str | None = None
    envs: dict[str, EnvValue] = Field(default_factory=dict)


class ResourceOptions(Model):
    """Options beside the slots: the size of ``/dev/shm``, in bytes."""

    shmem: Size | None = None


class Retry(Model):
    """``max_attempts`` in all (1 = no retry); seconds before the second; each later wait × ``backoff``."""

    max_attempts: int = Field(default=1, ge=1, le=1000)
    delay: Duration = Field(default=0.0, ge=0)
    backoff: float = Field(default=1.0, ge=1)

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before attempt number ``attempt`` (2 is the first retry)."""
        return float(min(self.delay * self.backoff ** max(attempt - 2, 0), 86_400.0))


class Service(Model):
    """What a deployment task serves (``service:`` of FastTrack's serving tasks)."""

    name: str
    model: str
    model_mount_destination: str = ""
    model_definition_path: str | None = None
    runtime_variant: str = "custom"
    replicas: int = Field(default=1, ge=0)
    open_to_public: bool = False
    ephemeral: bool = False
    max_surge: int | None = None
    max_unavailable: int | None = None


_TASK_TYPES = {
    "custom task": "custom", "default": "custom", "serving": "deployment",
    "import from github": "github", "import from gitlab": "gitlab",
}  # fmt: skip


def _task_type(value: Any) -> Any:
    return _TASK_TYPES.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _mount(value: Any) -> Any:
    return Mount.parse(value) if isinstance(value, str) else value


def _none_is_empty(value: Any) -> Any:
    return () if value is None else value


class Task(Model):
    """The unit of execution: a command, in an image, with resources and mounts."""

    name: str
    description: str | None = None
    type: Annotated[TaskType, BeforeValidator(_task_type)] = TaskType.CUSTOM
    cluster_mode: ClusterMode = ClusterMode.SINGLE_NODE
    cluster_size: int = Field(default=1, ge=1, le=1024)
    run_on: RunOn = RunOn.MAIN
    module_uri: str | None = None
    command: str | None = None
    environment: Environment = Field(default_factory=Environment)
    resources: ResourceSlots | None = None
    resource_opts: ResourceOptions = Field(default_factory=ResourceOptions)
    dependencies: Annotated[tuple[str, ...], BeforeValidator(_none_is_empty)] = ()
    mounts: Annotated[tuple[Annotated[Mount, BeforeValidator(_mount)], ...], BeforeValidator(_none_is_empty)] = ()
    skip: bool = False
    continue_on_failure: bool = False
    retry: Retry = Field(default_factory=Retry)
    timeout: Duration | None = Field(default=None, gt=0)
    inputs: dict[str, str] = Field(default_factory=dict)
    outputs: dict[str, OutputSpec] = Field(default_factory=dict)
    service: Service | None = None


class Pipeline(Model):
    """A template: a DAG of tasks, saved as one YAML file.

    ``environment``, ``resources``, ``resource_opts`` and ``mounts`` are defaults for every task.
    """

    name: str
    version: str | None = None
    description: str | None = None
    ownership: Ownership | None = None
    environment: Environment = Field(default_factory=Environment)
    resources: ResourceSlots | None = None
    resource_opts: ResourceOptions = Field(default_factory=ResourceOptions)
    mounts: Annotated[tuple[Annotated[Mount, BeforeValidator(_mount)], ...], BeforeValidator(_none_is_empty)] = ()
    params: Annotated[tuple[Parameter, ...], BeforeValidator(_none_is_empty)] = ()
    files: tuple[str, ...] | None = None
    tasks: tuple[Task, ...]

    @cached_property
    def by_name(self) -> dict[str, Task]:
        """Tasks by name."""
        return {task.name: task for task in self.tasks}

    def slots_of(self, task: Task) -> ResourceSlots:
        """What one container of ``task`` asks for, the pipeline's defaults filled in."""
        return ResourceSlots({**(self.resources or {}), **(task.resources or {})})

    def image_of(self, task: Task) -> str | None:
        """The task's image, or else the pipeline's."""
        return task.environment.image or self.environment.image

    def envs_of(self, task: Task) -> dict[str, str]:
        """The pipeline's variables, overlaid by the task's; values may hold ``${{ … }}``."""
        return {**self.environment.envs, **task.environment.envs}

    def mounts_of(self, task: Task) -> tuple[Mount, ...]:
        """The task's mounts, and the pipeline's at targets which the task does not use itself."""
        taken = {mount.target for mount in task.mounts}
        return task.mounts + tuple(mount for mount in self.mounts if mount.target not in taken)

    def shmem_of(self, task: Task) -> int | None:
        """Size of ``/dev/shm`` in bytes, or None for the backend's default."""
        return task.resource_opts.shmem if task.resource_opts.shmem is not None else self.resource_opts.shmem
