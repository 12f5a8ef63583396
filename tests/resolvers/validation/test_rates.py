"""Orders in another currency than the selling entity's or the credit limit's: compared at the ERP's rate of the day."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from resolvers.validation.findings import Outcome
from resolvers.validation.intake import order_of
from resolvers.validation.judge import Validation, judge
from sources import canonical as c
from tests.resolvers.validation import orders as o
from tests.resolvers.world import Shelf, usd

TODAY = "USD@2026-03-10"


def rate(currency: str, worth: str, on: date = date(2026, 3, 9), base: str = "USD") -> c.ExchangeRate:
    plain = {"base": base, "currency": currency, "effective_on": on, "rate": Decimal(worth)}
    return o.record(c.ExchangeRate, f"{base}{currency}{on}", "erp", plain)  # type: ignore[no-any-return]


YEN, EURO = rate("JPY", "0.0067"), rate("EUR", "1.08")


def shelf(*rates: c.ExchangeRate, **instead: Any) -> Shelf:
    filled = o.shelf(**instead)
    return filled.put("day", TODAY, *rates) if rates else filled


async def yen(unit: str, on: Shelf, quantity: int = 10, **given: Any) -> Validation:
    """A year of so many at a price in yen."""
    on.put("key", "price_1", o.price(amount=unit, currency="JPY"))
    line = o.line(quantity=Decimal(quantity))
    return await o.validated(o.asked(currency="JPY", lines=[line], **given), on)


def read(on: Shelf) -> set[str]:
    return {record for record, _, _ in on.asked}


@pytest.mark.parametrize(
    ("limit", "headroom", "said"),
    [(90_400, 0, []), (90_399, -1, ["ERROR parties.payer"])],
)
async def test_an_order_counts_against_a_limit_in_another_currency(limit: int, headroom: int, said: list[str]) -> None:
    on = shelf(YEN, prices=[], profiles=[o.profile(credit_limit=usd(limit))])
    answer = await yen("1000", on)  # 120,000 yen are 804.00 dollars; 100.00 are owed already
    assert answer.credit is not None
    assert (answer.credit.order, answer.credit.headroom) == (usd(80_400), usd(headroom))
    assert (answer.credit.fx_rate, answer.credit.fx_date) == (Decimal("0.0067"), date(2026, 3, 9))
    assert o.said(answer, "CREDIT_EXCEEDED") == said


async def test_a_limit_in_a_third_currency_is_reached_by_way_of_the_entitys_own() -> None:
    limit = o.profile(
        currency="EUR", credit_limit=c.Money(1_000_000, "EUR"), balance=c.Money(0, "EUR"), unbilled_orders=None
    )
    on = shelf(YEN, EURO, prices=[], profiles=[limit])
    answer = await yen("1000", on)
    assert answer.credit is not None
    assert answer.credit.order == c.Money(74_444, "EUR")  # 804.00 dollars by 1.08
    assert answer.credit.fx_rate == Decimal("0.006203703704")


async def test_debts_in_other_currencies_count_at_the_rate_of_the_day() -> None:
    foreign = o.profile("903", account_key="001C", payer_id="901", balance=c.Money(50_000, "EUR"))
    answer = await o.validated(on=shelf(EURO).put("payer", "901", foreign))
    assert answer.credit is not None
    assert answer.credit.exposure == usd(10_000 + 54_000)
    assert o.states(answer)["CREDIT_EXCEEDED"] == "PASSED"


async def test_what_other_orders_have_taken_in_another_currency_counts() -> None:
    on = shelf(YEN, prices=[o.price(amount="1000", currency="JPY")])
    within = o.context()
    taken = c.Money(100_000, "JPY")  # 670.00 dollars
    answer = await judge(order_of(o.asked(currency="JPY"), o.RULES), on, within, reserved=[taken])
    assert answer.credit is not None
    assert answer.credit.exposure == usd(10_000 + 67_000)


async def test_what_orders_have_taken_counts_in_every_currency_at_once() -> None:
    taken = [usd(1_000), c.Money(10_000, "EUR"), c.Money(100_000, "JPY")]  # 10.00, 108.00 and 670.00 dollars
    answer = await judge(order_of(o.asked(), o.RULES), shelf(YEN, EURO), o.context(), reserved=taken)
    assert answer.credit is not None
    assert answer.credit.exposure == usd(10_000 + 1_000 + 10_800 + 67_000)


@pytest.mark.parametrize("rates", [(), (rate("JPY", "9", date(2026, 3, 11)),), (rate("JPY", "9", base="EUR"),)])
async def test_without_a_rate_credit_stays_open_and_somebody_approves(rates: Any) -> None:
    answer = await yen("10", shelf(*rates, prices=[]))
    assert o.said(answer, "CREDIT_EXCEEDED") == ["UNVERIFIED parties.payer"]
    assert answer.verdict is Outcome.UNVERIFIED
    assert answer.credit is not None
    assert (answer.credit.order, answer.credit.fx_rate, answer.credit.fx_date) == (None, None, None)
    assert "NO_RATE:amount" in answer.approvals_required[0].reasons


async def test_an_erp_that_does_not_say_its_rates_leaves_credit_open_to_ask_again() -> None:
    answer = await yen("10", shelf(YEN, prices=[]).fail(c.ExchangeRate, "day"))
    [finding] = [each for each in answer.findings if each.code == "CREDIT_EXCEEDED"]
    assert (finding.severity.value, finding.fix) == ("UNVERIFIED", "ask again when the source answers")
    assert "NO_RATE:amount" in answer.approvals_required[0].reasons


@pytest.mark.parametrize(
    ("unit", "asked"),
    [("62189", []), ("62190", [("revops", usd(5_000_076))])],  # 49,999.956 and 50,000.76 dollars
)
async def test_a_bound_of_approval_holds_in_another_currency(unit: str, asked: Any) -> None:
    on = shelf(YEN, prices=[], profiles=[o.profile(credit_limit=None)])
    answer = await yen(unit, on, purchase_order="PO-1")
    assert [(each.role, each.amount) for each in answer.approvals_required] == asked


async def test_earlier_orders_in_another_currency_add_up() -> None:
    earlier = o.order(currency="JPY", total=c.Money(7_284_000, "JPY"), lines=())  # 48,802.80 dollars
    on = shelf(YEN, orders=[earlier], profiles=[o.profile(credit_limit=None)])
    answer = await o.validated(on=on)  # with it 1,200.00 dollars
    assert [(each.role, each.amount) for each in answer.approvals_required] == [("revops", usd(5_000_280))]


@pytest.mark.parametrize(("unit", "asked"), [("6218", []), ("6219", ["new_customer_credit"])])
async def test_a_new_customer_may_order_a_little_in_any_currency(unit: str, asked: list[str]) -> None:
    answer = await yen(unit, shelf(YEN, prices=[], profiles=[]))  # 4,999.27 and 5,000.08 dollars
    assert [each.rule for each in answer.approvals_required] == asked


@pytest.mark.parametrize(
    "others", [[], [o.profile("902", currency="JPY", legal_entity="JP", balance=c.Money(9, "JPY"))]]
)
async def test_where_currencies_agree_no_rate_is_read(others: Any) -> None:
    on = shelf(YEN, profiles=[o.profile(), *others], orders=[o.order(lines=())])
    await o.validated(on=on)
    assert "ExchangeRate" not in read(on)


async def test_the_rate_is_that_of_the_entitys_own_day() -> None:
    on = shelf(YEN, prices=[])
    await yen("1000", on)
    assert [keys for record, _, keys in on.asked if record == "ExchangeRate"] == [(TODAY,)]


@pytest.mark.parametrize(
    ("quantity", "rates", "said"),
    [(1_000, [YEN], []), (1_300, [YEN], ["ERROR purchaseOrder"]), (1_000, [], ["UNVERIFIED purchaseOrder"])],
)
async def test_what_needs_a_purchase_order_is_told_by_the_rate_of_the_day(
    quantity: int, rates: list[c.ExchangeRate], said: list[str]
) -> None:
    """From 100,000.00 dollars on; a thousand units for a year are 80,400.00 of them."""
    answer = await yen("1000", shelf(*rates, prices=[]), quantity)
    assert o.said(answer, "PO_MISSING") == said
