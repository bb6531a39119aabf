"""Deployments for the tests of this folder."""

from __future__ import annotations

from typing import Any

from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, JobView
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.serving import FakeServingBackend, model_files

CPUS = ResourceSlots.parse({"cpu": 2, "mem": "8g"})
SERVE = "{name: serve, type: deployment, service: {name: digits, model: digits-model}}"
EPHEMERAL = SERVE.replace("digits-model", "digits-model, ephemeral: true")
ASK = "{name: ask, command: 'run ${{ tasks.serve.outputs.endpoint }}', inputs: {url: serve.endpoint}}"
URL = "http://127.0.0.1:1/digits"


def serving(kind: type[FakeServingBackend] = FakeServingBackend, **how: Any) -> Any:
    """A backend with a model folder."""
    contents = how.pop("contents", {"digits-model": dict(model_files())})
    return kind(how.pop("decide", lambda spec: 0), contents=contents, **how)


async def finished(engine: Any, fasttrack: FastTrack, request: JobRequest) -> JobView:
    """The job of ``request``, ended."""
    job = await fasttrack.run(request)
    await engine.until(lambda: fasttrack._runner.live(job.id) is None)
    return await fasttrack.job(job.id)
