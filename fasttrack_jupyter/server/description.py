"""The OpenAPI document of this server: the engine's, under this server's address, with the server's own routes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from fasttrack_jupyter.api.paths import OPERATIONS, Operation

Json = dict[str, Any]
_REFERENCE = "#/components/schemas/{model}"
_ERROR = {"$ref": _REFERENCE.format(model="Error")}


@dataclass(frozen=True, slots=True)
class Own:
    """One operation that the server answers itself; ``answer`` is None where there is none (204)."""

    operation: Operation
    summary: str
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None


def describe(engine_s: Mapping[str, Any], own: Sequence[Own], base_url: str) -> Json:
    """The whole document; ``engine_s`` is the engine's (its paths begin with ``/v1``)."""
    forwarded = {(each.path, each.method.lower()) for each in OPERATIONS if each.is_forwarded}
    schemas: Json = dict(engine_s["components"]["schemas"])
    paths: Json = {}
    for path, methods in engine_s["paths"].items():
        for method, operation in methods.items():
            if (below := path.removeprefix("/v1"), method) in forwarded:
                paths.setdefault(below, {})[method] = operation
    for each in own:
        below = each.operation.path.replace("*}", "}")
        paths.setdefault(below, {})[each.operation.method.lower()] = _operation(each, schemas)
    info = {
        **engine_s["info"],
        "title": "FastTrack for Jupyter",
        "description": "FastTrack on a Jupyter server, under that server's authentication and authorization.",
    }
    return {
        **engine_s,
        "info": info,
        "servers": [{"url": f"{base_url.rstrip('/')}/fasttrack"}],
        "paths": paths,
        "components": {**engine_s["components"], "schemas": schemas},
    }


def _operation(own: Own, schemas: Json) -> Json:
    names = re.findall(r"{(\w+)\*?}", own.operation.path)
    words = own.query.model_json_schema()["properties"] if own.query else {}
    success: Json = {"204": {"description": "Done."}}
    if own.answer is not None:
        success = {"200": {"description": "The answer.", **_content(own.answer, "serialization", schemas)}}
    operation: Json = {
        "operationId": own.operation.name,
        "summary": own.summary,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names),
            *({"name": name, "in": "query", "schema": schema} for name, schema in words.items()),
        ],
        "responses": {
            **success,
            "default": {"description": "What went wrong.", "content": {"application/json": {"schema": _ERROR}}},
        },
    }
    if own.body is not None:
        operation["requestBody"] = {"required": True, **_content(own.body, "validation", schemas)}
    return operation


def _content(model: type[BaseModel], mode: JsonSchemaMode, schemas: Json) -> Json:
    schema = model.model_json_schema(ref_template=_REFERENCE, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
    return {"content": {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}}
