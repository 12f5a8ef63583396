"""How long an idempotency key answers with its operation, and how long what has ended is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

_ORDERS = frozenset(
    {"submitOrder", "amendSubscription", "cancelSubscription", "renewSubscription", "reverseOrder", "onboardAccount"}
)
_MONEY = frozenset({"issueCredit", "recordPayment", "refundPayment", "writeOff", "setCredit"})
_LOOKED_BACK = 366 * 24


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[writes.retention]`, in hours. `money` spans a close period, with the days in which it is closed. `operations`:
    for how long operations that have ended are kept, with all that is known of them; the audit stays."""

    others: int = 24
    orders: int = 7 * 24
    money: int = 45 * 24
    operations: int = 400 * 24

    def __post_init__(self) -> None:
        if min(self.others, self.orders, self.money) < 24:
            raise ValueError("an idempotency key is kept for 24 hours at least: `others`, `orders` and `money`")
        if self.operations < max(_LOOKED_BACK, self.others, self.orders, self.money):
            raise ValueError(
                f"`operations` is {self.operations}: {_LOOKED_BACK} hours at least, for what adds up in a year, and as "
                "long as any key answers"
            )

    @property
    def runs(self) -> timedelta:
        """For how long runs are kept after they have ended: until no key answers with their operation."""
        return timedelta(hours=max(self.others, self.orders, self.money))


def kept_until(mutation: str, now: datetime, retention: Retention) -> datetime:
    """Until when a key accepted now answers with its operation."""
    hours = retention.others
    if mutation in _ORDERS:
        hours = retention.orders
    if mutation in _MONEY:
        hours = retention.money
    return now + timedelta(hours=hours)
