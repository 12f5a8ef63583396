"""The ledger of what a vendor allows an account: calls at once, and calls in 24 hours."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from sources.ports import Allowance

HOURS = 24
HOUR = 3600.0


class Verdict(IntEnum):
    """What a ledger says to a call."""

    ADMITTED = 0
    BUSY = 1  # as many as are allowed are under way
    SPENT = 2  # the calls of 24 hours are used up


class Ledger(Protocol):
    """Counts the calls of accounts. It never fails: one that cannot reach its store counts by itself meanwhile."""

    async def enter(self, lease: str, allowance: Allowance, *, kept: int, seconds: float) -> Verdict:
        """A call wants to be made. `kept` of the calls of a day are not for it. Where it is admitted and calls at once
        are counted, `lease` is held until `leave`, or for `seconds` where nobody comes to say so."""
        ...

    def leave(self, lease: str, allowance: Allowance) -> None:
        """The call has ended; a lease that is not held is no mistake."""
        ...

    async def close(self) -> None:
        """Ends what is under way."""
        ...


class MemoryLedger:
    """The ledger of one process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._leases: dict[str, dict[str, float]] = {}  # by account, when each ends
        self._calls: dict[str, dict[int, int]] = {}  # by account and hour

    async def enter(self, lease: str, allowance: Allowance, *, kept: int, seconds: float) -> Verdict:
        """See Ledger."""
        now = self._clock()
        if allowance.concurrent is not None and self._under_way(allowance.account, now) >= allowance.concurrent:
            return Verdict.BUSY
        if allowance.daily is not None:
            hours = self._lately(allowance.account, now)
            if sum(hours.values()) >= allowance.daily - kept:
                return Verdict.SPENT
            hour = int(now / HOUR)
            hours[hour] = hours.get(hour, 0) + 1
        if allowance.concurrent is not None:
            self._leases[allowance.account][lease] = now + seconds
        return Verdict.ADMITTED

    def leave(self, lease: str, allowance: Allowance) -> None:
        """See Ledger."""
        self._leases.get(allowance.account, {}).pop(lease, None)

    async def close(self) -> None:
        """Nothing is under way."""

    def _under_way(self, account: str, now: float) -> int:
        leases = self._leases.setdefault(account, {})
        for ended in [lease for lease, ends in leases.items() if ends <= now]:
            del leases[ended]
        return len(leases)

    def _lately(self, account: str, now: float) -> dict[int, int]:
        hours = self._calls.setdefault(account, {})
        for old in [hour for hour in hours if hour <= int(now / HOUR) - HOURS]:
            del hours[old]
        return hours
