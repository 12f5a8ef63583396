"""Bulkhead: so many calls of a source at once, so many waiting, the most urgent first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from operator import attrgetter

from sources.errand import Errand, Lane
from sources.errors import Overloaded
from sources.pipeline import course
from sources.pipeline.alarms import Alarms
from sources.pipeline.course import Course
from sources.pipeline.state import Queue
from sources.ports import Call, Reply, Send
from sources.settings import BulkheadSettings


class _Waiter:
    """Somebody in the queue. The lane is the errand's at the moment when somebody looks: it may be raised."""

    __slots__ = ("errand", "turn")

    def __init__(self, errand: Errand, turn: asyncio.Future[bool]) -> None:
        self.errand, self.turn = errand, turn


_lane = attrgetter("errand.lane")


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
        self._waiting: list[_Waiter] = []  # as they came

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
        while self._waiting and self._running < self._concurrency:
            waiter = min(self._waiting, key=_lane)  # the first of the most urgent
            if waiter.turn.done():  # cancelled, and has not run since
                self._waiting.remove(waiter)
                continue
            if not self._admits(waiter.errand.lane):
                return
            self._waiting.remove(waiter)
            waiter.turn.set_result(self._start(waiter.errand.lane))

    async def _queued(self, under_way: Course) -> bool:
        self._make_place(under_way.errand.lane)
        now = self._clock()
        waiter = _Waiter(under_way.errand, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        alarm = self._alarms.at(min(now + self._settings.wait, under_way.until), partial(self._expire, waiter))
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._leave(waiter)
            raise
        finally:
            self._alarms.stop(alarm)
            under_way.queued += self._clock() - now

    def _make_place(self, lane: Lane) -> None:
        """Room for one more in the queue: where it is full, the last of a lower lane has to go."""
        settings, waiting = self._settings, self._waiting
        if lane is Lane.BACKFILL and len(waiting) >= self._lowest_places:
            raise self._overloaded("its queue is full")
        if len(waiting) < settings.queue:
            return
        last = max(reversed(waiting), key=_lane, default=None)
        if last is None or last.errand.lane <= lane:
            raise self._overloaded("its queue is full")
        waiting.remove(last)
        if not last.turn.done():
            last.turn.set_exception(self._overloaded("its queue is full"))

    def _expire(self, waiter: _Waiter) -> None:
        if not waiter.turn.done():
            self._waiting.remove(waiter)
            waiter.turn.set_exception(self._overloaded("no turn came in time"))

    def _leave(self, waiter: _Waiter) -> None:
        """The waiter was cancelled: it gives its turn back if one was just given."""
        if waiter.turn.cancelled():
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        elif waiter.turn.exception() is None:
            self._end(waiter.turn.result())

    def _overloaded(self, reason: str) -> Overloaded:
        return Overloaded(f"`{self._source}` is not asked: {reason}", source=self._source, unsent=True)
