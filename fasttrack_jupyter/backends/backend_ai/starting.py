"""Making a session: the vfolder got ready, one request, and what to do when its answer is lost.

A request that was not answered may have been heard. So the next thing is to look for the session by its name, and only
where there is none after a while it is asked for again. Should both requests come true after all, the second
session refuses to begin (``wrapper.sh``), and the two are watched as one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fasttrack_jupyter.backends.backend_ai import code, launching, places, preflight
from fasttrack_jupyter.backends.backend_ai.alongside import both
from fasttrack_jupyter.backends.backend_ai.asking import Asked, Image, request_for
from fasttrack_jupyter.backends.backend_ai.http import Cluster
from fasttrack_jupyter.backends.backend_ai.looking import Looker, Row
from fasttrack_jupyter.backends.backend_ai.mounts import MountForm, binds_of, config_of, form_of
from fasttrack_jupyter.backends.backend_ai.releases import Release
from fasttrack_jupyter.backends.backend_ai.survey import amount
from fasttrack_jupyter.backends.backend_ai.vfolders import Vfolders
from fasttrack_jupyter.backends.backend_ai.wrapping import bootstrap_script, startup_command, values_inside
from fasttrack_jupyter.backends.image_map import NO_IMAGE, ImageMap
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import (
    BackendUnreachable,
    BadRequest,
    Forbidden,
    ImageUnresolved,
    NotFound,
    SessionRejected,
    TooManySessions,
)

_ARCHITECTURES = ("x86_64", "aarch64")
_IMAGE = """query($name: String!, $architecture: String!) { image(reference: $name, architecture: $architecture) {
  id name registry tag architecture resource_limits { key min } } }"""
_SETTLES = 2.0
"""Seconds after a lost answer until a session that was heard of must be there."""
_FIRST_WITH_ERROR_500 = Release(24, 10)
"""From 25 on a manager fails, without a word, when it is asked for a session in a project that there is not."""
_FULL = re.compile(r"(pending|concurrent).*(exceed|limit|reached)|(exceed|limit|reached).*(pending|concurrent)", re.I)
_NOT_YET = "unknown slot type"
"""A manager that has just started does not know its agents' slots for some seconds."""
_ALREADY = "already exists"

Progress = Callable[[float | None, str], None]


class Starter:
    """Makes sessions for one user on one cluster."""

    def __init__(self, cluster: Cluster, looker: Looker, vfolders: Vfolders, images: ImageMap) -> None:
        self._cluster, self.looker, self._vfolders, self._images = cluster, looker, vfolders, images
        self._found: dict[str, Image] = {}
        self._projects: dict[str, str] = {}

    def image_of(self, name: str | None) -> str | None:
        """What a task's image is called on this cluster; None where it names none and nothing stands for that."""
        return self._images.lookup(name or NO_IMAGE) or name

    async def prepare(self, spec: SessionSpec, progress: Progress) -> Asked:
        """Get ready all that the session mounts; the request to make.

        Raises:
            SessionRejected: it can never start as asked.
            BackendUnreachable: nothing is known; call again.
        """
        _refuse_what_cannot_be(spec)
        try:
            release = await self._cluster.release()
            binds = binds_of(spec, release)
            form = form_of(release, binds)
            image, _ = await both(self._image(spec, form), self._vfolders.prepare(spec, progress))
            await self._write_values(spec)
            is_v2 = form is MountForm.V2
            project_id = await self._project(spec) if release >= _FIRST_WITH_ERROR_500 else ""
            ids = await self._vfolders.ids_of(binds) if is_v2 else {}
            executables = await self._executables(spec)
            return request_for(
                spec,
                profile=self._cluster.profile,
                release=release,
                form=form,
                mounts=config_of(form, binds, ids),
                image=image,
                project_id=project_id,
                command=startup_command(spec, binds, form, executables),
                bootstrap=bootstrap_script(spec, executables),
            )
        except (BadRequest, NotFound) as error:
            raise SessionRejected(error.message, hint=error.hint, details=error.details) from error

    async def named(self, spec: SessionSpec) -> tuple[Image, str]:
        """The image of ``spec`` and the id of its project, for what is no session. Raises as :meth:`prepare` does."""
        image, project = await both(self._image(spec, MountForm.V2), self._project(spec))
        return image, project

    async def create(self, asked: Asked, name: str) -> list[Row] | None:
        """Ask for the session; its rows where it was found to be there already, else None.

        Raises:
            SessionRejected: the cluster refuses it.
            TooManySessions: it takes no more just now.
            BackendUnreachable: no answer, and no session of that name (yet).
        """
        try:
            await self._cluster.call("POST", asked.path, body=asked.body, repeat=False)
            return None
        except BackendUnreachable:
            await asyncio.sleep(_SETTLES)
            if rows := await self.looker.find(name):
                return rows
            raise
        except (BadRequest, NotFound) as error:
            rows = await self.looker.find(name)
            if [row for row in rows if not row.is_over] or (rows and _ALREADY in error.message.lower()):
                return rows
            said = error.message.lower()
            if _FULL.search(said) or _NOT_YET in said:
                raise TooManySessions(error.message, hint=error.hint) from error
            raise SessionRejected(error.message, hint=error.hint, details=error.details) from error

    async def _image(self, spec: SessionSpec, form: MountForm) -> Image:
        name = self.image_of(spec.image)
        if name is None:
            raise ImageUnresolved(
                f"task {spec.path!r} names no image, and a cluster has none of its own",
                hint="environment: {image: …} (fasttrack cluster images lists them), or `current` in images.yaml",
            )
        if name not in self._found:
            told = await self._ask_image(name)
            if form is MountForm.V2:
                self._found[name] = self._image_of(name, told)
            else:  # the manager finds it by its name; ordinary users of 23.09 are not told of all
                self._found[name] = Image(name, str(told["architecture"])) if told else Image(name)
        return self._found[name]

    async def _ask_image(self, name: str) -> Mapping[str, Any] | None:
        """What the cluster tells of an image, whichever architecture it is for; None where it tells nothing."""
        for architecture in _ARCHITECTURES:
            try:
                told = (await self._cluster.graphql(_IMAGE, {"name": name, "architecture": architecture}))["image"]
            except (NotFound, BadRequest, Forbidden):
                continue
            if told:
                return dict(told)
        return None

    def _image_of(self, name: str, told: Mapping[str, Any] | None) -> Image:
        if told is None:
            raise ImageUnresolved(
                f"there is no image {name!r} on {self._cluster.profile.endpoint}",
                hint="fasttrack cluster images lists them",
            )
        least = {each["key"]: amount(each["key"], each["min"]) or 0 for each in told["resource_limits"] or ()}
        whole = f"{told['registry']}/{told['name']}:{told['tag']}"
        return Image(whole, told["architecture"], told["id"], least)

    async def _project(self, spec: SessionSpec) -> str:
        name = spec.project or self._cluster.profile.project
        if name not in self._projects:
            told = await self._cluster.graphql("query { groups { id name } }")
            self._projects = {str(each["name"]): str(each["id"]) for each in told.get("groups") or ()}
        if name not in self._projects:
            names = ", ".join(sorted(self._projects)) or "none"
            raise SessionRejected(f"you are in no project {name!r} on the cluster", hint=f"There are: {names}.")
        return self._projects[name]

    async def _write_values(self, spec: SessionSpec) -> None:
        """Input values that are too large for the command, and what leads the ranks of a launcher."""
        if spec.launch is not None:
            path = f"{places.control(spec.attempt_id)}/{launching.SCRIPT}"
            await self._vfolders.write(places.cluster_name(spec.folder), path, launching.script())
        inside: Mapping[str, Any] = values_inside(spec)
        for name, value in spec.input_values.items():
            if name not in inside:
                path = f"{places.inputs(spec.attempt_id)}/{name}"
                await self._vfolders.write(places.cluster_name(spec.folder), path, value.encode())

    async def _executables(self, spec: SessionSpec) -> Sequence[str]:
        """Files of the code that can be executed here: a vfolder keeps no modes."""
        if not spec.code or self._vfolders.snapshots is None:
            return []
        return await asyncio.to_thread(code.executables, self._vfolders.snapshots, spec.code)

    def forget(self, spec: SessionSpec) -> None:
        """What was known of its image may be wrong: it was refused."""
        self._found.pop(self.image_of(spec.image) or "", None)


def _refuse_what_cannot_be(spec: SessionSpec) -> None:
    if spec.git is not None:
        raise SessionRejected(f"task {spec.path!r} {preflight.GIT}", hint=preflight.GIT_HINT)
    if spec.run_on_all and spec.cluster_size > 1 and spec.launch is None:
        raise SessionRejected(f"task {spec.path!r} {preflight.ON_ALL}", hint=preflight.ON_ALL_HINT)
