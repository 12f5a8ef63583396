"""Arithmetic and keys: what goes into Stripe is what was meant, exactly."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sources.canonical import Money
from sources.canonical.commands import Return
from sources.errors import Rejected
from sources.vendors.stripe.mapping.origin import decimals
from sources.vendors.stripe.writers.amounts import allocated, smallest, whole
from sources.vendors.stripe.writers.collecting import collected, remembered
from sources.vendors.stripe.writers.forms import form
from sources.vendors.stripe.writers.marks import step
from tests.sources.stripe.writing import NOW


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.sampled_from(Return))
def test_a_credit_goes_wholly_somewhere_and_what_is_owed_first(amount: int, remaining: int, to: Return) -> None:
    parts = allocated(amount, remaining, to)
    given_back = (parts.balance, parts.refund, parts.outside)
    assert parts.before + sum(given_back) == amount
    assert parts.before == min(amount, remaining)
    assert sum(map(bool, given_back)) <= 1
    assert min(parts.before, *given_back) >= 0


@given(st.integers(-(10**12), 10**12), st.sampled_from(["USD", "EUR", "JPY", "KWD", "ISK", "UGX", "CLF"]))
def test_money_keeps_its_worth_on_its_way_into_stripe(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Decimal(smallest(money, currency.lower())).scaleb(-decimals(currency)) == money.amount


@given(st.integers(-(10**9), 10**9))
def test_what_stripe_cannot_say_is_refused_and_never_rounded(minor: int) -> None:
    if minor % 100:
        with pytest.raises(Rejected, match="round it first"):
            smallest(Money(minor, "MGA"), "mga")
    else:
        assert smallest(Money(minor, "MGA"), "mga") == minor // 100


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6))
@example(Decimal("3.000"))
def test_a_quantity_is_whole_or_refused(quantity: Decimal) -> None:
    if quantity == int(quantity) and quantity >= 0:
        assert whole(quantity) == quantity
    else:
        with pytest.raises(Rejected):
            whole(quantity)


@given(st.text(max_size=600), st.text(max_size=20))
def test_a_step_has_a_key_that_stripe_takes_and_that_is_its_own(key: str, name: str) -> None:
    assert len(step(key, name)) <= 255
    assert step(key, name + "a") != step(key, name + "b")


def test_forms_say_trees_as_stripe_reads_them() -> None:
    tree = {"items": [{"price": "p", "quantity": 2}, {"deleted": True}], "none": None, "at": NOW, "expand": ("a", "b")}
    assert form(tree) == (
        ("items[0][price]", "p"), ("items[0][quantity]", "2"), ("items[1][deleted]", "true"),
        ("at", str(int(NOW.timestamp()))), ("expand[0]", "a"), ("expand[1]", "b"),
    )  # fmt: skip


@given(st.sets(st.from_regex(r"in_[A-Za-z0-9]{14,29}", fullmatch=True), max_size=60))
def test_the_invoices_that_are_collected_on_are_remembered_however_many(invoices: set[str]) -> None:
    metadata = remembered(sorted(invoices))
    assert set(collected(metadata)) == invoices
    assert all(len(value) <= 500 and len(name) <= 40 for name, value in metadata.items())
