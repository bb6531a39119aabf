"""Several questions at once, of which none is left behind when one of them fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")


async def each(works: Iterable[Coroutine[Any, Any, _A]]) -> list[_A]:
    """What they give, in their order. The first that fails ends the others, and its error is raised when they ended."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def both(one: Coroutine[Any, Any, _A], other: Coroutine[Any, Any, _B]) -> tuple[_A, _B]:
    """As :func:`each`, of two that give different things."""
    first, second = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        await asyncio.gather(first, second)
        return first.result(), second.result()
    finally:
        first.cancel()
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
