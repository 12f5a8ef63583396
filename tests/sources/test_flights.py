"""Flights: once for all who ask, whoever leaves, and an error of one's own for each."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from sources.errand import Errand, Lane, begin, current
from sources.errors import OutcomeUnknown, SourceError, Throttled, TimedOut, Unavailable, UnknownValue
from sources.flights import Flights, own

pytestmark = pytest.mark.usefixtures("complaints")


class Work:
    """Goes on until it is let, then answers or fails; counts how often it began and ended."""

    def __init__(self, outcome: Any = "answer") -> None:
        self.outcome, self.gate, self.begun, self.ended = outcome, asyncio.Event(), 0, 0
        self.lanes: list[Lane] = []

    async def __call__(self) -> Any:
        self.begun += 1
        self.lanes.append(current().lane)
        await self.gate.wait()
        self.lanes.append(current().lane)
        self.ended += 1
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def askers(flights: Flights, work: Callable[[], Any], count: int) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(flights.join("key", work)) for _ in range(count)]
    await turns()
    return tasks


async def test_all_who_ask_while_it_is_under_way_get_one_answer() -> None:
    flights, work = Flights("crm"), Work()
    tasks = await askers(flights, work, 50)
    assert "key" in flights
    work.gate.set()
    assert await asyncio.gather(*tasks) == ["answer"] * 50
    assert (work.begun, "key" in flights) == (1, False)
    assert await flights.join("key", work) == "answer"
    assert work.begun == 2


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_whoever_leaves_harms_nobody_else(leaving: int) -> None:
    flights, work = Flights("crm"), Work()
    tasks = await askers(flights, work, 3)
    tasks[leaving].cancel()
    await turns()
    work.gate.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(told.pop(leaving), asyncio.CancelledError)
    assert told == ["answer", "answer"]


@pytest.mark.parametrize("outcome", ["answer", Unavailable("gone")])
async def test_a_flight_that_everybody_has_left_ends_by_itself(outcome: Any) -> None:
    flights, work = Flights("crm"), Work(outcome)
    tasks = await askers(flights, work, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert "key" in flights
    work.gate.set()
    await turns()
    assert (work.ended, "key" in flights) == (1, False)


async def test_each_asker_gets_the_error_as_its_own_and_no_trace_grows() -> None:
    cause = ValueError("why")
    failure = Throttled("slowly", source="crm", status=429, retry_after=2.0)
    failure.__cause__ = cause
    failure.retryable = False
    flights, work = Flights("crm"), Work(failure)
    tasks = await askers(flights, work, 100)
    work.gate.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert len({id(each) for each in told}) == 100
    depths = {len(traceback.extract_tb(each.__traceback__)) for each in told}
    assert len(depths) == 1
    for each in told:
        assert isinstance(each, Throttled)
        assert (each.message, each.status, each.retry_after, each.retryable) == ("slowly", 429, 2.0, False)
        assert (each.__cause__, str(each)) == (cause, "slowly")


async def test_a_mistake_of_ours_reaches_everybody_as_it_is() -> None:
    flights, work = Flights("crm"), Work(ZeroDivisionError("oops"))
    tasks = await askers(flights, work, 3)
    work.gate.set()
    assert [str(each) for each in await asyncio.gather(*tasks, return_exceptions=True)] == ["oops"] * 3


@pytest.mark.parametrize(
    "error",
    [
        UnknownValue("stripe", "status", "odd"),
        OutcomeUnknown("who knows", source="erp"),
        SourceError("plain", status=3),
    ],
)
def test_a_copy_of_an_error_says_the_same(error: SourceError) -> None:
    again = own(error)
    assert again is not error
    assert (type(again), vars(again), again.args) == (type(error), vars(error), error.args)


async def test_closing_tells_those_who_wait_and_leaves_nothing_under_way() -> None:
    flights, work = Flights("crm"), Work()
    tasks = await askers(flights, work, 3)
    await flights.close()
    for told in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(told, Unavailable)
        assert told.source == "crm"
    assert (work.ended, "key" in flights) == (0, False)
    await flights.close()


async def test_closing_before_a_flight_has_begun_tells_those_who_wait() -> None:
    flights, work = Flights("crm"), Work()
    task = asyncio.create_task(flights.join("key", work))
    await asyncio.sleep(0)
    await flights.close()
    with pytest.raises(Unavailable):
        await task
    assert work.ended == 0


async def test_an_asker_waits_no_longer_than_its_errand_and_the_flight_goes_on() -> None:
    flights, work = Flights("crm"), Work()

    async def hurried() -> Any:
        begin(Errand(until=asyncio.get_running_loop().time() + 0.01))
        return await flights.join("key", work)

    hurrying, patient = asyncio.create_task(hurried()), asyncio.create_task(flights.join("key", work))
    with pytest.raises(TimedOut, match="crm"):
        await hurrying
    work.gate.set()
    assert await patient == "answer"
    assert work.begun == 1


async def test_a_flight_is_as_urgent_as_the_most_urgent_who_waits_for_it() -> None:
    flights, work = Flights("crm"), Work()

    async def asking(lane: Lane) -> Any:
        begin(Errand(lane=lane, until=asyncio.get_running_loop().time() + 60))
        return await flights.join("key", work)

    backfill = asyncio.create_task(asking(Lane.BACKFILL))
    await turns()
    validate = asyncio.create_task(asking(Lane.VALIDATE))
    late = asyncio.create_task(asking(Lane.PORTAL))
    await turns()
    work.gate.set()
    await asyncio.gather(backfill, validate, late)
    assert work.lanes == [Lane.BACKFILL, Lane.VALIDATE]
    assert current().lane == Lane.PORTAL
