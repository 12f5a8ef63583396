"""How long an idempotency key answers with its operation."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

_ORDERS = frozenset(
    {"submitOrder", "amendSubscription", "cancelSubscription", "renewSubscription", "reverseOrder", "onboardAccount"}
)
_MONEY = frozenset({"issueCredit", "recordPayment", "refundPayment", "writeOff", "setCredit"})


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[writes.retention]`, in hours. `money` spans a close period, with the days in which it is closed."""

    others: int = 24
    orders: int = 7 * 24
    money: int = 45 * 24

    def __post_init__(self) -> None:
        if min(self.others, self.orders, self.money) < 24:
            raise ValueError("an idempotency key is kept for 24 hours at least: `others`, `orders` and `money`")


def kept_until(mutation: str, now: datetime, retention: Retention) -> datetime:
    """Until when a key accepted now answers with its operation."""
    hours = retention.others
    if mutation in _ORDERS:
        hours = retention.orders
    if mutation in _MONEY:
        hours = retention.money
    return now + timedelta(hours=hours)
