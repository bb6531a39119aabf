"""What a task's program can tell by ``fasttrack_task``, in real processes: files that are whole whatever happens."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

TASK = Path(__file__).resolve().parents[2] / "fasttrack_jupyter" / "task"


class Outputs:
    """The outputs of one task, and programs that write them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work = folder / "outputs", folder / "work"
        self.folder.mkdir()
        self.work.mkdir()

    def environ(self, **more: str) -> dict[str, str]:
        """What a session gives a program."""
        return {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(TASK), "PIPELINE_OUTPUTS": str(self.folder), **more,
        }  # fmt: skip

    def begin(self, program: str, **more: str) -> subprocess.Popen[str]:
        """Start a program that has imported the helpers as ``ft``."""
        text = "import fasttrack_task as ft\n" + textwrap.dedent(program)
        return subprocess.Popen(
            [sys.executable, "-c", text], cwd=self.work, env=self.environ(**more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, program: str, status: int = 0, **more: str) -> tuple[str, str]:
        """Run one to its end: what it wrote to both streams."""
        process = self.begin(program, **more)
        told = process.communicate(timeout=60)
        assert process.returncode == status, told[1]
        return told

    def lines(self) -> list[dict[str, Any]]:
        """The lines of metrics; each must be whole."""
        path = self.folder / ".metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def json(self, name: str) -> Any:
        """What a file of the outputs says."""
        return json.loads((self.folder / name).read_text())


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    """A task's outputs."""
    return Outputs(tmp_path)


def test_it_is_one_file_of_the_standard_library_that_python_3_8_reads() -> None:
    """And so is MLflow's stand-in, which needs that one besides."""
    for path in TASK.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
        tops = {name.partition(".")[0] for name in names} - {"fasttrack_task", "fasttrack_jupyter"}
        assert tops <= sys.stdlib_module_names, path


def test_points_have_name_value_step_and_time(outputs: Outputs) -> None:
    """Without a step they are counted, on from the last one that was given."""
    outputs.run("ft.metric('a', 1); ft.metric('a', 2.5, step=7); ft.metrics({'a': 3, 'b/c': True})")
    lines = outputs.lines()
    assert [(line["name"], line["value"], line["step"]) for line in lines] == [
        ("a", 1, 0), ("a", 2.5, 7), ("a", 3, 8), ("b/c", 1, 0),
    ]  # fmt: skip
    assert all(abs(line["time"] - time.time()) < 60 for line in lines)


def test_what_json_has_no_number_for_is_a_word(outputs: Outputs) -> None:
    """The file stays JSON for everybody."""
    outputs.run("for x in ('nan', 'inf', '-inf'): ft.metric('a', float(x))")
    assert [line["value"] for line in outputs.lines()] == ["NaN", "Infinity", "-Infinity"]


def test_scalars_of_libraries_are_numbers(outputs: Outputs) -> None:
    """NumPy's, and whatever else has ``item()``."""
    outputs.run("import numpy as np; ft.metric('a', np.float32(0.5), step=np.int64(3)); ft.metric('a', np.array(2))")
    assert [(line["value"], line["step"]) for line in outputs.lines()] == [(0.5, 3), (2, 4)]


@pytest.mark.parametrize("call", ["ft.metric('a', 'x')", "ft.metric('a', None)", "ft.metric('a', [1, 2])"])
def test_what_is_no_number_is_refused_at_the_call(outputs: Outputs, call: str) -> None:
    """With a word on where texts belong."""
    assert re.search(r"TypeError: the metric 'a' is no number.*param\(\)", outputs.run(call, 1)[1])


def test_eight_processes_write_at_once_and_nothing_is_lost_or_torn(outputs: Outputs) -> None:
    """8 × 1,000 points in one file."""
    program = "import os\nfor i in range(1000): ft.metric(os.environ['RANK'], i, step=i)"
    processes = [outputs.begin(program, RANK=str(rank)) for rank in range(8)]
    assert [process.wait(60) for process in processes] == [0] * 8
    for process in processes:
        process.communicate()
    found = Counter((line["name"], line["step"]) for line in outputs.lines())
    assert found == Counter((str(rank), step) for rank in range(8) for step in range(1000))


def test_forks_and_pools_write_their_own_points_once(outputs: Outputs) -> None:
    """What the parent keeps back is not written twice; children of multiprocessing write theirs at their end."""
    program = """
        import multiprocessing, os
        for i in range(5): ft.metric("parent", i)
        def work(n):
            for i in range(3): ft.metric(f"child {n}", i)
        children = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in range(4)]
        [child.start() for child in children]; [child.join() for child in children]
    """
    outputs.run(program)
    assert Counter(line["name"] for line in outputs.lines()) == {"parent": 5} | {f"child {n}": 3 for n in range(4)}


def test_a_kill_costs_half_a_second_and_no_line(outputs: Outputs) -> None:
    """What was noted before is there, and every line is whole."""
    process = outputs.begin("""
        import time
        for i in range(10**9):
            ft.metric("i", i)
            if i % 1000 == 0: print(i, flush=True); time.sleep(0.01)
    """)
    assert process.stdout is not None
    seen, until = 0, time.monotonic() + 1.5
    while time.monotonic() < until:
        seen = int(process.stdout.readline())
    before = len(outputs.lines())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    steps = [line["step"] for line in outputs.lines()]
    assert steps == list(range(len(steps)))
    assert before > 0
    assert seen - len(steps) < 100_000


def test_a_hundred_thousand_points_a_second(outputs: Outputs) -> None:
    """Or a third of that, where a machine is busy."""
    told, _ = outputs.run("""
        import time
        began = time.perf_counter()
        for i in range(30_000): ft.metric("loss", 0.5, step=i)
        ft.flush()
        print(30_000 / (time.perf_counter() - began))
    """)
    assert float(told) > 30_000
    assert len(outputs.lines()) == 30_000


def test_values_are_what_the_engine_reads(outputs: Outputs) -> None:
    """Texts as they are, all else as JSON."""
    outputs.run("import numpy; ft.value('a', 0.5); ft.value('b c', 'x\\n'); ft.value('d', {'e': [1]}); "
                "ft.value('n', numpy.int64(3))")  # fmt: skip
    found = {path.name: path.read_text() for path in (outputs.folder / ".values").iterdir()}
    assert found == {"a": "0.5\n", "b c": "x\n\n", "d": '{"e": [1]}\n', "n": "3\n"}


@pytest.mark.parametrize("call", ["ft.value('a', object())", "ft.value('a', float('nan'))", "ft.value('../a', 1)"])
def test_values_that_cannot_be_handed_on_are_refused(outputs: Outputs, call: str) -> None:
    """Nothing is written."""
    assert "ValueError" in outputs.run(call, 1)[1]
    assert not list(outputs.folder.rglob("*"))


def test_artifacts_are_put_in_their_place_with_metadata(outputs: Outputs) -> None:
    """Files, folders, objects; the declared path is known; a second one replaces the first."""
    told = json.dumps({"outputs": {"model": {"type": "Model", "path": "m/model.pkl"}}})
    program = """
        from pathlib import Path
        Path("x.bin").write_bytes(b"1"); Path("d").mkdir(); Path("d/y").write_text("2")
        assert ft.artifact("model", "x.bin", metadata={"framework": "none"}) == Path(ft._task.outputs) / "m/model.pkl"
        ft.artifact("folder", Path("d")); ft.artifact("folder", Path("d"))
        ft.artifact("table", {"a": [1, 2]}, path="t.json")
        ft.artifact("here", ft._task.outputs + "/t.json", path="t.json")
        ft.artifact("pickled", {1, 2})
    """
    outputs.run(program, FASTTRACK_JOB=told)
    assert (outputs.folder / "m/model.pkl").read_bytes() == b"1"
    assert (outputs.folder / "folder/y").read_text() == "2"
    assert outputs.json("t.json") == {"a": [1, 2]}
    assert outputs.json(".artifacts.json")["model"] == {
        "type": "Model", "path": "m/model.pkl", "metadata": {"framework": "none"},
    }  # fmt: skip
    assert not [path for path in outputs.folder.rglob("*") if "part" in path.name or "fasttrack" in path.name]


def test_artifacts_of_many_processes_are_all_listed(outputs: Outputs) -> None:
    """One list, written by one at a time."""
    program = "import os\nfor i in range(20): ft.artifact(f\"{os.environ['RANK']}-{i}\", b'x')"
    processes = [outputs.begin(program, RANK=str(rank)) for rank in range(4)]
    for process in processes:
        process.communicate(timeout=60)
    assert len(outputs.json(".artifacts.json")) == 80


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("ft.artifact('a', 'nowhere.txt')", "FileNotFoundError: there is no file or folder 'nowhere.txt'"),
        ("ft.artifact('a', b'', path='../x')", "leads out of the outputs"),
        ("ft.artifact('a', b'', metadata={'x': float('nan')})", "ValueError"),
    ],
)
def test_artifacts_that_cannot_be_are_refused(outputs: Outputs, call: str, said: str) -> None:
    """And leave nothing behind."""
    assert said in outputs.run(call, 1)[1]
    assert not list(outputs.folder.rglob("*"))


def test_classification_metrics_have_kubeflow_s_shape(outputs: Outputs) -> None:
    """In the file and as metadata; an infinite threshold is a number."""
    outputs.run("ft.classification_metrics('cm', [[5, 1], [2, 7]], ['cat', 'dog'], "
                "roc=([0, .5, 1], [0, .8, 1], [float('inf'), .5, .1]))")  # fmt: skip
    found = outputs.json("cm")
    assert found["confusionMatrix"] == {
        "annotationSpecs": [{"displayName": "cat"}, {"displayName": "dog"}], "rows": [{"row": [5, 1]}, {"row": [2, 7]}],
    }  # fmt: skip
    assert found["confidenceMetrics"][0] == {"falsePositiveRate": 0.0, "recall": 0.0, "confidenceThreshold": 1.5}
    entry = outputs.json(".artifacts.json")["cm"]
    assert (entry["type"], entry["metadata"]) == ("ClassificationMetrics", found)


def test_a_matrix_that_is_none_is_refused(outputs: Outputs) -> None:
    """Its rows and labels must be as many."""
    assert "a confusion matrix of 2 labels" in outputs.run("ft.classification_metrics('c', [[1, 2]], ['a', 'b'])", 1)[1]


def test_progress_and_failure_are_files(outputs: Outputs) -> None:
    """The last word on progress is written; a failure ends the program with status 1."""
    outputs.run("for i in range(5): ft.progress(i / 4, f'part {i}')\nft.fail('no luck')", 1)
    assert outputs.json(".progress.json") == {"fraction": 1.0, "text": "part 4"}
    assert outputs.json(".failure.json") == {"text": "no luck"}


def test_what_the_task_was_given(outputs: Outputs, tmp_path: Path) -> None:
    """Inputs by name, parameters, the job."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/clean").write_text("5")
    told, _ = outputs.run(
        "print(ft.inputs()['clean'].read_text(), ft.params(), ft.job())",
        PIPELINE_INPUTS=str(tmp_path / "in"), BACKENDAI_PIPELINE_JOB_INDEX="12",
        FASTTRACK_JOB=json.dumps({"task": "t", "attempt": 2, "params": {"lr": 0.1}}),
    )  # fmt: skip
    assert told.strip() == "5 {'lr': 0.1} {'task': 't', 'attempt': 2, 'index': 12}"


def test_outside_a_task_all_goes_to_a_folder_which_is_said_once(outputs: Outputs) -> None:
    """``./outputs``, wherever the program goes later; ``fail`` raises what ends no kernel."""
    _, said = outputs.run("import os; ft.metric('a', 1); os.chdir('/'); ft.value('b', 2)", PIPELINE_OUTPUTS="")
    assert said.count("this is no task of a job") == 1
    assert {path.name for path in (outputs.work / "outputs").iterdir()} == {".metrics.jsonl", ".values"}
    assert "RuntimeError: no luck" in outputs.run("ft.fail('no luck')", 1, PIPELINE_OUTPUTS="")[1]


def test_in_a_kernel_it_is_a_folder_of_its_own(outputs: Outputs, tmp_path: Path) -> None:
    """Nothing appears beside the notebook."""
    program = "import sys; sys.modules['ipykernel'] = sys; ft.metric('a', 1); ft.flush(); print(ft._task.outputs)"
    told, _ = outputs.run(program, PIPELINE_OUTPUTS="", TMPDIR=str(tmp_path))
    assert Path(told.strip()).parent == tmp_path
    assert not list(outputs.work.iterdir())


def test_a_full_disk_costs_points_and_nothing_else(outputs: Outputs) -> None:
    """It is said once, and the program goes on."""
    (outputs.folder / ".metrics.jsonl").symlink_to("/dev/full")
    _, said = outputs.run("ft.metric('a', 1); ft.flush(); ft.metric('a', 2); ft.flush()")
    assert said.count("could not be written") == 1
