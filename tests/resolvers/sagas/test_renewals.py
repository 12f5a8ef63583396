"""Renewals: the term that follows, what it may cost, and what is not renewed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.sagas.writes.order_terms import OrderedLine, day_before, last_day
from resolvers.sagas.writes.renewal_terms import (
    Limits,
    RenewSubscription,
    figures,
    present,
    renewed,
    term,
    wrong_with_lines,
    wrong_with_subscription,
    wrong_with_term,
)
from sources import canonical as c
from sources.canonical import Money, UnitPrice
from tests.fakes.ledger import NOW

SEAT = c.Price(
    key="price_1", source="books", source_id="price_1", as_of=NOW, product_key="prod_1", currency="USD",
    unit_price=UnitPrice(Decimal("100.00"), "USD"), interval=c.Interval.MONTH,
)  # fmt: skip
AGREED = msgspec.structs.replace(SEAT, key="price_own", active=False, unit_price=UnitPrice(Decimal("80.00"), "USD"))
ASKED = RenewSubscription(subscription="sub_1")


def subscription(price: c.Price = SEAT, **more: Any) -> c.AccountSubscription:
    standing: dict[str, Any] = {
        "key": "sub_1", "source": "books", "source_id": "sub_1", "as_of": NOW, "currency": "USD",
        "status": c.SubscriptionStatus.ACTIVE, "mrr": Money(100_000, "USD"),
        "items": (c.SubscriptionItem(key="si_1", price=price, product_key="prod_1", quantity=10),),
    }  # fmt: skip
    return c.AccountSubscription(**standing | more)


def contract(**more: Any) -> c.SubscriptionContract:
    standing: dict[str, Any] = {
        "key": "800A", "source": "books", "source_id": "800A", "as_of": NOW, "status": "ACTIVE",
        "start_on": date(2025, 12, 1), "end_on": date(2026, 11, 30), "term_months": 12,
    }  # fmt: skip
    return c.SubscriptionContract(**standing | more)


def line(unit_price: str, quantity: int = 10, price: str = "price_1") -> OrderedLine:
    return OrderedLine(product="SEAT", price=price, quantity=Decimal(quantity), unit_price=Decimal(unit_price))


def codes(found: Any) -> list[str]:
    return [each.code for each in found]


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 60), st.integers(0, 23), st.integers(-12, 14))
def test_the_last_day_of_whole_months_is_found_in_every_time_zone(
    start: date, months: int, hour: int, east: int
) -> None:
    """What ends at any hour of the day after its last one, wherever that is."""
    last = last_day(start, months)
    local = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1, hours=hour)
    assert day_before(local - timedelta(hours=east), start) == last


def test_a_term_follows_the_contract_as_long_as_the_one_before() -> None:
    found = term(ASKED, subscription(), contract())
    assert found
    assert (found.start_on, found.end_on) == (date(2026, 12, 1), date(2027, 11, 30))
    shorter = term(msgspec.structs.replace(ASKED, term_months=3), subscription(), contract())
    assert shorter
    assert shorter.end_on == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("has", "on_record"),
    [
        (subscription(), contract(term_months=None)),
        (subscription(), None),
        (subscription(period_end=NOW), contract(status="TERMINATED", term_months=None)),
    ],
)
def test_without_an_end_or_a_length_no_term_follows(
    has: c.AccountSubscription, on_record: c.SubscriptionContract | None
) -> None:
    found = term(ASKED, has, on_record)
    assert found is None
    assert codes(wrong_with_term(found, NOW.date(), Limits())) == ["TERM_INVALID"]


@pytest.mark.parametrize(("late", "wrong"), [(30, []), (31, ["RENEWAL_TERMS"])])
def test_a_renewal_follows_on_for_thirty_days(late: int, wrong: list[str]) -> None:
    found = term(ASKED, subscription(), contract())
    assert found
    day = date(2026, 11, 30) + timedelta(days=late)
    assert codes(wrong_with_term(found, day, Limits())) == wrong


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"effective_on": date(2026, 12, 1)}, ["DUPLICATE_ORDER"]),
        ({"effective_on": date(2025, 12, 1)}, []),
        ({"effective_on": date(2025, 12, 1), "created_at": NOW - timedelta(hours=1)}, ["DUPLICATE_ORDER"]),
        ({"effective_on": date(2025, 12, 1), "created_at": NOW - timedelta(days=2)}, []),
        ({"effective_on": date(2026, 12, 1), "status": c.OrderStatus.CANCELED}, []),
        ({"effective_on": date(2026, 12, 1), "reduction": True}, []),
        ({"effective_on": date(2026, 12, 1), "end_on": date(2026, 12, 31)}, []),
    ],
)
def test_a_term_that_was_ordered_a_moment_ago_is_not_renewed_again(given: dict[str, Any], wrong: list[str]) -> None:
    found = term(ASKED, subscription(), contract())
    standing: dict[str, Any] = {"status": c.OrderStatus.APPROVED, "end_on": date(2026, 11, 30)}
    order = c.Order(key="801A", source="books", source_id="801A", as_of=NOW, **standing | given)
    assert codes(renewed([order], found, NOW.date(), NOW)) == wrong


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, []),
        ({"status": c.SubscriptionStatus.EXPIRED}, []),
        ({"status": c.SubscriptionStatus.TERMINATED}, ["SUBSCRIPTION_NOT_RUNNING"]),
        ({"status": c.SubscriptionStatus.TRIALING}, ["SUBSCRIPTION_NOT_RUNNING"]),
        ({"renewal_mode": c.RenewalMode.NONE}, ["RENEWAL_TERMS"]),
        ({"pending_change": True}, ["AMENDMENT_PENDING"]),
        ({"overlays": (c.SubscriptionOverlay.COLLECTION_PAUSED,)}, ["SUBSCRIPTION_SUSPENDED"]),
        ({"suspension": c.Suspension(c.SuspensionReason.HOLD)}, ["SUBSCRIPTION_SUSPENDED"]),
    ],
)
def test_what_is_not_renewed(more: dict[str, Any], wrong: list[str]) -> None:
    assert codes(wrong_with_subscription(subscription(**more))) == wrong


def test_an_agreed_price_is_renewed_as_agreed_and_is_a_discount_off_the_list() -> None:
    has = subscription(AGREED)
    lines = present(has, [SEAT], {"prod_1": "SEAT"})
    assert lines == (line("80.00"),), "by the list's price: the one of its own is inactive"
    found = figures(has, lines, {"price_1": SEAT})
    assert found == {"credit": Money(0, "USD"), "discount": Decimal("20.0000"), "mrr_fall": Decimal(0)}


@pytest.mark.parametrize(
    ("unit_price", "quantity", "discount", "fall"),
    [
        ("100.00", 10, "0.0000", "0.0000"),
        ("90.00", 10, "10.0000", "10.0000"),
        ("100.00", 7, "0.0000", "30.0000"),
        ("100.00", 12, "0.0000", "0.0000"),
    ],
)
def test_what_a_renewal_gives_away_is_stated(unit_price: str, quantity: int, discount: str, fall: str) -> None:
    found = figures(subscription(), [line(unit_price, quantity)], {"price_1": SEAT})
    assert (found["discount"], found["mrr_fall"]) == (Decimal(discount), Decimal(fall))


def test_what_cannot_be_compared_is_not_stated() -> None:
    tiered = msgspec.structs.replace(SEAT, unit_price=None, tiered=True)
    found = figures(subscription(tiered), [line("100.00")], {"price_1": tiered})
    assert set(found) == {"credit"}


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ((line("107.00"),), []),
        ((line("107.01"),), ["RENEWAL_TERMS"]),
        ((line("100.00", price="price_404"),), ["PRICE_UNKNOWN"]),
        ((msgspec.structs.replace(line("100.00"), product=""),), ["UNMAPPED_ITEM"]),
    ],
)
def test_what_has_ended_goes_on_at_prices_that_are_sold_and_rise_by_little(
    lines: tuple[OrderedLine, ...], wrong: list[str]
) -> None:
    has = subscription(status=c.SubscriptionStatus.EXPIRED)
    had = present(has, [SEAT], {"prod_1": "SEAT"})
    assert codes(wrong_with_lines(has, lines, had, {"price_1": SEAT}, Limits())) == wrong


def test_what_runs_goes_on_as_it_is() -> None:
    has = subscription(AGREED)
    had = present(has, [], {"prod_1": "SEAT"})
    assert codes(wrong_with_lines(has, had, had, {}, Limits())) == []
    more = (msgspec.structs.replace(had[0], quantity=Decimal(11)),)
    assert codes(wrong_with_lines(has, more, had, {}, Limits())) == ["RENEWAL_CHANGES"]
