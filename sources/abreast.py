"""Abreast: several pieces of work side by side, never more than so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def abreast(works: Sequence[Callable[[], Awaitable[T]]], width: int) -> list[T]:
    """The results of all, in their order; at most `width` (at least 1) are under way at once.

    The first failure is raised, and what has not ended by then is given up.
    """
    if len(works) <= 1:
        return [await work() for work in works]
    results: dict[int, T] = {}
    waiting = iter(enumerate(works))

    async def one_by_one() -> None:
        for index, work in waiting:
            results[index] = await work()

    tasks = [asyncio.create_task(one_by_one()) for _ in range(min(max(width, 1), len(works)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    return [results[index] for index in range(len(works))]
