"""Amounts from outside: exact, or no money at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical import Money, MoneyError, sensible


@pytest.mark.parametrize(
    "amount",
    ["nan", "sNaN", "Infinity", "-Infinity", "1e21", "-1e21", "1e400", "1e9999999", "1e999999999", "1e-400", "0.001", "1." + "0" * 40 + "1"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(MoneyError):
        Money.of(amount, "EUR")


@given(st.integers(-(10**20), 10**20), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_every_amount_of_money_comes_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.of(money.amount, currency) == money


@pytest.mark.parametrize(
    ("number", "verdict"),
    [("0", True), ("0e99999", True), ("-1e20", True), ("1e-20", True), ("1e-21", False), ("nan", False)],
)
def test_a_number_can_be_calculated_with_or_not(number: str, verdict: bool) -> None:
    assert sensible(Decimal(number)) is verdict
