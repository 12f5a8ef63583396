"""The fuse: an operation has its moment, a dead store is left alone, and one operation finds out that it is back."""

import asyncio

import pytest

from sources.cache.fuse import Fuse
from tests.fakes.virtual_time import VirtualLoop, in_virtual_time
from tests.sources.cache.book import at


class Store:
    """Answers after a while, or fails."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay, self.fault, self.asked, self.cancelled = delay, False, 0, 0

    async def get(self) -> str:
        self.asked += 1
        try:
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fault:
            raise ConnectionError
        return "value"


@in_virtual_time
async def test_a_store_that_hangs_is_left_after_its_moment_and_then_left_alone() -> None:
    fuse, store = Fuse(0.02), Store(1_000)
    assert await fuse.through(store.get()) is None
    assert asyncio.get_running_loop().time() == pytest.approx(0.02)
    for _ in range(100):
        assert await fuse.through(store.get()) is None
    assert asyncio.get_running_loop().time() == pytest.approx(0.02), "nobody waited again"
    assert store.asked == 1
    await at(1.5)
    assert store.cancelled == 1, "what may still open a connection ends as well"


@in_virtual_time
async def test_it_is_left_alone_for_a_second_then_longer_but_never_more_than_five() -> None:
    fuse, store = Fuse(0.02), Store()
    store.fault = True
    tried = []
    while asyncio.get_running_loop().time() < 20:
        before = store.asked
        await fuse.through(store.get())
        if store.asked > before:
            tried.append(round(asyncio.get_running_loop().time(), 1))
        await asyncio.sleep(0.1)
    assert tried == pytest.approx([0, 1, 3, 7, 12, 17], abs=0.5)


@in_virtual_time
async def test_when_its_time_is_over_one_operation_tries_and_the_others_go_on_without() -> None:
    fuse, store = Fuse(0.02), Store(0.01)
    store.fault = True
    await fuse.through(store.get())
    await at(1.1)
    store.fault = False
    found = await asyncio.gather(*(fuse.through(store.get()) for _ in range(5)))
    assert found == ["value", None, None, None, None]
    assert store.asked == 2
    assert await asyncio.gather(*(fuse.through(store.get()) for _ in range(3))) == ["value"] * 3


@in_virtual_time
async def test_an_asker_that_leaves_does_not_blow_it() -> None:
    fuse, store = Fuse(0.02), Store(0.01)
    asker = asyncio.create_task(fuse.through(store.get()))
    await asyncio.sleep(0)
    asker.cancel()
    await asyncio.sleep(0.05)
    assert asker.cancelled()
    assert not fuse.blown
    assert await fuse.through(store.get()) == "value"


@in_virtual_time
async def test_where_the_loop_itself_was_late_an_answer_has_a_second_moment() -> None:
    fuse, store = Fuse(0.02), Store(0.025)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    asked = asyncio.create_task(fuse.through(store.get()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.be_late(0.022)  # something held the loop up
    loop.be_late(0.006)
    assert await asked == "value"


@in_virtual_time
async def test_closing_ends_what_is_under_way() -> None:
    fuse, store = Fuse(0.02), Store(0.5)
    await fuse.through(store.get())
    await fuse.close()
    assert store.cancelled == 1
