"""The keys of one generation in those of another: plain data to plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fasttrack_jupyter.interchange.conditions import orders
from fasttrack_jupyter.interchange.losses import Losses, Path
from fasttrack_jupyter.interchange.substitution import Substitution
from fasttrack_jupyter.interchange.tasks import (
    TaskConversion,
    canonical_slot,
    hide_secrets,
    insert_after,
    unshared,
    write_out_envs,
)
from fasttrack_jupyter.model.pipeline import Generation, Pipeline

_LOCAL_IMAGE = re.compile(r"(?:uv|conda|kernel|venv|docker|podman):|[./~]|current$")
_DEFAULT_OWNERSHIP = {
    Generation.G2209: {"domain_name": "default", "group_name": "default"},
    Generation.G25: {"domain_name": "default", "scope": "user"},
    Generation.G264: {"domain": "default", "scope": "user"},
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """One export: what is converted, from which generation to which, and where losses go."""

    pipeline: Pipeline
    origin: Generation
    to: Generation
    losses: Losses

    def convert(self, data: dict[str, Any]) -> dict[str, Any]:
        """``data`` in the words of the target; the argument is left alone."""
        given, data = data, unshared(data)
        group = (data.get("ownership") or {}).get("group_name") if self.origin is not self.to else None
        conversions = self._tasks()
        self._drop_ours(data)
        self._report_images()
        hide_secrets(data.get("environment"), ("environment",), self.losses)
        if self.to is not Generation.G2209:
            self._defaults_into_tasks(data, group)
        self._envs_of_pipeline(data)
        for conversion, written in zip(conversions, data["tasks"], strict=True):
            conversion.convert(written)
        if self.origin is not self.to or data != given:
            self._complete(data)
            for conversion, written in zip(conversions, data["tasks"], strict=True):
                conversion.complete(written)
        return data

    def _tasks(self) -> list[TaskConversion]:
        params = self._params()
        return [
            TaskConversion(
                task, order, position, self.origin, self.to, self.losses, self.pipeline, params
            )
            for position, (task, order) in enumerate(zip(self.pipeline.tasks, orders(self.pipeline), strict=True))
        ]  # fmt: skip

    def _params(self) -> dict[str, Any]:
        """What the parameters come to where none is given."""
        return {param.name: param.default for param in self.pipeline.params if not param.is_required}

    def _envs_of_pipeline(self, data: dict[str, Any]) -> None:
        """Expressions in the pipeline's own envs: only what holds for every task can be written out there."""
        substitution = Substitution(self.pipeline, None, (), self._params())
        write_out_envs(substitution, data.get("environment"), ("environment",), self.losses)

    def _drop_ours(self, data: dict[str, Any]) -> None:
        """Take out what only we know at the top level."""
        for position, after in enumerate(self.pipeline.after if data.pop("after", None) is not None else ()):
            message = f"after {after.pipeline}: FastTrack's pipelines wait for no others"
            self.losses.lose(("after", position), message)
        if data.pop("files", None) is not None:
            hint = "copy the files into a vfolder and mount it"
            self.losses.lose(("files",), "files: FastTrack takes no snapshot of code", hint)
        if data.pop("cache", None) and self.pipeline.cache:
            self.losses.lose(("cache",), "cache: FastTrack reuses no results: every task runs")
        for position, param in enumerate(self.pipeline.params):
            fate = "it has no default" if param.is_required else f"its default {param.default!r} is written in"
            self.losses.lose(("params", position), f"parameter {param.name}: FastTrack has no typed parameters; {fate}")
        if self.to is not Generation.G264:
            data.pop("params", None)
        elif data.get("params"):
            data["params"] = []

    def _report_images(self) -> None:
        """Images that are environments of this machine: kept, but a cluster has no such thing."""
        places: list[tuple[Path, str | None]] = [(("environment", "image"), self.pipeline.environment.image)]
        places += [
            (("tasks", number, "environment", "image"), task.environment.image)
            for number, task in enumerate(self.pipeline.tasks)
        ]
        for path, image in places:
            if image and _LOCAL_IMAGE.match(image):
                hint = "name a container image, such as cr.backend.ai/stable/python:3.13-ubuntu24.04-amd64"
                self.losses.lose(path, f"image {image}: there is no such image on a cluster", hint, image)

    def _complete(self, data: dict[str, Any]) -> None:
        """Fill in what every file of the target has, and say what the generations say differently."""
        self._ownership(data)
        if self.origin is not self.to or "version" not in data:
            self._version(data)
        if self.to is Generation.G264 and "params" not in data:
            insert_after(data, "params", [], ("environment", "ownership", "description", "name"))

    def _version(self, data: dict[str, Any]) -> None:
        if self.to is Generation.G2209:
            data.pop("version", None)
        elif "version" in data:
            data["version"] = self.to.value
        else:
            insert_after(data, "version", self.to.value, ())

    def _ownership(self, data: dict[str, Any]) -> None:
        ownership = data.get("ownership")
        if not ownership:
            data.pop("ownership", None)
            insert_after(data, "ownership", dict(_DEFAULT_OWNERSHIP[self.to]), ("description", "name"))
        elif self.origin is not self.to:
            data["ownership"] = self._owned(ownership)

    def _owned(self, ownership: dict[str, Any]) -> dict[str, Any]:
        domain_key = "domain" if self.to is Generation.G264 else "domain_name"
        owned = {
            (domain_key if key in ("domain", "domain_name") else key): value
            for key, value in ownership.items()
            if not (key == "domain" and "domain_name" in ownership)
        }
        owned.setdefault(domain_key, "default")
        if self.to is Generation.G2209:
            self._into_group(owned)
        elif "scope" not in owned:
            insert_after(owned, "scope", "user", (domain_key,))
        elif owned["scope"] == "personal" and self.to is Generation.G264:
            owned["scope"] = "user"
        if self.to is not Generation.G2209 and "group_name" in owned:
            self.losses.adapt(("ownership", "group_name"), "group_name is written as the project of each task")
            del owned["group_name"]
        return owned

    def _into_group(self, owned: dict[str, Any]) -> None:
        if "scope" in owned:
            scope = owned.pop("scope")
            self.losses.lose(
                ("ownership", "scope"), f"scope {scope!r}: FastTrack 22.09 has groups instead", value=scope
            )
        projects = {task.environment.project for task in self.pipeline.tasks if task.environment.project}
        owned.setdefault("group_name", min(projects) if len(projects) == 1 else "default")

    def _defaults_into_tasks(self, data: dict[str, Any], group: str | None) -> None:
        """Later generations have no defaults for tasks but envs: write the others into each task."""
        environment = data.get("environment") or {}
        places = {key: environment.pop(key) for key in ("project", "scaling-group", "image") if key in environment}
        if group is not None:
            places.setdefault("project", group)
        defaults = {
            "environment": places,
            "resources": data.pop("resources", None) or {},
            "resource_opts": data.pop("resource_opts", None) or {},
        }
        mounts = data.pop("mounts", None) or []
        for task, written in zip(self.pipeline.tasks, data["tasks"], strict=True):
            for key, default in defaults.items():
                _overlay(written, key, default)
            taken = {mount.target for mount in task.mounts}
            added = [
                text for text, mount in zip(mounts, self.pipeline.mounts, strict=True) if mount.target not in taken
            ]
            if added:
                written["mounts"] = [*(written.get("mounts") or []), *added]


def _overlay(written: dict[str, Any], key: str, default: dict[str, Any]) -> None:
    """Entries of ``default`` that ``written[key]`` has not itself, under any of their names."""
    own = written.get(key) or {}
    known = {canonical_slot(name) for name in own if own[name] is not None}
    added = {name: value for name, value in default.items() if canonical_slot(name) not in known}
    if added:
        written[key] = {**own, **added}
