"""How many requests one account may have under way: over the limit means 429, at once and without Retry-After."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.errors import Refusal


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`concurrency`: requests of the whole account under way at once (5 is the standard service tier). `latency`:
    seconds each request takes, inside the gate."""

    concurrency: int = 5
    latency: float = 0.0


class Gate:
    """Counts requests under way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._running = 0

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Holds one of the places; raises Refusal 429 when there is none."""
        if self._running >= self._limits.concurrency:
            raise Refusal(429, "CONCURRENCY_LIMIT_EXCEEDED", facts.CONCURRENCY)
        self._running += 1
        try:
            if self._limits.latency:
                await asyncio.sleep(self._limits.latency)
            yield
        finally:
            self._running -= 1

    def governance(self) -> dict[str, object]:
        """The body of system/v1/governanceLimits."""
        return {
            "accountConcurrencyLimit": self._limits.concurrency,
            "accountUnallocatedConcurrencyLimit": self._limits.concurrency,
            "integrationLimitType": "accountSpecific",
        }


class Versions:
    """How often each record was changed: who saves a record that somebody else has saved meanwhile is refused."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, int], int] = {}

    def of(self, table: str, key: int) -> int:
        """How often so far."""
        return self._changes.get((table, key), 0)

    def add(self, table: str, key: int) -> None:
        """Once more."""
        self._changes[table, key] = self.of(table, key) + 1
