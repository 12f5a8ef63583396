"""Proration of an amendment: what was billed in advance and is not used is credited, what takes its place is charged.

Shares of a billing period are by seconds, as billing counts them (Stripe: proration by the second), from the beginning
of the day in the legal entity's time zone. Money is half up, each line by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec

from resolvers.validation import amounts
from resolvers.validation.pricing import PricedLine, listed_items
from sources import canonical as c


class Proration(msgspec.Struct, frozen=True):
    """`credit` is for what goes, `charge` for what comes, both at least nothing; `net` may be either way. `share`: what
    is left of the period, from 0 to 1. The `date` is the one to prorate by when the order is submitted."""

    date: datetime
    share: Decimal
    credit: c.Money
    charge: c.Money
    net: c.Money


def prorate(
    subscription: c.AccountSubscription, lines: Sequence[PricedLine], on: date, zone: ZoneInfo
) -> Proration | None:
    """What an amendment on a day does to the running period; None where the period is not known, or not what was
    charged for each item: nothing is credited at list that was charged with a discount."""
    start, end = subscription.period_start, subscription.period_end
    if start is None or end is None or end <= start:
        return None
    at = min(max(datetime.combine(on, time(), zone).astimezone(UTC), start), end)
    share = Fraction(int((end - at).total_seconds()), int((end - start).total_seconds()))
    listed = listed_items(subscription)
    if listed is None:
        return None
    gone, come = _difference(listed, lines, subscription.currency)
    credit = amounts.total((amounts.part(each, share) for each in gone), subscription.currency)
    charge = amounts.total((amounts.part(each, share) for each in come), subscription.currency)
    shown = Decimal(share.numerator) / Decimal(share.denominator)
    return Proration(at, round(shown, 6), credit, charge, charge - credit)


def _difference(
    listed: Sequence[tuple[c.Price, c.Money]], lines: Sequence[PricedLine], currency: str
) -> tuple[list[c.Money], list[c.Money]]:
    """What goes and what comes, for a whole period each. What stays as it is, price and quantity, is in neither."""
    before = Counter((price.key, amount.minor) for price, amount in listed)
    after = Counter((each.price_key, each.amount.minor) for each in lines if each.interval is not None)
    gone, come = before - after, after - before
    return [c.Money(minor, currency) for _, minor in gone.elements()], [
        c.Money(minor, currency) for _, minor in come.elements()
    ]
