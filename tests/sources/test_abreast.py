"""Abreast: everything is done, in order, and never more than so much at once."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from sources.abreast import abreast

pytestmark = pytest.mark.usefixtures("complaints")


class Counted:
    def __init__(self) -> None:
        self.under_way = self.most = self.done = self.begun = 0

    async def work(self, number: int) -> int:
        self.begun += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(number % 3 + 1):
            await asyncio.sleep(0)
        self.under_way -= 1
        self.done += 1
        return number


@pytest.mark.parametrize(
    ("count", "width", "most"), [(0, 3, 0), (1, 3, 1), (2, 3, 2), (50, 3, 3), (50, 100, 50), (5, 0, 1)]
)
async def test_all_is_done_in_order_and_within_the_width(count: int, width: int, most: int) -> None:
    counted = Counted()
    assert await abreast([partial(counted.work, number) for number in range(count)], width) == list(range(count))
    assert (counted.done, counted.most) == (count, most)


async def test_the_first_failure_ends_the_rest() -> None:
    counted = Counted()

    async def fails() -> int:
        await asyncio.sleep(0)
        raise ValueError("no")

    works: list[Callable[[], Awaitable[int]]] = [fails, *(partial(counted.work, 2) for _ in range(50))]
    with pytest.raises(ValueError, match="no"):
        await abreast(works, 3)
    await asyncio.sleep(0)
    begun = counted.begun
    for _ in range(10):
        await asyncio.sleep(0)
    assert counted.begun == begun < 10


async def test_leaving_ends_all_of_it() -> None:
    counted = Counted()
    works = [partial(counted.work, 2) for _ in range(50)]
    task: asyncio.Task[list[int]] = asyncio.create_task(abreast(works, 3))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(5):
        await asyncio.sleep(0)
    assert (counted.begun, counted.done) == (3, 0)
