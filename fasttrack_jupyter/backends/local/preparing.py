"""From a session's spec to what the launcher is asked to start: places, variables, command, layout."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from fasttrack_jupyter.backends.local import folders_view, namespace_view
from fasttrack_jupyter.backends.local.environments import ImageResolver, ResolvedImage
from fasttrack_jupyter.backends.local.folders import Folders
from fasttrack_jupyter.backends.local.folders_view import Places
from fasttrack_jupyter.backends.local.sessions import Launch, Session, make_fresh
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.backends.local.variables import base_environment, session_variables, thread_variables
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import NotFound, SessionRejected
from fasttrack_jupyter.model.names import escape_name

_LONGEST_COMMAND = 131_071
"""Bytes of one argument, at most (Linux: MAX_ARG_STRLEN)."""


class Preparation:
    """Prepares sessions. Most take no wait: the image is known, nothing has to be fetched."""

    def __init__(
        self, settings: LocalSettings, folders: Folders, images: ImageResolver, is_apart: Callable[[], bool]
    ) -> None:
        self._is_apart = is_apart
        self._settings, self._folders, self._images = settings, folders, images
        self._base = base_environment(settings)
        self._no_image: ResolvedImage | None = None
        self._folder_root = str(folders.root)
        self._escaped: dict[str, str] = {}

    def folder_path(self, name: str) -> str:
        """Where a pipeline folder is on this machine, whether it is there or not."""
        if (path := self._escaped.get(name)) is None:
            path = self._escaped[name] = f"{self._folder_root}/{escape_name(name)}"
        return path

    def outputs_of(self, spec: SessionSpec) -> str:
        """Where the session's outputs go."""
        return f"{self.folder_path(spec.folder)}/{spec.outputs}"

    def __call__(self, session: Session) -> Launch | Awaitable[Launch]:
        """What to launch for ``session``."""
        if session.spec.image is None and session.spec.git is None and self._no_image is not None:
            return self._launch(session, self._no_image)
        return self._fetch(session)

    async def _fetch(self, session: Session) -> Launch:
        notes: list[str] = []
        image = await self._images.resolve(session.spec.image, notes.append)
        if session.spec.image is None:
            self._no_image = image
        return self._launch(session, image, tuple(notes))

    def _launch(self, session: Session, image: ResolvedImage, notes: tuple[str, ...] = ()) -> Launch:
        spec = session.spec
        if len(spec.command.encode()) > _LONGEST_COMMAND:
            raise SessionRejected(
                f"the command of {spec.path!r} is longer than {_LONGEST_COMMAND} bytes",
                hint="Put it into a script next to the pipeline and run that.",
            )
        places = self._places(session)
        _make_places(places, spec)
        environ = {**self._base, **image.environ, **session_variables(spec), **thread_variables(spec), **spec.environ}
        if image.path_prepend:
            environ["PATH"] = os.pathsep.join([*map(str, image.path_prepend), environ["PATH"]])
        apart = self._is_apart()
        if apart:
            namespace_view.apply(environ, places)
            folders_view.link_code(places.work, places.code, "/pipeline/code")
            command = spec.command
        else:
            command = folders_view.apply(spec, environ, places)
            folders_view.link_work(places)
        request = {
            "id": spec.attempt_id,
            "name": f"ft-{spec.attempt_id}",
            "control": session.control,
            "cwd": places.work,
            "argv": ["/bin/sh", "-c", command],
            "environ": environ,
            "cpus": None,
            "view": namespace_view.view_of(spec, places) if apart else None,
        }
        return Launch(request, "namespaces" if apart else "folders", notes)

    def _places(self, session: Session) -> Places:
        spec, folder = session.spec, self.folder_path(session.spec.folder)
        empty = f"{session.control}/nothing"
        named = {name: f"{folder}/{path}" for name, path in spec.named_inputs.items()}
        named |= {name: f"{session.control}/inputs/{name}" for name in spec.input_values}
        return Places(
            control=session.control,
            outputs=session.outputs,
            vfroot=f"{folder}/.pipeline",
            inputs=tuple(empty if path is None else f"{folder}/{path}" for path in spec.inputs),
            named_inputs=named,
            code=None,
            mounts=tuple((mount.target, str(self._mounted(mount.folder))) for mount in spec.mounts),
        )

    def _mounted(self, name: str) -> Path:
        name, _, below = name.partition("/")
        try:
            return self._folders.path_of(name, below) if below else self._folders.path(name)
        except NotFound as error:
            raise SessionRejected(error.message, hint=f"Make it: fasttrack folders make {name}") from error


def _make_places(places: Places, spec: SessionSpec) -> None:
    """Make what the session needs beside its outputs; repeatable after a crash in the middle."""
    make_fresh(places.work)
    if None in spec.inputs:
        make_fresh(f"{places.control}/nothing")
    if not os.path.isdir(places.vfroot):
        os.makedirs(places.vfroot, 0o700, exist_ok=True)
    if places.named_inputs:
        make_fresh(f"{places.control}/inputs")
        for name, text in spec.input_values.items():
            with open(f"{places.control}/inputs/{name}", "w", encoding="utf-8") as file:
                file.write(text)
