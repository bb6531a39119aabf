"""FastTrack for Jupyter: pipelines for people who live in notebooks.

``import fasttrack_jupyter as ft``, then ``ft.connect()`` speaks to the engine of this user's home
(and starts it): ``ft.connect().jobs()``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client, connect
    from fasttrack_jupyter.errors import FastTrackError

__version__ = "0.2.0"
__all__ = ["Client", "FastTrackError", "connect"]

_HOMES = {"Client": "api.client", "FastTrackError": "errors", "connect": "api.client"}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used: the command line must start at once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Where Jupyter's server finds the extension (jupyter_server's convention)."""
    from importlib import import_module

    module = f"{__name__}.server.extension"
    return [{"module": module, "app": import_module(module).FastTrackApp}]


def __dir__() -> list[str]:
    """What completion shows: the public names."""
    return [*__all__, "__version__"]
