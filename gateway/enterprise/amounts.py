"""Amounts as this company rounds, taxes and converts them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from sources.canonical import exponent

ZERO = Decimal(0)
_PER_DOLLAR = {"USD": "1", "EUR": "0.95", "GBP": "0.85", "JPY": "150", "KWD": "0.31"}
CURRENCIES = tuple(_PER_DOLLAR)
# Standard rate of the entity, charged at home only: abroad it is reverse charge or no taxable presence.
_TAX = {("US", "US"): "0.0825", ("DE", "DE"): "0.19", ("JP", "JP"): "0.10"}


@cache
def _steps(currency: str) -> tuple[Decimal, Decimal]:
    """What an amount is rounded to, and how it is written."""
    digits = exponent(currency)
    # Billing takes three-decimal currencies only in whole tens of the smallest unit.
    return Decimal(1).scaleb(-min(digits, 2)), Decimal(1).scaleb(-digits)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Half up, to what the currency (and billing) can express."""
    coarse, written = _steps(currency)
    return amount.quantize(coarse, ROUND_HALF_UP).quantize(written)


@cache
def listed(dollars: Decimal, currency: str) -> Decimal:
    """A list price given in dollars, in another currency."""
    return rounded(dollars * Decimal(_PER_DOLLAR[currency]), currency)


def unrounded(dollars: Decimal, currency: str) -> Decimal:
    """A price of a small unit, which may be less than the smallest coin."""
    return dollars * Decimal(_PER_DOLLAR[currency])


def part(total: Decimal, percent: int, currency: str) -> Decimal:
    """So many percent of a total; all of it is exactly the total."""
    return total if percent == 100 else rounded(total * percent / 100, currency)


@cache
def line_amount(price: Decimal, quantity: int, currency: str) -> Decimal:
    """Price times quantity."""
    return rounded(price * quantity, currency)


@cache
def tax_rate(entity: str, country: str | None) -> Decimal:
    """The rate `entity` charges a customer in `country`."""
    return Decimal(_TAX.get((entity, country or ""), "0"))


@cache
def exchange_rate(currency: str, functional: str) -> Decimal:
    """How much of the entity's own currency one unit is worth, to six decimals."""
    return (Decimal(_PER_DOLLAR[functional]) / Decimal(_PER_DOLLAR[currency])).quantize(Decimal("0.000001"))
