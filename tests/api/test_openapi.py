"""The description of the API leaves nothing out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from fasttrack_jupyter.api import requests
from fasttrack_jupyter.api.client import Client
from fasttrack_jupyter.api.openapi import document
from fasttrack_jupyter.api.routes import ROUTES, Route
from fasttrack_jupyter.engine import overviews, views

DOCUMENT = document(ROUTES)
BASES = {BaseModel, views.View}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described(route: Route) -> None:
    """With a summary, each part of its path, and what it answers."""
    operation = DOCUMENT["paths"][f"/v1{route.path}"][route.method.lower()]
    assert operation["summary"]
    assert {f"{{{p['name']}}}" for p in operation["parameters"] if p["in"] == "path"} == {
        part for part in route.path.split("/") if part.startswith("{")
    }
    assert operation["responses"].keys() & {"200", "204"}


def test_every_view_is_described() -> None:
    """What the engine says, and what it is asked; queries stand with their routes."""
    models = {name for module in (views, overviews, requests) for name, kind in vars(module).items() if _is_model(kind)}
    assert {name for name in models if not name.endswith("Query")} <= DOCUMENT["components"]["schemas"].keys()


def test_every_reference_leads_somewhere() -> None:
    """Generators of types need that."""
    for name in _references(DOCUMENT):
        assert name.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_every_operation_has_its_own_name() -> None:
    """It becomes a function in TypeScript."""
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == len(ROUTES)


def test_the_engine_hands_its_description_out(client: Client) -> None:
    """As any other answer."""
    assert client.openapi() == json.loads(json.dumps(DOCUMENT))


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in BASES


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for child in node.values() for found in _references(child)]
    return [found for child in node for found in _references(child)] if isinstance(node, list) else []
