"""Print the OpenAPI document that `generated.ts` is made from: the engine's words, and the Jupyter server's own."""

from __future__ import annotations

import json
import sys

from pydantic.json_schema import models_json_schema

from fasttrack_jupyter.api.openapi import document
from fasttrack_jupyter.api.routes import ROUTES
from fasttrack_jupyter.server import building, debugging, fixing, views

_OWN = (
    views.ServerInfo, views.PipelineFiles, views.FileText, views.Catalogs, building.NotebookPipeline,
    debugging.DebugFile, fixing.FixView,
)  # fmt: skip


def main() -> None:
    """Write the document to standard output."""
    found = document(ROUTES)
    _, own = models_json_schema(
        [(model, "serialization") for model in _OWN], ref_template="#/components/schemas/{model}"
    )
    found["components"]["schemas"] |= own["$defs"]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
