"""Who goes first, and who has to wait for how long."""

import asyncio

from sources.durable.gate import Precedence


async def test_a_step_begins_behind_what_somebody_waits_for() -> None:
    precedence, happened = Precedence(longest=30.0), list[str]()

    async def step() -> None:
        await precedence.behind("run")
        happened.append("step")

    with precedence.ahead():
        stepping = asyncio.create_task(step())
        with precedence.ahead():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        happened.append("answered")
    await stepping
    assert happened == ["answered", "step"]


async def test_a_step_begins_at_once_where_nobody_waits() -> None:
    precedence = Precedence(longest=30.0)
    with precedence.ahead():
        pass
    behind = asyncio.create_task(precedence.behind("run"))
    await asyncio.sleep(0)
    assert behind.done()


async def test_a_step_does_not_wait_for_ever() -> None:
    precedence = Precedence(longest=0.01)
    with precedence.ahead():
        await asyncio.wait_for(precedence.behind("run"), 10)


async def test_a_run_that_somebody_waits_for_does_not_wait() -> None:
    precedence = Precedence(longest=30.0)
    with precedence.ahead(), precedence.awaited("run"), precedence.awaited("run"):
        await asyncio.wait_for(precedence.behind("run"), 10)
    with precedence.ahead():
        behind = asyncio.create_task(precedence.behind("run"))
        await asyncio.sleep(0.01)
        assert not behind.done()
    await asyncio.wait_for(behind, 10)


async def test_what_fails_or_is_given_up_is_no_longer_ahead() -> None:
    precedence = Precedence(longest=30.0)

    async def accepting() -> None:
        with precedence.ahead():
            await asyncio.Future()

    task = asyncio.create_task(accepting())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(precedence.behind("run"), 10)
