"""Everything that can be wrong with a pipeline, one module for each part of it.

A check looks at the model, yields findings, and never stops at the first. All of them together
are linear in the size of the pipeline.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fasttrack_jupyter.model.checks.conditions import check_conditions
from fasttrack_jupyter.model.checks.edges import check_edges
from fasttrack_jupyter.model.checks.findings import Finding, Suggester
from fasttrack_jupyter.model.checks.groups import check_groups
from fasttrack_jupyter.model.checks.keys import check_keys, check_merges
from fasttrack_jupyter.model.checks.launchers import check_after, check_launchers
from fasttrack_jupyter.model.checks.mentions import Mentions
from fasttrack_jupyter.model.checks.models import check_models
from fasttrack_jupyter.model.checks.names import check_names, is_task_name, suggest_task_name
from fasttrack_jupyter.model.checks.places import check_places
from fasttrack_jupyter.model.checks.repair import Repair
from fasttrack_jupyter.model.checks.tasks import check_tasks
from fasttrack_jupyter.model.parameters import check_parameters
from fasttrack_jupyter.model.pipeline import Pipeline

__all__ = ["Finding", "Repair", "check_merges", "check_pipeline", "is_task_name", "suggest_task_name"]


def check_pipeline(pipeline: Pipeline, secrets: Collection[str] | None = None) -> Iterator[Finding]:
    """Everything that is wrong with ``pipeline``; ``secrets`` are the names that exist, None if nobody knows."""
    tasks = Suggester([task.name for task in pipeline.tasks if task.name.isprintable()])
    yield from check_names(pipeline)
    yield from check_tasks(pipeline)
    yield from check_edges(pipeline, tasks)
    yield from check_conditions(pipeline)
    yield from check_places(pipeline)
    yield from check_models(pipeline)
    yield from check_launchers(pipeline)
    yield from check_groups(pipeline, secrets)
    yield from check_after(pipeline)
    yield from Mentions(pipeline, tasks, secrets).check()
    yield from check_keys(pipeline)
    for problem in check_parameters(pipeline.params):
        path = ("params", *problem.path)
        yield Finding(problem.code, path, problem.message, problem.hint, problem.value, problem.severity)
