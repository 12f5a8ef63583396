"""Money in minor units of ISO 4217; never a float, never rounded without saying so."""

from __future__ import annotations

from decimal import Decimal

import msgspec

# ISO 4217 minor units other than two (List One). A vendor's own deviations live in that vendor's folder.
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF"), 0
    ),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}

_KNOWN: dict[str, int] = {}
_MAGNITUDE = 20  # powers of ten that any amount, rate or quantity stays within


def sensible(value: Decimal) -> bool:
    """Whether a number from outside can be calculated with: finite, and neither huge nor next to nothing."""
    return value.is_finite() and (not value or abs(value.adjusted()) <= _MAGNITUDE)


class MoneyError(ValueError):
    """An amount that is no money: not a currency code, or more digits than the currency has."""


def exponent(currency: str) -> int:
    """How many decimals `currency` (ISO 4217 alphabetic, upper case) has: 0 for JPY, 2 for EUR, 3 for KWD."""
    known = _KNOWN.get(currency)
    if known is not None:
        return known
    if len(currency) != 3 or not currency.isascii() or not currency.isupper() or not currency.isalpha():
        raise MoneyError(f"`{currency}` is no ISO 4217 currency code: three upper-case letters are expected")
    _KNOWN[currency] = _EXPONENTS.get(currency, 2)  # at most 26 x 26 x 26
    return _KNOWN[currency]


class Money(msgspec.Struct, frozen=True, gc=False):
    """An exact amount: `minor` units (may be negative) of `currency`."""

    minor: int
    currency: str

    @property
    def amount(self) -> Decimal:
        """The same in major units, with the currency's own number of decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """Exact conversion from major units; raises MoneyError where digits would be lost, or for what is no amount."""
        value, places = Decimal(amount), exponent(currency)
        if not sensible(value):
            raise MoneyError(f"`{str(amount)[:30]}` is no amount of money")
        scaled = value.scaleb(places)
        if scaled != scaled.to_integral_value() or scaled.scaleb(-places) != value:
            raise MoneyError(f"`{amount}` has more decimals than `{currency}` allows ({exponent(currency)})")
        return cls(int(scaled), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in a currency."""
        return cls(0, currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + other._same(self.currency), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - other._same(self.currency), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def _same(self, currency: str) -> int:
        if self.currency != currency:
            raise MoneyError(
                f"`{self.currency}` and `{currency}` cannot be added: convert first, and say at which rate"
            )
        return self.minor


class UnitPrice(msgspec.Struct, frozen=True, gc=False):
    """A price for one unit: up to 12 decimals of a major unit, because a unit may cost less than a minor unit."""

    amount: Decimal
    currency: str
