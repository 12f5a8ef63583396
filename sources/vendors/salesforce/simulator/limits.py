"""What the organisation allows: calls a day, long calls at once, rows a page."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import facts
from sources.vendors.salesforce.simulator.errors import Refusal


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults are an Enterprise Edition's with 50 licences; no demonstration reaches them. Times are in seconds.

    A call is long-running after `long_after`, and `long_calls` of them may run at once. An unused session lives for
    `session_seconds`. `short_pages`: a page holds at most so many rows, whatever was asked, as wide rows cause in a
    live organisation. `child_rows`: rows of one child list before it pages separately. `latency`: what a call takes.
    """

    daily_calls: int = 150_000
    long_calls: int = 25
    long_after: float = 20.0
    session_seconds: float = 7200.0
    short_pages: int | None = None
    child_rows: int = facts.CHILD_ROWS_ASSUMED
    latency: float = 0.0

    def page(self, wish: int | None) -> int:
        """How many rows a page holds when the caller wishes for `wish`."""
        asked = min(max(wish, facts.PAGE_ROWS_LEAST), facts.PAGE_ROWS) if wish else facts.PAGE_ROWS
        return asked if self.short_pages is None else min(asked, self.short_pages)


class Meter:
    """Counts calls over a rolling day, and the calls that are running."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._spent: deque[tuple[float, int]] = deque()
        self.used = 0
        self._running: dict[int, float] = {}
        self._tickets = itertools.count()

    @property
    def header(self) -> str:
        """`Sforce-Limit-Info`."""
        self._forget()
        return f"api-usage={self.used}/{self._limits.daily_calls}"

    @property
    def remaining(self) -> int:
        """Calls left today."""
        self._forget()
        return max(0, self._limits.daily_calls - self.used)

    def spend(self) -> None:
        """Counts one call. Raises 403 when the day's are used up."""
        if not self.remaining:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", facts.TOTAL_REQUESTS)
        minute = self._now() // 60 * 60
        if self._spent and self._spent[-1][0] == minute:
            self._spent[-1] = (minute, self._spent[-1][1] + 1)
        else:
            self._spent.append((minute, 1))
        self.used += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The time of one call. Raises 403 while too many long ones run."""
        now = asyncio.get_running_loop().time()
        long = sum(now - started >= self._limits.long_after for started in self._running.values())
        if long >= self._limits.long_calls:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", facts.CONCURRENT_REQUESTS)
        ticket = next(self._tickets)
        self._running[ticket] = now
        try:
            yield
        finally:
            del self._running[ticket]

    def _forget(self) -> None:
        while self._spent and self._spent[0][0] <= self._now() - facts.DAY:
            self.used -= self._spent.popleft()[1]

    def _now(self) -> float:
        return self._clock.now().timestamp()
