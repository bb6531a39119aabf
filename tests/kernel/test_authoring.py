"""Pipelines made of Python functions: what is written, and what runs."""

from __future__ import annotations

import statistics
import threading
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import fasttrack_jupyter as ft
from fasttrack_jupyter.errors import BadRequest, InvalidPipeline

LIMIT = 2
LOCK = threading.Lock()


class Split(NamedTuple):
    """Two lists."""

    train: list[int]
    test: list[int]


class Model:
    """A model of this very file."""

    def __init__(self, factor: float) -> None:
        self.factor = factor


def squared(value: float) -> float:
    """A helper of this file, which uses a constant of it."""
    return value**LIMIT


@ft.task(cpu=1, env={"SIZE": "small"})
def numbers(upto: int = 10) -> list[int]:
    """The first numbers."""
    return list(range(upto))


@ft.task
def split(numbers: list[int]) -> Split:
    """Even ones, odd ones."""
    return Split(numbers[::2], numbers[1::2])


@ft.task(outputs="model", retry=2, timeout="5m")
def fit(train: list[int], rate: float) -> Any:
    """A model."""
    print("fitting at", rate)
    return Model(squared(statistics.mean(train)) * rate)


@ft.task(outputs=("score", "name"))
def evaluate(model: Any, test: list[int]) -> tuple[float, str]:
    """A number and a word."""
    assert isinstance(model, Model)
    return model.factor + len(test), "é ' \" done"


@ft.task
def size_of(model: Path) -> int:
    """How many files the artifact has."""
    return sum(1 for _ in model.iterdir())


class Alone(NamedTuple):
    """One list."""

    found: list[int]


@ft.task
def alone() -> Alone:
    """A tuple of one."""
    return Alone([1])


@ft.task
def locked() -> None:
    """Uses what cannot travel."""
    LOCK.acquire()


def made(**options: Any) -> ft.Pipeline:
    """The whole pipeline by calls."""
    with ft.Pipeline("calls", **options) as pipeline:
        rate = pipeline.param("rate", 0.5, description="how quickly")
        train, test = split(numbers(6))
        model = fit(train, rate)
        evaluate(model, test=test)
        size_of(model)
    return pipeline


def tasks_of(pipeline: ft.Pipeline) -> dict[str, Any]:
    """The tasks of its YAML, by name."""
    return {task["name"]: task for task in yaml.safe_load(pipeline.to_yaml())["tasks"]}


def test_a_task_is_an_ordinary_function_outside_of_a_pipeline() -> None:
    """Calling it calls the function."""
    assert split(numbers(4)) == ([0, 2], [1, 3])


def test_calls_become_tasks_with_inputs_and_outputs() -> None:
    """Arguments that are outputs are inputs; what is returned is named by the signature."""
    tasks = tasks_of(made())
    assert list(tasks) == ["numbers", "split", "fit", "evaluate", "size_of"]
    assert tasks["split"]["inputs"] == {"numbers": "numbers.result"}
    assert tasks["evaluate"]["inputs"] == {"model": "fit.model", "test": "split.test"}
    assert tasks["evaluate"]["outputs"] == {"score": {"type": "float"}, "name": {"type": "str"}}
    assert tasks["fit"]["retry"] == {"max_attempts": 2}
    assert tasks["numbers"]["environment"] == {"envs": {"SIZE": "small"}}


def test_tasks_and_pipelines_may_name_a_backend() -> None:
    """A task's is in its YAML; the pipeline's is where its jobs run, unless ``run`` says otherwise."""
    pinned = ft.Pipeline("x", [numbers.options(backend="backend.ai")], backend="backend.ai:work")
    assert tasks_of(pinned)["numbers"]["backend"] == "backend.ai"
    assert pinned.build().backend == "backend.ai:work"
    asked = Asked()
    assert pinned._request(asked, None, {})["backend"] == "backend.ai:work"
    assert pinned._request(asked, None, {"backend": "local"})["backend"] == "local"
    with pytest.raises(BadRequest, match="is no backend's name"):
        numbers.options(backend="my cluster")


class Asked:
    """An engine that knows no cluster yet."""

    def __init__(self) -> None:
        self.put: list[str] = []

    def profiles(self) -> list[Any]:
        return []

    def put_profile(self, name: str, request: Any) -> None:
        self.put.append(name)


def test_a_task_on_the_cluster_takes_the_environments_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``fasttrack run`` does."""
    for name in ("BACKEND_ENDPOINT", "BACKEND_ACCESS_KEY", "BACKEND_SECRET_KEY"):
        monkeypatch.setenv(name, "https://ai.example.org")
    asked: Any = Asked()
    ft.Pipeline("x", [numbers])._request(asked, None, {})
    assert asked.put == []
    ft.Pipeline("x", [numbers.options(backend="backend.ai")])._request(asked, None, {})
    assert asked.put == ["default"]


def test_names_alone_wire_a_list_of_functions() -> None:
    """An argument takes the output, or the task, of its name; else it is a parameter with the function's default."""
    pipeline = ft.Pipeline("names", [numbers, split, fit])
    tasks = tasks_of(pipeline)
    assert tasks["split"]["inputs"] == {"numbers": "numbers.result"}
    assert tasks["fit"]["inputs"] == {"train": "split.train"}
    params = yaml.safe_load(pipeline.to_yaml())["params"]
    assert params == [{"name": "upto", "type": "int", "default": 10}, {"name": "rate", "type": "float"}]


def test_the_same_functions_give_the_same_bytes() -> None:
    """Building is deterministic."""
    assert made().build() == made().build()


def test_one_function_may_be_several_tasks() -> None:
    """The second call gets a number, or the name that is given."""
    with ft.Pipeline("twice") as pipeline:
        numbers(3)
        numbers(4)
        numbers.options(name="many", cpu=2)(500)
    assert list(pipeline.tasks) == ["numbers", "numbers-2", "many"]
    assert tasks_of(pipeline)["many"]["resources"] == {"cpu": 2}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ft.Pipeline("x", [evaluate]), "argument 'model' of task 'evaluate' comes from nowhere"),
        (lambda: ft.Pipeline("x", [locked]).build(), "uses 'LOCK'"),
        (lambda: ft.Pipeline("x").build(), "has no task"),
        (lambda: ft.task(cpuu=2)(split.function), "there is no option 'cpuu'"),
        (lambda: ft.task(mem="much")(split.function), "mem"),
        (lambda: ft.task(outputs=("a", "b", "c"))(split.function), "names 3 outputs"),
        (lambda: ft.task(lambda *rest: rest), "cannot be given by name"),
        (lambda: ft.Pipeline("x").param("rate", LOCK), "cannot be"),
        (lambda: ft.Pipeline("x", [ft.task(needs=["nothing"])(numbers.function)]), "needs 'nothing'"),
    ],
)
def test_what_cannot_be_is_told(make: Any, told: str) -> None:
    """Errors name the task and the argument."""
    with pytest.raises(BadRequest, match=told):
        make()


def test_a_tuple_of_one_is_taken_apart_and_a_value_is_not() -> None:
    """One name in a list names the value that is returned, unless that is a tuple."""
    assert ft.Pipeline("one", [alone]).build().files["one.cells/call-alone.py"] == b"found, = alone()\n"
    named = ft.task(outputs=["count"])(size_of.function)
    assert (list(named.signature.outputs), named.signature.is_many) == (["count"], False)


def test_an_output_of_another_pipeline_is_refused() -> None:
    """It would be an edge to nowhere."""
    other = made()
    with ft.Pipeline("second"), pytest.raises(BadRequest, match="another pipeline"):
        split(other.tasks["numbers"])


def test_several_outputs_must_be_told_apart() -> None:
    """A task with two outputs is no single argument."""
    with ft.Pipeline("which"):
        both = split(numbers())
        with pytest.raises(BadRequest, match="leaves 2 outputs"):
            fit(both, 0.1)


def test_a_literal_that_is_no_text_is_refused() -> None:
    """It is data of this process."""
    with ft.Pipeline("literal") as pipeline:
        evaluate(Model(1.0), [1])
    with pytest.raises(BadRequest, match="is given a Model as 'model'"):
        pipeline.build()


def test_a_bad_name_is_refused_with_its_reason() -> None:
    """The reader of pipelines has the last word."""
    with ft.Pipeline("bad") as pipeline:
        numbers.options(name="a/b")()
    with pytest.raises(InvalidPipeline, match="a/b"):
        pipeline.build()


def test_a_pipeline_of_functions_runs_and_gives_its_outputs_back(bench: Any) -> None:
    """Helpers, classes, constants and imports travel; values are values, objects are objects."""
    job = made().run(params={"rate": 2.0}).wait(60)
    assert job.result == "SUCCESS", {task.name: task.log() for task in job.tasks.values() if task.result != "SUCCESS"}
    assert dict(job.tasks["evaluate"].outputs) == {"score": 11.0, "name": "é ' \" done"}
    assert job.tasks["fit"].outputs["model"].factor == 8.0
    assert job.tasks["fit"].log() == "fitting at 2.0\n"
    assert job.tasks["size_of"].outputs["result"] == 3  # the manifest, the pickle, the definition of Model


def test_a_failure_tells_the_line_of_the_function(bench: Any) -> None:
    """The traceback speaks of this file and its line numbers."""
    with ft.Pipeline("fails") as pipeline:
        fit([], 1.0)
    job = pipeline.run().wait(60)
    line = fit.function.__code__.co_firstlineno + 4
    assert job.result == "FAILURE"
    assert f'File "fit() in test_authoring.py", line {line}' in job.tasks["fit"].log()
    assert "mean requires at least one data point" in job.tasks["fit"].log()
