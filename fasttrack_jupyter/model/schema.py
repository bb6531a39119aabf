"""The JSON Schema of a pipeline file, with which editors complete, explain and check.

It is made from the model, so that it cannot say anything else; only what the model's types do not
tell is added here. A schema sees one value at a time: what depends on others (cycles, unknown
names, expressions) is left to ``reading``.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from fasttrack_jupyter.model.checks.names import BACKEND_NAME_PATTERN, TASK_NAME_PATTERN
from fasttrack_jupyter.model.labels import HELP, TITLES
from fasttrack_jupyter.model.pipeline import Pipeline, TaskType

SCHEMA_FILE = "pipeline.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOT_JSON_SCHEMA = frozenset({"ge", "gt", "le", "lt"})
"""Left over by Pydantic where our own types stand in the way; said in the schema's own words beside them."""
_SHORT_INPUT = {
    "type": ["string", "number", "boolean"],
    "description": "Short for {from: …}",
    "examples": ["prep.clean"],
}
_SHORT_LAUNCHER = {"enum": ["torchrun"], "description": "Short for {preset: …}"}
_SHORT_AFTER = {
    "type": ["string", "number"], "description": "Short for {pipeline: …}", "examples": ["prep"],
}  # fmt: skip
_SHORT_OUTPUT = {"type": "string", "description": "Short for {type: …}", "examples": ["float", "Model"]}


def pipeline_schema() -> dict[str, Any]:
    """The schema, draft 2020-12; keys that it does not know are allowed everywhere, as the reader keeps them."""
    schema = Pipeline.model_json_schema(by_alias=True)
    parts = schema["$defs"]
    parts["Task"]["properties"]["name"]["pattern"] = TASK_NAME_PATTERN
    parts["Task"]["properties"]["backend"]["pattern"] = BACKEND_NAME_PATTERN
    if "anyOf" not in parts["OutputSpec"]:
        parts["OutputSpec"] = {"anyOf": [_SHORT_OUTPUT, parts["OutputSpec"]]}
    if "anyOf" not in parts["InputSpec"]:
        parts["InputSpec"] = {"anyOf": [_SHORT_INPUT, parts["InputSpec"]]}
    for name, short in (("Launcher", _SHORT_LAUNCHER), ("After", _SHORT_AFTER)):
        if "anyOf" not in parts[name]:
            parts[name] = {"anyOf": [short, parts[name]]}
    schema["properties"]["tasks"]["minItems"] = 1
    parts["Task"]["properties"]["type"]["examples"] = [*TaskType]  # the others are old spellings
    found = _untitled(schema)
    for part, node in (("Pipeline", found), *found["$defs"].items()):
        _label(part, node)
    return {"$schema": _DIALECT, "$id": "urn:fasttrack-jupyter:pipeline", **found, "title": "Pipeline"}


def _label(part: str, node: dict[str, Any]) -> None:
    """Give each property of a definition its title and help, and the definition a description of one line."""
    if "anyOf" in node:
        node = node["anyOf"][-1]
    node["description"] = node["description"].partition("\n")[0].replace("``", "")
    for name, value in node.get("properties", {}).items():
        value["title"] = TITLES[part][name]
        value["description"] = HELP.get(part, {}).get(name) or value["description"]
        if name == "resources":
            for slot, amount in value["properties"].items():
                amount["title"] = TITLES["resources"][slot]
                amount["description"] = HELP["resources"].get(slot) or amount["description"]


def schema_text() -> str:
    """:func:`pipeline_schema` as the text of the file that is shipped."""
    return json.dumps(pipeline_schema(), indent=2, ensure_ascii=False) + "\n"


def shipped_schema() -> str:
    """The text of the file in the package; a test says that it is :func:`schema_text`."""
    return (resources.files("fasttrack_jupyter") / "schema" / SCHEMA_FILE).read_text(encoding="utf-8")


def _untitled(schema: Any) -> Any:
    """Without what is noise in an editor: titles made of field names, defaults of null, alternatives to null."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = _flattened(schema)
    return {
        key: {name: _untitled(part) for name, part in value.items()}
        if key in ("properties", "$defs")
        else _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and value is None)
        and key not in _NOT_JSON_SCHEMA
    }


def _flattened(schema: dict[str, Any]) -> dict[str, Any]:
    """``anyOf: [{type: string}, {type: null}]`` as ``type: [string, null]``, about which editors complain in words."""
    match schema.get("anyOf"):
        case [{"type": kind} as first, {"type": "null"}]:
            kinds = kind if isinstance(kind, list) else [kind]
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            return {**first, **rest, "type": [*kinds, "null"]}
    return schema
