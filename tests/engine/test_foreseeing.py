"""What will start as soon as it is recorded is foreseen, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import Any

from fasttrack_jupyter.engine.ports import SessionSpec
from fasttrack_jupyter.model.resources import ResourceSlots
from fasttrack_jupyter.testing.fakes import FakeBackend


class Foresighted(FakeBackend):
    """Remembers what it was told to expect, and what had been submitted by then."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.foreseen: list[tuple[str, list[str]]] = []

    def foresee(self, spec: SessionSpec) -> None:
        self.foreseen.append((spec.path, [begun.path for begun in self.started]))


def foreseen(engine: Any, *tasks: str, backend: Foresighted) -> list[tuple[str, list[str]]]:
    """What was foreseen of a job that ran to its end."""

    async def go() -> None:
        async with engine.on(backend) as fasttrack:
            await fasttrack.run(engine.request(*tasks))
            await engine.finish(fasttrack)

    asyncio.run(go())
    return backend.foreseen


def test_each_step_of_a_chain_is_foreseen_before_it_is_submitted(engine: Any) -> None:
    """While the disk keeps its intent."""
    assert foreseen(engine, "a", "b: [a]", backend=Foresighted()) == [("a", []), ("b", ["a"])]


def test_what_must_wait_for_slots_is_not_foreseen(engine: Any) -> None:
    """It is recorded long before its turn, and then nothing keeps it."""
    one = Foresighted(capacity=ResourceSlots.parse({"cpu": 1, "mem": "64g"}), decide=lambda spec: None)

    async def go() -> None:
        async with engine.on(one) as fasttrack:
            await fasttrack.run(engine.request("a"))
            await engine.until(lambda: len(one.started) == 1)
            await fasttrack.run(engine.request("b"))
            await engine.until(lambda: len(one.foreseen) == 1)
            one.end(one.started[0].attempt_id)
            await engine.until(lambda: len(one.started) == 2)

    asyncio.run(go())
    assert [path for path, _ in one.foreseen] == ["a"]


def test_a_backend_that_cannot_get_ready_is_told_nothing_worse(engine: Any) -> None:
    """Its submit meets the same, and tells."""

    class Stumbling(Foresighted):
        def foresee(self, spec: SessionSpec) -> None:
            raise OSError("no")

    assert foreseen(engine, "a", backend=Stumbling()) == []
