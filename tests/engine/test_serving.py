"""Deployments: checked before a job, rolled out as attempts are, and what becomes of their services."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import Decision, JobRequest, RerunRequest
from fasttrack_jupyter.errors import Refused
from fasttrack_jupyter.model.lifecycle import Result
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.testing.fakes import FakeBackend
from fasttrack_jupyter.testing.serving import FakeServingBackend, model_files

sys.path.append(str(Path(__file__).parent))  # with importmode=importlib nobody else does
from deployments import ASK, CPUS, SERVE, URL, finished, serving


async def reasons(fasttrack: FastTrack, request: JobRequest) -> dict[str, str]:
    """Why tasks are refused."""
    plan = await fasttrack.plan(request)
    return {task.path: task.reason for task in plan.tasks if task.decision is Decision.REFUSE}


# ---------------------------------------------------------------------- before a job


async def _plan_on(engine: Any, backend: FakeBackend, *tasks: str) -> dict[str, str]:
    async with engine.on(backend) as fasttrack:
        return await reasons(fasttrack, engine.request(*tasks))


def test_a_backend_that_serves_no_models_refuses_a_deployment(engine: Any) -> None:
    """With the remedy, before anything starts."""
    (why,) = asyncio.run(_plan_on(engine, FakeBackend(), SERVE)).values()
    assert "is a deployment, and the backend local serves no models" in why
    assert "backend: local" in why


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"digits-model": {}}, "'digits-model' has no model-definition.yaml"),
        ({"digits-model": dict(model_files(port=80))}, "digits-model/model-definition.yaml, line 1, column"),
        ({"digits-model": {"model-definition.yml": b""}}, "did you mean model_definition_path: model-definition.yml?"),
        ({"digits-model": {"model-definition.yaml": b"models: 1"}}, "models: must be a list"),
    ],
)
def test_a_wrong_definition_is_refused_before_the_job(
    engine: Any, contents: dict[str, dict[str, bytes]], words: str
) -> None:
    """It is read from the model folder, wherever that is."""
    (why,) = asyncio.run(_plan_on(engine, serving(contents=contents), SERVE)).values()
    assert words in why


class Remarking(FakeServingBackend):
    """A backend that has something to say about every definition."""

    async def remarks(self, service: Any, definition: Any) -> list[Problem]:
        """That."""
        return [Problem(code="remark", message=f"{definition.place} is odd", severity=Severity.NOTICE)]


def test_a_backend_may_remark_on_a_definition(engine: Any) -> None:
    """The plan tells it beside what else there is to say, and the task runs all the same."""

    async def story() -> None:
        async with engine.on(serving(Remarking)) as fasttrack:
            (task,) = (await fasttrack.plan(engine.request(SERVE))).tasks
            assert task.decision is Decision.RUN
            assert task.notes == ("digits-model/model-definition.yaml is odd",)

    asyncio.run(story())


def test_a_definition_that_an_earlier_task_may_write_is_no_reason_to_refuse(engine: Any) -> None:
    """It mounts the model folder; when the deployment starts it is looked at again."""
    train = "{name: train, command: run, mounts: [digits-model]}"
    after = SERVE.replace("type:", "dependencies: [train], type:")
    assert asyncio.run(_plan_on(engine, serving(contents={}), train, after)) == {}
    assert "serve" in asyncio.run(_plan_on(engine, serving(contents={}), train, SERVE))


def test_a_version_that_nobody_has_registered_is_refused_unless_the_job_makes_it(engine: Any) -> None:
    """The registry is asked before the job; a task that registers the model makes the version itself."""
    asked = SERVE.replace("digits-model", "digits@3")
    (why,) = asyncio.run(_plan_on(engine, serving(), asked)).values()
    assert "digits" in why
    train = "{name: train, command: run, outputs: {model: {type: Model, register: digits}}}"
    after = SERVE.replace("digits-model", "digits@latest").replace("type:", "dependencies: [train], type:")
    assert asyncio.run(_plan_on(engine, serving(), train, after)) == {}


def test_replicas_that_can_never_fit_are_refused(engine: Any) -> None:
    """All of them together count, as the containers of a cluster do."""
    many = SERVE.replace("digits-model", "digits-model, replicas: 3").replace("type:", "resources: {cpu: 1}, type:")
    (why,) = asyncio.run(_plan_on(engine, serving(capacity=CPUS), many)).values()
    assert "asks for 3 cpu for its 3 members, this machine has 2" in why


def test_a_task_that_services_before_it_leave_no_slots_is_refused(engine: Any) -> None:
    """Replicas stay when the job goes on: it would wait for ever. What does not come after them may wait its turn."""
    both = SERVE.replace("digits-model", "digits-model, replicas: 2")
    refused = asyncio.run(_plan_on(engine, serving(capacity=CPUS), "other", both, ASK))
    assert list(refused) == ["ask"]
    assert "1 cpu, of which the services before it keep 2 of 2" in refused["ask"]
    half = both.replace("type:", "resources: {cpu: 0.5}, type:")
    assert asyncio.run(_plan_on(engine, serving(capacity=CPUS), "other", half, ASK)) == {}


# ---------------------------------------------------------------------- a rollout


def test_the_endpoint_is_an_output_that_later_tasks_use(engine: Any) -> None:
    """Nobody has to declare it: as an expression, as an input, in what the job shows."""
    backend = serving()

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await finished(engine, fasttrack, engine.request(SERVE, ASK))
            assert job.result is Result.SUCCESS
            assert job.outputs == {"serve": {"endpoint": URL}}
            serve, ask = backend.started
            assert (serve.command, ask.command) == ("", f"run {URL}")
            assert ask.input_values == {"url": URL}
            assert serve.service is not None
            assert (serve.service.mount, serve.service.definition) == ("/models", "model-definition.yaml")
            assert (serve.service.max_surge, serve.service.max_unavailable) == (1, 0)
            assert f"{serve.outputs}/" in backend.contents[serve.folder]  # what comes after it mounts that

    asyncio.run(story())


def test_a_rollout_that_fails_is_tried_again_as_any_attempt(engine: Any) -> None:
    """The second attempt is another one, so the backend may make another revision."""
    outcomes = [1, 0]
    backend = serving(decide=lambda spec: outcomes.pop(0))

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            retried = SERVE.replace("type:", "retry: {max_attempts: 2}, type:")
            job = await finished(engine, fasttrack, engine.request(retried))
            assert (job.result, job.tasks[0].attempts) == (Result.SUCCESS, 2)
            assert backend.services_kept["digits"].attempt_id == backend.started[1].attempt_id

    asyncio.run(story())


def test_a_rollout_under_way_is_taken_over_by_the_next_engine(engine: Any) -> None:
    """Killed in the middle of it, nothing is deployed twice, and its success is heard."""
    sessions: dict[str, Any] = {}
    services: dict[str, Any] = {}
    contents = {"digits-model": dict(model_files())}
    how: Any = {"sessions": sessions, "services": services, "contents": contents}

    async def story() -> None:
        async with engine.on(first := serving(decide=lambda spec: None, **how)) as fasttrack:
            await fasttrack.run(engine.request(SERVE))
            await engine.until(lambda: bool(services))
        async with engine.on(second := serving(**how)) as fasttrack:
            second.become_healthy("digits")
            job = await engine.finish(fasttrack)
            assert (job.result, job.outputs["serve"]) == (Result.SUCCESS, {"endpoint": URL})
            assert (len(first.started), second.started) == (1, [])

    asyncio.run(story())


def test_a_rerun_from_failed_deploys_again(engine: Any) -> None:
    """What a deployment left may be gone: it is brought up to date, and what asks it runs after it."""
    failing = {"ask"}
    backend = serving(decide=lambda spec: int(spec.path in failing))

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            await finished(
                engine, fasttrack, engine.request("prep", SERVE.replace("type:", "dependencies: [prep], type:"), ASK)
            )
            plan = await fasttrack.plan_rerun("last", RerunRequest(from_failed=True))
            assert [task.decision for task in plan.tasks] == [Decision.REUSE, Decision.RUN, Decision.RUN]
            assert plan.tasks[1].reason == "a deployment is brought up to date"

    asyncio.run(story())


def test_a_definition_that_becomes_wrong_fails_the_deployment(engine: Any) -> None:
    """It is looked at again when it is deployed: an earlier task may have written it."""
    backend = serving(contents={"digits-model": {}})
    train = "{name: train, command: run, mounts: [digits-model]}"
    after = SERVE.replace("type:", "dependencies: [train], type:")

    async def story() -> None:
        async with engine.on(backend) as fasttrack:
            job = await finished(engine, fasttrack, engine.request(train, after))
            assert "has no model-definition.yaml" in job.tasks[1].reason
            with pytest.raises(Refused):
                await fasttrack.run(engine.request(SERVE))

    asyncio.run(story())
