"""What things cost: prices by quantity, shares of a period, calendar periods. Amounts are minor units."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.shapes import Object

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One line before it stands on an invoice; `item` is the subscription item, `pending` the invoice item it was."""

    amount: int
    description: str
    price: Object
    quantity: int | None
    start: int
    end: int
    item: str | None = None
    subscription: str | None = None
    proration: bool = False
    pending: str | None = None


def rounded(amount: Decimal, currency: str) -> int:
    """Half up, to what can be charged: of a currency with three decimals only whole tens."""
    step = 10 if facts.EXPONENTS.get(currency.upper(), 2) == 3 else 1
    return int((amount / step).quantize(Decimal(1), ROUND_HALF_UP)) * step


def metered(price: Object) -> bool:
    """Whether it is charged by use, after the period."""
    return bool((price.get("recurring") or {}).get("usage_type") == "metered")


def cost(price: Object, quantity: int | None) -> int:
    """A whole period of a licensed price; what is metered costs nothing in advance."""
    if metered(price):
        return 0
    if price.get("unit_amount_decimal") is None:
        raise Refusal(400, f"The price {price['id']} is tiered, which this account does not sell by quantity.")
    return rounded(Decimal(price["unit_amount_decimal"]) * (1 if quantity is None else quantity), price["currency"])


def share(amount: int, start: int, end: int, at: int, currency: str) -> int:
    """What of a period's amount falls into the time from `at` on, to the second."""
    return rounded(Decimal(amount) * (end - at) / (end - start), currency) if end > start else 0


def following(anchor: int, recurring: Object, after: int) -> int:
    """The first turn of a cycle after an instant. Months keep the anchor's day, or the month's last."""
    interval, count = recurring["interval"], int(recurring.get("interval_count") or 1)
    if interval in _DAYS:
        step = _DAYS[interval] * count * 86_400
        return anchor + max((after - anchor) // step + 1, 1) * step
    begun, turns = datetime.fromtimestamp(anchor, UTC), 1
    passed = datetime.fromtimestamp(after, UTC)
    months = _MONTHS[interval] * count
    turns = max(((passed.year - begun.year) * 12 + passed.month - begun.month) // months, 1)
    while True:
        turn = int(_later(begun, turns * months).timestamp())
        if turn > after:
            return turn
        turns += 1


def before(anchor: int, recurring: Object) -> int:
    """Where the period that ends at `anchor` would begin."""
    interval, count = recurring["interval"], int(recurring.get("interval_count") or 1)
    at = datetime.fromtimestamp(anchor, UTC)
    if interval in _DAYS:
        return int((at - timedelta(days=_DAYS[interval] * count)).timestamp())
    return int(_later(at, -_MONTHS[interval] * count).timestamp())


def _later(at: datetime, months: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
