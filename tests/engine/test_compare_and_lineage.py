"""Jobs side by side, what is different between pipelines, and where things come from: with real sessions."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import SystemClock
from fasttrack_jupyter.engine.diff_views import DiffRequest, DiffSide, How
from fasttrack_jupyter.engine.lineage_views import LineageQuery, LineageView
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.engine.views import JobRequest, JobView
from fasttrack_jupyter.errors import BadRequest, NotFound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sessions of this machine need POSIX")

Story = Callable[[FastTrack], Awaitable[None]]

PIPELINE = """
name: digits
params:
- {name: depth, type: int, default: 1}
- {name: seed, type: int, default: 7}
tasks:
- name: prepare
  cache: true
  command: echo data > /pipeline/outputs/data
  outputs: {data: {type: Dataset, path: data}}
- name: train
  inputs: {clean: prepare.data}
  command: sh train.sh ${{ params.depth }}
  outputs:
    model: {type: Model, path: model, register: digits}
    accuracy: float
    numbers: {type: Metrics, path: numbers.json}
    quality: {type: ClassificationMetrics, path: quality.json}
- name: report
  inputs: {model: train.model}
  command: cat /pipeline/inputs/model
"""
TRAIN = """
mkdir -p /pipeline/outputs/.values /pipeline/outputs/model
echo $1 > /pipeline/outputs/model/weights
echo 0.$1 > /pipeline/outputs/.values/accuracy
echo '{"loss": '$1', "note": "fine", "odd": NaN}' > /pipeline/outputs/numbers.json
echo '{"name": "loss", "value": 0.'$1', "step": 3}' > /pipeline/outputs/.metrics.jsonl
echo '{"confusionMatrix": {"annotationSpecs": [{"displayName": "cat"}, {"displayName": "dog"}],
  "rows": [{"row": [9, 1]}, {"row": [2, '$1']}]},
  "confidenceMetrics": [{"confidenceThreshold": 2, "falsePositiveRate": 0, "recall": 0},
  {"confidenceThreshold": 0.5, "falsePositiveRate": 0.5, "recall": 1},
  {"confidenceThreshold": 0, "falsePositiveRate": 1, "recall": 1}]}' > /pipeline/outputs/quality.json
"""


@pytest.fixture
def told(engine: Any, tmp_path: Path) -> Callable[[Story], None]:
    """Tells a story on an engine with the real local backend."""

    def tell(story: Story) -> None:
        async def whole() -> None:
            engine.clock = SystemClock()
            settings = LocalSettings(tmp_path / "home", grace=0.2, watch_interval=0.05)
            async with engine.on(LocalBackend(settings)) as fasttrack:
                await story(fasttrack)

        asyncio.run(whole())

    return tell


async def run(engine: Any, fasttrack: FastTrack, text: str = PIPELINE, train: str = TRAIN, **params: Any) -> JobView:
    """A job to its end."""
    job = await fasttrack.run(JobRequest(text=text, files={"train.sh": train}, params=params))
    found: JobView = await engine.finish(fasttrack, job.id)
    return found


def links(view: LineageView) -> set[tuple[str, str, str | None, str | None]]:
    """The edges, by names."""
    names = {node.id: node.name for node in view.nodes}
    return {(names[edge.from_], names[edge.to], edge.output, edge.input) for edge in view.edges}


def test_jobs_are_compared_by_parameters_values_metrics_and_tasks(told: Any, engine: Any) -> None:
    """What differs comes first; the best value is known where the name tells which way is good."""

    async def story(fasttrack: FastTrack) -> None:
        for depth in (1, 2):
            await run(engine, fasttrack, depth=depth)
        found = await fasttrack.comparisons.compare(["digits#1", "digits#2"])
        assert [(row.name, row.values, row.differs) for row in found.parameters] == [
            ("depth", (1, 2), True),
            ("seed", (7, 7), False),
        ]
        metrics = {(row.task, row.name, row.source): row for row in found.metrics}
        accuracy = metrics["train", "accuracy", "output"]
        assert (accuracy.values, accuracy.best, accuracy.goal) == ((0.1, 0.2), (1,), "max")
        assert metrics["train", "numbers.loss", "artifact"].best == (0,)
        assert metrics["train", "numbers.odd", "artifact"].values == ("NaN", "NaN")
        noted = metrics["train", "loss", "metric"]
        assert (noted.values, noted.lows, noted.steps) == ((0.1, 0.2), (0.1, 0.2), (3.0, 3.0))
        tasks = {row.path: row.cells for row in found.tasks}
        assert [cell.attempts for cell in tasks["train"] if cell] == [1, 1]
        assert [cell.reason for cell in tasks["prepare"] if cell][1].startswith("reused from job #1")
        assert all(seconds is not None for seconds in found.seconds)

    told(story)


def test_confusion_matrices_and_roc_curves_are_read(told: Any, engine: Any) -> None:
    """In Kubeflow's shapes, of the artifacts' files; the area under the curve is told."""

    async def story(fasttrack: FastTrack) -> None:
        for depth in (1, 2):
            await run(engine, fasttrack, depth=depth)
        (found,) = (await fasttrack.comparisons.compare(["#1", "#2"])).classifications
        assert (found.task, found.output, found.slice) == ("train", "quality", None)
        one, other = found.matrices
        assert one is not None
        assert other is not None
        assert (one.labels, one.rows, other.rows[1]) == (("cat", "dog"), ((9, 1), (2, 1)), (2, 2))
        assert found.curves[0] is not None
        assert found.curves[0].area == 0.75

    told(story)


def test_iterations_and_what_is_inside_of_groups_are_compared(told: Any, engine: Any) -> None:
    """By their paths; the loop itself hands on lists, and has no artifacts."""
    text = (
        PIPELINE.partition("tasks:")[0].replace("digits", "loops")
        + """tasks:
- name: each
  for_each: {item: [3, 5]}
  tasks:
  - name: train
    command: sh train.sh ${{ item }}
    outputs: {accuracy: float, quality: {type: ClassificationMetrics, path: quality.json}}
  outputs: {accuracy: {type: float, from: train.accuracy}}
"""
    )

    async def story(fasttrack: FastTrack) -> None:
        for _ in range(2):
            await run(engine, fasttrack, text=text)
        found = await fasttrack.comparisons.compare(["loops#1", "loops#2"])
        values = {(row.task, row.name): row.values for row in found.metrics}
        assert values["each[1]/train", "accuracy"] == (0.5, 0.5)
        assert values["each", "accuracy"] == ([0.3, 0.5], [0.3, 0.5])
        assert [row.task for row in found.classifications] == ["each[0]/train", "each[1]/train"]
        (quality,) = (await fasttrack.comparisons.figures("loops#1", "each[0]/train")).classifications
        assert quality.matrix is not None

    told(story)


def test_the_figures_of_one_task_are_what_its_artifacts_tell(told: Any, engine: Any) -> None:
    """Numbers of Metrics artifacts, matrix and curve; a task without any, or that never ran, has none."""

    async def story(fasttrack: FastTrack) -> None:
        await run(engine, fasttrack, depth=1)
        found = await fasttrack.comparisons.figures("digits#1", "train")
        assert found.numbers == {"numbers.loss": 1, "numbers.note": "fine", "numbers.odd": "NaN"}
        (quality,) = found.classifications
        assert (quality.output, quality.slice) == ("quality", None)
        assert quality.matrix is not None
        assert quality.matrix.rows[0] == (9, 1)
        assert quality.curve is not None
        assert quality.curve.area == pytest.approx(0.75)
        assert (await fasttrack.comparisons.figures("digits#1", "report")).classifications == ()
        with pytest.raises(NotFound, match="nobody"):
            await fasttrack.comparisons.figures("digits#1", "nobody")

    told(story)


def test_jobs_of_different_pipelines_are_compared_by_the_union_of_their_names(told: Any, engine: Any) -> None:
    """What a job has none of is null."""

    async def story(fasttrack: FastTrack) -> None:
        await run(engine, fasttrack)
        other = "name: other\nparams: [{name: lr, type: float, default: 0.5}]\ntasks:\n- {name: a, command: 'true'}\n"
        await run(engine, fasttrack, other)
        found = await fasttrack.comparisons.compare(["other#1", "digits#1"])
        assert {row.name: row.values for row in found.parameters} == {
            "lr": (0.5, None),
            "depth": (None, 1),
            "seed": (None, 7),
        }
        assert {row.path: [cell is None for cell in row.cells] for row in found.tasks}["a"] == [False, True]

    told(story)


def test_one_job_is_not_compared(told: Any, engine: Any) -> None:
    """Naming one job twice is naming one."""

    async def story(fasttrack: FastTrack) -> None:
        await run(engine, fasttrack)
        with pytest.raises(BadRequest, match="one job cannot be compared"):
            await fasttrack.comparisons.compare(["#1", "last"])
        with pytest.raises(NotFound):
            await fasttrack.comparisons.compare(["#1", "#9"])

    told(story)


def test_pipelines_of_jobs_are_compared_by_meaning(told: Any, engine: Any) -> None:
    """Commands, parameters, values and files with their lines; a task of another name and the same content."""

    async def story(fasttrack: FastTrack) -> None:
        await run(engine, fasttrack, depth=1)
        text = PIPELINE.replace("name: prepare", "name: prep").replace("prepare.data", "prep.data")
        text = text.replace("default: 7", "default: 8").replace("cat /pipeline/inputs/model", "true")
        await run(engine, fasttrack, text + "- {name: more, command: 'true'}\n", TRAIN + "true\n", depth=2)
        request = DiffRequest(one=DiffSide(job="#1"), other=DiffSide(job="#2"), code=True)
        found = await fasttrack.diffs.diff(request)
        tasks = {task.name: task for task in found.tasks}
        assert {name: task.how for name, task in tasks.items()} == {
            "prep": How.RENAMED,
            "train": How.CHANGED,
            "report": How.CHANGED,
            "more": How.ADDED,
        }
        assert (tasks["prep"].was, tasks["prep"].words) == ("prepare", ())
        assert tasks["train"].words == ("train.sh changed",)
        assert [(edit.what, edit.other) for edit in tasks["report"].edits] == [("command", "true")]
        assert [edit.what for edit in found.pipeline] == ["parameter seed"]
        assert [(value.name, value.one, value.other) for value in found.values] == [("depth", 1, 2), ("seed", 7, 8)]
        (file,) = found.files
        assert (file.path, file.how) == ("train.sh", How.CHANGED)
        assert file.lines is not None
        assert "+true" in file.lines

    told(story)


def test_a_job_is_the_same_as_the_file_that_it_is_of(told: Any, engine: Any, tmp_path: Path) -> None:
    """Comments and order of keys are no difference; the file beside it is."""
    source = tmp_path / "digits" / "digits.fasttrack.yaml"
    source.parent.mkdir()
    source.write_text(PIPELINE)
    (source.parent / "train.sh").write_text(TRAIN)

    async def story(fasttrack: FastTrack) -> None:
        await fasttrack.run(JobRequest(source=str(source)))
        await engine.finish(fasttrack)
        request = DiffRequest(one=DiffSide(job="last"), other=DiffSide(source=str(source)))
        source.write_text(f"# a comment\n{PIPELINE}")
        assert (await fasttrack.diffs.diff(request)).same
        (source.parent / "more.py").write_text("")
        found = await fasttrack.diffs.diff(request)
        assert [(file.path, file.how) for file in found.files] == [("more.py", How.ADDED)]

    told(story)


def test_lineage_goes_back_to_the_job_that_really_made_an_input(told: Any, engine: Any) -> None:
    """The second job's training read what the first one prepared."""

    async def story(fasttrack: FastTrack) -> None:
        for depth in (1, 2):
            await run(engine, fasttrack, depth=depth)
        found = await fasttrack.lineages.lineage(LineageQuery(job="#2", task="train.model"))
        assert ("digits#1 prepare", "digits#2 train", "data", "clean") in links(found)
        assert ("digits#2 train", "digits#2 report", "model", "model") in links(found)
        assert ("digits#2 train", "digits@2", "model", None) in links(found)
        node = next(node for node in found.nodes if node.id == found.subject)
        assert (node.name, node.params, node.attempt) == ("digits#2 train", {"depth": 2}, 1)
        assert "train.sh" in found.files

    told(story)


def test_lineage_goes_forward_through_the_jobs_that_reused_something(told: Any, engine: Any) -> None:
    """Asked of either job, the answer is about the one that made it."""

    async def story(fasttrack: FastTrack) -> None:
        for depth in (1, 2):
            await run(engine, fasttrack, depth=depth)
        found = await fasttrack.lineages.lineage(LineageQuery(job="#2", task="prepare"))
        assert found.note == "reused from digits#1"
        assert {to for from_, to, *_ in links(found) if from_ == "digits#1 prepare"} == {
            "digits#1 train",
            "digits#2 train",
        }
        assert {"digits@1", "digits@2", "digits#1 report", "digits#2 report"} <= {node.name for node in found.nodes}
        assert next(node.reused_by for node in found.nodes if node.id == found.subject) == ("digits#2",)

    told(story)


def test_files_and_versions_of_models_have_lineage(told: Any, engine: Any, tmp_path: Path) -> None:
    """A file by its path; a version by number or alias."""

    async def story(fasttrack: FastTrack) -> None:
        job = await run(engine, fasttrack)
        weights = Path(job.tasks[1].outputs_dir or "") / "model" / "weights"
        found = await fasttrack.lineages.lineage(LineageQuery(file=str(weights)))
        assert (found.output, next(node.name for node in found.nodes if node.id == found.subject)) == (
            "model",
            "digits#1 train",
        )
        found = await fasttrack.lineages.lineage(LineageQuery(model="digits@latest"))
        assert ("digits#1 train", "digits@1", "model", None) in links(found)
        assert ("digits#1 prepare", "digits#1 train", "data", "clean") in links(found)
        for wrong in (
            LineageQuery(file=str(tmp_path)),
            LineageQuery(model="digits@9"),
            LineageQuery(job="#1", task="x"),
        ):
            with pytest.raises(NotFound):
                await fasttrack.lineages.lineage(wrong)

    told(story)


def test_what_a_deleted_job_made_is_said_to_be_gone(told: Any, engine: Any) -> None:
    """A version outlives its job, and says whose it was."""

    async def story(fasttrack: FastTrack) -> None:
        job = await run(engine, fasttrack)
        await fasttrack.delete([job.id])
        found = await fasttrack.lineages.lineage(LineageQuery(model="digits@1"))
        assert found.note == "digits#1, which made it, is not here any more"
        assert [node.name for node in found.nodes] == ["digits@1"]

    told(story)
