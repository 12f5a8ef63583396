"""Amounts of an order: exact fractions until they are an amount of money, then half up to the minor unit.

Money is in minor units of ISO 4217. An amount is rounded once for a billing period, as billing does for an invoice
line, and once for what a part of a period costs; sums are sums of rounded lines, so that they are true to the minor
unit.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from sources import canonical as c

TWELVE = Fraction(12)
_REMEMBERED = 4_096  # spans: the lines of an order have few different ones
_ONE_DAY = timedelta(days=1)
_PLACES = Decimal(1).scaleb(-12)
_MONTHS = {c.Interval.MONTH: Fraction(1), c.Interval.YEAR: Fraction(12)}
_DAYS = {c.Interval.DAY: 1, c.Interval.WEEK: 7}
# A month of prices by the day or week, as recurring revenue counts it: years of 365 days and of 52 weeks.
_PER_MONTH = {c.Interval.DAY: Fraction(365, 12), c.Interval.WEEK: Fraction(52, 12)}


def money(amount: Fraction, currency: str) -> c.Money:
    """An amount in major units as money, half up (away from zero)."""
    scaled = abs(amount) * 10 ** c.exponent(currency)
    minor = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return c.Money(minor if amount >= 0 else -minor, currency)


def part(whole: c.Money, share: Fraction) -> c.Money:
    """A share of an amount, half up."""
    return money(major(whole) * share, whole.currency)


def major(amount: c.Money) -> Fraction:
    """Money in major units."""
    return Fraction(amount.minor, 10 ** c.exponent(amount.currency))


def total(amounts: Iterable[c.Money], currency: str) -> c.Money:
    """The sum."""
    return c.Money(sum(each.minor for each in amounts), currency)


def discounted(unit: Decimal, percent: Decimal) -> Decimal:
    """A unit price less a percentage, to twelve decimals."""
    with localcontext() as exact:
        exact.prec = 60
        found = (unit * (100 - percent) / 100).quantize(_PLACES, ROUND_HALF_UP).normalize()
        return found.quantize(Decimal(1)) if found == found.to_integral_value() else found


def decimal(worth: Fraction) -> Decimal:
    """A rate, to twelve decimals half up where it has more."""
    with localcontext() as exact:
        exact.prec = 60
        found = (Decimal(worth.numerator) / Decimal(worth.denominator)).quantize(_PLACES, ROUND_HALF_UP).normalize()
        return found.quantize(Decimal(1)) if found == found.to_integral_value() else found


def per_cent(share: Fraction) -> Decimal:
    """A share as a percentage, to four decimals, rounded up: a limit is never passed by rounding."""
    scaled = share * 1_000_000
    return Decimal(-(-scaled.numerator // scaled.denominator)).scaleb(-4)


def add_months(day: date, months: int) -> date:
    """So many months later, on the same day of the month or its last one."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@lru_cache(_REMEMBERED)
def months_of(start: date, last: date) -> Fraction:
    """How many months there are from a first to a last day, both of them counted; the rest of a month as its share of
    the month it falls into. Nothing where the last day is before the first."""
    after = last + _ONE_DAY
    if after <= start:
        return Fraction(0)
    whole = (after.year - start.year) * 12 + after.month - start.month
    if add_months(start, whole) > after:
        whole -= 1
    begun, ends = add_months(start, whole), add_months(start, whole + 1)
    return whole + Fraction((after - begun).days, (ends - begun).days)


def periods_of(price: c.Price, start: date, last: date) -> Fraction:
    """How many billing periods of a price there are from a first to a last day."""
    if price.interval is None:
        return Fraction(1)
    return _periods(price.interval, max(price.interval_count, 1), start, last)


@lru_cache(_REMEMBERED)
def _periods(interval: c.Interval, count: int, start: date, last: date) -> Fraction:
    if interval in _MONTHS:
        return months_of(start, last) / (_MONTHS[interval] * count)
    return Fraction(max((last - start).days + 1, 0), _DAYS[interval] * count)


def period_end(price: c.Price, start: date) -> date:
    """The last day of the billing period of a price that begins on a day."""
    count = max(price.interval_count, 1)
    if price.interval is None:
        return start
    if price.interval in _MONTHS:
        return add_months(start, int(_MONTHS[price.interval]) * count) - _ONE_DAY
    return start + timedelta(days=_DAYS[price.interval] * count - 1)


def monthly(amount: c.Money, price: c.Price) -> Fraction:
    """What an amount for each billing period is for each month, in major units; nothing where it is charged once."""
    if price.interval is None:
        return Fraction(0)
    count = max(price.interval_count, 1)
    if price.interval in _MONTHS:
        return major(amount) / (_MONTHS[price.interval] * count)
    return major(amount) * _PER_MONTH[price.interval] / count
