"""What decides whether a task runs, in an export to a FastTrack that has nothing of the kind."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.interchange.fasttrack import export
from fasttrack_jupyter.model.pipeline import Generation, Pipeline
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.reading import read_or_raise

TEXT = """\
name: models
cache: true
params:
- {name: quick, type: bool, default: false}
- {name: size, type: int}
tasks:
- {name: tell, command: 'echo $FASTTRACK_JOB_STATUS', final: true, run_if: any_failed}
- {name: check, command: ./check, outputs: {accuracy: float, report: HTML}, cache: true}
- {name: big, command: ./big, outputs: {model: Model}, when: '${{ tasks.check.outputs.accuracy > 0.9 }}'}
- {name: small, command: ./small, outputs: {model: Model}, when: '${{ params.quick }}', side_effects: true}
- {name: huge, command: ./huge, when: '${{ params.size > 3 }}'}
- {name: always, command: ./always, when: '${{ !params.quick }}'}
# what to publish
- name: publish
  command: cp /pipeline/inputs/model ${{ inputs.report }} /home/work/out
  inputs: {model: big.model | small.model, report: {from: check.report, type: File}}
  run_if: one_success
"""


def exported(to: Generation = Generation.G264) -> tuple[Pipeline, dict[str, Problem], str]:
    """The export, what is said of each key (task.key) about conditions, and the text."""
    text, problems = export(TEXT, to)
    pipeline = read_or_raise(text).pipeline
    assert pipeline is not None
    names = [task.name for task in pipeline.tasks]
    said = {
        ".".join([names[int(problem.path[1])], *map(str, problem.path[2:])]): problem
        for problem in problems
        if problem.path[:1] == ("tasks",)
    }
    return pipeline, said, text


@pytest.mark.parametrize("to", list(Generation))
def test_an_export_has_none_of_our_conditions_and_says_so(to: Generation) -> None:
    """Each is told of at its place; comments stay; a second export has nothing to say."""
    pipeline, said, text = exported(to)
    for task in pipeline.tasks:
        assert task.model_fields_set.isdisjoint({"when", "run_if", "final", "cache", "side_effects", "inputs"})
    assert pipeline.cache is None
    for key in ("tell.final", "tell.run_if", "check.cache", "big.when", "huge.when", "publish.run_if"):
        assert said[key].code == "export-lost"
        assert said[key].line > 0
    assert "it always runs" in said["big.when"].message
    assert "always big.model" in said["publish.inputs.model"].message
    assert "# what to publish" in text
    assert export(text, to) == (text, ())


def test_a_condition_over_parameters_is_settled_with_their_defaults() -> None:
    """False is ``skip: true``; of a parameter without a default nothing can be said."""
    pipeline, said, _ = exported()
    assert {task.name for task in pipeline.tasks if task.skip} == {"small"}
    assert [said[f"{name}.when"].code for name in ("small", "always")] == ["export-adapted"] * 2


def test_a_final_task_waits_for_the_ends_of_all_others() -> None:
    """It would run first if it named none; what it names keeps its place among its inputs."""
    pipeline, _, _ = exported()
    assert pipeline.by_name["tell"].dependencies == ("huge", "always", "publish")
    assert pipeline.by_name["publish"].dependencies == ("big", "small", "check")


def test_inputs_become_the_paths_of_their_first_alternative() -> None:
    """In the command, by the number of the task that it comes from."""
    pipeline, _, _ = exported()
    command = pipeline.by_name["publish"].command
    assert command == "cp /pipeline/input1/model /pipeline/input3/report /home/work/out"


@pytest.mark.parametrize("to", list(Generation))
def test_an_exported_approval_lets_nothing_pass_unasked(to: Generation) -> None:
    """FastTrack asks nobody: the task fails there, and the report says what to do."""
    text = """\
name: gate
tasks:
- {name: ask, type: approval, approval: {question: "Serve 'it' with ${{ params.x }}?"}, timeout: 1h}
- {name: deploy, command: deploy, dependencies: [ask]}
params: [{name: x, type: int, default: 1}]
"""
    out, problems = export(text, to)
    pipeline = read_or_raise(out).pipeline
    assert pipeline is not None
    assert pipeline.tasks[0].approval is None
    assert (pipeline.tasks[0].command or "").endswith(">&2; exit 1")
    assert [problem.hint for problem in problems if problem.path[2:] == ("approval",)] == [
        "remove the task there once it may go on, and write what was filled in where it is used"
    ]
    assert export(out, to) == (out, ())


def test_loops_and_groups_are_refused_with_their_names() -> None:
    """A FastTrack's pipeline is static: an export that left them out would run something else."""
    text = "name: p\ntasks:\n- {name: sweep, command: ./x, for_each: {item: [1, 2]}}\n"
    text += "- {name: both, tasks: [{name: a, command: ./a}]}\n"
    with pytest.raises(BadRequest, match=r"task 'sweep' \(and 1 more\) is a loop or a group"):
        export(text, Generation.G264)
