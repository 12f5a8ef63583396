"""Alarms: many instants that nearly never come, on one timer of the loop.

Every call sets some, and nearly every call has ended long before they are due. A timer of the loop for each costs more
than all the rest of the pipeline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf

EARLY = 0.001  # seconds by which loops that count milliseconds may wake too early


class Alarm:
    """Something to do at an instant. `rang`: it was done."""

    __slots__ = ("rang", "ring")

    def __init__(self, ring: Callable[[], object]) -> None:
        self.ring: Callable[[], object] | None = ring
        self.rang = False


class Alarms:
    """`clock` is that of the running loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = count()
        self._due: list[tuple[float, int, Alarm]] = []  # a heap; the numbers keep alarms from being compared
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next = inf

    def at(self, when: float, ring: Callable[[], object]) -> Alarm:
        """Calls `ring` when `when` has come, unless the alarm is stopped before."""
        alarm = Alarm(ring)
        self._put(when, alarm)
        return alarm

    def again(self, alarm: Alarm, when: float) -> None:
        """Said by what an alarm has just called: it was too early, `when` is the instant."""
        alarm.rang = False
        self._put(when, alarm)

    def stop(self, alarm: Alarm) -> None:
        """The alarm is not needed any more."""
        alarm.ring = None
        due = self._due
        while due and due[0][2].ring is None:
            heappop(due)

    def _put(self, when: float, alarm: Alarm) -> None:
        heappush(self._due, (when, next(self._numbers), alarm))
        if when < self._next or asyncio.get_running_loop() is not self._loop:
            self._set(self._due[0][0])

    def _set(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop, self._next = asyncio.get_running_loop(), when
        self._timer = self._loop.call_later(max(0.0, when - self._clock()), self._wake)

    def _wake(self) -> None:
        self._timer, self._next = None, inf
        due, now = self._due, self._clock() + EARLY
        while due and (due[0][2].ring is None or due[0][0] <= now):
            alarm = heappop(due)[2]
            if alarm.ring is not None:
                alarm.rang = True
                alarm.ring()
        if due:
            self._set(due[0][0])
