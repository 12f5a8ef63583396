"""Flights: work that is under way once for all who ask for it, and that none of them ends by leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from math import inf
from typing import Any, TypeVar

import msgspec

from sources.errand import Errand, begin, current, hurry
from sources.errors import SourceError, TimedOut, Unavailable

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)


class _Flight(msgspec.Struct):
    task: asyncio.Task[Any]
    errand: Errand


class Flights:
    """The flights to one source, by what they are for.

    A flight has an errand of its own: as urgent as the most urgent who waits, and bounded by the source's timeout
    alone. Whoever waits does so until the end of their own errand and may leave at any time; the flight goes on.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._under_way: dict[Hashable, _Flight] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._under_way

    async def join(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What comes of `work`, or of the flight for the same `key` where there is one. Raises what it raises, as an
        instance of the asker's own; TimedOut at the end of the asker's errand; Unavailable where it was given up."""
        lane = current().lane
        flight = self._under_way.get(key)
        if flight is None:
            errand = Errand(lane=lane)
            flight = self._under_way[key] = _Flight(asyncio.create_task(_fly(work, errand)), errand)
            flight.task.add_done_callback(partial(self._landed, key))
        hurry(flight.errand, lane)
        found: T = await awaited(flight.task, self._source)
        return found

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._under_way.pop(key, None)
        seen(task)

    async def close(self) -> None:
        """Gives up what is under way; whoever waits for it is told so."""
        await given_up([flight.task for flight in self._under_way.values()])


async def _fly(work: Callable[[], Awaitable[T]], errand: Errand) -> T:
    begin(errand)
    return await work()


async def awaited(future: asyncio.Future[T], source: str) -> T:
    """What comes of a future that others may wait for too: it outlives the cancellation of this wait, which ends with
    the errand. Raises its error as an instance of one's own, TimedOut, or Unavailable where it was cancelled."""
    await _ended(future, current().until)
    if not future.done():
        raise TimedOut(f"no answer from `{source}` in the time that is left", source=source)
    if future.cancelled():
        raise abandoned(source)
    error = future.exception()
    if isinstance(error, SourceError):
        raise own(error)
    return future.result()


async def _ended(future: asyncio.Future[Any], until: float) -> None:
    """Returns when `future` is done, or at `until` on the loop's clock: `asyncio.wait` for one costs twice as much."""
    loop = future.get_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_future: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    future.add_done_callback(wake)
    alarm = None if until == inf else loop.call_at(until, wake)
    try:
        await waiter
    finally:
        future.remove_done_callback(wake)
        if alarm is not None:
            alarm.cancel()


def abandoned(source: str) -> SourceError:
    """What those are told who wait for a flight that is given up."""
    return Unavailable(f"the request to `{source}` was given up: its source is being closed", source=source)


def own(error: E) -> E:
    """The same error as another instance: one that many raise would gather the traces of them all."""
    kind = type(error)
    again = kind.__new__(kind, *error.args)
    vars(again).update(vars(error))
    again.__cause__, again.__suppress_context__ = error.__cause__, error.__suppress_context__
    return again.with_traceback(error.__traceback__)


def seen(future: asyncio.Future[Any]) -> None:
    """Marks the failure of a future as known, also where everybody who waited for it has gone."""
    if not future.cancelled():
        future.exception()


async def given_up(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancels tasks and waits until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
