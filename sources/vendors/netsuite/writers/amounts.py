"""Amounts as the ERP takes them: major units, exact, rounded half up at this edge only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

from sources.canonical import Money, exponent
from sources.canonical.commands import SoldLine

_DIGITS = 60  # enough for any quantity times any price


def line_amount(line: SoldLine) -> Money:
    """Quantity times unit price, rounded half up to what the currency has."""
    currency = line.unit_price.currency
    with localcontext() as context:
        context.prec = _DIGITS
        minor = (line.quantity * line.unit_price.amount).scaleb(exponent(currency))
        return Money(int(minor.to_integral_value(ROUND_HALF_UP)), currency)


def lines_total(lines: Sequence[SoldLine]) -> Money | None:
    """What lines come to before tax; None for no lines. Raises MoneyError where their currencies differ."""
    if not lines:
        return None
    first, *more = (line_amount(line) for line in lines)
    return sum(more, first)


def allocate(amount: int, shares: Sequence[int]) -> list[int]:
    """`amount` minor units over parts in proportion to their size, to the last unit: what rounding down leaves goes to
    the parts that lost most by it, the first ones first. No part gets more than it has. Raises ValueError for more than
    all of them have, or for what is negative."""
    total = sum(shares)
    if amount < 0 or amount > total or any(share < 0 for share in shares):
        raise ValueError(f"{amount} cannot be taken from {total}")
    if not total:
        return [0] * len(shares)
    parts = [amount * share // total for share in shares]
    lost = sorted(range(len(shares)), key=lambda place: (-(amount * shares[place] % total), place))
    for place in lost[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def in_minor(amount: Decimal, currency: str) -> int:
    """The ERP's amount in minor units; raises MoneyError for more digits than the currency has."""
    return Money.of(amount, currency).minor


def in_major(minor: int, currency: str) -> Decimal:
    """Minor units as the ERP writes them."""
    return Money(minor, currency).amount
