"""A feed tells everybody who listens, and waits for nobody."""

import asyncio

import pytest

from sources.feed import Feed, LeftBehind


async def test_everybody_hears_what_happens_from_when_they_listen() -> None:
    feed = Feed[int](10)
    feed.tell(0)
    with feed.listening() as early:
        feed.tell(1)
        with feed.listening() as late:
            feed.tell(2)
            assert [await early.next() for _ in range(2)] == [1, 2]
            assert await late.next() == 2
            assert len(feed) == 2
    assert len(feed) == 0
    feed.tell(3)
    assert (len(early), len(late)) == (0, 0)


async def test_who_waits_is_woken() -> None:
    feed = Feed[int](10)
    with feed.listening() as listener:
        waiting = asyncio.create_task(listener.next())
        await asyncio.sleep(0)
        feed.tell(1)
        assert await waiting == 1


async def test_who_is_too_slow_is_left_behind_and_holds_nothing() -> None:
    feed = Feed[int](3)
    with feed.listening() as slow, feed.listening() as quick:
        for number in range(3):
            feed.tell(number)
            assert await quick.next() == number
        assert len(slow) == 3
        feed.tell(3)
        assert len(slow) == 0
        with pytest.raises(LeftBehind):
            await slow.next()
        feed.tell(4)
        with pytest.raises(LeftBehind):  # it stays so: what came before is gone
            await slow.next()
        assert [await quick.next() for _ in range(2)] == [3, 4]
