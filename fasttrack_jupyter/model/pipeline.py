"""A pipeline: the YAML *is* this model.

One model for the three generations of FastTrack's file (22.09, 25.x, 26.4) and for what this
project adds. Keys that nobody here knows are kept (``model_extra``), so that reading and writing
loses nothing. All objects are frozen: a pipeline job holds on to the pipeline as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from types import NoneType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from fasttrack_jupyter.model.approvals import Approval
from fasttrack_jupyter.model.artifacts import InputSpec, OutputSpec
from fasttrack_jupyter.model.base import Model, between
from fasttrack_jupyter.model.following import After
from fasttrack_jupyter.model.launchers import Launcher
from fasttrack_jupyter.model.parameters import Parameter
from fasttrack_jupyter.model.quantities import Count, Duration, EnvValue, Size, Text
from fasttrack_jupyter.model.resources import ClusterMode, Mount, ResourceSlots
from fasttrack_jupyter.model.service import Service


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
    NOTEBOOK = "notebook"
    APPROVAL = "approval"


class RunOn(StrEnum):
    """Which containers of a multi-node session run the command."""

    MAIN = "main"
    ALL = "all"


class RunIf(StrEnum):
    """Which ends of those that it waits for let a task run."""

    ALL_SUCCESS = "all_success"
    ALL_DONE = "all_done"
    ANY_FAILED = "any_failed"
    ONE_SUCCESS = "one_success"


def _none_is_empty(value: Any) -> Any:
    return () if value is None else value


def _none_is_nothing(value: Any) -> Any:
    return {} if value is None else value


class Ownership(Model):
    """Who a pipeline belongs to on a cluster."""

    domain: Text | None = Field(default=None, description="Domain on the cluster (26.4 and later)")
    domain_name: Text | None = Field(default=None, description="Domain on the cluster (before 26.4)")
    scope: Text | None = Field(default=None, description="Who sees the pipeline", examples=["user", "project"])
    group_name: Text | None = Field(default=None, description="Project on the cluster (22.09)")


class Environment(Model):
    """Where a task runs: image, project, resource group, environment variables."""

    project: Text | None = Field(default=None, description="Project on the cluster that the session belongs to")
    scaling_group: Text | None = Field(
        default=None, alias="scaling-group", description="Resource group: which agents of the cluster may run it"
    )
    image: Text | None = Field(
        default=None, description="Full canonical name of the image; locally it resolves to an environment",
        examples=["cr.backend.ai/stable/python:3.13-ubuntu24.04-amd64"],
    )  # fmt: skip
    envs: Annotated[dict[str, EnvValue], BeforeValidator(_none_is_nothing)] = Field(
        default_factory=dict, description="Environment variables; a value may hold ${{ params.x }}, ${{ secrets.X }}",
        examples=[{"EPOCHS": "10", "TOKEN": "${{ secrets.TOKEN }}"}],
    )  # fmt: skip


class ResourceOptions(Model):
    """Options beside the slots."""

    shmem: Size | None = Field(default=None, description="Size of /dev/shm, such as 64m or 2g")


class Retry(Model):
    """Whether a failed task is tried again."""

    max_attempts: Count = Field(
        default=1, **between(1, 1000), description="Attempts in all: 1 is no retry, 2 one retry"
    )
    delay: Duration = Field(
        default=0.0, **between(0, 86_400), description="Wait before the second attempt: seconds, or 5m"
    )
    backoff: float = Field(
        default=1.0, **between(1, 1000), description="Each later wait is this many times the one before"
    )

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before attempt number ``attempt`` (2 is the first retry); a day at most."""
        try:
            return float(min(self.delay * self.backoff ** max(attempt - 2, 0), 86_400.0))
        except OverflowError:
            return 86_400.0 if self.delay else 0.0


_TASK_TYPES = {
    "custom task": "custom", "default": "custom", "serving": "deployment",
    "import from github": "github", "import from gitlab": "gitlab",
}  # fmt: skip


_SPELLINGS = ("Custom Task", "default", "serving", "Import from GitHub", "Import from GitLab")


def _task_type(value: Any) -> Any:
    return _TASK_TYPES.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _mount(value: Any) -> Any:
    if isinstance(value, Mount):
        return value
    if isinstance(value, (dict, list, NoneType)):
        raise ValueError("a mount is text: write a folder's name, or name:alias")
    return Mount.parse(value)


_WrittenMount = Annotated[
    Mount,
    BeforeValidator(_mount),
    PlainSerializer(lambda mount: mount.written, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["data", "data:/data"]}),
]
Mounts = Annotated[tuple[_WrittenMount, ...], BeforeValidator(_none_is_empty)]
"""Vfolders in the session, each ``name`` or ``name:alias``."""

_NO_ENVIRONMENT, _NO_OPTIONS, _NO_RETRY = Environment(), ResourceOptions(), Retry()


def _items(value: Any) -> Any:
    if isinstance(value, (dict, NoneType)):
        what = "nothing" if value is None else "a mapping"
        raise ValueError(
            f"a loop goes over a list, not over {what}: write [a, b], or ${{{{ tasks.prep.outputs.files }}}}"
        )
    return value


class ForEach(Model):
    """A task that is repeated, once for each item of a list."""

    items: Annotated[list[Any] | Text, BeforeValidator(_items)] = Field(
        alias="item", description="The items: a list, or one ${{ … }} that gives one; each is ${{ item }} inside",
        examples=[[0.1, 0.01], "${{ tasks.prep.outputs.files }}"],
    )  # fmt: skip
    max_parallel: Count | None = Field(
        default=None, **between(1, 10_000), description="Iterations that go on at a time; empty: as many as fit"
    )


class Task(Model):
    """The unit of execution: a command, in an image, with resources and mounts."""

    name: Text = Field(
        description="Unique in the pipeline: letters of any script, digits, space, _ and -; 64 at most. "
        "Dependencies and expressions name the task by it.",
        examples=["train"],
    )
    description: Text | None = Field(default=None, description="For people")
    type: Annotated[
        TaskType,
        BeforeValidator(_task_type),
        WithJsonSchema({"enum": [*TaskType, *_SPELLINGS], "examples": ["custom"]}),
    ] = Field(
        default=TaskType.CUSTOM,
        description="custom: a command; git: a command on a repository's code (module_uri); deployment: a service; "
        "notebook: a whole notebook; approval: a question to a person",
    )
    backend: Text | None = Field(
        default=None, description="Where this task runs, wherever the others do: local, backend.ai, or "
        "backend.ai:<profile>; empty is the job's own backend. Its inputs are carried there.",
        examples=["local", "backend.ai"],
    )  # fmt: skip
    cluster_mode: ClusterMode = Field(
        default=ClusterMode.SINGLE_NODE, description="Whether the containers of one session share a machine"
    )
    cluster_size: Count = Field(default=1, **between(1, 1024), description="Containers in the session")
    run_on: RunOn = Field(default=RunOn.MAIN, description="main: the command runs on main1 only; all: on every one")
    launcher: Launcher | None = Field(
        default=None, description="Distributed training: the command runs once per rank, on all containers at once, "
        "with the variables that torchrun sets",
        examples=["torchrun", {"preset": "torchrun", "processes_per_node": "gpu"}],
    )  # fmt: skip
    module_uri: Text | None = Field(
        default=None, description="Repository of a git task: <url>[@ref][#subfolder]; else empty"
    )
    command: Text | None = Field(
        default=None, description="What /bin/sh -c runs; may hold ${{ params.x }}, ${{ inputs.x }}, ${{ job.id }}",
        examples=["python train.py --lr ${{ params.learning_rate }}"],
    )  # fmt: skip
    notebook: Text | None = Field(
        default=None, description="The .ipynb that a notebook task runs, relative to the folder of this file",
        examples=["report.ipynb"],
    )  # fmt: skip
    parameters: Annotated[dict[str, Any], BeforeValidator(_none_is_nothing)] = Field(
        default_factory=dict, description="Values of a notebook's parameters, or of what is params.x inside of a group",
        examples=[{"lr": "${{ params.learning_rate }}", "epochs": 3}],
    )  # fmt: skip
    environment: Annotated[Environment, BeforeValidator(_none_is_nothing)] = Field(
        default_factory=lambda: _NO_ENVIRONMENT, description="Image, resource group, environment variables"
    )
    resources: ResourceSlots | None = Field(default=None, description="What each container asks for")
    resource_opts: Annotated[ResourceOptions, BeforeValidator(_none_is_nothing)] = Field(
        default_factory=lambda: _NO_OPTIONS, description="Options beside the slots, such as shmem"
    )
    dependencies: Annotated[tuple[Text, ...], BeforeValidator(_none_is_empty)] = Field(
        default=(), description="Tasks that must succeed first; their outputs are /pipeline/input1, /pipeline/input2 …"
    )
    mounts: Mounts = Field(default=(), description="Vfolders: name (at /home/work/name) or name:alias")
    skip: bool = Field(default=False, description="Leave the task out; it counts as satisfied")
    when: Annotated[Text, AfterValidator(str.strip)] | None = Field(
        default=None, description="A condition, one ${{ … }}: the task is skipped unless it is true",
        examples=["${{ tasks.check.outputs.accuracy > 0.9 }}"],
    )  # fmt: skip
    run_if: RunIf = Field(
        default=RunIf.ALL_SUCCESS, description="all_success: all before it succeeded; all_done: have ended; "
        "any_failed: one of them failed; one_success: one succeeded. Of a final task, empty is all_done",
    )  # fmt: skip
    final: bool = Field(
        default=False,
        description="Runs when all other tasks have ended, however the job came out, cancelled ones too",
    )
    continue_on_failure: bool = Field(default=False, description="Whether tasks behind it run although it failed")
    retry: Annotated[Retry, BeforeValidator(_none_is_nothing)] = Field(
        default_factory=lambda: _NO_RETRY, description="Whether a failed task is tried again"
    )
    timeout: Duration | None = Field(
        default=None,
        gt=0,
        le=31_536_000,
        json_schema_extra={"exclusiveMinimum": 0, "maximum": 31_536_000},
        description="Longest time of one attempt from its start: seconds, or 1h30m",
    )
    cache: bool | None = Field(
        default=None, description="Whether an identical execution that succeeded may stand in for this one; "
        "empty is what the pipeline says",
    )  # fmt: skip
    files: tuple[Text, ...] | None = Field(
        default=None, description="Which of the code's files the task reads (patterns), beside those that its command "
        "names: only these count when its result may be reused; default: all",
        examples=[["train.py", "lib/**", "!lib/plots.py"]],
    )  # fmt: skip
    side_effects: bool = Field(
        default=False, description="It changes something outside its outputs: another execution never stands in for it"
    )
    inputs: Annotated[dict[str, InputSpec], BeforeValidator(_none_is_nothing)] = Field(
        default_factory=dict, description="Outputs of other tasks by a name of this task's own; adds the dependency. "
        "a.x | b.x is the first that was not skipped",
        examples=[{"clean": "prep.clean", "model": {"from": "train.model", "type": "Model"}}],
    )  # fmt: skip
    outputs: Annotated[dict[str, OutputSpec], BeforeValidator(_none_is_nothing)] = Field(
        default_factory=dict, description="What the task hands on: values (int, float, str, bool, list, struct), files",
        examples=[{"model": {"type": "Model", "path": "model.pkl"}, "accuracy": {"type": "float"}}],
    )  # fmt: skip
    for_each: ForEach | None = Field(
        default=None, description="Repeat the task for each item of a list: one task instance per iteration. "
        "Others see its outputs as lists",
        examples=[{"item": [0.1, 0.01], "max_parallel": 2}],
    )  # fmt: skip
    tasks: Annotated[tuple[Task, ...], BeforeValidator(_none_is_empty)] = Field(
        default=(), description="Tasks inside, instead of a command: this one is a group. Others see its outputs only"
    )
    service: Service | None = Field(default=None, description="What a deployment task serves")
    approval: Approval | None = Field(default=None, description="What an approval task asks")

    @property
    def is_group(self) -> bool:
        """Whether it has tasks inside instead of a command."""
        return bool(self.tasks)

    @property
    def is_container(self) -> bool:
        """Whether it has no session of its own: a loop, or a group."""
        return self.for_each is not None or bool(self.tasks)

    @property
    def containers(self) -> int:
        """How many there are at once: the size of its cluster, or the replicas of what it serves."""
        if self.type is TaskType.DEPLOYMENT and self.service is not None:
            return max(1, self.service.replicas)
        return self.cluster_size

    @property
    def question(self) -> str:
        """What an approval asks, as it is written; empty for any other task."""
        return self.approval.question if self.type is TaskType.APPROVAL and self.approval else ""

    @property
    def products(self) -> Mapping[str, OutputSpec]:
        """All that it hands on: its outputs, and what nobody has to declare, as a deployment's ``endpoint``."""
        if self.type is TaskType.APPROVAL and self.approval is not None:
            return self.approval.products
        return {ENDPOINT: _ENDPOINT, **self.outputs} if self.type is TaskType.DEPLOYMENT else self.outputs


ENDPOINT = "endpoint"
"""The output that every deployment task has without declaring it: the service's URL."""
_ENDPOINT = OutputSpec(type="str", description="The service's URL")


class Pipeline(Model):
    """A template: a DAG of tasks, saved as one YAML file.

    ``environment``, ``resources``, ``resource_opts`` and ``mounts`` are defaults for every task.
    """

    name: Text = Field(description="The pipeline's name; its jobs and its folder go by it", examples=["digits"])
    version: Text | None = Field(default=None, description="Release of the cluster that exported the file")
    description: Text | None = Field(default=None, description="For people")
    ownership: Ownership | None = Field(default=None, description="Who the pipeline belongs to on a cluster")
    environment: Annotated[Environment, BeforeValidator(_none_is_nothing)] = Field(
        default_factory=Environment, description="Defaults for every task; envs are overlaid by each task's own"
    )
    resources: ResourceSlots | None = Field(default=None, description="Defaults for every task, slot by slot")
    resource_opts: Annotated[ResourceOptions, BeforeValidator(_none_is_nothing)] = Field(
        default_factory=ResourceOptions, description="Defaults for every task"
    )
    mounts: Mounts = Field(default=(), description="Vfolders of every task")
    params: Annotated[tuple[Parameter, ...], BeforeValidator(_none_is_empty)] = Field(
        default=(), description="Typed parameters; ${{ params.<name> }} is the value",
        examples=[[{"name": "learning_rate", "type": "float", "default": 0.01}]],
    )  # fmt: skip
    files: tuple[Text, ...] | None = Field(
        default=None, description="Which files next to this one are the pipeline's code (patterns); default: all",
        examples=[["*.py", "conf/**"]],
    )  # fmt: skip
    cache: bool | None = Field(
        default=None, description="Whether identical executions that succeeded may stand in for tasks that say nothing "
        "about it themselves; empty is no",
    )  # fmt: skip
    after: Annotated[tuple[After, ...], BeforeValidator(_none_is_empty)] = Field(
        default=(), description="Other pipelines: a job waits until the last job of each has succeeded",
        examples=[["prep"], [{"pipeline": "prep", "within": "1d", "wait": "2h"}]],
    )  # fmt: skip
    tasks: tuple[Task, ...] = Field(description="The tasks, in any order")

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
