"""The small ports: time, hints, secrets. See :mod:`fasttrack_jupyter.engine.ports` for the large ones."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time. ``now`` may jump (it is the wall's); ``monotonic`` never goes back, waits are counted with it."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class EventBus(Protocol):
    """Hints that something was committed: whoever hears one asks the store. A lost hint costs time, never truth."""

    def publish(self, seq: int) -> None: ...

    async def wait(self, after: int, timeout: float) -> int:
        """Return when a seq greater than ``after`` was published, or after ``timeout`` seconds; the newest seq."""
        ...


class SecretStore(Protocol):
    """Secrets of this home, optionally of one pipeline. Values never leave through any listing."""

    def get(self, name: str, pipeline: str | None = None) -> str | None:
        """The pipeline's own secret of that name, or else the home's."""
        ...

    def set(self, name: str, value: str, pipeline: str | None = None) -> None: ...

    def names(self) -> list[tuple[str, str | None]]:
        """``(name, pipeline or None)``, sorted."""
        ...

    def values(self, pipeline: str | None) -> list[str]:
        """All that logs of ``pipeline`` may hold: the values of its own and of the home's secrets, former ones too."""
        ...

    def remove(self, name: str, pipeline: str | None = None) -> None:
        """Raises NotFound."""
        ...

    def kept_in(self) -> tuple[str, str]:
        """In words, where values are kept, and what is wrong with that place (or nothing). Asks for no value."""
        ...
