"""Bulkhead: so many calls of a source at once, so many waiting, the most urgent first."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Callable
from itertools import count
from math import inf
from operator import attrgetter

from sources.alarms import EARLY, Alarm, Alarms
from sources.errand import Errand, Lane, Raises
from sources.errors import Overloaded
from sources.pipeline import course
from sources.pipeline.course import Course
from sources.pipeline.state import Queue
from sources.ports import Call, Reply, Send
from sources.settings import BulkheadSettings


class _Waiter:
    """Somebody in the queue, until `ends` at the most. The lane is the errand's at the moment when somebody looks: it
    may be raised. `number` tells who came first."""

    __slots__ = ("ends", "errand", "number", "turn")

    def __init__(self, errand: Errand, number: int, ends: float, turn: asyncio.Future[bool]) -> None:
        self.errand, self.number, self.ends, self.turn = errand, number, ends, turn


_urgency = attrgetter("errand.lane", "number")


class Bulkhead:
    """The layer of one source. Some turns, and some places of the queue, are kept from the lowest lane."""

    def __init__(
        self,
        source: str,
        concurrency: int,
        settings: BulkheadSettings,
        *,
        clock: Callable[[], float],
        alarms: Alarms,
    ) -> None:
        self._source, self._settings, self._clock, self._alarms = source, settings, clock, alarms
        self._concurrency = concurrency
        self._lowest_turns = max(1, concurrency - round(concurrency * settings.kept))
        self._lowest_places = settings.queue - round(settings.queue * settings.kept)
        self._running = 0
        self._lowest_running = 0
        self._waiting: list[_Waiter] = []  # the most urgent first, as they came among equals
        self._came = count()
        self._raises = 0  # of errands, when the queue was last put in order
        self._alarm: Alarm | None = None  # for the first of them whose wait ends, or earlier
        self._rings = inf

    def layer(self, send: Send) -> Send:
        """`send`, a bounded number of times at once. Raises Overloaded (unsent) where there is no turn in time."""

        async def bounded(call: Call) -> Reply:
            under_way = course.current()
            lane = under_way.errand.lane
            if self._waiting:
                self._call_next()  # somebody's lane may have been raised since anybody looked
            is_lowest = self._start(lane) if self._admits(lane) else await self._queued(under_way)
            try:
                return await send(call)
            finally:
                self._end(is_lowest)

        return bounded

    @property
    def is_queued(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def queue(self) -> Queue:
        """What there is to see."""
        return Queue(self._running, len(self._waiting), self._concurrency, self._settings.queue)

    def _admits(self, lane: Lane) -> bool:
        if self._running >= self._concurrency:
            return False
        return lane is not Lane.BACKFILL or self._lowest_running < self._lowest_turns

    def _start(self, lane: Lane) -> bool:
        """Takes a turn; whether it counts as one of the lowest lane, also where the lane is raised later."""
        is_lowest = lane is Lane.BACKFILL
        self._running += 1
        self._lowest_running += is_lowest
        return is_lowest

    def _end(self, is_lowest: bool) -> None:
        self._running -= 1
        self._lowest_running -= is_lowest
        if self._waiting:
            self._call_next()

    def _call_next(self) -> None:
        waiting = self._in_order()
        while waiting and self._running < self._concurrency:
            waiter = waiting[0]
            if waiter.turn.done():  # cancelled, and has not run since
                del waiting[0]
                continue
            if not self._admits(waiter.errand.lane):
                return
            del waiting[0]
            waiter.turn.set_result(self._start(waiter.errand.lane))

    def _in_order(self) -> list[_Waiter]:
        """Those who wait; in a new order where the lane of some errand, perhaps of one of them, was raised."""
        if self._raises != Raises.count:
            self._raises = Raises.count
            self._waiting.sort(key=_urgency)
        return self._waiting

    async def _queued(self, under_way: Course) -> bool:
        errand, now = under_way.errand, self._clock()
        waiting = self._make_place(errand.lane)
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(errand, next(self._came), min(now + self._settings.wait, under_way.until), turn)
        if not waiting or waiting[-1].errand.lane <= errand.lane:
            waiting.append(waiter)
        else:
            insort(waiting, waiter, key=_urgency)
        if waiter.ends < self._rings:
            self._ring_at(waiter.ends)
        try:
            return await turn
        except asyncio.CancelledError:
            self._leave(waiter)
            raise
        finally:
            under_way.queued += self._clock() - now

    def _make_place(self, lane: Lane) -> list[_Waiter]:
        """The queue with room for one more: where it is full, the last of a lower lane has to go."""
        settings, waiting = self._settings, self._in_order()
        if lane is Lane.BACKFILL and len(waiting) >= self._lowest_places:
            raise self._overloaded("its queue is full")
        if len(waiting) < settings.queue:
            return waiting
        if not waiting or waiting[-1].errand.lane <= lane:
            raise self._overloaded("its queue is full")
        last = waiting.pop()
        if not last.turn.done():
            last.turn.set_exception(self._overloaded("its queue is full"))
        return waiting

    def _ring_at(self, when: float) -> None:
        """One alarm for the whole queue: hardly anybody waits for as long as may be."""
        if self._alarm is not None:
            self._alarms.stop(self._alarm)
        self._rings, self._alarm = when, self._alarms.at(when, self._expire)

    def _expire(self) -> None:
        """Sends those away whose wait has ended."""
        self._rings, self._alarm, now = inf, None, self._clock() + EARLY
        for waiter in [each for each in self._waiting if each.ends <= now]:
            self._waiting.remove(waiter)
            if not waiter.turn.done():
                waiter.turn.set_exception(self._overloaded("no turn came in time"))
        if self._waiting:
            self._ring_at(min(each.ends for each in self._waiting))

    def _leave(self, waiter: _Waiter) -> None:
        """The waiter was cancelled: it gives its turn back if one was just given."""
        if waiter.turn.cancelled():
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        elif waiter.turn.exception() is None:
            self._end(waiter.turn.result())

    def _overloaded(self, reason: str) -> Overloaded:
        return Overloaded(f"`{self._source}` is not asked: {reason}", source=self._source, unsent=True)
