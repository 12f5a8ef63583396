"""A sliding window: how many calls there were of late and how many failed, counted in buckets of time."""

from __future__ import annotations

_BUCKETS = 10


class Window:
    """Counts of the last `seconds`, forgotten a tenth at a time. `add` costs the same whatever is in it."""

    __slots__ = ("_calls", "_failures", "_tick", "_width", "calls", "failures")

    def __init__(self, seconds: float) -> None:
        self._width = seconds / _BUCKETS
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._tick = 0
        self.calls = 0
        self.failures = 0

    def add(self, now: float, failed: bool) -> None:
        """One more call that ended, or proved slow, at `now`."""
        self.forget(now)
        place = self._tick % _BUCKETS
        self._calls[place] += 1
        self.calls += 1
        if failed:
            self._failures[place] += 1
            self.failures += 1

    def forget(self, now: float) -> None:
        """Drops what is older than the window."""
        tick = int(now / self._width)
        if tick <= self._tick:
            return
        for step in range(self._tick + 1, min(tick, self._tick + _BUCKETS) + 1):
            place = step % _BUCKETS
            self.calls -= self._calls[place]
            self.failures -= self._failures[place]
            self._calls[place] = self._failures[place] = 0
        self._tick = tick

    def clear(self) -> None:
        """Forgets everything."""
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self.calls = self.failures = 0
