"""From a task of a job to the session that a backend is asked for. Pure, but for reading secrets.

Everything that does not change between attempts is worked out once per task; a task without any
``${{ … }}`` costs one small object per attempt.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fasttrack_jupyter.engine.ports import GitSource, ServiceSpec, SessionSpec
from fasttrack_jupyter.engine.roll import Roll, place_of
from fasttrack_jupyter.engine.task_files import helper_environ
from fasttrack_jupyter.errors import SessionRejected
from fasttrack_jupyter.model.approvals import Question
from fasttrack_jupyter.model.artifacts import InputRef, OutputSpec, wanted
from fasttrack_jupyter.model.expressions import Template, as_text, parse_template
from fasttrack_jupyter.model.groups import outside
from fasttrack_jupyter.model.job import PipelineJob, attempt_id
from fasttrack_jupyter.model.launchers import launch_of
from fasttrack_jupyter.model.module_uri import parse_module_uri
from fasttrack_jupyter.model.notebooks import command_of, render_command
from fasttrack_jupyter.model.pipeline import RunOn, Task, TaskType
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.model.service import DEFAULT_DEFINITION, DEFAULT_MOUNT

GIT_TYPES = frozenset({TaskType.GIT, TaskType.GITHUB, TaskType.GITLAB})
GIT_USERNAME, GIT_TOKEN = "GIT_USERNAME", "GIT_TOKEN"
"""Environment variables of a Git task that hold its credentials (from ``${{ secrets.X }}``)."""
JOB_STATUS, JOB_REASON = "FASTTRACK_JOB_STATUS", "FASTTRACK_JOB_REASON"
"""Environment variables of a final task: how the others came out, and why."""
SECRETS = "FASTTRACK_SECRET_NAMES"
"""Environment variable with the names of those that hold secrets: what runs cells keeps their values out of files."""
SECRET_PARTS = "FASTTRACK_SECRET_PARTS"
"""Environment variable that says where in these a secret is a part of more: ``URL:14+12`` (character, length), …"""


@dataclass(slots=True)
class Outcome:
    """What an ended task instance left: where, and its declared outputs (values, or ``{type, path, metadata}``)."""

    outputs_dir: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


Outcomes = Sequence[Outcome] | Mapping[int, Outcome]
"""By ordinal."""


def outputs_dir_of(job_index: int, path: str, attempt: int) -> str:
    """Where an attempt writes, within the pipeline folder: ``jobs/12/train``, the second ``jobs/12/train.2``.

    What is inside of others is below them: ``jobs/12/sweep/2/train``.
    """
    return f"jobs/{job_index}/{place_of(path)}" + (f".{attempt}" if attempt > 1 else "")


class SessionBuilder:
    """Builds the session specs of one job, whose ``roll`` may grow, and ``slots`` with it.

    ``secret`` gives a secret's value by name, or None; ``slots`` are what each task is given, by ordinal;
    ``commits`` is what each ``module_uri`` turned out to be, once a session of the job has fetched it; ``result_of``
    says how an ended instance came out (SUCCESS, FAILURE, SKIPPED, CANCELLED), ``ending`` how all have, and why, that
    are not final.
    """

    def __init__(
        self,
        job: PipelineJob,
        roll: Roll,
        slots: Sequence[ResourceSlots],
        secret: Callable[[str], str | None],
        commits: Mapping[str, str] | None = None,
        *,
        result_of: Callable[[int], str] = lambda ordinal: "SUCCESS",
        ending: Callable[[], tuple[str, str]] = lambda: ("SUCCESS", ""),
    ) -> None:
        self._result_of, self._ending = result_of, ending
        self._commits = commits if commits is not None else {}
        self._job, self._pipeline, self._roll, self._slots, self._secret = job, roll.pipeline, roll, slots, secret
        self._about_job = {"id": job.id, "index": job.index, "name": job.name or job.pipeline, "pipeline": job.pipeline}
        self._base_env = {
            "BACKENDAI_PIPELINE_JOB_ID": job.id,
            "BACKENDAI_PIPELINE_JOB_INDEX": str(job.index),
        }

    def build(self, ordinal: int, number: int, outcomes: Outcomes) -> SessionSpec:
        """The spec of attempt ``number``; ``outcomes`` by ordinal, of which those upstream are read.

        Raises:
            SessionRejected: a secret is missing.
            ExpressionError: a value cannot stand where the command puts it.
        """
        task, path, job = self._roll.tasks[ordinal], self._roll.names[ordinal], self._job
        named, values, scope = self._inputs(ordinal, task, outcomes)
        environ, secrets = self._environ(task, path, scope)
        if task.final:
            environ |= {JOB_STATUS: scope["job"]["status"], JOB_REASON: scope["job"]["reason"]}
        environ |= helper_environ(job, task, path, number, environ)
        environment = task.environment
        return SessionSpec(
            attempt_id=attempt_id(job.id, ordinal, number),
            job_id=job.id,
            job_index=job.index,
            pipeline=job.pipeline,
            folder=job.folder,
            path=path,
            number=number,
            command="" if (service := service_of(task)) else render_command(task, scope),
            image=self._pipeline.image_of(task),
            slots=self._slots[ordinal],
            environ=environ,
            secrets=secrets,
            outputs=outputs_dir_of(job.index, path, number),
            inputs=tuple(self._input(i, outcomes[i]) for i in self._roll.upstream[ordinal]),
            named_inputs=named,
            input_values=values,
            code=job.code,
            mounts=self._pipeline.mounts_of(task),
            shmem=self._pipeline.shmem_of(task),
            timeout=task.timeout,
            cluster_mode=task.cluster_mode,
            cluster_size=task.cluster_size,
            run_on_all=task.run_on is RunOn.ALL,
            launch=launch_of(task.launcher, self._slots[ordinal]),
            project=environment.project or self._pipeline.environment.project,
            resource_group=environment.scaling_group or self._pipeline.environment.scaling_group,
            git=self._git(task, environ),
            service=service,
            approval=_approval_of(task, scope),
            wanted_outputs=wanted(task.outputs) if task.outputs else (),
        )

    def scope(self, ordinal: int, outcomes: Outcomes) -> Mapping[str, Any]:
        """What the expressions of a task see, but for secrets."""
        return self._inputs(ordinal, self._roll.tasks[ordinal], outcomes)[2]

    def outline(self, ordinal: int) -> SessionSpec:
        """The spec as far as it is known before the job starts, for the preflight: nothing resolved, no secrets."""
        task, path, job = self._roll.tasks[ordinal], self._roll.names[ordinal], self._job
        environment, defaults, service = task.environment, self._pipeline.environment, service_of(task)
        return SessionSpec(
            attempt_id="", job_id=job.id, job_index=job.index, pipeline=job.pipeline, folder=job.folder,
            path=path, number=0, command="" if service else command_of(task), image=self._pipeline.image_of(task),
            slots=self._slots[ordinal], environ={}, code=job.code, mounts=self._pipeline.mounts_of(task),
            shmem=self._pipeline.shmem_of(task), timeout=task.timeout, cluster_mode=task.cluster_mode,
            cluster_size=task.cluster_size, run_on_all=task.run_on is RunOn.ALL, git=self._git(task, {}),
            launch=launch_of(task.launcher, self._slots[ordinal]),
            service=service, project=environment.project or defaults.project,
            resource_group=environment.scaling_group or defaults.scaling_group,
        )  # fmt: skip

    def secrets_of(self, ordinal: int) -> list[str]:
        """The values of the secrets that the task's variables hold, as far as they are set."""
        texts = self._pipeline.envs_of(self._roll.tasks[ordinal]).values()
        references = [ref for text in texts if "${{" in text for ref in parse_template(text).references]
        values = [self._secret(str(ref.names[0])) for ref in references if ref.root == "secrets"]
        return [value for value in values if value]

    # ------------------------------------------------------------------ inputs

    def _inputs(
        self, ordinal: int, task: Task, outcomes: Outcomes
    ) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
        """``named_inputs``, ``input_values``, and the scope of the task's expressions."""
        scope = self._names_of(ordinal)
        named: dict[str, str] = {}
        values: dict[str, str] = {}
        if task.final:
            status, reason = self._ending()
            scope["job"] = {**self._about_job, "status": status, "reason": reason}
        for name, given in task.inputs.items():
            ref, upstream = self._chosen(ordinal, given.refs)
            outcome, source = outcomes[upstream], self._roll.tasks[upstream]
            spec = outside(source).get(ref.output or "")
            if spec is not None and spec.is_value:
                value = outcome.outputs.get(ref.output or "")
                values[name] = as_text(value)
                scope["inputs"][name] = value
                continue
            scope["inputs"][name] = f"/pipeline/inputs/{name}"
            if source.is_container and ref.output is not None:
                named |= _collected(name, outcome.outputs.get(ref.output))
            elif outcome.outputs_dir is not None:
                named[name] = _join(outcome.outputs_dir, spec, ref.output)
        used = zip(self._roll.uses(ordinal), self._roll.upstream[ordinal], strict=True)
        for position, (seen_as, upstream) in enumerate(used, start=1):
            scope["tasks"][seen_as] = {
                "outputs": self._seen_outputs(upstream, position, outcomes[upstream]),
                "result": self._result_of(upstream),
            }
        return named, values, scope

    def _input(self, upstream: int, outcome: Outcome) -> str | None:
        """The folder behind ``/pipeline/input1`` …; a container hands on its outputs by name, wherever those are."""
        return None if self._roll.tasks[upstream].is_container else outcome.outputs_dir

    def _names_of(self, ordinal: int) -> dict[str, Any]:
        """What expressions see whatever the task uses."""
        frame = self._roll.frame(ordinal)
        params = {**self._job.params, **frame.params} if frame.params else self._job.params
        scope: dict[str, Any] = {"params": params, "job": self._about_job, "inputs": {}, "tasks": {}}
        return {**scope, "item": frame.item, "loop": frame.loops} if frame.loops else scope

    def _chosen(self, ordinal: int, refs: Sequence[InputRef]) -> tuple[InputRef, int]:
        """The first of these whose task succeeded; of none of them, the first. With its task's ordinal."""
        found = [(ref, self._roll.find(ordinal, ref.task)) for ref in refs]
        return next((each for each in found if self._result_of(each[1]) == "SUCCESS"), found[0])

    def _seen_outputs(self, upstream: int, position: int, outcome: Outcome) -> dict[str, Any]:
        """A dependency's outputs as this task sees them: values, and artifacts as paths (of a container: no path)."""
        task, found = self._roll.tasks[upstream], dict[str, Any]()
        for name, spec in outside(task).items():
            if spec.is_value:
                found[name] = outcome.outputs.get(name)
            else:
                found[name] = None if task.is_container else f"/pipeline/input{position}/{spec.path_of(name)}"
        return found

    # ------------------------------------------------------------------ environment

    def _environ(self, task: Task, path: str, scope: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
        environ = dict(self._base_env)
        secrets: dict[str, str] = {}
        holders: list[str] = []
        for name, text in self._pipeline.envs_of(task).items():
            template = parse_template(text)
            if template.is_plain:
                environ[name] = text if "${{" not in text else template.render_env(scope)
            else:
                found = self._secrets_of(template, path)
                secrets.update(found)
                holders += [name] if found else []
                environ[name] = template.render_env({**scope, "secrets": found})
        if holders:
            environ[SECRETS] = " ".join(holders)
        if parts := list(_parts(environ, holders, secrets)):
            environ[SECRET_PARTS] = " ".join(parts)
        return environ, tuple(value for value in secrets.values() if value)

    def _secrets_of(self, template: Template, path: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for reference in template.references:
            if reference.root == "secrets":
                name = str(reference.names[0])
                value = self._secret(name)
                if value is None:
                    raise SessionRejected(
                        f"task {path!r} needs the secret {name!r}, which is not set",
                        hint=f"set it with: fasttrack secrets set {name}",
                    )
                found[name] = value
        return found

    def _git(self, task: Task, environ: Mapping[str, str]) -> GitSource | None:
        if task.type not in GIT_TYPES or not task.module_uri:
            return None
        url, ref, subfolder = parse_module_uri(task.module_uri)
        commit = self._commits.get(task.module_uri)
        username, token = environ.get(GIT_USERNAME), environ.get(GIT_TOKEN)
        return GitSource(url, ref, subfolder, commit, username, token)


def service_of(task: Task) -> ServiceSpec | None:
    """What a deployment task serves; None for any other."""
    if task.type is not TaskType.DEPLOYMENT or (service := task.service) is None:
        return None
    surge = 1 if service.max_surge is None else service.max_surge
    unavailable = (0 if surge else 1) if service.max_unavailable is None else service.max_unavailable
    return ServiceSpec(
        name=service.name,
        model=service.model,
        mount=posixpath.normpath(posixpath.join("/", service.model_mount_destination or DEFAULT_MOUNT)),
        definition=service.model_definition_path or DEFAULT_DEFINITION,
        variant=service.runtime_variant,
        replicas=service.replicas,
        is_public=service.open_to_public,
        is_ephemeral=service.ephemeral,
        max_surge=surge,
        max_unavailable=unavailable,
    )


def _approval_of(task: Task, scope: Mapping[str, Any]) -> Question | None:
    if task.type is not TaskType.APPROVAL or (asked := task.approval) is None:
        return None
    return Question(parse_template(asked.question).render_env(scope), asked.fields, asked.on_timeout)


def _join(outputs_dir: str, spec: OutputSpec | None, output: str | None) -> str:
    if output is None:
        return outputs_dir
    return f"{outputs_dir}/{spec.path_of(output) if spec else output}"


def _collected(name: str, artifact: Any) -> dict[str, str]:
    """Where what a container collected comes to be: one artifact, or a folder with those of the iterations."""
    if isinstance(artifact, list):  # of a loop inside of a loop, lists of lists
        parts = (_collected(f"{name}/{i}", each) for i, each in enumerate(artifact))
        return {path: place for part in parts for path, place in part.items()}
    return {} if artifact is None else {name: artifact["place"]}


def _parts(environ: Mapping[str, str], holders: Sequence[str], secrets: Mapping[str, str]) -> Iterator[str]:
    """See :data:`SECRET_PARTS`."""
    for name in holders:
        for value in secrets.values():
            if value and value != environ[name]:
                for found in re.finditer(re.escape(value), environ[name]):
                    yield f"{name}:{found.start()}+{len(value)}"
