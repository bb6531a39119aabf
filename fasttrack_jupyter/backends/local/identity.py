"""What an image is on this machine just now, as a text: another one as soon as its programs are others.

Of a built environment or a container's image it is the digest. Of a Python that others install into, it is which one,
and the names of what is installed in it (each with its version, as installers name their records).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from fasttrack_jupyter.backends.local.environments import ResolvedImage

_RECORDS = (".dist-info", ".egg-info", ".egg-link", ".pth")


def identity_of(image: ResolvedImage) -> str:
    """See the module's text. Reads folders: call it from a thread."""
    words = [image.kind, image.digest]
    if not image.digest:
        for folder in image.path_prepend:
            words += [str(folder), *_python_in(folder), *sorted(_installed(folder.parent))]
    return "\n".join(words)


def _python_in(folder: Path) -> Iterator[str]:
    for name in ("python", "python3"):
        if (folder / name).exists():
            found = os.stat(folder / name)
            yield f"{os.path.realpath(folder / name)} {found.st_size} {found.st_mtime_ns}"
            return


def _installed(prefix: Path) -> Iterator[str]:
    for place in [*prefix.glob("lib*/python*/site-packages"), *prefix.glob("lib/python*/dist-packages")]:
        yield from (f"{place.parent.name} {name}" for name in os.listdir(place) if name.endswith(_RECORDS))
    if prefix == Path(sys.prefix):
        yield sys.version
