"""A fix, from a debug notebook's file into the notebook's file that its cells came from: what the faces share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fasttrack_jupyter.errors import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from fasttrack_jupyter.notebook.fixing import Fix


@dataclass(frozen=True, slots=True)
class FileFix:
    """A fix, and the file that it is for."""

    target: Path
    before: bytes
    fix: Fix

    def apply(self) -> None:
        """Change the file, all or nothing.

        Raises:
            Conflict: it was changed since the fix was made.
            BadRequest: it cannot be written.
        """
        new = self.target.with_name(f".{self.target.name}.{os.getpid()}.new")
        try:
            if self.target.read_bytes() != self.before:
                raise Conflict(f"{self.target} was changed just now", hint="Look at the difference again.")
            new.touch(0o600, exist_ok=False)  # the original may be for its owner alone
            with new.open("wb") as file:
                file.write(self.fix.content)
                file.flush()
                os.fsync(file.fileno())
            new.chmod(self.target.stat().st_mode & 0o777)
            new.replace(self.target.resolve())
        except OSError as error:
            raise BadRequest(f"{self.target} cannot be written: {error.strerror}") from error
        finally:
            new.unlink(missing_ok=True)


def file_fix(debug: Path, into: Path | None = None) -> FileFix:
    """What the debug notebook ``debug`` changes in the notebook that it names, or in ``into``.

    Raises:
        NotFound: one of the two is not there.
        BadRequest: it is no debug notebook, or names no notebook.
        InvalidNotebook: the original cannot be read.
    """
    import json

    from fasttrack_jupyter.notebook.debugging import what_is_debugged
    from fasttrack_jupyter.notebook.fixing import fix_of

    data = _read(debug)
    try:
        about = what_is_debugged(json.loads(data))
    except ValueError as error:
        raise BadRequest(f"{debug} is no notebook: {error}") from error
    origin = about.get("origin")
    if into is None and not isinstance(origin, str):
        raise BadRequest(
            f"{debug.name} does not tell of a notebook that its cells came from",
            hint="A command is mended in the files that it runs; for cells name the notebook: --into NB.ipynb.",
        )
    target = into or debug.parent / str(origin)
    before = _read(target)
    return FileFix(target, before, fix_of(data, before, target.name))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", hint="Give the path of a notebook.") from error
