"""The API described as an OpenAPI 3.1 document, drawn from the route table and the models; nothing is said twice."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from fasttrack_jupyter import __version__
from fasttrack_jupyter.api.routes import Route
from fasttrack_jupyter.api.streams import TextResponse

Json = dict[str, Any]
_REFERENCE = "#/components/schemas/{model}"
_ERROR: Json = {
    "type": "object",
    "title": "Error",
    "description": "What happened, to which named thing, and what to do next; `code` is stable.",
    "required": ["code", "message", "hint", "details"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": "string"},
        "details": {"type": "object"},
    },
}


def document(routes: Sequence[Route]) -> Json:
    """The whole document, as JSON-ready data."""
    schemas = _Schemas()
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(f"/v1{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FastTrack engine",
            "version": __version__,
            "description": "The one API of a FastTrack home's engine, served on a private unix socket.",
        },
        "paths": paths,
        "components": {"schemas": {**schemas.collected, "Error": _ERROR}},
    }


def _operation(route: Route, schemas: _Schemas) -> Json:
    hints = get_type_hints(route.handler)
    operation: Json = {
        "operationId": route.handler.__name__,
        "summary": (route.handler.__doc__ or "").strip(),
        "parameters": _path_parameters(route.path) + _query_parameters(hints.get("query"), schemas),
        "responses": {**_success(hints["return"], schemas), "default": _failure()},
    }
    if "body" in hints:
        content = {"application/json": {"schema": schemas.of(hints["body"], "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_parameters(path: str) -> list[Json]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(model: type[BaseModel] | None, schemas: _Schemas) -> list[Json]:
    if model is None:
        return []
    properties = schemas.inline(model)["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _success(answer: Any, schemas: _Schemas) -> Json:
    if answer is type(None):
        return {"204": {"description": "Done."}}
    if answer in (str, TextResponse):
        return {"200": _content("text/plain", {"type": "string"})}
    if answer is web.StreamResponse:
        data = _content("application/octet-stream", {"type": "string", "format": "binary"})
        return {"200": data, "206": {**data, "description": "The range that was asked for."}}
    if get_origin(answer) is AsyncIterator:
        (item,) = (kind for kind in get_args(get_args(answer)[0]) if kind is not type(None))
        return {"200": {**_content("application/x-ndjson", schemas.of(item)), "description": "One JSON text per line."}}
    return {"200": _content("application/json", schemas.of(answer))}


def _content(kind: str, schema: Json) -> Json:
    return {"description": "The answer.", "content": {kind: {"schema": schema}}}


def _failure() -> Json:
    schema = {"$ref": _REFERENCE.format(model="Error")}
    return {"description": "What went wrong.", "content": {"application/json": {"schema": schema}}}


class _Schemas:
    """The schemas of models by reference, collected as they are used."""

    def __init__(self) -> None:
        self.collected: dict[str, Json] = {}

    def of(self, kind: Any, mode: JsonSchemaMode = "serialization") -> Json:
        schema = TypeAdapter(kind).json_schema(ref_template=_REFERENCE, mode=mode)
        self.collected.update(schema.pop("$defs", {}))
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            self.collected[kind.__name__] = schema
            return {"$ref": _REFERENCE.format(model=kind.__name__)}
        return schema

    def inline(self, model: type[BaseModel]) -> Json:
        return model.model_json_schema(ref_template=_REFERENCE, mode="validation")
