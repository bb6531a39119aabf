"""From a session's spec to what the launcher is asked to start: image, code, devices, places, variables, command."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fasttrack_jupyter.backends.local import contained, folders_view, git, namespace_view
from fasttrack_jupyter.backends.local.commands import argv_of
from fasttrack_jupyter.backends.local.environments import ImageResolver, ResolvedImage
from fasttrack_jupyter.backends.local.fresh import open_private
from fasttrack_jupyter.backends.local.launching import ranks_of
from fasttrack_jupyter.backends.local.patience import patiently
from fasttrack_jupyter.backends.local.places import Placing
from fasttrack_jupyter.backends.local.process import MARKER
from fasttrack_jupyter.backends.local.processors import Processors
from fasttrack_jupyter.backends.local.session import Launch, Preparing, Session
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.backends.local.variables import (
    LONGEST_WORD,
    SMALLER,
    base_environment,
    session_variables,
    thread_variables,
    too_big,
)
from fasttrack_jupyter.backends.local.warm import Fresh, not_warm, warm_request
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.engine.task_files import searched_first
from fasttrack_jupyter.errors import BackendUnreachable, Conflict, SessionRejected
from fasttrack_jupyter.model.lifecycle import Status

_RANKS = str(Path(__file__).parent.parent / "ranks.py")
_MEMBERS = str(Path(__file__).parent / "runner" / "members.py")
_COMMAND_FILE = ".fasttrack-command"
_SHELL = ("/bin/sh", "-c")

Allocate = Callable[[SessionSpec, int], Mapping[str, str]]
"""Devices for one member of a session, as variables; raises Conflict where there is no room now."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What had to be fetched or built before a session can start."""

    image: ResolvedImage
    code: str | None
    notes: tuple[str, ...] = ()
    commit: str | None = None


class Preparation:
    """Prepares sessions. Most take no wait: nothing has to be built, nothing has to be fetched."""

    def __init__(
        self,
        settings: LocalSettings,
        placing: Placing,
        images: ImageResolver,
        allocate: Allocate,
        mode: Callable[[], str],
    ) -> None:
        self._placing, self._images, self._allocate, self._mode = placing, images, allocate, mode
        self._base = base_environment(settings)
        self._git_cache, self._patience = settings.home / "git", settings.source_patience
        self._starts_warm = settings.warm_start
        self._no_image: ResolvedImage | None = None
        self.processors = Processors()

    def __call__(self, session: Session, say: Callable[[Status, str], None]) -> Launch | Preparing:
        """What to launch for ``session``, or how to wait for that; ``say`` hears what the wait is for."""
        spec = session.spec
        if spec.image is None and spec.git is None and self._no_image is not None:
            return self._launch(session, Basis(self._no_image, self._placing.code(spec.code)))
        return partial(self._fetch, session, say)

    async def _fetch(self, session: Session, say: Callable[[Status, str], None]) -> Launch:
        spec, notes, commit = session.spec, list[str](), None
        code = self._placing.code(spec.code)
        if (source := spec.git) is not None:
            say(Status.PULLING, "the code is fetched")
            pulling = partial(say, Status.PULLING)
            folder, commit = await patiently(
                lambda: git.fetch(source, self._git_cache, pulling, commit=source.commit), pulling, self._patience
            )
            code = str(folder)
            notes += filter(None, [git.note_of(source, self._git_cache, commit)])
        if spec.image is not None:
            say(Status.PREPARING, "")
        building, folder_of_code = partial(say, Status.BUILDING), Path(code) if code else None
        image = await patiently(
            lambda: self._images.resolve(spec.image, building, folder_of_code), building, self._patience
        )
        if image.note:
            notes.append(image.note)
        if spec.image is None:
            self._no_image = image
        return self._launch(session, Basis(image, code, tuple(notes), commit))

    def _launch(self, session: Session, basis: Basis) -> Launch:
        spec = session.spec
        mode = "container" if basis.image.container else self._mode()
        places = self._placing.of(spec, session.control, session.outputs, basis.code)
        self._placing.make(places, spec)
        environ = self._environ(spec, basis.image)
        if why := too_big(environ):
            raise SessionRejected(f"{spec.path!r} cannot be started: {why}", hint=SMALLER)
        command, seen = spec.command, folders_view.WORK
        if mode in ("namespaces", "container"):
            namespace_view.apply(environ, places)
            folders_view.link_code(places.work, places.code, "/pipeline/code")
        else:
            places = folders_view.spoken(places)
            command, seen = folders_view.apply(spec, environ, places), places.work
            folders_view.link_work(places)
        command = _handed_over(command, places.work, seen)
        request = self._request(session, mode, environ, command)
        if mode == "container":
            gpus = contained.gpus_of(environ)
            request |= contained.request(spec, basis.image, places, environ, request["argv"], gpus)
        elif mode == "namespaces":
            request["view"] = namespace_view.view_of(spec, places, basis.image.readonly_paths)
        notes = _notes(mode, spec, basis)
        if self._starts_warm and mode in ("namespaces", "folders") and spec.cluster_size == 1 and spec.launch is None:
            try:
                request["warm"] = warm_request(command, places, environ)
                request["argv"] = shlex.split(command)
            except Fresh as why:
                notes += (not_warm(str(why)),) if str(why) else ()
        return Launch(request, mode, notes, _data(basis))

    def _request(self, session: Session, mode: str, environ: dict[str, str], command: str) -> dict[str, Any]:
        spec = session.spec
        environ[MARKER] = session.control
        argv = argv_of(command) if mode in ("namespaces", "folders") else [*_SHELL, command]
        if spec.launch is not None and mode != "container":
            environ["FT_RANKS"] = json.dumps(ranks_of(spec, spec.launch, session.control, self._members(spec)))
            argv = [sys.executable, "-I", "-S", _RANKS, command]
        elif spec.cluster_size > 1:
            environ["FT_MEMBERS"] = json.dumps(self._members(spec))
            argv = [sys.executable, "-I", "-S", _MEMBERS, "all" if spec.run_on_all else "main", command]
        return {
            "id": spec.attempt_id,
            "name": f"ft-{spec.attempt_id}",
            "mode": mode,
            "control": session.control,
            "cwd": f"{session.control}/work",
            "argv": argv,
            "environ": environ,
            "cpus": self.processors.take(spec.attempt_id, spec.slots.get("cpu", 0) * spec.cluster_size),
            "view": None,
        }

    def _environ(self, spec: SessionSpec, image: ResolvedImage) -> dict[str, str]:
        environ = {
            **self._base, **image.environ, **session_variables(spec), **thread_variables(spec),
            **self._devices(spec, 0), **spec.environ,
        }  # fmt: skip
        environ |= searched_first(environ)
        if image.path_prepend:
            environ["PATH"] = os.pathsep.join([*map(str, image.path_prepend), environ["PATH"]])
        return environ

    def _members(self, spec: SessionSpec) -> list[dict[str, str]]:
        """Each member's own variables."""
        return [
            {**session_variables(spec, member), **self._devices(spec, member)} for member in range(spec.cluster_size)
        ]

    def _devices(self, spec: SessionSpec, member: int) -> Mapping[str, str]:
        try:
            return self._allocate(spec, member)
        except Conflict as error:
            raise BackendUnreachable(error.message, hint=error.hint) from error


def _handed_over(command: str, work: str, seen: str) -> str:
    """``command``, or where it is too long for one word of a process, one that runs it from a file.

    The file is in the working directory at ``work``, which the session sees as ``seen``: containers see no other.
    """
    if len(command.encode("utf-8", "surrogatepass")) < LONGEST_WORD // 2:
        return command
    try:
        written = command.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise SessionRejected(f"the command cannot be written down: {error}", hint="Remove that character.") from error
    with open(f"{work}/{_COMMAND_FILE}", "wb", opener=open_private) as file:
        file.write(written)
    return f"exec /bin/sh {shlex.quote(f'{seen}/{_COMMAND_FILE}')}"


def _notes(mode: str, spec: SessionSpec, basis: Basis) -> tuple[str, ...]:
    limited = mode in ("folders", "plain") and any(path in spec.command for path in ("/pipeline", "/home/work"))
    return (*basis.notes, folders_view.NOTE) if limited else basis.notes


def _data(basis: Basis) -> dict[str, Any]:
    data = {"commit": basis.commit, "environment": basis.image.digest or None}
    return {key: value for key, value in data.items() if value is not None}
