"""Model definitions: read with every release's words, and what is wrong told with its place and a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fasttrack_jupyter.engine.ports import ServiceSpec
from fasttrack_jupyter.errors import InvalidPipeline
from fasttrack_jupyter.model.checks.serving import check_definition
from fasttrack_jupyter.model.problems import Problem, Severity
from fasttrack_jupyter.model.reading import read_pipeline
from fasttrack_jupyter.model.serving import read_definition

SPEC = ServiceSpec("digits", "digits-model", "/models", "model-definition.yaml")
GOOD = """\
models:
- name: digits
  model_path: /models
  service:
    start_command: [python, /models/serve.py]
    port: 8000
    health_check: {enable: true, path: /health}
"""


def found(text: str, files: Sequence[str] = ("serve.py",)) -> list[Problem]:
    """What is wrong with a definition."""
    return check_definition(read_definition(text, "m/model-definition.yaml"), SPEC, files)


def refused(text: str) -> InvalidPipeline:
    """What a text is refused with that is no definition."""
    with pytest.raises(InvalidPipeline) as caught:
        read_definition(text, "m/model-definition.yaml")
    return caught.value


def test_a_good_definition_has_no_problems() -> None:
    """And says what to start, and where it listens."""
    definition = read_definition(GOOD, "m")
    assert check_definition(definition, SPEC, ["serve.py"]) == []
    model, service = definition.served
    assert (model.name, service.port, service.argv("/models")) == ("digits", 8000, ["python", "/models/serve.py"])
    assert service.checked is not None
    assert (service.checked.path, service.checked.expected_status_code) == ("/health", 200)


@pytest.mark.parametrize(
    ("written", "argv"),
    [
        ("start_command: [python, '{model_path}/serve.py']", ["python", "/models/serve.py"]),
        ("start-command: [python, /models/serve.py]", ["python", "/models/serve.py"]),
        ("start_command: 'python {model_path}/serve.py'", ["/bin/bash", "-c", "python /models/serve.py"]),
        ("command: python /models/serve.py", ["/bin/bash", "-c", "python /models/serve.py"]),
        ("{command: python /models/serve.py, shell: /bin/sh}", ["/bin/sh", "-c", "python /models/serve.py"]),
        ("{command: python /models/serve.py, shell: null}", ["python", "/models/serve.py"]),
    ],
)
def test_every_releases_words_for_the_command_are_understood(written: str, argv: list[str]) -> None:
    """A list of words (23.09), a text for a shell (26), with - or _."""
    inner = written.strip("{}") if written.startswith("{c") else written
    text = f"models: [{{name: a, model_path: /models, service: {{port: 8000, {inner}}}}}]"
    assert read_definition(text, "m").served[1].argv("/models") == argv


@pytest.mark.parametrize(
    ("old", "new", "place", "words", "remedy"),
    [
        ("8000", "80", (6, 11), "port 80 of model 'digits' is for root alone", "write one from 1025 on"),
        ("8000", "7681", (6, 11), "is reserved: Backend.AI uses it", "write one from 1025 on"),
        ("8000", "70000", (6, 11), "port 70000 of model 'digits' is none", "write one from 1025 on"),
        ("/models/serve.py", "/models/srve.py", (5, 20), "/models/srve.py is not in the model folder",
         "did you mean /models/serve.py?"),
        ("model_path: /models", "model_path: /data", (3, 15), "model_path /data is not where the model folder",
         "write model_path: /models"),
        ("model_path: /models", "model_path: /models/sub", (3, 15), "is not in the model folder", "write model_path"),
        ("path: /health", "path: health", (7, 40), "'health' is no path", "write /health"),
    ],
)  # fmt: skip
def test_what_would_fail_is_an_error_with_its_place(
    old: str, new: str, place: tuple[int, int], words: str, remedy: str
) -> None:
    """Line and column are those of the definition; the message names its file."""
    (problem,) = found(GOOD.replace(old, new, 1))
    assert problem.severity is Severity.ERROR
    assert (problem.line, problem.column) == place
    assert problem.message.startswith(f"m/model-definition.yaml, line {place[0]}, column {place[1]}: ")
    assert words in problem.message
    assert remedy in problem.hint


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("/models/serve.py]", "serve.py]", "relative-script"),
        ("health_check", "helth_check", "unknown-key"),
        ("serve.py]", "serve.py, --weights, /models/w.bin]", "missing-file"),
    ],
)
def test_what_is_probably_wrong_is_a_warning(old: str, new: str, code: str) -> None:
    """It may be meant so: the deployment is not refused."""
    problems = found(GOOD.replace(old, new, 1))
    assert code in [problem.code for problem in problems]
    assert all(problem.severity is not Severity.ERROR for problem in problems)


def test_a_definition_without_a_service_or_with_two_at_one_port_is_wrong() -> None:
    """Nothing would start; or only one would."""
    (problem,) = found("models: [{name: a, model_path: /models}]")
    assert problem.code == "no-model-service"
    second = GOOD + GOOD.removeprefix("models:\n").replace("digits", "other")
    assert "port-twice" in [problem.code for problem in found(second)]


@pytest.mark.parametrize(
    ("text", "words", "remedy"),
    [
        ("", "m/model-definition.yaml, line 1, column 1: the file is empty", "write models: [{name: digits"),
        ("models: []", "it names no model", "write models: [{name: digits"),
        ("models:\n- name: 'a", "never closed", "close it"),
        ("models:\n- {name: a}", "models[0] has no model_path", "add model_path"),
        (GOOD.replace("8000", "eighty"), "models[0].service.port: must be a whole number", "write a whole number"),
        (GOOD.replace("[python, /models/serve.py]", "{a: 1}"), "start_command must be a list of words, or one text",
         "write start_command: [python"),
        ("models: [{name: a, name: b}]", "the key 'name' comes twice", "keep one"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_definition_is_refused_with_its_place(text: str, words: str, remedy: str) -> None:
    """As a pipeline is: where it is wrong, and what to do."""
    error = refused(text)
    assert words in error.message
    assert any(remedy in problem.hint for problem in error.problems)
    assert "pipeline" not in error.message


def deployment(**service: Any) -> list[str]:
    """Codes of what is wrong with a pipeline of one deployment."""
    told = {"name": "digits", "model": "digits-model", **service}
    flow = ", ".join(f"{key}: {value}" for key, value in told.items())
    text = f"name: p\ntasks:\n- {{name: serve, type: deployment, service: {{{flow}}}}}\n"
    return [problem.code for problem in read_pipeline(text).problems]


@pytest.mark.parametrize("path", ["/models/definition.yaml", "../definition.yaml", "a/../../b.yaml"])
def test_a_definition_that_is_not_in_the_folder_is_refused(path: str) -> None:
    """Backend.AI would silently look elsewhere."""
    assert deployment(model_definition_path=path) == ["definition-not-inside"]


def test_a_service_that_could_never_be_updated_is_refused() -> None:
    """No replica more, and none less."""
    assert deployment(max_surge=0, max_unavailable=0) == ["no-room-to-roll"]
    assert deployment(max_surge=0, max_unavailable=1) == []
    assert deployment(max_surge=0) == []


def test_a_deployment_hands_on_its_endpoint_without_saying_so() -> None:
    """Inputs and expressions of others may name it, and nothing else of it."""
    text = (
        "name: p\ntasks:\n- {name: serve, type: deployment, service: {name: s, model: m}}\n"
        "- {name: ask, command: 'curl ${{ tasks.serve.outputs.endpoint }}'}\n"
        "- {name: also, command: 'curl ${{ inputs.url }}', inputs: {url: serve.endpoint}}\n"
    )
    assert read_pipeline(text).problems == ()
    (problem,) = read_pipeline(text.replace("outputs.endpoint", "outputs.url")).problems
    assert (problem.code, problem.hint) == ("unknown-output", "a deployment has one: endpoint")
