"""Statistics: how the calls of the last minute went, in counts and in a histogram of fixed buckets."""

from __future__ import annotations

from itertools import accumulate
from math import log

from sources.pipeline.state import Latency

_SLOTS = 6  # of ten seconds each
_WIDTH = 10.0
_SHORTEST = 0.0001  # seconds: the upper bound of the first bucket
_BUCKETS = 96
_STEP = log(1.15)  # each bucket reaches 15 % further: the last one ends near a minute
_MIDDLE = 1.15**-0.5


class _Slot:
    __slots__ = ("calls", "failures", "histogram", "refused", "retries", "tick")

    def __init__(self) -> None:
        self.begin(-_SLOTS)

    def begin(self, tick: int) -> None:
        self.tick = tick
        self.calls = self.failures = self.retries = self.refused = 0
        self.histogram = [0] * (_BUCKETS + 1)


class Statistics:
    """Counts without allocating; adding up is left to who looks. Seconds, on the pipeline's clock."""

    def __init__(self) -> None:
        self._slots = [_Slot() for _ in range(_SLOTS)]
        self._slot = self._slots[0]
        self.last_error: str | None = None  # the public code of the last failure of the source

    def answered(self, now: float, seconds: float, retries: int) -> None:
        """A call reached its source and was answered, if only by a business refusal."""
        slot = self._at(now)
        slot.calls += 1
        slot.retries += retries
        slot.histogram[_bucket(seconds)] += 1

    def failed(self, now: float, seconds: float, retries: int, code: str) -> None:
        """A call reached its source, and that failed."""
        self.answered(now, seconds, retries)
        self._slot.failures += 1
        self.last_error = code

    def refused(self, now: float, retries: int) -> None:
        """A call was not sent."""
        slot = self._at(now)
        slot.calls += 1
        slot.retries += retries
        slot.refused += 1

    def latency(self, now: float) -> Latency:
        """The last minute; the percentiles are right to about 7 %."""
        newest = int(now / _WIDTH)
        slots = [slot for slot in self._slots if newest - slot.tick < _SLOTS]
        totals = list(accumulate(sum(column) for column in zip(*(slot.histogram for slot in slots), strict=True)))
        return Latency(
            _percentile(totals, 0.50),
            _percentile(totals, 0.99),
            sum(slot.calls for slot in slots),
            sum(slot.failures for slot in slots),
            sum(slot.retries for slot in slots),
            sum(slot.refused for slot in slots),
        )

    def _at(self, now: float) -> _Slot:
        tick = int(now / _WIDTH)
        slot = self._slot
        if slot.tick != tick:
            slot = self._slot = self._slots[tick % _SLOTS]
            if slot.tick != tick:
                slot.begin(tick)
        return slot


def _bucket(seconds: float) -> int:
    if seconds <= _SHORTEST:
        return 0
    return min(_BUCKETS, 1 + int(log(seconds / _SHORTEST) / _STEP))


def _percentile(totals: list[int], share: float) -> float | None:
    """Milliseconds: the geometric middle of the bucket in which the share is reached."""
    if not totals or not totals[-1]:
        return None
    wanted = share * totals[-1]
    bucket = next(index for index, total in enumerate(totals) if total >= wanted)
    return round(_SHORTEST * 1000 * 1.15**bucket * _MIDDLE, 3)
