"""FastTrack's three generations, each exported to each."""

from pathlib import Path
from typing import Any

import pytest

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.interchange.fasttrack import export
from fasttrack_jupyter.model.document import load
from fasttrack_jupyter.model.generations import detect_generation
from fasttrack_jupyter.model.graph import build_graph
from fasttrack_jupyter.model.pipeline import Generation, Pipeline, TaskType
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.reading import read_or_raise

TESTS = Path(__file__).parent.parent
SAMPLES = sorted([*TESTS.glob("data/fasttrack-*.yaml"), *TESTS.glob("interchange/data/*.yaml")])
NAMES = [sample.stem for sample in SAMPLES]
PATHS = pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
TARGETS = pytest.mark.parametrize("to", list(Generation))


def generation_of(sample: Path) -> Generation:
    """As its file's name tells."""
    return Generation(sample.stem.removeprefix("fasttrack-"))


def read(text: str) -> Pipeline:
    """The pipeline, which must have no errors."""
    pipeline = read_or_raise(text).pipeline
    assert pipeline is not None
    return pipeline


def meaning(text: str) -> list[Any]:
    """What a job of the pipeline would do, whatever the generation."""
    pipeline = read(text)
    graph = build_graph(pipeline)
    return [
        (
            task.name, task.command, pipeline.image_of(task), pipeline.slots_of(task), pipeline.envs_of(task),
            sorted(map(str, pipeline.mounts_of(task))), pipeline.shmem_of(task), graph.upstream[number], task.skip,
            task.cluster_mode, task.cluster_size, task.module_uri,
            task.environment.scaling_group or pipeline.environment.scaling_group,
        )
        for number, task in enumerate(pipeline.tasks)
    ]  # fmt: skip


def comments(text: str) -> list[str]:
    """Every comment that stands on a line of its own."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


@PATHS
def test_a_file_of_each_generation_is_known_by_its_keys(sample: Path) -> None:
    """Also where nothing says it but the keys."""
    data = load(sample.read_text(encoding="utf-8")).data
    assert detect_generation(data) is generation_of(sample)
    data.pop("version", None)
    assert detect_generation(data) is generation_of(sample)


@PATHS
def test_an_export_to_its_own_generation_is_the_same_text(sample: Path) -> None:
    """Byte for byte, and nothing is lost."""
    text = sample.read_text(encoding="utf-8")
    assert export(text, generation_of(sample)) == (text, ())


@PATHS
@TARGETS
def test_an_export_means_the_same_and_is_of_the_target_generation(sample: Path, to: Generation) -> None:
    """What a job would do does not change, and no comment is lost."""
    text = sample.read_text(encoding="utf-8")
    exported, _ = export(text, to)
    assert meaning(exported) == meaning(text)
    assert read_or_raise(exported).generation is to
    assert detect_generation(load(exported).data) is to
    assert comments(exported) == comments(text)


@PATHS
@TARGETS
def test_an_export_has_nothing_more_to_export(sample: Path, to: Generation) -> None:
    """A second one changes and loses nothing."""
    exported, _ = export(sample.read_text(encoding="utf-8"), to)
    assert export(exported, to) == (exported, ())


@PATHS
@TARGETS
def test_there_and_back_means_the_same(sample: Path, to: Generation) -> None:
    """Whatever generation lay between."""
    text = sample.read_text(encoding="utf-8")
    back, _ = export(export(text, to)[0], generation_of(sample))
    assert meaning(back) == meaning(text)


@PATHS
@TARGETS
def test_every_loss_has_its_place_and_its_words(sample: Path, to: Generation) -> None:
    """A line and a column of the text that was given; never an error."""
    for problem in export(sample.read_text(encoding="utf-8"), to)[1]:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message
        assert problem.severity is not Severity.ERROR


def exported(task: str, to: Generation = Generation.G264, head: str = "") -> tuple[dict[str, Any], list[Problem]]:
    """A pipeline of a task ``a`` and of ``b`` with these keys (YAML): ``b`` after the export, and the losses."""
    text = (
        f"name: p\n{head}tasks:\n- name: a\n  command: 'true'\n"
        "  outputs: {model: {type: Model, path: m/model.pkl}, rows: int}\n- name: b\n"
        + "".join(f"  {line}\n" for line in task.splitlines())
    )
    result, losses = export(text, to)
    return load(result).data["tasks"][1], [problem for problem in losses if problem.path[:2] != ("tasks", 0)]


PARAMS = "params:\n- {name: lr, type: float, default: 0.1}\n- {name: who, default: it is}\n- {name: must, type: int}\n"

COMMANDS = [
    ("x ${{ params.lr }} ${{ params.who }}", "x 0.1 'it is'", []),
    ("x ${{ params.lr * 2 }}", "x 0.2", []),
    ("x ${{ job.id }} \"${{ job.index }}\"", 'x "${BACKENDAI_PIPELINE_JOB_ID}" "${BACKENDAI_PIPELINE_JOB_INDEX}"', []),
    ("x ${{ inputs.model }}", "x /pipeline/input1/m/model.pkl", []),
    ("x /pipeline/inputs/model/y /pipeline/inputs/q", "x /pipeline/input1/m/model.pkl/y /pipeline/inputs/q", []),
    ("x ${{ inputs.rows }}", "x \"$(cat '/pipeline/input1/.values/rows')\"", []),
    ('x "n=${{ tasks.a.outputs.rows }}"', "x \"n=$(cat '/pipeline/input1/.values/rows')\"", []),
    ("x ${{ inputs.all }}", "x /pipeline/input1", []),
    ("x ${{ params.must }}", "x ${{ params.must }}", ["params.must has no default"]),
    ("x '${{ params.who }}'", "x '${{ params.who }}'", ["stands inside single quotes"]),
    ("x '${{ job.id }}'", "x '${{ job.id }}'", ["the shell would not fill it in"]),
    ("x ${{ inputs.rows + 1 }}", "x ${{ inputs.rows + 1 }}", ["known only when the job is under way"]),
    ("x $${{ params.lr }} $HOME", "x $${{ params.lr }} $HOME", []),
]  # fmt: skip


@pytest.mark.parametrize(("command", "written", "left"), COMMANDS)
def test_expressions_in_a_command_are_written_out(command: str, written: str, left: list[str]) -> None:
    """Defaults, paths, files of values, FastTrack's own variables; the rest stays, and it is said."""
    task = f"command: |\n  {command}\ninputs: {{model: a.model, rows: a.rows, all: a}}"
    result, losses = exported(task, head=PARAMS)
    assert result["command"] == written + "\n"
    assert result["dependencies"] == ["a"]
    stays = [problem.message for problem in losses if problem.code == "export-left"]
    assert len(stays) == len(left)
    assert all(words in message for words, message in zip(left, stays, strict=True))


def test_expressions_in_envs_are_written_out_and_secrets_stay() -> None:
    """A value of a task cannot be had there."""
    envs = {
        "LR": "${{ params.lr }}",
        "AUTH": "Bearer ${{ secrets.AUTH }} ${{ params.lr }}",
        "MODEL": "${{ inputs.model }}",
        "ROWS": "${{ inputs.rows }}",
    }
    lines = "\n".join(f"    {name}: '{value}'" for name, value in envs.items())
    task = f"command: x\ninputs: {{model: a.model, rows: a.rows}}\nenvironment:\n  envs:\n{lines}"
    result, losses = exported(task, head=PARAMS)
    assert result["environment"]["envs"] == {
        "LR": "0.1",
        "AUTH": "Bearer ${{ secrets.AUTH }} 0.1",
        "MODEL": "/pipeline/input1/m/model.pkl",
        "ROWS": "${{ inputs.rows }}",
    }
    assert [problem.path for problem in losses if problem.code == "export-left"] == [
        ("tasks", 1, "environment", "envs", "ROWS")
    ]


LOST = [
    ("timeout: 90m", Generation.G264, "timeout 1h30m"),
    ("backend: backend.ai:work", Generation.G264, "backend backend.ai:work"),
    ("run_on: all", Generation.G264, "run_on"),
    ("outputs: {x: int}", Generation.G264, "outputs"),
    ("inputs: {x: a.rows}", Generation.G264, "inputs"),
    ("retry: {max_attempts: 2, delay: 1m, backoff: 2}", Generation.G264, "backoff"),
    ("retry: {max_attempts: 2}", Generation.G25, "retry"),
    ("continue_on_failure: true", Generation.G2209, "continue_on_failure"),
    ("type: git\nmodule_uri: https://example.com/x.git", Generation.G264, "has no such task"),
]


@pytest.mark.parametrize(("keys", "to", "words"), LOST)
def test_what_has_no_counterpart_is_dropped_and_reported(keys: str, to: Generation, words: str) -> None:
    """With the line of the key."""
    result, losses = exported(f"command: x\n{keys}", to)
    (lost,) = [problem for problem in losses if problem.code == "export-lost" and words in problem.message]
    assert lost.severity is Severity.WARNING
    assert lost.line == 8
    key = keys.split(":")[0]
    assert key in ("retry", "type") or key not in result


def test_what_says_nothing_is_dropped_in_silence() -> None:
    """No retry, no tolerance: nothing is lost with their keys."""
    result, losses = exported(
        "command: x\nretry: {max_attempts: 1}\ncontinue_on_failure: false\nskip: false", Generation.G25
    )
    assert losses == []
    assert result.keys() == {"name", "type", "cluster_mode", "cluster_size", "command", "skip"}


def test_a_retry_is_written_as_fasttrack_has_it() -> None:
    """Attempts in all, whole seconds."""
    result, _ = exported("command: x\nretry: {max_attempts: 3, delay: 1m, backoff: 1}\ntimeout: 5")
    assert result["retry"] == {"max_attempts": 3, "delay": 60}


def test_implied_dependencies_are_written_behind_the_explicit_ones() -> None:
    """So that /pipeline/input1 stays what it was."""
    text = (
        "name: p\ntasks:\n- {name: a, command: x, outputs: {o: int}}\n- {name: b, command: x, outputs: {o: File}}\n"
        "- {name: c, command: x}\n"
        "- name: d\n  dependencies: [c]\n  inputs: {o: b.o}\n  command: x ${{ tasks.a.outputs.o }} ${{ inputs.o }}\n"
    )
    result, losses = export(text, Generation.G264)
    task = load(result).data["tasks"][3]
    assert task["dependencies"] == ["c", "b", "a"]
    assert task["command"] == "x \"$(cat '/pipeline/input3/.values/o')\" /pipeline/input2/o"
    assert any("b, a" in problem.message and problem.severity is Severity.NOTICE for problem in losses)


def test_amounts_are_written_as_fasttrack_has_them() -> None:
    """Whole cpus, quoted shares, short sizes; each rounding is said."""
    result, losses = exported(
        "command: x\nresources: {cpu: 1.25, mem: 2GiB, cuda.shares: 0.5}\nresource_opts: {shmem: 1GiB}"
    )
    assert result["resources"] == {"cpu": 2, "mem": "2g", "cuda.shares": "0.5"}
    assert result["resource_opts"] == {"shmem": "1g"}
    assert [problem.message for problem in losses] == ["task b: cpu 1.25 is rounded up to 2"]


def test_defaults_of_the_pipeline_are_written_into_each_task() -> None:
    """What a task says itself wins, under the old name of a slot too."""
    head = (
        "environment: {image: i, scaling-group: g, envs: {A: '1'}}\nresources: {cpu: 1, mem: 2g, cuda.device: 1}\n"
        "resource_opts: {shmem: 1g}\nmounts: [data, 'other:/x']\n"
    )
    result, _ = exported("command: x\nresources: {memory: 5g, cuda.device: 0}\nmounts: ['mine:/x']", head=head)
    assert result["environment"] == {"image": "i", "scaling-group": "g"}
    assert result["resources"] == {"mem": "5g", "cuda.device": "0", "cpu": 1}
    assert result["resource_opts"] == {"shmem": "1g"}
    assert result["mounts"] == ["mine:/x", "data"]


@TARGETS
def test_a_secret_that_was_typed_in_is_never_exported(to: Generation) -> None:
    """A reference to it is; what only looks like one at first sight stays."""
    envs = "envs: {HF_TOKEN: hf_123, DB_PASSWORD: hunter2, MAX_TOKEN: '512', API_KEY: '${{ secrets.K }}', TOKEN: ''}"
    text = f"name: p\nenvironment: {{{envs}}}\ntasks:\n- name: a\n  command: x\n  environment: {{{envs}}}\n"
    result, losses = export(text, to)
    data = load(result).data
    for environment in (data["environment"], data["tasks"][0]["environment"]):
        assert environment["envs"] == {
            "HF_TOKEN": "${{ secrets.HF_TOKEN }}",
            "DB_PASSWORD": "${{ secrets.DB_PASSWORD }}",
            "MAX_TOKEN": "512",
            "API_KEY": "${{ secrets.K }}",
            "TOKEN": "",
        }
    assert len(losses) == 4
    assert "hunter2" not in result + str(losses)
    assert "hf_123" not in result + str(losses)


def test_ours_at_the_top_level_is_reported() -> None:
    """The code snapshot, and each parameter."""
    result, losses = export(f"name: p\nfiles: ['*.py']\n{PARAMS}tasks: [{{name: a, command: x}}]\n", Generation.G264)
    assert load(result).data == {
        "version": "26.4",
        "name": "p",
        "ownership": {"domain": "default", "scope": "user"},
        "params": [],
        "tasks": [{"name": "a", "type": "custom", "cluster_mode": "single-node", "cluster_size": 1, "command": "x"}],
    }
    assert [(problem.line, problem.path) for problem in losses] == [
        (2, ("files",)),
        (4, ("params", 0)),
        (5, ("params", 1)),
        (6, ("params", 2)),
    ]


def test_an_alias_that_serves_two_tasks_is_exported_for_each() -> None:
    """What they share is written out where they now differ."""
    text = (
        "name: p\ntasks:\n- {name: a, command: x, outputs: {o: File}}\n"
        "- name: b\n  command: x\n  inputs: {o: a.o}\n  environment: &e\n    envs: {O: '${{ inputs.o }}'}\n"
        "- name: c\n  command: x\n  dependencies: [b]\n  inputs: {o: a.o}\n  environment: *e\n"
    )
    tasks = load(export(text, Generation.G264)[0]).data["tasks"]
    assert tasks[1]["environment"]["envs"]["O"] == "/pipeline/input1/o"
    assert tasks[2]["environment"]["envs"]["O"] == "/pipeline/input2/o"


def test_an_image_that_only_this_machine_has_is_reported_where_it_is_written() -> None:
    """It stays in the file; whoever imports it has to name another."""
    text = "name: p\nenvironment: {image: 'uv:numpy'}\ntasks:\n- {name: a, command: x}\n"
    text += (
        "- {name: b, command: x, environment: {image: ./venv}}\n- {name: c, command: x, environment: {image: a/b:1}}\n"
    )
    losses = [problem for problem in export(text, Generation.G264)[1] if "no such image" in problem.message]
    assert [(problem.line, problem.value) for problem in losses] == [(2, "uv:numpy"), (5, "./venv")]


def test_whoever_reads_a_value_on_the_cluster_learns_which_file_must_be_written() -> None:
    """outputs.json is ours alone."""
    _, losses = exported("command: x ${{ inputs.rows }}\ninputs: {rows: a.rows}")
    (problem,) = [problem for problem in losses if "/pipeline/input1/.values/rows" in problem.message]
    assert "task a must write that file" in problem.hint


def test_a_pipeline_with_errors_is_not_exported() -> None:
    """It is refused with all that is wrong."""
    with pytest.raises(InvalidPipeline):
        export("name: p\ntasks:\n- name: a\n  command: x\n  dependencies: [nobody]\n", Generation.G264)


def test_a_large_pipeline_is_exported_in_time() -> None:
    """Two thousand tasks, each with something to change, in a few seconds."""
    task = "- name: t{0}\n  command: echo ${{{{ params.x }}}} {0}  # c{0}\n  timeout: 1h\n  resources: {{cpu: 0.5}}\n"
    text = "name: p\nparams: [{name: x, default: a b}]\ntasks:\n" + "".join(task.format(n) for n in range(2000))
    result, losses = export(text, Generation.G25)
    assert len(losses) == 4001
    assert load(result).data["tasks"][1999]["command"] == "echo 'a b' 1999"
    assert comments(result) == comments(text)


@TARGETS
def test_a_notebook_is_written_as_the_command_that_runs_it(to: Generation) -> None:
    """With what its parameters come to; that the notebook and its program must be brought is said."""
    text = (
        "name: p\nparams:\n- {name: lr, type: float, default: 0.1}\ntasks:\n"
        "- {name: a, command: ls, outputs: {n: int, f: File}}\n"
        "- name: b\n  type: notebook  # ours\n  notebook: r.ipynb\n  inputs: {f: a.f}\n"
        "  parameters: {lr: '${{ params.lr }}', f: '${{ inputs.f }}', n: '${{ tasks.a.outputs.n }}', t: 'a b'}\n"
    )
    exported, losses = export(text, to)
    task = read(exported).by_name["b"]
    assert task.type is TaskType.CUSTOM
    assert task.command == (
        "python3 .fasttrack/whole.py r.ipynb --param lr=0.1 --param f=/pipeline/input1/f "
        "--param n=\"$(cat '/pipeline/input1/.values/n')\" --param t='a b'"
    )
    assert not {"notebook", "parameters"} & load(exported).data["tasks"][1].keys()
    said = [problem for problem in losses if problem.path[:2] == ("tasks", 1) and ".fasttrack" in problem.hint]
    assert [problem.severity for problem in said] == [Severity.WARNING]
