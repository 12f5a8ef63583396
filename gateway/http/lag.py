"""Lag: how late the event loop comes to what is due, looked at regularly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PERIOD = 0.01  # seconds


class Lag:
    """Tells `observe(late, now)` every `PERIOD` by how many seconds the loop was late; costs a timer each time.

    `now` is an instant of a monotonic clock."""

    def __init__(self, observe: Callable[[float, float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._observe, self._clock = observe, clock
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begins to look, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._arm(self._clock())

    def stop(self) -> None:
        """Looks no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, now: float) -> None:
        self._due = now + PERIOD
        self._timer = self._loop.call_later(PERIOD, self._look)

    def _look(self) -> None:
        now = self._clock()
        self._observe(max(0.0, now - self._due), now)
        self._arm(now)
