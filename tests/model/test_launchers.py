"""``launcher`` and ``after`` in a pipeline's text: what is read, written again, and refused at its place."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.model.following import After
from fasttrack_jupyter.model.launchers import Launch, Launcher, launch_of
from fasttrack_jupyter.model.pipeline import Pipeline
from fasttrack_jupyter.model.reading import read_pipeline
from fasttrack_jupyter.model.resources import ResourceSlots

WRONG = [
    ("- {name: a, command: x, launcher: ‸torchru}", "there is no launcher 'torchru' (write torchrun)"),
    ("- {name: a, command: x, launcher: {processes_per_node: ‸0}}", "(1 to 128), or gpu"),
    ("- {name: a, command: x, launcher: {processes_per_node: ‸gpu}}", "one process for each accelerator"),
    ("- {name: a, command: x, cluster_size: 100, launcher: ‸{processes_per_node: 100}}", "10000 ranks; 4096 is the"),
    ("- {name: a, command: x, launcher: {start_within: ‸soon}}", "is not a duration"),
    ("- {name: a, command: x, launcher: {port: ‸80}}", "1024"),
    ("- {name: a, command: x, launcher: {‸prt: 80}}", "did you mean 'port'?"),
    ("- {name: a, type: approval, approval: {question: q}, ‸launcher: torchrun}", "no command that a launcher could"),
    ("- {name: a, command: x, run_on: ‸main, launcher: torchrun}", "on all containers, not on main1 only"),
    ("- {name: g, ‸launcher: torchrun, tasks: [{name: a, command: x}]}", "move it to the task inside"),
    ("- {name: g, tasks: [{name: a, command: x, launcher: {processes_per_node: ‸gpu}}]}", "for each accelerator"),
    ("- {name: a, command: x}\nafter: [‸demo]", "pipeline 'demo' waits for itself"),
    ("- {name: a, command: x}\nafter: [prep, ‸prep]", "is waited for twice (first in line 4)"),
    ("- {name: a, command: x}\nafter: [{pipeline: prep, within: ‸0}]", "within"),
    ("- {name: a, command: x}\nafter: [{pipeline: prep, ‸wiat: 2h}]", "did you mean 'wait'?"),
    ("- {name: a, command: x}\nafter: [‸[prep]]", "write the name of a pipeline"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_is_said_at_its_place(text: str, said: str) -> None:
    """With line and column, and what to do."""
    whole = f"name: demo\ntasks:\n{text}\n"
    before = whole.partition("‸")[0]
    place = (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    problems = [problem for problem in read_pipeline(whole.replace("‸", "")).problems if said in str(problem)]
    assert [(problem.line, problem.column) for problem in problems] == [place]


def read(text: str) -> Pipeline:
    """A pipeline without any problem."""
    reading = read_pipeline(f"name: demo\n{text}\n")
    assert not reading.problems, reading.problems
    assert reading.pipeline is not None
    return reading.pipeline


def test_the_short_forms_are_written_again() -> None:
    """What they say is all there is."""
    pipeline = read("after: [prep, {pipeline: b, wait: 2h}]\ntasks: [{name: a, command: x, launcher: torchrun}]")
    assert pipeline.after == (After(pipeline="prep"), After(pipeline="b", wait=7200.0))
    assert pipeline.tasks[0].launcher == Launcher()
    written = pipeline.model_dump(mode="json", exclude_unset=True)
    assert written["tasks"][0]["launcher"] == "torchrun"
    assert written["after"] == ["prep", {"pipeline": "b", "wait": 7200.0}]


def test_gpu_is_one_process_for_each_accelerator() -> None:
    """A part of one is one; without any there is one process."""
    launcher = Launcher(processes_per_node="gpu")
    assert launch_of(launcher, ResourceSlots({"cpu": 400, "cuda.device": 200})) == Launch(2)
    assert launch_of(launcher, ResourceSlots({"cuda.shares": 50})) == Launch(1)
    assert launch_of(launcher, ResourceSlots({"cpu": 400})) == Launch(1)
    assert launch_of(None, ResourceSlots()) is None


def test_tasks_inside_take_the_resources_of_their_group() -> None:
    """So ``gpu`` has something to count."""
    read("tasks: [{name: g, resources: {cuda.device: 1}, tasks: [{name: a, command: x, launcher: "
         "{processes_per_node: gpu}}]}]")  # fmt: skip
