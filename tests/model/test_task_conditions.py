"""``when``, ``run_if``, ``final``, ``cache`` and one-of inputs: as they are read, in the graph, and written again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasttrack_jupyter.model.artifacts import ARTIFACTS, InputRef, InputSpec, accepts
from fasttrack_jupyter.model.conditions import parse_condition
from fasttrack_jupyter.model.expressions import ExpressionError
from fasttrack_jupyter.model.graph import build_graph
from fasttrack_jupyter.model.pipeline import Pipeline, RunIf
from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.reading import read_or_raise, read_pipeline
from fasttrack_jupyter.model.writing import block

MODELS = """\
name: p
cache: true
tasks:
- {name: report, command: 'cat ${{ inputs.model }} ${{ tasks.last.result }}', final: true, inputs: {model: big.model}}
- {name: check, command: x, outputs: {accuracy: float}}
- {name: big, command: x, when: '${{ tasks.check.outputs.accuracy > 0.9 }}', outputs: {model: Model}}
- {name: small, command: x, outputs: {model: Model}, run_if: one_success, dependencies: [check], cache: false}
- name: last
  command: echo ${{ tasks.check.outputs.accuracy }}
  when: |
    ${{ inputs.model != tasks.big.outputs.model }}
  inputs: {model: small.model | big.model}
"""


def pipeline_of(text: str) -> Pipeline:
    """The pipeline in ``text``, about which nothing is to be said."""
    reading = read_or_raise(text)
    assert reading.problems == ()
    assert reading.pipeline is not None
    return reading.pipeline


def test_what_a_condition_mentions_is_needed_after_inputs_and_before_the_command() -> None:
    """The order of /pipeline/inputN: dependencies, inputs with all their alternatives, when, command."""
    graph = build_graph(pipeline_of(MODELS))
    needed = {name: [graph.names[i] for i in graph.upstream[graph.index[name]]] for name in graph.names}
    assert needed["last"] == ["small", "big", "check"]
    assert needed["big"] == ["check"]


def test_a_final_task_needs_only_what_it_names_and_comes_last() -> None:
    """That it waits for everything else is told apart: it is no input of it."""
    graph = build_graph(pipeline_of(MODELS))
    assert graph.finals == {0}
    assert [graph.names[i] for i in graph.upstream[0]] == ["big", "last"]
    assert [graph.names[i] for i in graph.topological_order()] == ["check", "big", "small", "last", "report"]


def test_values_are_read_as_they_are_meant() -> None:
    """Names of rules, inheritance of cache, and conditions without the space around them."""
    tasks = pipeline_of(MODELS).by_name
    assert [task.run_if for task in tasks.values()].count(RunIf.ONE_SUCCESS) == 1
    assert (tasks["small"].cache, tasks["big"].cache) == (False, None)
    assert tasks["last"].when == "${{ inputs.model != tasks.big.outputs.model }}"
    assert tasks["last"].inputs["model"].refs == (InputRef("small", "model"), InputRef("big", "model"))


def test_a_task_that_is_not_final_cannot_need_a_final_one() -> None:
    """Wherever it says so: in dependencies, inputs, its condition, its command; final ones may need each other."""
    tasks = """name: p
tasks:
- {name: end, command: x, final: true, outputs: {n: int}}
- {name: after, command: x, final: true, dependencies: [end]}
- {name: a, command: x, dependencies: [end]}
- {name: b, command: x, inputs: {n: end.n}}
- {name: c, command: x, when: '${{ tasks.end.outputs.n > 1 }}'}
- {name: d, command: 'x ${{ tasks.end.outputs.n }}'}
"""
    problems = read_pipeline(tasks).problems
    assert {problem.code for problem in problems} == {"needs-final"}
    assert [problem.path[1:3] for problem in problems] == [
        (2, "dependencies"),
        (3, "inputs"),
        (4, "when"),
        (5, "command"),
    ]


def test_a_cycle_through_a_condition_is_told_at_the_condition() -> None:
    """It is a dependency like any other."""
    text = "name: p\ntasks:\n- {name: a, command: x, outputs: {n: int}, when: '${{ tasks.b.outputs.n > 1 }}'}\n"
    text += "- {name: b, command: x, outputs: {n: int}, dependencies: [a]}\n"
    [problem] = read_pipeline(text).problems
    assert (problem.code, problem.path) == ("cycle", ("tasks", 0, "when"))


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("{name: a, command: x, cache: true, side_effects: true}", "cache-unused"),
        ("{name: a, type: deployment, service: {name: s, model: m}, cache: true}", "cache-unused"),
        ("{name: a, command: x, outputs: {m: model}}", "almost-a-type"),
        ("{name: a, command: x, run_if: all_done}", "run-if-alone"),
    ],
)
def test_what_is_only_odd_is_no_error(task: str, code: str) -> None:
    """It is said, and the job may run."""
    reading = read_pipeline(f"name: p\ntasks:\n- {task}\n")
    assert [problem.code for problem in reading.problems] == [code]
    assert reading.problems[0].severity is not Severity.ERROR


def test_types_match_themselves_and_a_file_takes_every_artifact() -> None:
    """A value never goes into an artifact, nor the other way round; an int is a float."""
    for kind in [*ARTIFACTS, "Mine"]:
        assert accepts(kind, kind)
        assert accepts("File", kind)
        assert accepts("Artifact", kind)
        assert not accepts(kind, "int")
        assert not accepts("float", kind)
    assert not accepts("Mine", "Model")
    assert not accepts("Model", "File")
    assert accepts("Folder", None)
    assert accepts("float", "int")
    assert not accepts("int", "float")


_name = st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True)
_source = st.builds(lambda task, output: f"{task}.{output}" if output else task, _name, st.none() | _name)
_sources = st.lists(_source, min_size=1, max_size=3)


@given(_sources, st.sampled_from(["|", " | ", " |", "|  "]), st.none() | st.sampled_from(sorted(ARTIFACTS)))
def test_an_input_is_written_as_it_was_read(sources: list[str], bar: str, kind: str | None) -> None:
    """The short form where that says it all, else the long one; and it means the same again."""
    written: Any = bar.join(sources)
    spec = InputSpec.model_validate({"from": written, "type": kind} if kind else written)
    assert [str(ref) for ref in spec.refs] == sources
    assert spec.tasks == tuple(ref.task for ref in spec.refs)
    data = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert data == ({"from": written, "type": kind} if kind else written)
    assert InputSpec.model_validate(data) == spec


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "when": st.sampled_from(["${{ params.quick }}", "${{ !params.quick && tasks.a.outputs.n > 1 }}"]),
            "run_if": st.sampled_from(list(map(str, RunIf))),
            "final": st.booleans(),
            "cache": st.booleans(),
            "side_effects": st.booleans(),
            "inputs": st.sampled_from([{"i": "a.n | b.n"}, {"i": {"from": "a.n", "type": "int", "note": "kept"}}]),
        },
    ),
    st.none() | st.booleans(),
)
def test_a_pipeline_is_written_as_it_was_read(keys: dict[str, Any], cache: bool | None) -> None:
    """Through text, model, data and text again nothing is lost, whichever of the keys are there."""
    outputs = {"n": {"type": "int"}}
    tasks = [{"name": name, "command": "x", "outputs": outputs} for name in ("a", "b")]
    data: dict[str, Any] = {"name": "p", "params": [{"name": "quick", "type": "bool"}]}
    data |= {"tasks": [*tasks, {"name": "c", "command": "x", "dependencies": ["a"], **keys}]}
    data |= {} if cache is None else {"cache": cache}
    pipeline = read_or_raise(block(data, 0)).pipeline
    assert pipeline is not None
    again = pipeline.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert again == data
    assert read_or_raise(block(again, 0)).pipeline == pipeline


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_condition(text: str) -> None:
    """It is one expression, or it is refused with a message."""
    for condition in (text, f"${{{{ {text} }}}}", f"{text}${{{{ true }}}}"):
        with suppress(ExpressionError):
            slot = parse_condition(condition)
            assert (slot.start, slot.end) == (0, len(condition))


@given(st.text(alphabet=" |.abc${}\n", max_size=30))
def test_no_text_breaks_the_reading_of_an_input(text: str) -> None:
    """Whatever it is, the task gets a pipeline or problems that have a place."""
    reading = read_pipeline(block({"name": "p", "tasks": [{"name": "a", "command": "x", "inputs": {"i": text}}]}, 0))
    assert (reading.pipeline is None) == bool(reading.errors)
    assert all(problem.line > 0 for problem in reading.problems)
