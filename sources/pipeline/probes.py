"""Probes: find out whether a source is back, beside those who ask it.

A probe is a read that somebody wanted to make while the circuit was open. It goes by itself as soon as it may, so that
nobody waits for a source that hangs. Only where nobody wanted anything of late does the next one who asks set it off;
that one waits `ride` seconds for it, because a source that nobody has asked for a while is likely to be well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context

import msgspec

from sources import errand
from sources.alarms import Alarm, Alarms
from sources.errand import Errand, Lane
from sources.pipeline import course
from sources.pipeline.breaker import Breaker, Ticket
from sources.ports import Call, Reply, Send
from sources.settings import BreakerSettings

_PAUSE = 0.2  # seconds after a probe, also one that had no turn
_AFTER = 0.002  # seconds after the instant at which a probe may go: timers are early at times


class _Wanted(msgspec.Struct, frozen=True):
    """A read that was not made, or that failed, and when."""

    call: Call
    lane: Lane
    at: float
    context: Context


class Probes:
    """Those of one source. The breaker is that of its reads."""

    def __init__(
        self,
        breaker: Breaker,
        settings: BreakerSettings,
        *,
        clock: Callable[[], float],
        alarms: Alarms,
    ) -> None:
        self._breaker, self._settings, self._clock, self._alarms = breaker, settings, clock, alarms
        self._send: Send  # see `through`
        self._wanted: _Wanted | None = None
        self._alarm: Alarm | None = None
        self._task: asyncio.Task[Reply] | None = None
        self._ticket: Ticket | None = None
        self._rested = 0.0

    def through(self, layers: Callable[[Send], Send], send: Send) -> None:
        """Has probes sent by `send`, below `layers`, where each begins a course of its own."""

        async def ticketed(call: Call) -> Reply:
            under_way = course.current()
            under_way.ticket, under_way.attempts = self._ticket, 1
            return await send(call)

        self._send = layers(ticketed)

    def note(self, call: Call) -> None:
        """A read that did not come to a good end: it may be the next probe."""
        self._wanted = _Wanted(call, course.current().errand.lane, self._clock(), copy_context())
        self._arm()

    async def instead(self, call: Call) -> Reply:
        """What becomes of a read while the circuit is not closed: it is refused, or it is the probe itself and that is
        answered soon. Raises CircuitOpen, or the probe's own error."""
        lately = self._is_wanted()
        self.note(call)
        task = self.nudge()
        if task is None or lately:
            raise self._breaker.refused()
        await asyncio.wait((task,), timeout=min(self._settings.ride, course.current().until - self._clock()))
        if task.done() and not task.cancelled():
            return task.result()
        raise self._breaker.refused()

    def nudge(self) -> asyncio.Task[Reply] | None:
        """Sends a probe off, if it may go and there is something to ask; None: it may not."""
        is_due = self._breaker.state != "closed" and self._breaker.is_due() and self._clock() >= self._rested
        if not is_due or self._wanted is None:
            return None
        self._ticket = self._breaker.enter()
        work, context = self._probe(self._wanted, self._ticket), self._wanted.context.copy()
        self._task = asyncio.create_task(work, context=context)
        self._task.add_done_callback(self._ended)
        return self._task

    async def _probe(self, wanted: _Wanted, ticket: Ticket) -> Reply:
        errand.begin(Errand(lane=wanted.lane))
        try:
            return await self._send(wanted.call)
        finally:
            self._breaker.left(ticket)  # in any case: it may never have had its turn

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it
        elif self._ticket is not None:
            self._breaker.left(self._ticket)  # one that was given up before it began has not done so itself
        self._rested = self._clock() + _PAUSE
        self._arm()

    def _arm(self) -> None:
        """Has the next probe go as soon as it may, if somebody wants something then."""
        busy = self._alarm is not None or (self._task is not None and not self._task.done())
        if not busy and self._breaker.state != "closed" and self._is_wanted():
            when = max(self._breaker.until, self._rested, self._clock()) + _AFTER
            self._alarm = self._alarms.at(when, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._is_wanted() and self.nudge() is None:
            self._arm()

    def _is_wanted(self) -> bool:
        """Whether somebody was refused so lately that others are likely to ask again."""
        return self._wanted is not None and self._clock() - self._wanted.at <= self._settings.longest

    async def close(self) -> None:
        """Gives up what is under way."""
        if self._alarm is not None:
            self._alarms.stop(self._alarm)
            self._alarm = None
        self._wanted = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
