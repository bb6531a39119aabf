"""Pipelines that wait for other pipelines: ``after`` at the top of a file.

A job waits, PENDING, until each pipeline that it names has a job that counts. That is the last one which was made
before it, once that has succeeded (one that is under way is waited for), unless it ended longer than ``within`` before
this job was made; else any that was made later and succeeds. A cancelled job counts for nothing; one that failed
makes the job wait for the next. After ``wait``, counted from when the job was made, it is cancelled with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from fasttrack_jupyter.model.job import PipelineJob
from fasttrack_jupyter.model.lifecycle import JOB_ENDED, JobStatus, Result
from fasttrack_jupyter.model.quantities import Duration, Text, format_duration

_LONGEST = 31_536_000


class After(BaseModel):
    """``after: [prep]`` is short for ``after: [{pipeline: prep}]``, and is how it is written again."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    pipeline: Text = Field(description="The name of the pipeline that is waited for", examples=["prep"])
    within: Duration | None = Field(
        default=None, gt=0, le=_LONGEST, json_schema_extra={"exclusiveMinimum": 0, "maximum": _LONGEST},
        description="How long ago its success may be when a job is made: seconds, or 1d; empty is any time",
    )  # fmt: skip
    wait: Duration | None = Field(
        default=None, gt=0, le=_LONGEST, json_schema_extra={"exclusiveMinimum": 0, "maximum": _LONGEST},
        description="How long a job waits for it at most, then it is cancelled: seconds, or 2h; empty is no limit",
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if value is None or isinstance(value, (bool, list)):
            raise ValueError("write the name of a pipeline, or {pipeline: prep, within: 1d, wait: 2h}")
        return value if isinstance(value, (dict, After)) else {"pipeline": value}

    @model_serializer(mode="wrap")
    def _shortest(self, write: SerializerFunctionWrapHandler) -> Any:
        """The short form, where that says it all."""
        is_short = self.within is None and self.wait is None and not self.model_extra
        return self.pipeline if is_short else write(self)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether a pipeline has a job that counts: ``job`` is that one, else ``reason`` says what is waited for."""

    job: PipelineJob | None = None
    reason: str = ""


def look_for(after: After, made_at: float, jobs: Sequence[PipelineJob]) -> Waiting:
    """Which of the ``jobs`` of the other pipeline (newest first) a job counts that was made at ``made_at``."""
    told = [job for job in jobs if job.status is not JobStatus.CANCELLED]
    for job in reversed([job for job in told if job.created_at > made_at]):
        if _succeeded(job):
            return Waiting(job)
    last = next((job for job in told if job.created_at <= made_at), None)
    name = after.pipeline
    if last is None:
        return Waiting(reason=f"waits for a job of pipeline {name} to succeed; there is none yet")
    if last.status not in JOB_ENDED:
        return Waiting(reason=f"waits for job {name}#{last.index}, which has not ended yet")
    if not _succeeded(last):
        return Waiting(reason=f"waits for a job of pipeline {name} to succeed; {name}#{last.index} failed")
    if after.within is not None and (last.ended_at or 0.0) < made_at - after.within:
        old = f"{name}#{last.index} is older than {format_duration(after.within)}"
        return Waiting(reason=f"waits for a job of pipeline {name} to succeed; {old}")
    return Waiting(last)


def _succeeded(job: PipelineJob) -> bool:
    return job.status in JOB_ENDED and job.result is Result.SUCCESS
