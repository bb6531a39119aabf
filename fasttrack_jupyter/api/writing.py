"""A user's file is replaced whole, or stays as it was."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fasttrack_jupyter.errors import BadRequest


def write_whole(path: Path, text: str) -> None:
    """Replace ``path`` by a file with ``text``, or leave it as it was.

    Raises:
        BadRequest: it cannot be written there.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=".fasttrack-", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            Path(name).chmod(mode)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}", hint="Name another file.") from error
