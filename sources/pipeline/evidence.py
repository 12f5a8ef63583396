"""Evidence: when what the calls of late say of a source is enough to stop asking it.

Two spans are looked at. The long one finds what fails half of the time at a source that is seldom asked. The short one
finds an outage of a busy source before its healthy calls from just before are forgotten.

Neither takes flakiness or a hiccup for an outage. So many failures must be beyond what chance brings where the source
fails at `flaky` of its calls: less likely than one in 100,000 by Chernoff's bound, n x KL(failures / n || flaky). And
they must not all fall into one blip, which repetitions are for.
"""

from __future__ import annotations

from math import ceil, inf, log

from sources.pipeline.window import WIDTH, Counted, Window
from sources.settings import BreakerSettings

_DOUBT = log(100_000)


class Evidence:
    """What is known of one class of calls of one source. Times in seconds, on the breaker's clock."""

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self.window = Window(settings.window)
        self._spread = 1 + ceil(settings.blip / WIDTH)

    def answered(self, now: float) -> None:
        """A call was answered."""
        self.window.add(now, failed=False)

    def failed(self, now: float, *, slow: bool) -> bool:
        """A call failed, or is pending for too long: `slow`, which is more than a blip in itself. Whether that is too
        much now."""
        self.window.add(now, failed=True)
        spans = (self._settings.recent, self._settings.window)
        return any(self._is_sick(self.window.lately(span), slow=slow) for span in spans)

    def _is_sick(self, seen: Counted, *, slow: bool) -> bool:
        settings = self._settings
        if seen.calls < settings.calls or seen.failures < settings.share * seen.calls:
            return False
        if not slow and seen.spread < self._spread:
            return False
        return seen.calls * divergence(seen.failures / seen.calls, settings.flaky) >= _DOUBT


def divergence(share: float, expected: float) -> float:
    """How far a share (of 1) is from the one expected, by Kullback and Leibler, in nats; 0 where it is no greater."""
    if share <= expected:
        return 0.0
    if expected <= 0.0:
        return inf
    found = share * log(share / expected)
    return found if share >= 1.0 else found + (1.0 - share) * log((1.0 - share) / (1.0 - expected))
