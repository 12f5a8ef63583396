"""What an order comes to: contract value and discount, from its lines and the price book."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from sources import canonical as c
from sources.canonical import Money, UnitPrice
from sources.canonical.commands import SoldLine
from sources.canonical.money import exponent

_MONTHS = {c.Interval.DAY: Decimal(12) / 365, c.Interval.WEEK: Decimal(12) / 52}
_WHOLE_MONTHS = {c.Interval.MONTH: Decimal(1), c.Interval.YEAR: Decimal(12)}
_HUNDRED = Decimal(100)


class OrderedLine(msgspec.Struct, frozen=True, kw_only=True):
    """`product` is our product code, `price` the billing price's key, `unit_price` what was agreed for one unit and
    one of the price's intervals, before tax. Days are the line's own where they differ from the order's."""

    product: str
    price: str
    quantity: Decimal
    unit_price: Decimal
    start_on: date | None = None
    end_on: date | None = None
    description: str | None = None


def sold_lines(lines: Iterable[OrderedLine], currency: str, start: date, end: date | None) -> tuple[SoldLine, ...]:
    """The lines as CRM and ERP are told them, numbered from 1; a line without days of its own has those given here."""
    return tuple(
        SoldLine(
            key=str(number),
            product_code=line.product,
            quantity=line.quantity,
            unit_price=UnitPrice(line.unit_price, currency),
            service_on=line.start_on or start,
            end_on=line.end_on or end,
            description=line.description,
        )
        for number, line in enumerate(lines, 1)
    )


def contract_value(
    lines: Sequence[OrderedLine], prices: Mapping[str, c.Price], currency: str, start: date, end: date | None
) -> Money:
    """The total contract value: every line over its term, a year where the order has no end, a one-time line once.
    Half a minor unit is rounded up, once, at the total."""
    total = Decimal(0)
    for line in lines:
        periods = _periods(prices.get(line.price), line.start_on or start, line.end_on or end)
        total += line.quantity * line.unit_price * periods
    places = Decimal(1).scaleb(-exponent(currency))
    return Money.of(total.quantize(places, ROUND_HALF_UP), currency)


def discount(lines: Sequence[OrderedLine], prices: Mapping[str, c.Price]) -> Decimal | None:
    """The largest discount of a line off its list price, in percent; None where a line has no list price."""
    found = [Decimal(0)]
    for line in lines:
        price = prices.get(line.price)
        if price is None or price.unit_price is None or price.unit_price.amount <= 0:
            return None
        listed = price.unit_price.amount
        found.append((listed - line.unit_price) * _HUNDRED / listed)
    return max(found).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def last_day(start: date, months: int) -> date:
    """The last day of a term of so many months; a month that is too short ends it earlier."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=1)


def day_before(end: datetime, start: date | None) -> date:
    """The last day of what ends at an instant: the day before (UTC), or a day beside it where whole months from `start`
    are full with that one, because it is another day elsewhere."""
    day = end.astimezone(UTC).date()
    near = [day - timedelta(days=each) for each in (1, 0, 2)]
    full = (each for each in near if start is not None and _whole_months(start, each))
    return next(full, near[0])


def _whole_months(start: date, last: date) -> bool:
    about = (last.year - start.year) * 12 + last.month - start.month
    return any(months > 0 and last_day(start, months) == last for months in (about, about + 1))


def _periods(price: c.Price | None, start: date, end: date | None) -> Decimal:
    """How many of a price's intervals a term has; part of one counts as a whole, as it is billed."""
    if price is None or price.interval is None:
        return Decimal(1)
    months = _months(start, end) if end is not None else Decimal(12)
    each = {**_MONTHS, **_WHOLE_MONTHS}[price.interval] * price.interval_count
    whole = (months / each).to_integral_value()
    return whole if whole * each >= months else whole + 1


def _months(start: date, end: date) -> Decimal:
    """Months from a day to a last day, both inclusive; days of a part of a month count as that part of 30."""
    whole = (end.year - start.year) * 12 + end.month - start.month
    days = end.day - start.day + 1
    return max(Decimal(whole) + Decimal(days) / 30, Decimal(0))
