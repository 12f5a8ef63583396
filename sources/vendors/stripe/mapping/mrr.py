"""Monthly recurring revenue: fixed recurring prices, net of recurring discounts, without tax and what is metered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from sources.canonical import Money
from sources.errors import UnknownValue
from sources.vendors.stripe.mapping.catalogue import fixed_amount
from sources.vendors.stripe.mapping.origin import VENDOR, currency, decimals, known, number, rounded
from sources.vendors.stripe.wire import Coupon, Discount, Item, Subscription

_PER_MONTH = {"day": (365, 12), "week": (52, 12), "month": (1, 1), "year": (1, 12)}
_ROUNDING = {"up": ROUND_CEILING, "down": ROUND_FLOOR}
_RECURS = {"forever": True, "repeating": True, "once": False}


def recurring(
    wire: Subscription, at: datetime, items: Sequence[Item] | None = None, *, gross: bool = False
) -> Money | None:
    """MRR of `items` (default: the subscription's own) at an instant, rounded once, half up.

    None where no figure would be true: a price without a fixed amount, or a discount whose terms are not in the answer.
    `gross` leaves the discounts out.
    """
    iso = currency(wire.currency, "subscription.currency")
    lines = wire.items.data if items is None else items
    with localcontext() as context:
        context.prec = 60
        monthly = [_monthly(line, at, gross=gross) for line in lines]
        if None in monthly:
            return None
        total = sum((amount for amount in monthly if amount is not None), Decimal(0))
        net = total if gross else _discounted(total, wire.discounts, _per_month_of(lines), wire.currency, at)
        return None if net is None else rounded(net.scaleb(-decimals(iso)), iso)


def _monthly(line: Item, at: datetime, *, gross: bool) -> Decimal | None:
    price = line.price
    if price.recurring is None or price.recurring.usage_type == "metered":
        return Decimal(0)
    amount = fixed_amount(price)
    if amount is None:
        return None
    rate = _rate(line)
    monthly = amount * _priced_quantity(line) * rate
    return monthly if gross else _discounted(monthly, line.discounts, rate, price.currency, at)


def _priced_quantity(line: Item) -> Decimal:
    quantity = number(1 if line.quantity is None else line.quantity, "subscription_item.quantity")
    transform = line.price.transform_quantity
    if transform is None:
        return quantity
    rounding = known(_ROUNDING, "price.transform_quantity.round", transform.round)
    if transform.divide_by < 1:
        raise UnknownValue(VENDOR, "price.transform_quantity.divide_by", transform.divide_by)
    return (quantity / transform.divide_by).to_integral_value(rounding)


def _rate(line: Item) -> Decimal:
    """How often a line is charged in a month."""
    recurring = line.price.recurring
    if recurring is None:
        return Decimal(0)
    times, months = known(_PER_MONTH, "price.recurring.interval", recurring.interval)
    return Decimal(times) / (months * max(recurring.interval_count, 1))


def _per_month_of(lines: Sequence[Item]) -> Decimal | None:
    """The common rate of all fixed lines, None where they differ: then a fixed discount has no month."""
    rates = {_rate(line) for line in lines if line.price.recurring and line.price.recurring.usage_type != "metered"}
    return rates.pop() if len(rates) == 1 else None


def _discounted(
    amount: Decimal, discounts: Sequence[str | Discount], rate: Decimal | None, code: str, at: datetime
) -> Decimal | None:
    """What is left after each discount that recurs, in their order, never below nothing."""
    for discount in discounts:
        if isinstance(discount, str) or not isinstance(discount.source.coupon, Coupon):
            return None
        coupon = discount.source.coupon
        ended = discount.end is not None and discount.end <= at.timestamp()
        if ended or not known(_RECURS, "coupon.duration", coupon.duration):
            continue
        if coupon.percent_off is not None:
            amount *= 1 - number(coupon.percent_off, "coupon.percent_off") / 100
            continue
        if coupon.amount_off is None or coupon.currency != code or rate is None:
            return None
        amount = max(Decimal(0), amount - coupon.amount_off * rate)
    return amount
