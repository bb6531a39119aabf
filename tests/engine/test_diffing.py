"""What is different between two pipelines, by meaning."""

from __future__ import annotations

from typing import Any

from fasttrack_jupyter.engine.diff_views import How
from fasttrack_jupyter.engine.diffing import diff_heads, diff_tasks
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import read_or_raise


def pipeline(tasks: str, head: str = "") -> Pipeline:
    """A pipeline of tasks written in flow style, one a line."""
    lines = "\n".join(f"- {line}" for line in tasks.strip().splitlines())
    found = read_or_raise(f"name: p\n{head}tasks:\n{lines}\n").pipeline
    assert found is not None
    return found


def told(one: Pipeline, other: Pipeline, **how: Any) -> dict[str, tuple[How, tuple[str, ...]]]:
    """By task, what became of it and what of it has changed."""
    return {task.name: (task.how, task.words) for task in diff_tasks(one, other, **how)}


def test_where_a_default_is_written_is_no_difference() -> None:
    """An image at the head is that of every task; so are variables, slots and mounts."""
    one = pipeline("{name: a, command: x, environment: {image: i, envs: {LR: '1'}}, resources: {cpu: 2}}")
    other = pipeline("{name: a, command: x}", "environment: {image: i, envs: {LR: '1'}}\nresources: {cpu: 2}\n")
    assert told(one, other) == {}
    assert diff_heads(one, other) == []


def test_each_thing_that_has_changed_is_named() -> None:
    """Command, one variable, one slot, a condition."""
    one = pipeline("{name: a, command: x, environment: {envs: {LR: '1', B: '2'}}, resources: {cpu: 2, mem: 1g}}")
    slots = "resources: {cpu: 2, mem: 2g}, when: '${{ true }}'"
    other = pipeline(f"{{name: a, command: y, environment: {{envs: {{LR: '3', B: '2'}}}}, {slots}}}")
    assert told(one, other)["a"] == (
        How.CHANGED,
        ("command changed", "environment changed", "resources changed", "when changed"),
    )
    (task,) = diff_tasks(one, other)
    assert ("environment LR", "1", "3") in [(edit.what, edit.one, edit.other) for edit in task.edits]
    assert ("resource mem", "1g", "2g") in [(edit.what, edit.one, edit.other) for edit in task.edits]


def test_a_renamed_task_changes_nobody_who_refers_to_it() -> None:
    """Neither by order, nor by an input, nor in an expression."""
    tasks = """
{name: a, command: x, outputs: {n: int}}
{name: b, command: 'y ${{ tasks.a.outputs.n }}', dependencies: [a], inputs: {i: a.n}}
"""
    other = tasks.replace("name: a,", "name: first,").replace("tasks.a.", "tasks.first.")
    other = other.replace("[a]", "[first]").replace("a.n}", "first.n}")
    assert told(pipeline(tasks), pipeline(other)) == {"first": (How.RENAMED, ())}


def test_tasks_come_and_go() -> None:
    """Another name with other content is one that is new and one that is gone."""
    found = told(
        pipeline("{name: a, command: x}\n{name: b, command: y}"),
        pipeline("{name: a, command: x}\n{name: c, command: z}"),
    )
    assert found == {"c": (How.ADDED, ()), "b": (How.REMOVED, ())}


def test_a_changed_file_changes_the_tasks_that_name_it() -> None:
    """And no other."""
    one = pipeline("{name: a, command: python train.py}\n{name: b, command: y}")
    assert told(one, one, files=["train.py"]) == {"a": (How.CHANGED, ("train.py changed",))}
