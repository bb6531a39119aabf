"""The backends of one home, by name: each with the line for its slots, or with the reason why it is not open.

They come and go while the engine runs: somebody logs in to a cluster, or out of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from fasttrack_jupyter.engine.acts import words_of
from fasttrack_jupyter.engine.line import Line
from fasttrack_jupyter.engine.ports import ExecutionBackend, Placed, SessionReport
from fasttrack_jupyter.engine.whereabouts import Places
from fasttrack_jupyter.errors import NotFound
from fasttrack_jupyter.model.resources import ResourceSlots

log = logging.getLogger(__name__)

HOW_TO_ADD = "add a cluster with: fasttrack login"


class Roster:
    """Who is there. ``backends`` are there from the start."""

    def __init__(self, backends: Mapping[str, ExecutionBackend]) -> None:
        self._backends = dict(backends)
        self._lines: dict[str, Line] = {}
        self._closed: dict[str, str] = {}
        """Why a backend could not be opened, by name."""

    def __contains__(self, name: object) -> bool:
        return name in self._backends

    def __iter__(self) -> Iterator[str]:
        return iter(self._backends)

    async def open(self, report: Callable[[SessionReport], None]) -> None:
        """Open all of them at once. One that cannot be opened keeps only its own jobs waiting."""
        await asyncio.gather(*(self._open(name, report) for name in self._backends))

    async def add(self, name: str, backend: ExecutionBackend, report: Callable[[SessionReport], None]) -> None:
        """One more, opened; see :meth:`why_closed`."""
        self._backends[name] = backend
        await self._open(name, report)

    async def remove(self, name: str) -> None:
        """Close it and forget it."""
        self._closed.pop(name, None)
        is_open = self._lines.pop(name, None) is not None
        backend = self._backends.pop(name)
        if is_open:
            await _close(name, backend)

    async def aclose(self) -> None:
        """Close all that are open."""
        await asyncio.gather(*(_close(name, self._backends[name]) for name in self._lines))

    def backend(self, name: str) -> ExecutionBackend:
        """The backend of that name, open or not. Raises NotFound, which lists those that there are."""
        try:
            return self._backends[name]
        except KeyError:
            here = ", ".join(self._backends)
            message = f"the backend {name!r} is not here: the backends here are {here}"
            raise NotFound(message, hint=HOW_TO_ADD) from None

    def opened(self, name: str) -> ExecutionBackend:
        """A backend that jobs can run on now. Raises NotFound."""
        self.line(name)
        return self._backends[name]

    def line(self, name: str) -> Line:
        """The line for a backend's slots. Raises NotFound unless jobs can run there."""
        try:
            return self._lines[name]
        except KeyError:
            self.backend(name)
            why = self._closed.get(name, "it is being opened")
            raise NotFound(f"the backend {name!r} is not here: {why}", hint="see: fasttrack doctor") from None

    def check(self, names: Iterable[str], places: Places) -> None:
        """Raises NotFound unless jobs can run on all of ``names``, and each leads to where a job has its sessions."""
        for name in names:
            self.line(name)
            self._check_place(name, places.get(name, {}))

    def _check_place(self, name: str, place: Mapping[str, str | None]) -> None:
        backend = self._backends[name]
        if not isinstance(backend, Placed) or not _differ(now := backend.place(), place):
            return
        raise NotFound(
            f"the backend {name!r} leads to {_words(now)} now, and the sessions of this job are at {_words(place)}",
            hint="Log in there again under this name (the other cluster gets a profile of its own), or cancel the job.",
        )

    @property
    def lines(self) -> Collection[Line]:
        """Of all that are open."""
        return self._lines.values()

    def default_slots(self, name: str) -> ResourceSlots:
        """What a task takes of a backend that counts slots, when it does not say: one cpu."""
        capacity = self._backends[name].capacity() if name in self._lines else None
        return ResourceSlots({"cpu": min(100, capacity["cpu"])} if capacity and "cpu" in capacity else {})

    def why_closed(self, name: str) -> str | None:
        """Why a backend could not be opened; None if it is open."""
        return self._closed.get(name)

    async def _open(self, name: str, report: Callable[[SessionReport], None]) -> None:
        backend = self._backends[name]
        try:
            await backend.open(report)
            self._lines[name] = Line(backend.capacity())
        except Exception as error:
            log.exception("backend %r could not be opened", name)
            self._closed[name] = f"it could not be opened: {words_of(error)}"


def _differ(one: Mapping[str, str | None], other: Mapping[str, str | None]) -> bool:
    """Whether they differ in anything that is known of both."""
    return any(one[key] and other.get(key) and one[key] != other[key] for key in one)


def _words(place: Mapping[str, str | None]) -> str:
    account = place.get("account")
    return f"{place.get('endpoint')} (as {account})" if account else str(place.get("endpoint"))


async def _close(name: str, backend: ExecutionBackend) -> None:
    try:
        await backend.aclose()
    except Exception:
        log.exception("backend %r did not close well", name)
