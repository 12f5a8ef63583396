"""Amounts on their way into Stripe, and what a credit note does with its amount. Minor units throughout."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from sources.canonical import Money
from sources.canonical.commands import Return
from sources.canonical.money import exponent
from sources.errors import Rejected
from sources.vendors.stripe.mapping.origin import currency, decimals


def smallest(money: Money, code: str) -> int:
    """Money in Stripe's smallest units, for an object whose currency is `code` (lower case). Raises Rejected for
    another currency, and for what Stripe cannot say in whole units."""
    if money.currency != currency(code):
        raise Rejected(f"the amount is in `{money.currency}` and the document in `{currency(code)}`")
    amount = Decimal(money.minor).scaleb(decimals(money.currency) - exponent(money.currency))
    if amount != amount.to_integral_value():
        raise Rejected(f"Stripe has no amount of `{money.amount}` in `{money.currency}`: round it first")
    return int(amount)


def positive(money: Money, code: str) -> int:
    """The same; raises Rejected for nothing and less."""
    amount = smallest(money, code)
    if amount <= 0:
        raise Rejected(f"`{money.amount}` is no amount to give back: more than nothing is expected")
    return amount


def whole(quantity: Decimal) -> int:
    """A quantity of a licensed price; raises Rejected for fractions and less than nothing."""
    if quantity != quantity.to_integral_value() or quantity < 0:
        raise Rejected(f"`{quantity}` is no quantity for Stripe: a whole number is expected")
    return int(quantity)


class Allocation(msgspec.Struct, frozen=True):
    """Where a credit goes: `before` lowers what is still owed, the rest was paid already and is given back."""

    before: int
    balance: int = 0
    refund: int = 0
    outside: int = 0


def allocated(amount: int, remaining: int, to: Return) -> Allocation:
    """A credit of `amount` on an invoice of which `remaining` is still owed: first that is lowered, never below
    nothing; only the rest can go anywhere else."""
    before = min(amount, remaining)
    rest = amount - before
    if to is Return.REFUND:
        return Allocation(before, refund=rest)
    if to is Return.OUTSIDE:
        return Allocation(before, outside=rest)
    return Allocation(before, balance=rest)
