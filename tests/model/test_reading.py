"""A text becomes a pipeline, or everything that is wrong with it is told at once."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.pipeline import Generation, Pipeline, TaskType
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.reading import MAX_PROBLEMS, read_or_raise, read_pipeline
from fasttrack_jupyter.model.resources import ResourceSlots

DATA = Path(__file__).parents[1] / "data"


def found(text: str, **options: Any) -> list[tuple[str, int, int]]:
    """Code and place of every problem."""
    return [(problem.code, problem.line, problem.column) for problem in read_pipeline(text, **options).problems]


def only(text: str, **options: Any) -> Problem:
    """The one problem of ``text``."""
    problems = read_pipeline(text, **options).problems
    assert len(problems) == 1, problems
    return problems[0]


def with_task(task: str, before: str = "") -> str:
    """A pipeline whose second task, in line 4 at column 3, is ``task`` (beside a task ``prep`` with an output)."""
    return f"name: p\ntasks:\n- {{name: prep, command: x, outputs: {{clean: File, n: int}}}}\n- {task}\n{before}"


@pytest.mark.parametrize(
    ("file", "generation"),
    [("22.09", Generation.G2209), ("25.15", Generation.G25), ("26.4", Generation.G264)],
)
def test_each_generation_reads_into_the_one_model(file: str, generation: Generation) -> None:
    """Without any problem, and its generation is told."""
    reading = read_or_raise((DATA / f"fasttrack-{file}.yaml").read_bytes())
    assert reading.problems == ()
    assert reading.generation is generation
    assert reading.pipeline is not None
    assert len(reading.pipeline.tasks) == 3


def test_old_spellings_mean_what_they_meant() -> None:
    """``memory``, ``Custom Task``, ``Import from GitHub``, defaults at the pipeline, quoted numbers."""
    pipeline = read_or_raise((DATA / "fasttrack-22.09.yaml").read_bytes()).pipeline
    assert pipeline is not None
    train, evaluate = pipeline.by_name["train"], pipeline.by_name["evaluate"]
    assert train.type is TaskType.GITHUB
    assert evaluate.type is TaskType.CUSTOM
    assert pipeline.slots_of(train).written() == {"cpu": "4", "cuda.shares": "0.5", "mem": "16g"}
    assert pipeline.slots_of(pipeline.by_name["prepare"]).written() == {"cpu": "2", "mem": "8g"}
    assert pipeline.envs_of(train)["EPOCHS"] == "10"
    assert [mount.target for mount in pipeline.mounts_of(evaluate)] == ["/home/work/mnist"]
    serving = read_or_raise((DATA / "fasttrack-25.15.yaml").read_bytes()).pipeline
    assert serving is not None
    assert serving.by_name["serve"].type is TaskType.DEPLOYMENT


def test_text_is_taken_as_written() -> None:
    """Somebody who forgets quotes around 26.10 or true gets what he wrote."""
    text = (
        "name: 2024\nversion: 26.10\ntasks:\n- {name: 1, command: true, environment: {envs: {A: 010, B: 1.10, C: }}}\n"
    )
    pipeline = read_or_raise(text).pipeline
    assert pipeline is not None
    assert (pipeline.name, pipeline.version, pipeline.tasks[0].name) == ("2024", "26.10", "1")
    assert pipeline.tasks[0].command == "true"
    assert pipeline.tasks[0].environment.envs == {"A": "010", "B": "1.10", "C": ""}


CASES = [
    ("{name: ‸a/b, command: x}", "bad-task-name", "'a-b'"),
    ("{name: ‸'', command: x}", "bad-task-name", ""),
    ("{name: ‸' a', command: x}", "bad-task-name", "'a'"),
    ("{name: " + "‸" + "n" * 65 + ", command: x}", "bad-task-name", "shorten it by 1"),
    ("{name: ‸prep, command: x}", "duplicate-task", ""),
    ("‸{command: x}", "missing-key", "name"),
    ("‸7", "wrong-type", ""),
    ("‸{name: a}", "no-command", "command"),
    ("{name: a, command: ‸' '}", "no-command", ""),
    ("{name: a, command: ‸[x, y]}", "wrong-type", "|"),
    ("{name: a, command: x, type: ‸costum}", "bad-value", "'custom'"),
    ("‸{name: a, command: x, type: github}", "no-module-uri", "module_uri"),
    ("{name: a, command: x, type: git, module_uri: ‸--upload-pack=x}", "bad-module-uri", ""),
    ("{name: a, command: x, type: git, module_uri: ‸'https://me:s3cr3t@h/x'}", "bad-module-uri", "secrets"),
    ("‸{name: a, type: deployment}", "no-service", "service"),
    ("{name: a, type: serving, service: ‸{name: s}}", "missing-key", "model"),
    ("{name: a, command: x, skip: ‸maybe}", "wrong-type", "true or false"),
    ("{name: a, command: x, cluster_size: ‸two}", "wrong-type", "whole number"),
    ("{name: a, command: x, cluster_size: ‸true}", "bad-value", ""),
    ("{name: a, command: x, cluster_mode: ‸multinode}", "bad-value", "'multi-node'"),
    ("{name: a, command: x, resources: {cpu: 1, mem: ‸16gg}}", "bad-quantity", "16g"),
    ("{name: a, command: x, resources: {mem: ‸-4g}}", "bad-quantity", "negative"),
    ("{name: a, command: x, resources: {mem: ‸0}}", "bad-quantity", ""),
    ("{name: a, command: x, resources: {cpu: ‸0}}", "bad-quantity", ""),
    ("{name: a, command: x, resources: {cpu: ‸1e400}}", "bad-quantity", ""),
    ("{name: a, command: x, resources: {cpu: ‸[1]}}", "bad-quantity", ""),
    ("{name: a, command: x, resources: {mem: 1g, ‸memory: 2g}}", "bad-quantity", "mem"),
    ("{name: a, command: x, resources: ‸4}", "wrong-type", "mapping"),
    ("{name: a, command: x, resource_opts: {shmem: ‸2x}}", "bad-value", ""),
    ("{name: a, command: x, timeout: ‸soon}", "bad-value", "1h30m"),
    ("{name: a, command: x, timeout: ‸0}", "out-of-range", ""),
    ("{name: a, command: x, retry: {max_attempts: ‸0}}", "out-of-range", "1"),
    ("{name: a, command: x, retry: {delay: ‸2d}}", "out-of-range", "86400"),
    ("{name: a, command: x, dependencies: [‸perp]}", "unknown-task", "'prep'"),
    ("{name: a, command: x, dependencies: [‸a]}", "self-dependency", ""),
    ("{name: a, command: x, dependencies: [prep, ‸prep]}", "duplicate-dependency", "input1"),
    ("{name: a, command: x, dependencies: ‸prep}", "wrong-type", "[prep]"),
    ("{name: a, command: x, inputs: {i: ‸nope.x}}", "unknown-task", ""),
    ("{name: a, command: x, inputs: {i: ‸prep.claen}}", "unknown-output", "'clean'"),
    ("{name: a, command: x, inputs: {i: ‸'${{ params.x }}'}}", "bad-input", ""),
    ("{name: a, command: x, inputs: {‸i/j: prep.clean}}", "bad-input-name", ""),
    ("{name: a, command: x, inputs: {i: ‸a.x}}", "self-dependency", ""),
    ("{name: a, command: x, outputs: {m: {type: Model, path: ‸../m}}}", "bad-value", "model.pkl"),
    ("{name: a, command: x, outputs: {m: {type: Model, path: ‸/etc/m}}}", "bad-value", ""),
    ("{name: a, command: x, outputs: {m: {type: File, path: f}, n: ‸{type: File, path: ./f}}}", "output-collision", ""),
    ("{name: a, command: x, outputs: {m: ‸{type: File, path: outputs.json}}}", "output-collision", ""),
    ("{name: a, command: x, outputs: {m: ‸{path: f}}}", "missing-key", "type"),
    ("{name: a, command: x, outputs: {m: ‸number}}", "bad-value", "float"),
    ("{name: a, command: x, mounts: [‸../x]}", "bad-value", ""),
    ("{name: a, command: x, mounts: [d, ‸'e:d']}", "mount-collision", "e:"),
    ("{name: a, command: x, mounts: [‸'d:/pipeline/vfroot']}", "mount-over-system", "d:d"),
    ("{name: a, command: x, mounts: [‸'d:/tmp']}", "mount-over-system", ""),
    ("{name: a, command: x, mounts: [‸'d:/usr/../tmp']}", "bad-value", ""),
    ("{name: a, command: x, mounts: [‸{folder: d}]}", "bad-value", "name:alias"),
    ("{name: a, command: x, environment: {envs: {‸'A=B': 1}}}", "bad-env-name", ""),
    ("{name: a, command: x, environment: {envs: {A: ‸[1]}}}", "wrong-type", ""),
    ("{name: a, command: '${{ ‸params.x }}'}", "unknown-parameter", "no parameters"),
    ("{name: a, command: '${{ ‸inputs.x }}'}", "unknown-input", "no inputs"),
    ("{name: a, command: '${{ ‸tasks.perp.outputs.n }}'}", "unknown-task", "'prep'"),
    ("{name: a, command: '${{ ‸tasks.prep.outputs.m }}'}", "unknown-output", "declare"),
    ("{name: a, command: '${{ ‸tasks.prep.resutl }}'}", "bad-expression", "outputs"),
    ("{name: a, command: '${{ ‸job.nr }}'}", "bad-expression", "job.id"),
    ("{name: a, command: 'x ${{ ‸secrets.HUB }}'}", "secret-in-command", "\"$HUB\""),
    ("{name: a, command: 'x ${{ 1 + ‸}}'}", "bad-expression", ""),
    ("{name: a, command: '${{ ‸item }}'}", "no-loop", ""),
    ("{name: a, command: x, environment: {image: ‸'${{ params.x }}'}}", "expression-not-here", "envs"),
    ("{name: a, command: x, environment: {‸<<: {image: y}}}", "merge-key", "alias"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "code", "hint"), CASES, ids=[case[0][:60] for case in CASES])
def test_one_wrong_thing_is_one_error_at_its_place(task: str, code: str, hint: str) -> None:
    """No more and no less, at the mark; the hint says what to do."""
    problem = only(with_task(task.replace("‸", "")))
    assert (problem.code, problem.line, problem.column) == (code, 4, 3 + task.index("‸")), problem
    assert problem.severity is Severity.ERROR
    assert hint in problem.message + problem.hint


FINE = [
    "{name: a, command: x, cache: false, run_if: all_success, when: }",
    "{name: a, command: x, cache: true, when: ' ${{ inputs.n != 3 && true }} ', inputs: {n: prep.n}}",
    "{name: a, command: x, when: '${{ tasks.prep.result == \"FAILURE\" }}', run_if: all_done, side_effects: true}",
    "{name: a, command: '${{ job.status }} ${{ job.reason }} ${{ tasks.prep.result }}', final: true}",
    "{name: a, command: x, inputs: {f: {from: prep.clean, type: File, description: d}, m: {from: prep.n, type: int}}}",
    "{name: a, command: x, inputs: {f: prep, n: {from: prep, type: Folder}, o: {from: prep.n}}}",
    "{name: 데이터 준비-1_x, command: x}",
    "{name: हिन्दी, command: x}",
    "{name: a, command: x, dependencies: , mounts: , environment: , inputs: , outputs: , retry: }",
    "{name: a, command: x, inputs: {all: prep, one: prep.clean}}",
    "{name: a, command: 'echo ${{ tasks.prep.outputs.n }} ${{ job.id }} $${{ literal }}'}",
    "{name: a, command: x, resources: {cpu: 0.25, mem: 1.5GiB, cuda.device: 0, tpu.v5: '1'}, timeout: 90}",
    "{name: a, command: x, skip: 'true', cluster_size: '2', type: Custom Task, x-note: mine}",
]


@pytest.mark.parametrize("task", FINE)
def test_what_is_fine_is_not_complained_about(task: str) -> None:
    """Not even a notice."""
    assert read_pipeline(with_task(task)).problems == ()


WARNED = [
    ("{name: a, command: x, dependncies: []}", "unknown-key", "'dependencies'"),
    ("{name: a, command: x, retry: {max_attemps: 2}}", "unknown-key", "'max_attempts'"),
    ("{name: a, command: x, envs: {A: b}}", "unknown-key", "below environment:"),
    ("{name: a, command: x, shmem: 1g}", "unknown-key", "below resource_opts:"),
    ("{name: a, command: x, mem: 1g}", "unknown-key", "below resources:"),
    ("{name: a, command: x}\ncommand: y", "unknown-key", "to a task"),
    ("{name: a, command: x, resources: {mem: 16}}", "tiny-size", "16g"),
    ("{name: a, command: x, resources: {mem: 1g}, resource_opts: {shmem: 2g}}", "large-shmem", ""),
    ("{name: a, command: x, resources: {gpu: 1}}", "unknown-slot", "cuda.device"),
    ("{name: a, command: x, environment: {envs: {BACKENDAI_X: 1}}}", "reserved-env", ""),
    ("{name: a, command: x, environment: {envs: {a.b: 1}}}", "odd-env-name", ""),
    ("{name: a, command: x, environment: {envs: {HF_TOKEN: hf_secret}}}", "secret-in-text", "secrets.HF_TOKEN"),
    ("{name: a, command: x, module_uri: 'https://h/x'}", "module-unused", "type: git"),
    ("{name: a, command: x, service: {name: s, model: m}}", "service-unused", "deployment"),
    ("{name: a, command: x, type: serving, service: {name: s, model: m}}", "command-unused", ""),
    ("{name: a, type: serving, service: {name: " + "s" * 25 + ", model: m}}", "long-service-name", "24"),
]


@pytest.mark.parametrize(("task", "code", "words"), WARNED)
def test_what_is_odd_is_said_and_still_runs(task: str, code: str, words: str) -> None:
    """A warning; the pipeline is there."""
    reading = read_pipeline(with_task(task))
    assert [problem.code for problem in reading.problems] == [code]
    assert reading.problems[0].severity is Severity.WARNING
    assert words in reading.problems[0].message + reading.problems[0].hint
    assert reading.pipeline is not None


def test_unknown_keys_are_kept() -> None:
    """What nobody here knows is not lost."""
    pipeline = read_or_raise("name: p\nfuture: {a: 1}\ntasks: [{name: a, command: x, odd: [2]}]\n").pipeline
    assert pipeline is not None
    assert pipeline.model_extra == {"future": {"a": 1}}
    assert pipeline.tasks[0].model_extra == {"odd": [2]}


def test_secrets_never_stand_in_a_problem() -> None:
    """A value of an environment variable is not repeated, whatever is wrong with it."""
    text = with_task("{name: a, command: x, environment: {envs: {API_KEY: s3cr3t, B_TOKEN: [s3cr3t]}}}")
    assert read_pipeline(text).problems
    assert all("s3cr3t" not in problem.model_dump_json() for problem in read_pipeline(text).problems)


def test_secrets_that_nobody_set_are_errors_where_the_names_are_known() -> None:
    """With a suggestion, and with the command that sets one."""
    text = with_task("{name: a, command: x, environment: {envs: {T: '${{ secrets.HUBB }}'}}}")
    assert found(text) == []
    assert found(text, secrets=["HUBB"]) == []
    problem = only(text, secrets=["HUB"])
    assert (problem.code, problem.column) == ("unknown-secret", 54)
    assert "'HUB'" in problem.hint
    assert "fasttrack secrets set HUBB" in only(text, secrets=[]).hint


def test_cycles_are_told_as_paths_each_once() -> None:
    """At the dependency of the cycle's first task, with inputs and expressions counted as well."""
    text = """name: p
tasks:
- {name: a, command: x, dependencies: [b]}
- {name: b, command: x, inputs: {i: c}}
- {name: c, command: 'echo ${{ tasks.a.outputs.o }}'}
- {name: d, command: x, dependencies: [e]}
- {name: e, command: x, dependencies: [d, a]}
"""
    problems = [problem for problem in read_pipeline(text).problems if problem.code == "cycle"]
    assert [problem.message.partition(": ")[2] for problem in problems] == ["a → b → c → a", "d → e → d"]
    assert [(problem.line, problem.column) for problem in problems] == [(3, 40), (6, 40)]


def test_an_empty_pipeline_is_an_error() -> None:
    """No tasks: nothing to do, which nobody means."""
    assert found("name: p\ntasks: []\n") == [("no-tasks", 2, 8)]
    assert found("name: p\n") == [("missing-key", 1, 1)]
    assert found("name: p\ntasks: {a: b}\n") == [("wrong-type", 2, 8)]


def test_everything_is_told_at_once_in_the_order_of_the_text() -> None:
    """Errors of YAML, of types, and of meaning, in one go; what follows from another error is left out."""
    text = """name: p
params:
- {name: lr, type: floating, default: 1}
- {name: n, type: int, default: x}
tasks:
- name: a
  command: [no]
  skip: perhaps
  dependencies: [b, 7, nothing]
  skip: false
- name: b
  command: echo ${{ params.lr }} ${{ params.lrr }}
  resources: {cpu: many, mem: 16gg}
  mounts: [../x, d, 'e:d']
- command: nameless
"""
    assert found(text) == [
        ("bad-value", 3, 20),
        ("bad-default", 4, 33),
        ("wrong-type", 7, 12),
        ("unknown-task", 9, 21),
        ("unknown-task", 9, 24),
        ("duplicate-key", 10, 3),
        ("unknown-parameter", 12, 38),
        ("bad-quantity", 13, 20),
        ("bad-quantity", 13, 31),
        ("bad-value", 14, 12),
        ("mount-collision", 14, 21),
        ("missing-key", 15, 3),
    ]


def test_a_pipeline_with_errors_is_not_handed_out() -> None:
    """``pipeline`` is None exactly where there are errors; raising carries all of them, ready for JSON."""
    reading = read_pipeline(with_task("{name: a, dependencies: [b]}"))
    assert reading.pipeline is None
    assert len(reading.errors) == 2
    with pytest.raises(InvalidPipeline) as caught:
        read_or_raise(with_task("{name: a, dependencies: [b]}"))
    assert caught.value.problems == reading.problems
    assert len(json.loads(json.dumps(caught.value.to_dict()))["details"]["problems"]) == 2


def test_wrong_values_inside_an_alias_are_told_where_they_are_written() -> None:
    """The line of the anchor, not of its use."""
    text = "name: p\nx-common: &c\n  mem: 3gg\ntasks:\n- {name: a, command: x, resources: *c}\n"
    assert found(text) == [("bad-quantity", 3, 8)]


@pytest.mark.parametrize(
    ("wrong", "count"),
    [
        ("dependencies: [nope]", 3000),
        ("resources: {mem: 1gg}", 3000),
        ("command: ''", MAX_PROBLEMS + 1),
        ("odd: 1", 3000),
    ],
)
def test_thousands_of_wrong_tasks_take_seconds(wrong: str, count: int) -> None:
    """Suggestions and places are looked up in bulk; the same unknown key is told of three times."""
    tasks = "\n".join(f"- {{name: task-{number}, type: custom, {wrong}}}" for number in range(count))
    began = time.process_time()
    reading = read_pipeline(f"name: p\ntasks:\n{tasks}\n")
    assert time.process_time() - began < 15
    assert reading.errors
    assert len(reading.problems) <= MAX_PROBLEMS + 1
    if len(reading.problems) > MAX_PROBLEMS:
        assert "more problems" in reading.problems[-1].message


GENERATIONS = [
    yaml.safe_load((DATA / f"fasttrack-{name}.yaml").read_text("utf-8")) for name in ("22.09", "25.15", "26.4")
]
junk = st.sampled_from(
    [None, True, -1, 0, 1.5, 10**30, float("inf"), "", "x", "a.b", "${{ x", "${{ params.x }}", "../x", "/", [], [None],
     ["x", "x"], [[]], {}, {"a": 1}, {"": ""}, {"name": None}, {"a": {"b": []}}, "9" * 400, "1e999999999"]
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> Any:
    """A good pipeline in which one to three things, anywhere, became something else or went away."""
    data = copy.deepcopy(draw(st.sampled_from(GENERATIONS)))
    for _ in range(draw(st.integers(1, 3))):
        container: Any = data
        while True:
            keys = list(container) if isinstance(container, dict) else list(range(len(container)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if not isinstance(container[key], (dict, list)) or draw(st.booleans()):
                if draw(st.booleans()):
                    container[key] = copy.deepcopy(draw(junk))
                else:
                    del container[key]
                break
            container = container[key]
    return data


@given(broken())
def test_any_mutation_is_read_or_explained_in_our_own_words(data: Any) -> None:
    """Never an exception, never pydantic's words, always a place; and what is accepted really validates."""
    reading = read_pipeline(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
    if reading.pipeline is not None:
        assert isinstance(reading.pipeline, Pipeline)
    else:
        assert reading.errors
    for problem in reading.problems:
        assert min(problem.line, problem.column) >= 1
        assert not any(word in problem.message for word in ("nput should", "valid dictionary", "pydantic", "\0"))
        json.dumps(problem.model_dump(mode="json"), allow_nan=False)


def test_a_slot_of_zero_takes_a_default_back() -> None:
    """A pipeline on GPUs may have a task that wants none; what is left is asked for as if it had never been said."""
    pipeline = read_or_raise(
        "name: p\nresources: {cpu: 2, cuda.device: 1}\ntasks:\n- name: a\n  command: x\n  resources: {cuda.device: 0}\n"
        "- name: b\n  command: x\n"
    ).pipeline
    assert pipeline is not None
    a, b = pipeline.tasks
    assert a.resources is not None
    assert a.resources.written() == {"cuda.device": "0"}
    assert pipeline.slots_of(a) == ResourceSlots({"cpu": 200})
    assert pipeline.slots_of(b) == ResourceSlots({"cpu": 200, "cuda.device": 100})
