"""Which store, which backends, which secrets: the one place that names concrete adapters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from fasttrack_jupyter.backends.backend_ai.profile import Keys, Profile
from fasttrack_jupyter.backends.backend_ai.profiles import Profiles
from fasttrack_jupyter.backends.local.backend import LocalBackend
from fasttrack_jupyter.backends.local.settings import LocalSettings
from fasttrack_jupyter.engine.ambient import LocalBus, SystemClock
from fasttrack_jupyter.engine.household import World
from fasttrack_jupyter.engine.ports import ExecutionBackend
from fasttrack_jupyter.engine.service import FastTrack
from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.home import Home
from fasttrack_jupyter.host.settings import HostSettings
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.store.secrets import open_secrets
from fasttrack_jupyter.store.sqlite import SqliteStore

BACKENDS = "fasttrack_jupyter.backends"
"""Entry points of this group are callables ``(home: Path) -> ExecutionBackend``; their name is the backend's."""
_LOG = logging.getLogger(__name__)


async def open_fasttrack(home: Path, settings: HostSettings | None = None) -> FastTrack:
    """A FastTrack on ``home``, its unfinished jobs taken over; close it with ``aclose``.

    The caller holds the home (:func:`~fasttrack_jupyter.host.seat.take_seat`), or knows that nobody else uses it.

    Raises:
        StoreTooNew, StoreError, BadRequest: the home's store, or its settings, cannot be used.
    """
    settings = settings or HostSettings()
    places = Home(home)
    places.make()
    store = await SqliteStore.open(places.database, journal_mode=settings.journal_mode)
    try:
        profiles = make_profiles(places.path, settings)
        clusters = await asyncio.to_thread(profiles.open)
        engine = FastTrack(
            World(
                home=str(places.path),
                store=store,
                backends={
                    "local": LocalBackend(LocalSettings.from_environ(places.path)),
                    **_others(places.path),
                    **clusters,
                },
                profiles=profiles,
                secrets=open_secrets(places.path, settings.secrets),
                clock=SystemClock(),
                bus=LocalBus(),
                export=_export,
                carried=_carried,
                max_jobs=settings.max_jobs,
            )
        )
        await engine.open()
    except BaseException:
        await store.aclose()
        raise
    return engine


def make_profiles(home: Path, settings: HostSettings) -> Profiles:
    """Who one is on which cluster, to be opened; keys are kept as this home's secrets are, in a place of their own."""

    def make(profile: Profile, keys: Keys) -> ExecutionBackend:
        from fasttrack_jupyter.backends.backend_ai.backend import BackendAI  # only who has a cluster needs it

        return BackendAI(profile, keys, home=home, name=profile.backend)

    return Profiles(home, lambda: open_secrets(home / "profiles", settings.secrets), make)


def _others(home: Path) -> dict[str, ExecutionBackend]:
    found = {point.name: _made(point, home) for point in entry_points(group=BACKENDS) if point.name != "local"}
    return {name: backend for name, backend in found.items() if backend is not None}


def _made(point: EntryPoint, home: Path) -> ExecutionBackend | None:
    """One installed backend; one that cannot be loaded must not keep the others from working."""
    try:
        backend: ExecutionBackend = point.load()(home)
    except Exception:
        _LOG.exception("backend %r (%s) could not be loaded and is left out", point.name, point.value)
        return None
    return backend


def _carried() -> Mapping[str, bytes]:
    """What runs whole notebooks where nothing of ours is installed."""
    from fasttrack_jupyter.notebook.carried import travel_files  # only where a pipeline has a notebook

    return travel_files()


def _export(text: str, to: str) -> tuple[str, tuple[Problem, ...]]:
    """The pipeline in another generation's words. Raises BadRequest for one that there is not, InvalidPipeline."""
    from fasttrack_jupyter.interchange.fasttrack import export  # brings a YAML editor: only when asked
    from fasttrack_jupyter.model.pipeline import Generation

    formats = {f"fasttrack-{generation}": generation for generation in Generation}
    wanted = formats.get(f"fasttrack-{to.removeprefix('fasttrack-')}")
    if wanted is None:
        raise BadRequest(f"there is no format {to!r} to export to", hint=f"Choose one of {', '.join(formats)}.")
    return export(text, wanted)
