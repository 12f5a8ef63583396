"""Monthly recurring revenue of a subscription."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical import Money
from sources.errors import UnknownValue
from sources.vendors.stripe.mapping.mrr import recurring
from sources.vendors.stripe.wire import Subscription
from tests.sources.stripe import objects as o
from tests.sources.stripe.objects import DAY, NOW, Object

AT = datetime.fromtimestamp(NOW, UTC)


def mrr(*items: Object, **fields: Any) -> Money | None:
    wire = o.subscription(items=o.many(*items), **fields)
    return recurring(msgspec.convert(wire, Subscription), AT)


def discount(**coupon: Any) -> Object:
    end = coupon.pop("end", None)
    source = {"type": "coupon", "coupon": {"id": "c_1", "duration": "forever", "currency": "eur"} | coupon}
    return {"id": "di_1", "object": "discount", "end": end, "source": source}


@pytest.mark.parametrize(
    ("interval", "count", "amount", "expected"),
    [
        ("month", 1, "2000", 10_000),
        ("month", 3, "6000", 10_000),
        ("year", 1, "24000", 10_000),
        ("week", 1, "1200", 26_000),
        ("day", 1, "12", 1_825),
        ("year", 1, "1000", 417),
    ],
)
def test_every_interval_is_brought_to_a_month(interval: str, count: int, amount: str, expected: int) -> None:
    rhythm = {"interval": interval, "interval_count": count, "usage_type": "licensed"}
    assert mrr(o.item(priced=o.price(amount=amount, recurring=rhythm))) == Money(expected, "EUR")


def test_what_is_metered_does_not_count() -> None:
    assert mrr(o.item(), o.item("si_2", None, o.metered())) == Money(10_000, "EUR")


def test_a_price_in_tiers_leaves_the_figure_unknown() -> None:
    assert mrr(o.item(), o.item("si_2", 1, o.price("price_2", None, billing_scheme="tiered"))) is None


def test_lines_are_rounded_once_together() -> None:
    lines = [o.item(f"si_{n}", 1, o.price(f"price_{n}", "100", "year")) for n in range(3)]
    assert mrr(*lines) == Money(25, "EUR")


def test_yen_have_no_decimals() -> None:
    assert mrr(o.item(quantity=3, priced=o.price(amount="500", currency="jpy")), currency="jpy") == Money(1_500, "JPY")


def test_a_transformed_quantity_is_divided_first() -> None:
    packed = o.price(amount="1000", transform_quantity={"divide_by": 4, "round": "up"})
    assert mrr(o.item(quantity=5, priced=packed)) == Money(2_000, "EUR")
    packed = o.price(amount="1000", transform_quantity={"divide_by": 4, "round": "down"})
    assert mrr(o.item(quantity=5, priced=packed)) == Money(1_000, "EUR")


@pytest.mark.parametrize(
    ("coupon", "expected"),
    [
        ({"percent_off": 25.5}, 7_450),
        ({"amount_off": 1_000}, 9_000),
        ({"amount_off": 999_999}, 0),
        ({"percent_off": 10, "duration": "repeating", "end": NOW + DAY}, 9_000),
        ({"percent_off": 10, "duration": "repeating", "end": NOW - DAY}, 10_000),
        ({"percent_off": 10, "duration": "once"}, 10_000),
    ],
)
def test_what_recurs_of_a_discount_is_taken_off(coupon: Object, expected: int) -> None:
    assert mrr(o.item(), discounts=[discount(**coupon)]) == Money(expected, "EUR")
    assert mrr(o.item(discounts=[discount(**coupon)])) == Money(expected, "EUR")


def test_a_fixed_discount_on_a_year_is_a_twelfth_a_month() -> None:
    yearly = o.item(priced=o.price(amount="24000", interval="year"))
    assert mrr(yearly, discounts=[discount(amount_off=12_000)]) == Money(9_000, "EUR")


def test_discounts_are_taken_off_one_after_the_other() -> None:
    assert mrr(o.item(), discounts=[discount(percent_off=50), discount(amount_off=1_000)]) == Money(4_000, "EUR")


@pytest.mark.parametrize(
    "unknown",
    ["di_1", {"id": "di_1", "source": {"type": "coupon", "coupon": "c_1"}}, discount(amount_off=5, currency="usd")],
)
def test_a_discount_whose_terms_are_not_known_leaves_the_figure_unknown(unknown: Any) -> None:
    assert mrr(o.item(), discounts=[unknown]) is None


def test_a_fixed_discount_on_mixed_intervals_leaves_the_figure_unknown() -> None:
    lines = [o.item(), o.item("si_2", 1, o.price("price_2", interval="year"))]
    assert mrr(*lines, discounts=[discount(amount_off=100)]) is None
    assert mrr(*lines, discounts=[discount(percent_off=50)]) == Money(5_083, "EUR")


def test_a_duration_nobody_knows_is_named() -> None:
    with pytest.raises(UnknownValue, match=r"coupon\.duration"):
        mrr(o.item(), discounts=[discount(duration="sometimes", percent_off=1)])


@given(
    amounts=st.lists(st.decimals("0.000000000001", "9999999", places=12, allow_nan=False), min_size=1, max_size=5),
    quantity=st.integers(0, 10**6),
)
def test_the_figure_of_monthly_lines_is_their_sum_rounded_half_up(amounts: list[Any], quantity: int) -> None:
    lines = [o.item(f"si_{n}", quantity, o.price(f"p_{n}", str(amount))) for n, amount in enumerate(amounts)]
    exact = sum(amount * quantity for amount in amounts)
    found = mrr(*lines)
    assert found is not None
    assert abs(found.minor - exact) <= 0.5
