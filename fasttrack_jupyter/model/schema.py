"""The JSON Schema of a pipeline file, with which editors complete, explain and check.

It is made from the model, so that it cannot say anything else; only what the model's types do not
tell is added here. A schema sees one value at a time: what depends on others (cycles, unknown
names, expressions) is left to ``reading``.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from fasttrack_jupyter.model.checks.names import TASK_NAME_PATTERN
from fasttrack_jupyter.model.pipeline import Pipeline

SCHEMA_FILE = "pipeline.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SHORT_OUTPUT = {"type": "string", "description": "Short for {type: …}", "examples": ["float", "Model"]}


def pipeline_schema() -> dict[str, Any]:
    """The schema, draft 2020-12; keys that it does not know are allowed everywhere, as the reader keeps them."""
    schema = Pipeline.model_json_schema(by_alias=True)
    parts = schema["$defs"]
    parts["Task"]["properties"]["name"]["pattern"] = TASK_NAME_PATTERN
    if "anyOf" not in parts["OutputSpec"]:
        parts["OutputSpec"] = {"anyOf": [_SHORT_OUTPUT, parts["OutputSpec"]]}
    schema["properties"]["tasks"]["minItems"] = 1
    return {"$schema": _DIALECT, "$id": "urn:fasttrack-jupyter:pipeline", **_untitled(schema), "title": "Pipeline"}


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
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }


def _flattened(schema: dict[str, Any]) -> dict[str, Any]:
    """``anyOf: [{type: string}, {type: null}]`` as ``type: [string, null]``, about which editors complain in words."""
    match schema.get("anyOf"):
        case [{"type": kind} as first, {"type": "null"}]:
            kinds = kind if isinstance(kind, list) else [kind]
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            return {**first, **rest, "type": [*kinds, "null"]}
    return schema
