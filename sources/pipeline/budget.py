"""Retry budget: how many calls of a source may be repeated, so that its outage is not multiplied."""

from __future__ import annotations

from collections.abc import Callable

_BURST = 10.0  # repetitions that may be saved up
_MINUTE = 60.0


class Budget:
    """A token bucket. Each call pays in `share` of a token; of a source so quiet that this comes to less than `floor`
    tokens a minute, they are made up to that. A repetition costs one. Between any two instants no more are granted
    than `share` of the calls or `floor` a minute, and what was saved.
    """

    def __init__(self, share: float, floor: float, clock: Callable[[], float]) -> None:
        self._share, self._rate, self._clock = share, floor / _MINUTE, clock
        self._most = max(floor, _BURST if share else 0.0)
        self._tokens = float(floor)
        self._paid = 0.0  # by calls since `_at`
        self._at = clock()

    def earn(self) -> None:
        """A call is made."""
        self._tokens = min(self._most, self._tokens + self._share)
        self._paid += self._share

    def spend(self) -> bool:
        """Whether a call may be repeated; if so, it is paid for."""
        now = self._clock()
        self._tokens = min(self._most, self._tokens + max(0.0, (now - self._at) * self._rate - self._paid))
        self._at, self._paid = now, 0.0
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
