"""The loop without a clock of its own."""

import asyncio

import pytest

from tests.fakes import virtual_time


def test_an_hour_passes_at_once_and_timers_fire_in_their_order() -> None:
    async def program() -> list[tuple[str, float]]:
        loop, fired = asyncio.get_running_loop(), list[tuple[str, float]]()

        async def after(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            fired.append((name, loop.time()))

        await asyncio.gather(after("late", 3600), after("soon", 0.25), after("first", 0))
        return fired

    assert virtual_time.run(program()) == [("first", 0.0), ("soon", 0.25), ("late", 3600.0)]


def test_a_timeout_is_as_long_as_it_says() -> None:
    async def program() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.sleep(10)
        return asyncio.get_running_loop().time()

    assert virtual_time.run(program()) == 2.5


def test_a_program_that_waits_for_nobody_is_stuck() -> None:
    async def program() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(virtual_time.Stuck):
        virtual_time.run(program())
