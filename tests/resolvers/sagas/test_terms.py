"""What an order comes to, and by when an owner has to answer: laws, not examples alone."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.sagas.concerns import LEDGER, UNPROVISIONED
from resolvers.sagas.writes.order_terms import OrderedLine, contract_value, discount
from sources import canonical as c
from tests.fakes.ledger import NOW

START, YEAR = date(2026, 12, 1), date(2027, 11, 30)


def price(interval: c.Interval | None = c.Interval.MONTH, listed: str = "100.00", count: int = 1) -> c.Price:
    return c.Price(
        key="p", source="books", source_id="p", as_of=NOW, product_key="x", currency="USD", interval=interval,
        interval_count=count, unit_price=c.UnitPrice(Decimal(listed), "USD"),
    )  # fmt: skip


def line(quantity: Decimal, unit: Decimal) -> OrderedLine:
    return OrderedLine(product="SEAT", price="p", quantity=quantity, unit_price=unit)


quantities = st.decimals("0.01", "1000000", places=2)
units = st.decimals("0", "100000", places=4)


@given(st.lists(st.tuples(quantities, units), min_size=1, max_size=20))
def test_a_contract_is_worth_its_lines_to_the_minor_unit(lines: list[tuple[Decimal, Decimal]]) -> None:
    together = contract_value([line(*each) for each in lines], {"p": price(None)}, "USD", START, YEAR)
    exact = sum((quantity * unit for quantity, unit in lines), Decimal(0))
    assert abs(together.amount - exact) <= Decimal("0.005"), "rounded once, at the total"


@given(quantities, units)
def test_a_discount_is_what_is_missing_to_the_list_price(quantity: Decimal, unit: Decimal) -> None:
    found = discount([line(quantity, unit)], {"p": price()})
    assert found is not None
    assert abs(Decimal(100) * (1 - found / 100) - min(unit, Decimal(100))) <= Decimal("0.0001")


@pytest.mark.parametrize(
    ("sold", "end", "worth"),
    [
        (price(), YEAR, "1200.00"),
        (price(count=3), YEAR, "400.00"),
        (price(c.Interval.YEAR), YEAR, "100.00"),
        (price(c.Interval.YEAR), date(2027, 12, 1), "200.00"),  # part of an interval is billed as a whole
        (price(None), YEAR, "100.00"),
        (price(), None, "1200.00"),
        (price(), date(2026, 12, 1), "100.00"),
    ],
)
def test_a_term_has_so_many_intervals(sold: c.Price, end: date | None, worth: str) -> None:
    assert contract_value([line(Decimal(1), Decimal(100))], {"p": sold}, "USD", START, end).amount == Decimal(worth)


def test_a_line_without_a_list_price_has_no_known_discount() -> None:
    assert discount([line(Decimal(1), Decimal(1))], {}) is None
    assert discount([line(Decimal(1), Decimal(1))], {"p": price(listed="0.00")}) is None


MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "answer", "clear"),
    [
        (MONDAY, MONDAY + timedelta(hours=4), MONDAY + timedelta(days=1)),
        (MONDAY.replace(hour=3), MONDAY.replace(hour=13), MONDAY.replace(hour=17)),
        (MONDAY - timedelta(days=2), MONDAY.replace(hour=13), MONDAY.replace(hour=17)),  # a Saturday
        (MONDAY + timedelta(days=4, hours=6), MONDAY + timedelta(days=7, hours=2), MONDAY + timedelta(days=7, hours=6)),
    ],
)
def test_owners_are_due_in_their_office_hours(now: datetime, answer: datetime, clear: datetime) -> None:
    assert LEDGER.due(now) == (answer, clear)


@given(st.timedeltas(timedelta(0), timedelta(days=1500)).map(MONDAY.__add__))
def test_a_due_time_comes_later_and_in_office_hours(now: datetime) -> None:
    answer, clear = LEDGER.due(now)
    assert now < answer <= clear
    assert clear.weekday() < 5
    assert 9 <= answer.hour <= 17
    assert UNPROVISIONED.due(now) == (now + timedelta(minutes=15), now + timedelta(hours=4))
