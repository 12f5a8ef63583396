"""What every configured source has, and how a secret is carried without ever being shown."""

from __future__ import annotations

from typing import Literal

import msgspec


class Secret:
    """A secret value: no repr, no str, no comparison by accident; `reveal()` where it goes on the wire."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)


def at_least(settings: msgspec.Struct, least: float, *names: str) -> None:
    """Raises ValueError that names the field and what is expected of it."""
    for name in names:
        value = getattr(settings, name)
        if not value >= least:  # so that it is said of a NaN too
            raise ValueError(f"`{name}` is {value}: at least {least} is expected")


def within(settings: msgspec.Struct, least: float, most: float, *names: str) -> None:
    """As `at_least`, with a bound on both sides."""
    for name in names:
        value = getattr(settings, name)
        if not least <= value <= most:
            raise ValueError(f"`{name}` is {value}: between {least} and {most} is expected")


class RetrySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.retry]`: at most `attempts` sendings of one call. Times in seconds.

    The wait before the n-th repetition is random between 0 and `base` x 2^(n-1), at most `cap`; `throttled` takes the
    place of `base` where the source was asked too much and did not say when to come back. Over all calls no more than
    `share` of them are repeated, but `floor` a minute in any case.
    """

    attempts: int = 3
    base: float = 0.1
    cap: float = 2.0
    throttled: float = 0.5
    share: float = 0.08
    floor: int = 3

    def __post_init__(self) -> None:
        at_least(self, 1, "attempts")
        at_least(self, 0, "base", "cap", "throttled", "floor")
        within(self, 0, 1, "share")


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.breaker]`: opens where at least `share` of at least `calls` calls fail or are slow, in the last
    `recent` seconds or in the last `window`. Times in seconds.

    They must be more than flakiness, a share of `flaky`, brings by chance, and fall into more than one `blip`. Slow is
    a read that is still pending after `slow`, or a write after `write_slow`; keep them below the time that those who
    ask have. Where as many calls as may be under way are slow at once, it opens as well, and where `calls` of them are
    and nothing has been answered meanwhile.

    It stays open for `shortest`, twice as long after every probe that fails, at most `longest`; after a used-up quota
    until its reset, or for `quota` where the source names none. Who sets a probe off waits at most `ride` for it.
    """

    share: float = 0.5
    calls: int = 10
    window: float = 20.0
    recent: float = 3.0
    flaky: float = 0.3
    blip: float = 1.0
    slow: float = 2.0
    write_slow: float = 4.0
    shortest: float = 2.0
    longest: float = 8.0
    quota: float = 300.0
    ride: float = 0.25

    def __post_init__(self) -> None:
        within(self, 0.01, 1, "share")
        at_least(self, 1, "calls", "recent")
        at_least(self, 0, "blip", "ride")
        at_least(self, 0.001, "slow", "write_slow", "shortest", "quota")
        within(self, 0, 0.9, "flaky")
        at_least(self, max(1.0, self.recent), "window")
        at_least(self, 0.001 + self.blip, "recent")
        if self.longest < self.shortest:
            raise ValueError(f"`longest` is {self.longest}: at least `shortest`, {self.shortest}, is expected")


class BulkheadSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.bulkhead]`: at most `queue` calls wait for their turn, each at most `wait` seconds.

    `kept` is the share of the turns, and of the queue, that backfill may not take.
    """

    queue: int = 100
    wait: float = 2.0
    kept: float = 0.25

    def __post_init__(self) -> None:
        at_least(self, 0, "queue")
        at_least(self, 0.001, "wait")
        within(self, 0, 1, "kept")


class QuotaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.quota]`: how the limits that the source tells of are kept.

    Backfill stops where no more than `backfill` of a limit is left, portals at `portal`. A source that asks us to wait
    is left alone for as long as it says, at most `pause`; a limit without a reset of its own is believed for `hold`.
    """

    backfill: float = 0.2
    portal: float = 0.05
    pause: float = 60.0
    hold: float = 60.0

    def __post_init__(self) -> None:
        within(self, 0, 1, "backfill", "portal")
        at_least(self, 0, "pause", "hold")


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[sources.NAME]` table; vendors add their own fields in a subclass.

    In the file a Secret is a reference, `{ env = "NAME" }` or `{ file = "PATH" }`. `concurrency` bounds the calls under
    way at once, `connections` the sockets, `timeout` (seconds) one call with its repetitions, `max_bytes` one answer.
    `transport` is the HTTP client that it is asked through: our own, `bare`, or the general one, `aiohttp`.
    `entities` are the legal entities this source serves (empty: all), `zone` the residency zone of what it holds.
    Raises ValueError for a figure out of range.
    """

    vendor: str
    url: str
    zone: str = "default"
    entities: tuple[str, ...] = ()
    connections: int = 20
    concurrency: int = 20
    timeout: float = 5.0
    max_bytes: int = 8 * 1024 * 1024
    transport: Literal["bare", "aiohttp"] = "bare"
    retry: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    bulkhead: BulkheadSettings = BulkheadSettings()
    quota: QuotaSettings = QuotaSettings()

    def __post_init__(self) -> None:
        at_least(self, 1, "connections", "concurrency", "max_bytes")
        at_least(self, 0.001, "timeout")
