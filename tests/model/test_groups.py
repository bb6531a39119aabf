"""Loops and groups in a pipeline's file: what they mean, and what is wrong with them, at its place."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.model.graph import build_graph, needed
from fasttrack_jupyter.model.groups import MAX_ITEMS, inherit, leaf_tasks, outside
from fasttrack_jupyter.model.pipeline import Task
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.reading import read_or_raise, read_pipeline

MARK = "‸"
HEAD = "name: p\ntasks:\n- {name: prep, command: x, outputs: {files: list, data: File, n: int}}\n"


def problems_of(text: str) -> list[tuple[str, int, int]]:
    """``(code, line, column)`` of the errors and warnings."""
    found = read_pipeline(text).problems
    return [(each.code, each.line, each.column) for each in found if each.severity is not Severity.NOTICE]


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("- {name: a, command: x, for_each: {item: ‸abc}}", "not-a-list"),
        ("- {name: a, command: x, for_each: {item: 'x ${{ tasks.prep.outputs.files }}'}}", "not-a-list"),
        ("- {name: a, command: x, for_each: {item: ‸'${{ tasks.prep.outputs.n }}'}}", "not-a-list"),
        ("- {name: a, command: x, for_each: {item: ‸'${{ tasks.prep.outputs.data }}'}}", "not-a-list"),
        ("- {name: a, command: x, for_each: {item: ‸{a: 1}}}", "bad-value"),
        ("- {name: a, command: x, for_each: {item: ‸null}}", "bad-value"),
        ("- {name: a, command: x, for_each: {item: [1], ‸max_paralel: 2}}", "unknown-key"),
        ("- {name: a, command: x, for_each: {item: [1]}, when: '${{ ‸item == 1 }}'}", "no-loop"),
        ("- {name: a, command: 'x ${{ ‸item }}'}", "no-loop"),
        ("- {name: a, command: 'x ${{ ‸loop.b.item }}', for_each: {item: [1]}}", "no-loop"),
        ("- {name: a, command: 'x ${{ ‸loop.a.items }}', for_each: {item: [1]}}", "no-loop"),
        ("- {name: a, command: x, for_each: {item: [1], max_parallel: ‸0}}", "out-of-range"),
        ("- {name: a, command: x, outputs: {m: {type: File, from: ‸prep.data}}}", "from-without-group"),
        ("- {name: g, ‸command: x, tasks: [{name: a, command: x}]}", "not-of-a-group"),
        ("- {name: g, ‸timeout: 1h, tasks: [{name: a, command: x}]}", "not-of-a-group"),
        ("- {name: g, tasks: [{name: a, command: x}, {name: ‸a, command: x}]}", "duplicate-task"),
        ("- {name: g, tasks: [{name: a, command: x, final: ‸true}]}", "final-inside"),
        ("- {name: g, tasks: [{name: a, command: x, backend: ‸local}]}", "backend-inside"),
        ("- {name: g, tasks: [{name: a, command: x, dependencies: [‸g]}]}", "waits-for-its-group"),
        ("- {name: g, tasks: [{name: h, tasks: [{name: a, command: x, dependencies: [‸g]}]}]}", "waits-for-its-group"),
        ("- {name: g, tasks: [‸{name: a}]}", "no-command"),
        ("- {name: g, tasks: [{name: a, command: x, ‸cluster_sise: 2}]}", "unknown-key"),
        ("- {name: g, tasks: [{name: a, command: x, dependencies: [‸perp]}]}", "unknown-task"),
        ("- {name: g, tasks: [{name: a, command: x, inputs: {d: ‸prep.dta}}]}", "unknown-output"),
        ("- {name: g, tasks: [{name: a, command: 'x ${{ ‸params.lr }}'}]}", "unknown-parameter"),
        ("- {name: g, tasks: [{name: a, command: x}], outputs: {y: ‸int}}", "no-source"),
        ("- {name: g, tasks: [{name: a, command: x}], outputs: {y: {type: int, from: ‸b.y}}}", "unknown-task"),
        ("- {name: g, tasks: [{name: a, command: x}], outputs: {y: {type: int, from: ‸a.y}}}", "unknown-output"),
        (
            "- {name: g, tasks: [{name: a, command: x, outputs: {y: File}}], outputs: {y: {type: int, from: ‸a.y}}}",
            "wrong-output-type",
        ),
        (
            (
                "- {name: a, command: x, for_each: {item: [1]}, outputs: {y: File}}\n"
                "- {name: b, command: 'x ${{ ‸tasks.a.outputs.y }}'}"
            ),
            "artifact-of-many",
        ),
        (
            (
                "- {name: a, command: x, for_each: {item: [1]}, outputs: {y: int}}\n"
                "- {name: b, command: x, inputs: {y: {from: a.y, type: ‸int}}}"
            ),
            "wrong-input-type",
        ),
    ],
)
def test_one_wrong_thing_is_told_at_its_place(task: str, code: str) -> None:
    """And nothing else is."""
    marked = HEAD + task + "\n"
    text = marked.replace(MARK, "")
    found = problems_of(text)
    assert [each[0] for each in found] == [code], read_pipeline(text).problems
    if MARK in marked:
        before = marked[: marked.index(MARK)]
        assert found[0][1:] == (before.count("\n") + 1, len(before) - before.rfind("\n")), found


@pytest.mark.parametrize("condition", ["params.rate > 0.5", "params.is_big", "params.rate > 0.5 && params.is_big"])
def test_of_which_type_a_groups_parameter_is_stays_open(condition: str) -> None:
    """So a condition inside may compare it as a number, and be it, and the same one level further in."""
    task = f"{{name: a, command: x, when: '${{{{ {condition} }}}}'}}"
    text = (
        f"{HEAD}- {{name: g, for_each: {{item: [0.1, 0.9]}}, parameters: {{rate: '${{{{ item }}}}', is_big: true}}, "
        f"tasks: [{task}, {{name: h, tasks: [{task}]}}]}}\n"
    )
    assert problems_of(text) == []


def test_a_task_inside_may_wait_for_a_sibling_that_is_called_as_their_group() -> None:
    """The nearest one of a name is meant."""
    inner = "{name: g, command: x}, {name: a, command: x, dependencies: [g]}"
    assert problems_of(f"{HEAD}- {{name: g, tasks: [{inner}]}}\n") == []


def test_a_cycle_through_a_group_is_found() -> None:
    """What a group's task needs, the group waits for."""
    text = "name: p\ntasks:\n- {name: g, tasks: [{name: a, command: x, dependencies: [b]}]}\n"
    assert [each[0] for each in problems_of(text + "- {name: b, command: x, dependencies: [g]}\n")] == ["cycle"]


def test_a_loop_has_no_end_of_items() -> None:
    """A list that is too long is refused with both numbers."""
    text = f"name: p\ntasks:\n- {{name: a, command: x, for_each: {{item: {list(range(MAX_ITEMS + 1))}}}}}\n"
    (problem,) = read_pipeline(text).problems
    assert (problem.code, problem.value) == ("too-many-items", f"{MAX_ITEMS + 1} items")


def test_groups_are_not_endless_in_each_other() -> None:
    """Seventeen levels are told, once, and nothing breaks."""
    inner = "{name: a, command: x}"
    for level in range(17):
        inner = f"{{name: g{level}, tasks: [{inner}]}}"
    assert [each[0] for each in problems_of(f"name: p\ntasks: [{inner}]\n")] == ["too-deep"]


def test_a_group_waits_for_what_those_inside_name() -> None:
    """Siblings hide tasks of the same name outside."""
    pipeline = read_or_raise(
        HEAD + "- name: g\n  parameters: {k: '${{ tasks.prep.outputs.n }}'}\n  tasks:\n"
        "  - {name: a, command: 'x ${{ params.k }}', dependencies: [other]}\n"
        "  - {name: b, command: x, dependencies: [a]}\n"
        "- {name: other, command: x}\n- {name: a, command: x}\n"
    ).pipeline
    assert pipeline is not None
    assert list(dict.fromkeys(needed(pipeline.tasks[1]))) == ["prep", "other"]
    graph = build_graph(pipeline)
    assert graph.upstream[graph.index["g"]] == (0, 2)
    assert [path for path, _ in leaf_tasks(pipeline)] == ["prep", "g/a", "g/b", "other", "a"]


def test_what_a_group_says_is_a_default_inside() -> None:
    """Environment variable by variable, slot by slot."""
    group = Task.model_validate(
        {
            "name": "g", "environment": {"image": "big", "envs": {"A": "1", "B": "1"}}, "cache": True,
            "resources": {"cpu": 2, "mem": "1g"}, "mounts": ["data"], "tasks": [{"name": "a", "command": "x"}],
        }
    )  # fmt: skip
    inner = Task.model_validate(
        {"name": "a", "command": "x", "environment": {"envs": {"B": "2"}}, "resources": {"cpu": 4}, "mounts": ["more"]}
    )
    found = inherit(group, inner)
    assert (found.environment.image, found.environment.envs) == ("big", {"A": "1", "B": "2"})
    assert found.resources is not None
    assert found.resources.written() == {"cpu": "4", "mem": "1g"}
    assert ([mount.folder for mount in found.mounts], found.cache) == (["data", "more"], True)
    assert inherit(Task(name="g"), inner) is inner


def test_of_a_loop_others_see_lists() -> None:
    """Of values; artifacts keep their type, element by element."""
    task = Task.model_validate(
        {"name": "a", "command": "x", "for_each": {"item": [1]}, "outputs": {"n": "int", "m": "Model"}}
    )
    assert {name: spec.type for name, spec in outside(task).items()} == {"n": "list", "m": "Model"}
