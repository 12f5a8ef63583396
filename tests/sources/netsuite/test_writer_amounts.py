"""Amounts as the ERP takes them: to the last unit, whatever is allocated and however a price is split."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical import Money, UnitPrice
from sources.canonical.commands import SoldLine
from sources.vendors.netsuite.writers.amounts import allocate, in_major, in_minor, line_amount, lines_total

SHARES = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)


@given(SHARES, st.data())
def test_an_allocation_adds_up_and_takes_from_no_part_more_than_it_has(shares: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(shares)))
    parts = allocate(amount, shares)
    assert sum(parts) == amount
    assert all(0 <= part <= share for part, share in zip(parts, shares, strict=True))


@given(SHARES, st.data())
def test_an_allocation_is_within_one_unit_of_proportion_and_all_of_all(shares: list[int], data: st.DataObject) -> None:
    total = sum(shares)
    amount = data.draw(st.integers(0, total))
    for part, share in zip(allocate(amount, shares), shares, strict=True):
        assert abs(part * total - amount * share) < max(total, 1)
    assert allocate(total, shares) == shares


@pytest.mark.parametrize(("amount", "shares"), [(-1, [1]), (2, [1]), (0, [-1, 2]), (1, [])])
def test_what_is_not_there_cannot_be_allocated(amount: int, shares: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be taken"):
        allocate(amount, shares)


PRICES = st.decimals(0, 10**6, places=12, allow_nan=False)
QUANTITIES = st.decimals(0, 10**6, places=4, allow_nan=False)


@given(PRICES, QUANTITIES, st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_line_is_rounded_half_up_once(price: Decimal, quantity: Decimal, currency: str) -> None:
    amount = line_amount(SoldLine(key="l", product_code="p", quantity=quantity, unit_price=UnitPrice(price, currency)))
    exact = price.as_integer_ratio()[0] * quantity.as_integer_ratio()[0]
    scale = price.as_integer_ratio()[1] * quantity.as_integer_ratio()[1]
    minor = {"USD": 100, "JPY": 1, "KWD": 1000}[currency]
    assert 2 * amount.minor * scale - scale <= 2 * exact * minor < 2 * amount.minor * scale + scale
    assert lines_total(()) is None


@given(st.integers(-(10**12), 10**12), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_minor_and_major_units_are_the_same_money(minor: int, currency: str) -> None:
    assert in_minor(in_major(minor, currency), currency) == minor
    assert Money.of(in_major(minor, currency), currency) == Money(minor, currency)
