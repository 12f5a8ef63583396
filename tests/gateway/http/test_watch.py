"""What is watched goes on as if nobody watched, however it waits, fails or is cancelled; only its end may be another."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from gateway.http.bodies import BodyRefused
from gateway.http.watch import Watch

Work = Callable[[], Coroutine[Any, Any, str]]
NOTED: ContextVar[str] = ContextVar("NOTED", default="nothing")


async def never() -> Any:
    return await asyncio.get_running_loop().create_future()


async def leaves() -> Any:
    return {"type": "http.disconnect"}


def failing(error: BaseException, after: float | None = 0.0) -> Awaitable[None]:
    """Fails when it is waited for; after None it has failed already."""
    future = asyncio.get_running_loop().create_future()
    if after is None:
        future.set_exception(error)
    else:
        asyncio.get_running_loop().call_later(after, future.set_exception, error)
    return future


async def at_once() -> str:
    return "done"


async def in_steps() -> str:
    for _ in range(3):
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    return "done"


async def of_others() -> str:
    return "".join(await asyncio.gather(*(asyncio.sleep(0.001 * each, f"{each}") for each in range(4))))


async def with_a_time_limit() -> str:
    try:
        async with asyncio.timeout(0.01):
            await never()
    except TimeoutError:
        await asyncio.sleep(0)
        return "in time"
    return "late"


async def after_failures() -> str:
    seen = []
    for after in (0.0, 0.001, None, 0.0):
        try:
            await failing(OSError("no"), after)
        except OSError as error:
            seen.append(str(error))
    return " ".join(seen)


async def after_a_failure_at_once() -> str:
    try:
        await failing(OSError("no"))
    except OSError:
        return "saved"
    return "unharmed"


async def with_a_note() -> str:
    NOTED.set("something")
    await asyncio.sleep(0)
    return NOTED.get()


@pytest.mark.parametrize(
    ("work", "comes_to"),
    [
        (at_once, "done"),
        (in_steps, "done"),
        (of_others, "0123"),
        (with_a_time_limit, "in time"),
        (after_failures, "no no no no"),
        (after_a_failure_at_once, "saved"),
        (with_a_note, "something"),
    ],
)
async def test_work_comes_to_the_same(work: Work, comes_to: str) -> None:
    assert await work() == comes_to
    assert await Watch(never, 1.0).over(work()) == comes_to


async def test_what_is_noted_of_a_context_stays_noted() -> None:
    await Watch(never, 1.0).over(with_a_note())
    assert NOTED.get() == "something"


@pytest.mark.parametrize("waits", [0, 1, 2])
@pytest.mark.parametrize("error", [OSError("no"), KeyError("x"), asyncio.CancelledError()])
async def test_errors_come_through(waits: int, error: BaseException) -> None:
    async def work() -> str:
        for _ in range(waits):
            await asyncio.sleep(0)
        raise error

    with pytest.raises(type(error)):
        await Watch(never, 1.0).over(work())


@pytest.mark.parametrize("waits", [0, 1, 2])
async def test_a_cancellation_reaches_the_work_wherever_it_waits(waits: int) -> None:
    seen = []

    async def work() -> str:
        for _ in range(waits):
            await asyncio.sleep(0)
        try:
            await never()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # it may take its time to clean up
            seen.append("cancelled")
            raise
        return "done"

    task = asyncio.create_task(Watch(never, 1.0).over(work()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


async def test_work_that_never_waits_is_not_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, timers = asyncio.get_running_loop(), list[float]()
    usual = loop.call_later

    def counted(delay: float, *given: Any) -> asyncio.TimerHandle:
        timers.append(delay)
        return usual(delay, *given)

    monkeypatch.setattr(loop, "call_later", counted)
    await Watch(never, 1.0).over(at_once())
    assert timers == []
    await Watch(never, 1.0).over(asyncio.sleep(0, "done"))
    assert timers == [0.05]


@pytest.mark.parametrize("waits", [0, 1])
async def test_nothing_comes_of_work_whose_client_has_gone(waits: int) -> None:
    watch, seen = Watch(leaves, 1.0), []

    async def work() -> str:
        for _ in range(waits):
            await asyncio.sleep(0)
        watch.running()
        try:
            await never()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return "done"

    assert await asyncio.wait_for(asyncio.create_task(watch.over(work())), 2) is None
    assert seen == ["cancelled"]


async def test_a_body_that_does_not_come_is_refused_in_its_time() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(BodyRefused, match=r"within 0\.12 s") as refused:
        await asyncio.create_task(Watch(never, 0.12).over(never()))
    assert refused.value.status == 408
    assert 0.11 < asyncio.get_running_loop().time() - began < 1.0


async def test_a_cancellation_by_others_at_the_same_time_counts() -> None:
    async def ends() -> Any:
        task.cancel()
        return {"type": "http.disconnect"}

    watch = Watch(ends, 1.0)
    watch.running()
    task = asyncio.create_task(watch.over(never()))
    with pytest.raises(asyncio.CancelledError):
        await task
