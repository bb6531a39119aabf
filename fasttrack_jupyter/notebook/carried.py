"""The files that travel with cells: ``notebook/travel`` as it is, and the source of the installed cloudpickle.

Where the cells go nothing of ours is installed. So whoever sends cells sends these files beside them, and all tasks
of a pipeline read and write pickles with one release of cloudpickle, whatever their images hold.
"""

from __future__ import annotations

import functools
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

import cloudpickle

from fasttrack_jupyter.notebook import travel


def travel_files() -> dict[str, bytes]:
    """Path relative to the folder of the cells → content: ``execute.py``, its siblings, ``cloudpickle/…``."""
    return dict(_files())


@functools.cache
def _files() -> MappingProxyType[str, bytes]:
    ours = {name: data for name, data in _sources(resources.files(travel)).items() if name != "__init__.py"}
    theirs = _sources(resources.files(cloudpickle))
    return MappingProxyType(ours | {f"cloudpickle/{name}": data for name, data in theirs.items()})


def _sources(folder: Traversable) -> dict[str, bytes]:
    """The Python files that lie in ``folder``, in order of their names."""
    found = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".py")}
    return {name: found[name].read_bytes() for name in sorted(found)}
