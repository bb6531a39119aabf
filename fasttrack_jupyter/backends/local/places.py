"""Where on this machine the folders of a session are, and making those that must be there."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from fasttrack_jupyter.backends.files.snapshots import Snapshots
from fasttrack_jupyter.backends.local.folders import Folders
from fasttrack_jupyter.backends.local.folders_view import Places
from fasttrack_jupyter.backends.local.fresh import make_fresh
from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.errors import Forbidden, NotFound, SessionRejected
from fasttrack_jupyter.model.names import escape_name


class Placing:
    """Knows where folders and snapshots are."""

    def __init__(self, folders: Folders, snapshots: Snapshots) -> None:
        self._folders, self._snapshots = folders, snapshots
        self._root = str(folders.root)
        self._paths: dict[str, str] = {}
        self._codes: dict[str, str] = {}

    def folder(self, name: str) -> str:
        """Where a pipeline folder is, whether it is there or not."""
        if (path := self._paths.get(name)) is None:
            path = self._paths[name] = f"{self._root}/{escape_name(name)}"
        return path

    def outputs(self, spec: SessionSpec) -> str:
        """Where the session's outputs go."""
        return f"{self.folder(spec.folder)}/{spec.outputs}"

    def code(self, digest: str | None) -> str | None:
        """Where the snapshot is. Raises SessionRejected if it is gone."""
        if digest is None:
            return None
        if (path := self._codes.get(digest)) is None:
            try:
                path = self._codes[digest] = str(self._snapshots.path(digest))
            except NotFound as error:
                raise SessionRejected(error.message, hint=error.hint) from error
        return path

    def mounted(self, name: str) -> str:
        """Where the vfolder (or the folder in it) of a mount is. Raises SessionRejected."""
        folder, _, below = name.partition("/")
        try:
            path = self._folders.path_of(folder, below) if below else self._folders.path(folder)
        except (NotFound, Forbidden) as error:
            raise SessionRejected(error.message, hint=f"make it: fasttrack folders make {folder}") from error
        if not path.is_dir():
            raise SessionRejected(f"there is no {below!r} in the folder {folder!r}", hint="Make it, or mend the mount.")
        return str(path)

    def of(self, spec: SessionSpec, control: str, outputs: str, code: str | None) -> Places:
        """All places of a session. Raises SessionRejected if a mount is not there."""
        folder = self.folder(spec.folder)
        named = {name: f"{folder}/{path}" for name, path in spec.named_inputs.items()}
        named |= {name: f"{control}/inputs/{name}" for name in spec.input_values}
        return Places(
            control=control,
            outputs=outputs,
            vfroot=f"{folder}/.pipeline",
            inputs=tuple(f"{control}/nothing" if path is None else f"{folder}/{path}" for path in spec.inputs),
            named_inputs=named,
            code=code,
            mounts=tuple((mount.target, self.mounted(mount.folder)) for mount in spec.mounts) if spec.mounts else (),
        )

    @staticmethod
    def make(places: Places, spec: SessionSpec) -> None:
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


_PLAIN_PATH = re.compile(r"[\w@%+=:,./-]*")


def spoken_home(home: Path) -> Path:
    """``home`` under a name that needs no quoting in a shell: itself, or a private symlink to it.

    Where paths are put into commands (no private mounts), a home such as ``~/Library/Application
    Support/fasttrack`` would fall apart at its space.
    """
    if _PLAIN_PATH.fullmatch(str(home)):
        return home
    folder = Path(tempfile.gettempdir()) / f"fasttrack-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise SessionRejected(f"{folder} belongs to somebody else", hint="Set FASTTRACK_HOME to a path without spaces.")
    alias = folder / hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    if not alias.is_symlink():
        alias.symlink_to(home)
    return alias
