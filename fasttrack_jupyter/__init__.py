"""FastTrack for Jupyter: pipelines for people who live in notebooks.

In a notebook: ``%load_ext fasttrack_jupyter``, then ``%fasttrack`` says what there is. In Python: ``import
fasttrack_jupyter as ft``, then ``@ft.task`` and ``ft.Pipeline`` make pipelines of functions, ``ft.job("digits#3")`` is
a job in hand, and ``ft.connect()`` speaks to the engine of this user's home (and starts it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client, connect
    from fasttrack_jupyter.errors import FastTrackError
    from fasttrack_jupyter.kernel.authoring import Pipeline, task
    from fasttrack_jupyter.kernel.jobs import Job, job
    from fasttrack_jupyter.kernel.show import show

__version__ = "0.5.0"
__all__ = ["Client", "FastTrackError", "Job", "Pipeline", "connect", "job", "show", "task"]

_HOMES = {
    "Client": "api.client", "FastTrackError": "errors", "Job": "kernel.jobs", "Pipeline": "kernel.authoring",
    "connect": "api.client", "job": "kernel.jobs", "show": "kernel.show", "task": "kernel.authoring",
}  # fmt: skip


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


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext fasttrack_jupyter``: the magics (IPython's convention)."""
    from importlib import import_module

    import_module(f"{__name__}.kernel.loading").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext fasttrack_jupyter``: as if it had never been loaded; jobs go on."""
    from importlib import import_module

    import_module(f"{__name__}.kernel.loading").unload(shell)


def __dir__() -> list[str]:
    """What completion shows: the public names."""
    return [*__all__, "__version__"]
