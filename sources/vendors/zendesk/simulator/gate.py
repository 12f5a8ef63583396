"""How often the account may be called: over the limit means 429 with Retry-After and plain text."""

from __future__ import annotations

import math
from collections import deque

import msgspec

from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.errors import Refusal

_MINUTE, _TEN_MINUTES = 60, 600


class Limits(msgspec.Struct, frozen=True):
    """`per_minute` requests of the account (None: any number; plans have 200, 400, 700 or 2,500); `search_lag` seconds
    until a search sees what was written to a ticket; requests a minute of single resources; updates of one ticket in
    ten minutes; seconds that a job takes, and how many jobs may wait at once."""

    per_minute: int | None = None
    search_lag: float = 0.0
    export_per_minute: int = 100
    incremental_per_minute: int = 10
    ticket_updates_per_minute: int = 100
    updates_of_one_ticket: int = 30
    job_seconds: float = 0.0
    jobs_at_once: int = 30


class Gate:
    """Counts requests in minutes of the clock, and updates of each ticket in sliding ten minutes."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._minute, self._counts = 0, dict[str, int]()
        self._updates: dict[str, deque[float]] = {}

    def passed(self) -> None:
        """Counts a request; raises Refusal 429 when it is one too many."""
        self._count("all", self._limits.per_minute)

    def exported(self) -> None:
        """Counts a page of a search export."""
        self._count("export", self._limits.export_per_minute)

    def followed(self) -> None:
        """Counts a page of an incremental export."""
        self._count("incremental", self._limits.incremental_per_minute)

    def updated(self, ticket: str) -> None:
        """Counts a ticket's update."""
        now = self._clock.now().timestamp()
        recent = self._updates.setdefault(ticket, deque())
        while recent and recent[0] <= now - _TEN_MINUTES:
            recent.popleft()
        if len(recent) >= self._limits.updates_of_one_ticket:
            raise _refusal(math.ceil(recent[0] + _TEN_MINUTES - now))
        self._count("updates", self._limits.ticket_updates_per_minute)
        recent.append(now)

    def headers(self) -> dict[str, str]:
        """What every answer says about the account's limit."""
        limit = self._limits.per_minute
        shown = str(limit if limit is not None else facts.ADVERTISED)
        left = str(max(0, int(shown) - self._counts.get("all", 0)))
        return {
            "x-rate-limit": shown,
            "x-rate-limit-remaining": left,
            "ratelimit-limit": shown,
            "ratelimit-remaining": left,
            "ratelimit-reset": str(self._reset()),
        }

    def _count(self, name: str, limit: int | None) -> None:
        minute = int(self._clock.now().timestamp() // _MINUTE)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        self._counts[name] = self._counts.get(name, 0) + 1
        if limit is not None and self._counts[name] > limit:
            raise _refusal(self._reset())

    def _reset(self) -> int:
        return math.ceil(_MINUTE - self._clock.now().timestamp() % _MINUTE)


def _refusal(seconds: int) -> Refusal:
    headers = {"retry-after": str(seconds)}
    return Refusal(429, "APIRateLimitExceeded", facts.LIMITED, headers=headers, text=True)
