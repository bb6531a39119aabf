"""The shipped JSON Schema says what the reader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fasttrack_jupyter.model.document import load
from fasttrack_jupyter.model.labels import HELP, TITLES
from fasttrack_jupyter.model.reading import read_pipeline
from fasttrack_jupyter.model.schema import pipeline_schema, schema_text, shipped_schema

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """A validator of the schema, which is valid itself."""
    schema = pipeline_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_shipped_file_is_up_to_date() -> None:
    """What editors get is what the model says now."""
    assert shipped_schema() == schema_text(), "write schema_text() into fasttrack_jupyter/schema/pipeline.schema.json"


def test_every_key_of_a_task_is_described() -> None:
    """An editor has something to show for each."""
    schema = pipeline_schema()
    for properties in (schema["properties"], schema["$defs"]["Task"]["properties"]):
        assert [key for key, value in properties.items() if not value.get("description")] == []


def labelled() -> dict[str, dict[str, Any]]:
    """The properties of every definition, of the pipeline itself, and the slots."""
    schema = pipeline_schema()
    found = {"Pipeline": schema["properties"], "resources": schema["properties"]["resources"]["properties"]}
    for name, part in schema["$defs"].items():
        properties = (part["anyOf"][-1] if "anyOf" in part else part).get("properties")
        found |= {name: properties} if properties else {}
    return found


def test_every_key_has_a_label_and_help_for_a_form() -> None:
    """A label is short and in sentence case; help is one line of a form; and no label is left over."""
    found = labelled()
    assert {part: set(keys) for part, keys in found.items()} == {part: set(keys) for part, keys in TITLES.items()}
    for value in (value for keys in found.values() for value in keys.values()):
        assert len(value["title"]) <= 24
        assert value["title"][0].isupper()
        assert 3 <= len(value["description"]) <= 160
        assert "``" not in value["description"]
        assert "\n" not in value["description"]


def test_help_is_of_keys_that_are_there() -> None:
    """None outlives its key."""
    found = labelled()
    assert [(part, key) for part, keys in HELP.items() for key in keys if key not in found[part]] == []


@pytest.mark.parametrize("file", sorted(DATA.glob("fasttrack-*.yaml")), ids=lambda file: file.stem)
def test_files_of_every_generation_are_accepted(validator: jsonschema.Draft202012Validator, file: Path) -> None:
    """FastTrack's own files have no squiggles."""
    assert [error.message for error in validator.iter_errors(load(file.read_bytes()).data)] == []


GOOD_TASKS = [
    "{name: a, command: x, backend: backend.ai:work}",
    "{name: a, command: 'true'}",
    "{name: 데이터 준비, command: 'true'}",
    "{name: a, command: true}",
    "{name: a, command: x, resources: {cpu: 0.5, mem: 1.5GiB, cuda.shares: '0.3', tpu.device: 1}}",
    "{name: a, command: x, timeout: 1h30m, retry: {max_attempts: '2', delay: 30s, backoff: 2}}",
    "{name: a, command: x, outputs: {m: Model, acc: {type: float}}, x-mine: 1, unknown: [1]}",
    "{name: a, command: x, module_uri: null, mounts: [data, 'data:/data']}",
]
BAD_TASKS = [
    "{command: x}",
    "{name: a/b, command: x}",
    f"{{name: {'a' * 65}, command: x}}",
    "{name: a, command: [x]}",
    "{name: a, command: x, resources: {mem: 16gg}}",
    "{name: a, command: x, resources: {cpu: -1}}",
    "{name: a, command: x, resources: {cpu: 0}}",
    "{name: a, command: x, timeout: soon}",
    "{name: a, command: x, dependencies: b}",
    "{name: a, command: x, cluster_mode: multinode}",
    "{name: a, command: x, type: costum}",
    "{name: a, command: x, skip: maybe}",
    "{name: a, command: x, retry: {max_attempts: 0}}",
    "{name: a, command: x, backend: on the cluster}",
    "{name: a, command: x, outputs: {m: {path: x}}}",
]


def pipeline_with(task: str) -> Any:
    """The text of a pipeline of one task."""
    return f"name: p\ntasks:\n- {task}\n"


@pytest.mark.parametrize("task", GOOD_TASKS)
def test_schema_and_reader_both_accept(validator: jsonschema.Draft202012Validator, task: str) -> None:
    """Nothing that runs is underlined."""
    text = pipeline_with(task)
    assert read_pipeline(text).errors == ()
    assert [error.message for error in validator.iter_errors(load(text).data)] == []


@pytest.mark.parametrize("task", BAD_TASKS)
def test_schema_and_reader_both_refuse(validator: jsonschema.Draft202012Validator, task: str) -> None:
    """What one value alone makes wrong, an editor shows already."""
    text = pipeline_with(task)
    assert read_pipeline(text).errors
    assert not validator.is_valid(load(text).data)
