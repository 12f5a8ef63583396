"""Abreast: several pieces of work side by side, never more than so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
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


@asynccontextmanager
async def meanwhile(work: Awaitable[T]) -> AsyncIterator[asyncio.Future[T]]:
    """Does some work beside the block, in which it may be awaited; what has not ended with the block is given up, and
    what went wrong with it then is nobody's concern."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it is known now: nobody has to be warned of it
