"""The files that travel with cells: ``notebook/travel`` as it is, and the source of the installed cloudpickle.

Where the cells go nothing of ours is installed. So whoever sends cells sends these files beside them, and all tasks
of a pipeline read and write pickles with one release of cloudpickle, whatever their images hold.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fasttrack_jupyter.errors import FastTrackError

TRAVEL = Path(__file__).with_name("travel")


def travel_files() -> dict[str, bytes]:
    """Path relative to the folder of the cells → content: ``execute.py``, its siblings, ``cloudpickle/…``."""
    return dict(_files())


@functools.cache
def _files() -> Mapping[str, bytes]:
    spec = importlib.util.find_spec("cloudpickle")  # found, not imported: whoever asks starts quickly
    if spec is None or spec.origin is None:
        raise FastTrackError("cloudpickle is not installed", hint="Install fasttrack-jupyter anew, with what it needs.")
    theirs = {f"cloudpickle/{name}": data for name, data in _sources(Path(spec.origin).parent).items()}
    return MappingProxyType({name: data for name, data in _sources(TRAVEL).items() if name != "__init__.py"} | theirs)


def _sources(folder: Path) -> dict[str, bytes]:
    """The Python files that lie in ``folder``, in order of their names."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.py"))}
