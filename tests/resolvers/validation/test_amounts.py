"""Amounts: exact until they are money, true to the minor unit, and never a discount that is too small."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.validation import amounts, pricing
from resolvers.validation.order import Line, Usage
from resolvers.validation.proration import prorate
from sources import canonical as c
from tests.resolvers.validation import orders as o

START = date(2026, 1, 31)
DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
UNITS = st.decimals(0, 100_000, places=4)
QUANTITIES = st.integers(1, 100_000).map(Decimal)
INTERVALS = st.sampled_from([None, *c.Interval])
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])


@st.composite
def priced(draw: st.DrawFn, currency: str, place: int) -> pricing.PricedLine:
    start = draw(DAYS)
    price = o.price(
        "p", str(draw(UNITS)), currency=currency, interval=draw(INTERVALS), interval_count=draw(st.integers(1, 6))
    )
    discount = draw(st.one_of(st.none(), st.decimals(0, 100, places=3)))
    line = Line(place=place, quantity=draw(QUANTITIES), discount=discount, free_months=draw(st.integers(0, 12)))
    found = pricing.priced_line(line, price, None, start, start + timedelta(days=draw(st.integers(0, 2_000))))
    assert found is not None
    return found


@st.composite
def orders(draw: st.DrawFn) -> list[pricing.PricedLine]:
    currency = draw(CURRENCIES)
    return [draw(priced(currency, place)) for place in range(draw(st.integers(1, 8)))]


@given(orders())
def test_totals_are_the_sums_of_the_lines_to_the_minor_unit(lines: list[pricing.PricedLine]) -> None:
    whole = pricing.totals(lines, lines[0].total.currency)
    assert whole.total.minor == sum(each.total.minor for each in lines)
    assert whole.list.minor == sum(each.list_total.minor for each in lines)
    assert whole.mrr.minor == sum(each.mrr.minor for each in lines)
    assert whole.arr.minor == sum(each.arr.minor for each in lines)
    assert whole.discount >= max(each.discount for each in lines)


@given(orders())
def test_nothing_costs_more_than_the_list_or_less_than_nothing(lines: list[pricing.PricedLine]) -> None:
    for each in lines:
        assert 0 <= each.total.minor <= each.list_total.minor
        assert 0 <= each.discount <= 100
        if each.list_total.minor:
            told = each.discount / 100
            assert told >= 1 - Fraction(each.total.minor, each.list_total.minor)


@given(UNITS, st.decimals(0, 100, places=4), QUANTITIES)
def test_a_stated_discount_is_never_found_to_be_smaller_by_more_than_rounding(
    unit: Decimal, percent: Decimal, quantity: Decimal
) -> None:
    line = Line(place=0, quantity=quantity, discount=percent)
    found = pricing.priced_line(line, o.price("p", str(unit)), None, START, date(2027, 1, 30))
    assert found is not None
    off = Fraction(percent) * found.list_total.minor / 100 - (found.list_total.minor - found.total.minor)
    assert abs(off) <= 2 * 12  # half a cent each for list and net, twelve times


@given(DAYS, st.integers(0, 3_000), st.integers(1, 3_000))
def test_months_add_up_however_a_term_is_cut(start: date, first: int, rest: int) -> None:
    """Whole months are the same from both ends; a cut inside a month shifts no more than days of different months."""
    middle, last = start + timedelta(days=first), start + timedelta(days=first + rest)
    whole = amounts.months_of(start, last)
    parts = amounts.months_of(start, middle) + amounts.months_of(middle + timedelta(days=1), last)
    assert abs(whole - parts) <= Fraction(1, 5)


@given(DAYS, st.integers(1, 60))
def test_a_term_of_months_has_so_many(start: date, months: int) -> None:
    assert amounts.months_of(start, amounts.add_months(start, months) - timedelta(days=1)) == months


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("0.005", "USD", 1), ("-0.005", "USD", -1), ("0.0049", "USD", 0), ("0.5", "JPY", 1), ("0.0005", "KWD", 1)],
)
def test_half_a_minor_unit_is_rounded_away_from_nothing(amount: str, currency: str, minor: int) -> None:
    assert amounts.money(Fraction(amount), currency) == c.Money(minor, currency)


@pytest.mark.parametrize(
    ("interval", "count", "mrr"),
    [
        (c.Interval.MONTH, 1, 10_000),
        (c.Interval.MONTH, 3, 3_333),
        (c.Interval.YEAR, 1, 833),
        (c.Interval.WEEK, 1, 43_333),
        (c.Interval.DAY, 1, 304_167),
        (None, 1, 0),
    ],
)
def test_recurring_revenue_is_counted_by_the_month(interval: c.Interval | None, count: int, mrr: int) -> None:
    price = o.price(interval=interval, interval_count=count)
    found = pricing.priced_line(Line(place=0, quantity=Decimal(10)), price, None, START, date(2027, 1, 30))
    assert found is not None
    assert found.mrr.minor == mrr


def test_free_months_lower_the_total_and_count_as_a_discount() -> None:
    line = Line(place=0, quantity=Decimal(10), free_months=3)
    found = pricing.priced_line(line, o.price(), None, date(2026, 3, 10), date(2027, 3, 9))
    assert found is not None
    assert (found.list_total.minor, found.total.minor, found.discount) == (120_000, 90_000, Decimal(25))
    assert found.mrr.minor == 10_000


@pytest.mark.parametrize(("free", "first"), [(0, 120_000), (6, 60_000), (12, 0), (18, 0)])
def test_the_first_invoice_of_a_year_in_advance_leaves_out_what_is_free(free: int, first: int) -> None:
    price = o.price(amount="120.00", interval=c.Interval.YEAR)
    line = Line(place=0, quantity=Decimal(10), free_months=free)
    days = (date(2026, 3, 10), date(2028, 3, 9))
    found = pricing.priced_line(line, price, None, *days)
    assert found is not None
    invoice = pricing.first_invoice([(found, price, line)], "USD", (days[0], days[0]), 30)
    assert (invoice.amount.minor, invoice.due_on, invoice.period_end) == (first, date(2026, 4, 9), date(2027, 3, 9))


# ---------------------------------------------------------------- proration


@st.composite
def amendments(draw: st.DrawFn) -> tuple[c.AccountSubscription, list[pricing.PricedLine], date]:
    items = tuple(
        c.SubscriptionItem(
            key=f"si_{n}", price=o.price(f"p{n}", str(draw(UNITS))), product_key="prod_1",
            quantity=draw(st.integers(1, 500)),
        )
        for n in range(draw(st.integers(1, 4)))
    )  # fmt: skip
    listed = [pricing.list_amount(each.price, each.quantity or 0) for each in items]
    mrr = amounts.total([each for each in listed if each is not None], "USD")
    running = o.subscription(items=items, mrr=mrr)
    lines = []
    for place in range(draw(st.integers(1, 4))):
        price = o.price(f"p{place}", str(draw(UNITS)))
        kept = draw(st.booleans()) and place < len(running.items)
        held = running.items[place] if kept else None
        line = Line(place=place, quantity=Decimal(held.quantity or 1) if held else draw(QUANTITIES))
        found = pricing.priced_line(line, held.price if held else price, None, START, date(2027, 1, 1))
        assert found is not None
        lines.append(found)
    return running, lines, draw(st.dates(date(2026, 2, 1), date(2026, 4, 30)))


@given(amendments(), st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]))
def test_proration_is_charge_less_credit_and_nothing_that_stays_is_in_it(
    amendment: tuple[c.AccountSubscription, list[pricing.PricedLine], date], zone: str
) -> None:
    running, lines, on = amendment
    found = prorate(running, lines, on, ZoneInfo(zone))
    assert found is not None
    assert found.net == found.charge - found.credit
    assert found.credit.minor >= 0
    assert found.charge.minor >= 0
    assert 0 <= found.share <= 1
    listed = [pricing.list_amount(each.price, each.quantity or 0) for each in running.items]
    before = sum(each.minor for each in listed if each is not None)
    assert found.credit.minor <= before + len(running.items)
    assert running.period_start is not None
    assert running.period_end is not None
    assert running.period_start <= found.date <= running.period_end


def test_what_stays_as_it_is_is_neither_credited_nor_charged() -> None:
    running = o.subscription()
    same = pricing.priced_line(Line(place=0, quantity=Decimal(10)), o.price(), None, o.MARCH, date(2026, 9, 9))
    assert same is not None
    found = prorate(running, [same], o.MARCH, ZoneInfo("UTC"))
    assert found is not None
    assert (found.credit.minor, found.charge.minor) == (0, 0)


@pytest.mark.parametrize("mrr", [None, c.Money(9_000, "USD"), c.Money(11_000, "USD")])
def test_nothing_is_credited_at_list_that_was_not_charged_at_list(mrr: c.Money | None) -> None:
    assert prorate(o.subscription(mrr=mrr), [], o.MARCH, ZoneInfo("UTC")) is None


@given(st.decimals("0.0001", 10, places=4), st.decimals(0, 10, places=4))
def test_what_a_further_unit_is_below_the_list_is_a_discount(listed: Decimal, agreed: Decimal) -> None:
    price = o.price("p", str(listed), usage_type=c.UsageType.METERED)
    line = Line(place=0, usage=Usage(included=Decimal(0), overage_price=agreed))
    found = pricing.priced_line(line, price, None, START, date(2027, 1, 30))
    assert found is not None
    assert found.discount == amounts.per_cent(max(1 - Fraction(agreed) / Fraction(listed), Fraction(0)))
    assert pricing.totals([found], "USD").discount == found.discount


def test_a_day_begins_where_the_entity_is() -> None:
    shares = {
        zone: prorate(o.subscription(), [], o.MARCH, ZoneInfo(zone))
        for zone in ("UTC", "Asia/Tokyo", "America/New_York")
    }
    told = {zone: found.date for zone, found in shares.items() if found is not None}
    assert told == {
        "UTC": datetime(2026, 3, 10, 0, tzinfo=ZoneInfo("UTC")),
        "Asia/Tokyo": datetime(2026, 3, 9, 15, tzinfo=ZoneInfo("UTC")),
        "America/New_York": datetime(2026, 3, 10, 4, tzinfo=ZoneInfo("UTC")),
    }
