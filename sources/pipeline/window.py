"""A sliding window: how many calls there were of late and how many failed, counted in half seconds."""

from __future__ import annotations

from math import ceil

import msgspec

WIDTH = 0.5  # seconds


class Counted(msgspec.Struct, frozen=True):
    """Calls of a while, those of them that failed, and in how many different half seconds some failed."""

    calls: int
    failures: int
    spread: int


class Window:
    """Counts of the last `seconds`, forgotten half a second at a time. `add` costs the same whatever is in it."""

    __slots__ = ("_buckets", "_calls", "_failures", "_tick", "calls", "failures")

    def __init__(self, seconds: float) -> None:
        self._buckets = max(1, ceil(seconds / WIDTH))
        self._tick = 0
        self.clear()

    def add(self, now: float, failed: bool) -> None:
        """One more call that ended, or proved slow, at `now`."""
        if int(now / WIDTH) > self._tick:
            self.forget(now)
        place = self._tick % self._buckets
        self._calls[place] += 1
        self.calls += 1
        if failed:
            self._failures[place] += 1
            self.failures += 1

    def forget(self, now: float) -> None:
        """Drops what is older than the window."""
        tick = int(now / WIDTH)
        for step in range(max(self._tick, tick - self._buckets) + 1, tick + 1):
            place = step % self._buckets
            self.calls -= self._calls[place]
            self.failures -= self._failures[place]
            self._calls[place] = self._failures[place] = 0
        self._tick = max(self._tick, tick)

    def lately(self, seconds: float) -> Counted:
        """What was counted in the last `seconds` before the newest call, at most the whole window."""
        buckets = min(self._buckets, ceil(seconds / WIDTH))
        places = [step % self._buckets for step in range(self._tick - buckets + 1, self._tick + 1)]
        failures = [self._failures[place] for place in places]
        return Counted(sum(self._calls[place] for place in places), sum(failures), sum(map(bool, failures)))

    def clear(self) -> None:
        """Forgets everything."""
        self._calls = [0] * self._buckets
        self._failures = [0] * self._buckets
        self.calls = self.failures = 0
