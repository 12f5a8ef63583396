"""Rates: how many requests one client may make for one role, as a token bucket for each.

A bucket is one figure, the instant at which it would be full again (the "generic cell rate algorithm"): nothing is
filled up by a timer, and a bucket that is full again need not be remembered.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

from gateway.settings import Rate, RateSettings
from gateway.telemetry.exposition import Counter
from policies.principal import Principal

CODE = "RATE_LIMITED"
_log = logging.getLogger("opsgraph.admission")
_REMEMBERED = 10_000  # buckets
_ALARM = 60.0  # seconds between two lines of the log
Asker: TypeAlias = tuple[str, frozenset[str]]


class RateLimited(Exception):
    """A client has asked more often than it may. `retry_after`: the seconds until one more request is let in."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("more requests than this client may make: slow down, and come again after `Retry-After`")
        self.retry_after = retry_after


class Buckets:
    """A token bucket for each of many askers, the least recently used forgotten first. `clock` in seconds, rising."""

    def __init__(self, clock: Callable[[], float], remembered: int = _REMEMBERED) -> None:
        self._clock, self._remembered = clock, remembered
        self._full_at: OrderedDict[Asker, float] = OrderedDict()

    def take(self, asker: Asker, rate: Rate) -> float:
        """Takes a token, and gives 0; or takes none, and gives the seconds until there is one."""
        now, each = self._clock(), 1 / rate.per_second
        full_at = max(self._full_at.get(asker, now), now) + each
        early = full_at - now - rate.burst * each
        if early > each * 1e-9:  # less is what adding up leaves
            return early
        self._full_at[asker] = full_at
        self._full_at.move_to_end(asker)
        if len(self._full_at) > self._remembered:
            self._full_at.popitem(last=False)
        return 0.0

    def __len__(self) -> int:
        return len(self._full_at)


class Rates:
    """Whether a caller may ask now. A client is what its token names, or else the caller itself; who has several roles
    has the most generous of their rates."""

    def __init__(
        self, settings: RateSettings, *, warns: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._warns = settings, warns
        self._buckets, self._clock = Buckets(clock), clock
        self._known: dict[frozenset[str], Rate | None] = {}
        self._told = -math.inf
        self.refused = Counter(
            "opsgraph_requests_over_rate_total", "Requests above a client's rate, by what was done.", ["roles", "done"]
        )
        self.on = settings.per_second > 0 or any(each.per_second > 0 for each in settings.roles.values())

    def check(self, principal: Principal) -> None:
        """Counts a request; raises RateLimited."""
        if not self.on:
            return
        roles = principal.roles
        rate = self._known[roles] if roles in self._known else self._found(roles)
        if rate is None:
            return
        wait = self._buckets.take((principal.client or principal.subject, roles), rate)
        if wait > 0:
            self._over(principal, wait)

    def _found(self, roles: frozenset[str]) -> Rate | None:
        """The rate of a set of roles; None: any."""
        rates = [self._settings.roles.get(role, self._settings) for role in roles] or [self._settings]
        free = any(each.per_second == 0 for each in rates)
        rate = None if free else max(rates, key=lambda each: (each.per_second, each.burst))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[roles] = rate
        return rate

    def _over(self, principal: Principal, wait: float) -> None:
        named = "+".join(sorted(principal.roles & self._settings.roles.keys())) or "others"
        self.refused.add(named, "warned" if self._warns else "refused")
        if not self._warns:
            raise RateLimited(wait)
        now = self._clock()
        if now - self._told >= _ALARM:
            self._told = now
            _log.warning("a client of the roles `%s` asks more often than it may", named)
