"""Several questions at once: none is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fasttrack_jupyter.backends.backend_ai.alongside import both, each


@pytest.mark.parametrize("way", ["each", "both"])
def test_the_first_that_fails_ends_the_others(way: str) -> None:
    """Its error comes when they have ended, so that nothing goes on behind the caller's back."""
    ends: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ends.append("slow")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("no")

    async def go() -> None:
        await (each([slow(), fails()]) if way == "each" else both(slow(), fails()))

    with pytest.raises(KeyError):
        asyncio.run(go())
    assert ends == ["slow"]


def test_answers_come_in_the_order_of_the_questions() -> None:
    """Whichever is first."""

    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    async def go() -> Any:
        return await each(after(turns) for turns in (3, 0, 1)), await both(after(2), after(1))

    assert asyncio.run(go()) == ([3, 0, 1], (2, 1))
