"""Reversals: what is given back, which orders are not reversed, what is left of the support."""

from datetime import date
from typing import Any

import msgspec
import pytest

from resolvers.sagas.writes.reversal_terms import (
    MOST_INVOICES,
    credited,
    reaches_closed,
    tier_left,
    to_close,
    total,
    wrong_with_invoices,
    wrong_with_order,
    wrong_with_subscription,
)
from resolvers.sagas.writes.tiers import ranks
from sources import canonical as c
from sources.canonical import Money
from sources.canonical.commands import Return
from tests.fakes.ledger import NOW, company

[SUBSCRIPTION] = [each for each in company() if isinstance(each, c.AccountSubscription)]
[INVOICE] = [each for each in company() if isinstance(each, c.Invoice)]
[POSTED] = [each for each in company() if isinstance(each, c.PostedInvoice)]
[PERIOD] = [each for each in company() if isinstance(each, c.AccountingPeriod)]


def record(kind: type[Any], key: str, **given: Any) -> Any:
    return kind(key=key, source="books", source_id=key, as_of=NOW, **given)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def order(**given: Any) -> Any:
    return record(c.Order, "801A", **{"status": c.OrderStatus.APPROVED} | given)


def settled(**given: Money) -> c.Invoice:
    parts = {name: usd(0) for name in ("cash", "credit", "write_off", "withheld_tax")} | given
    return msgspec.structs.replace(INVOICE, settlement=c.Settlement(**parts))


def sale(status: c.OrderStatus) -> c.SalesOrder:
    found: c.SalesOrder = record(c.SalesOrder, "7001", status=status, currency="USD")
    return found


def right(key: str, tier: str | None) -> c.Entitlement:
    found: c.Entitlement = record(c.Entitlement, key, name="x", support_tier=tier, status=c.EntitlementStatus.ACTIVE)
    return found


def codes(found: Any) -> list[str]:
    return [each.code for each in found]


@pytest.mark.parametrize(
    ("invoice", "back"),
    [
        (INVOICE, 100_000),
        (settled(credit=usd(30_000)), 70_000),
        (settled(credit=usd(30_000), write_off=usd(70_000)), 0),
        (settled(cash=usd(100_000)), 100_000),
        (msgspec.structs.replace(INVOICE, status=c.InvoiceStatus.DRAFT), 0),
        (msgspec.structs.replace(INVOICE, status=c.InvoiceStatus.VOID), 0),
    ],
)
def test_all_that_was_asked_for_is_given_back_once(invoice: c.Invoice, back: int) -> None:
    assert credited(invoice) == usd(back)


def test_what_is_given_back_is_one_amount_or_unknown() -> None:
    none = Money.zero("EUR")
    parts = c.Settlement(cash=none, credit=none, write_off=none, withheld_tax=none)
    euro = msgspec.structs.replace(INVOICE, currency="EUR", total=Money(1, "EUR"), settlement=parts)
    assert total([INVOICE, INVOICE], "USD") == usd(200_000)
    assert total([], "USD") == usd(0)
    assert total([INVOICE, euro], "USD") is None


@pytest.mark.parametrize(
    ("asked", "others", "wrong"),
    [
        (order(), [], []),
        (order(status=c.OrderStatus.DRAFT), [], ["ORDER_NOT_ACTIVE"]),
        (order(status=c.OrderStatus.CANCELED), [], ["ORDER_NOT_ACTIVE"]),
        (order(reduction=True), [], ["ORDER_NOT_ACTIVE"]),
        (
            order(),
            [record(c.Order, "801B", status=c.OrderStatus.APPROVED, original_order_key="801A")],
            ["ORDER_REDUCED"],
        ),
        (order(), [record(c.Order, "801B", status=c.OrderStatus.CANCELED, original_order_key="801A")], []),
        (order(), [record(c.Order, "801B", status=c.OrderStatus.APPROVED, original_order_key="801C")], []),
    ],
)
def test_which_orders_are_not_reversed(asked: c.Order, others: list[c.Order], wrong: list[str]) -> None:
    assert codes(wrong_with_order(asked, others)) == wrong


@pytest.mark.parametrize(
    ("subscription", "later", "wrong"),
    [
        (SUBSCRIPTION, [], []),
        (None, [], ["SUBSCRIPTION_UNKNOWN"]),
        (msgspec.structs.replace(SUBSCRIPTION, status=c.SubscriptionStatus.CANCELED), [], ["SUBSCRIPTION_ENDED"]),
        (SUBSCRIPTION, [sale(c.OrderStatus.APPROVED)], ["ORDER_AMENDED"]),
    ],
)
def test_what_an_order_began_is_ended_whole_or_not_at_all(
    subscription: c.AccountSubscription | None, later: list[c.SalesOrder], wrong: list[str]
) -> None:
    assert codes(wrong_with_subscription(subscription, later)) == wrong


PAID = msgspec.structs.replace(INVOICE, paid=usd(100_000), collection_method="send_invoice")


@pytest.mark.parametrize(
    ("invoices", "to", "wrong"),
    [
        ([INVOICE] * MOST_INVOICES, Return.REFUND, []),
        ([INVOICE] * (MOST_INVOICES + 1), Return.BALANCE, ["ORDER_BILLED_OFTEN"]),
        ([PAID], Return.BALANCE, []),
        ([PAID], Return.REFUND, ["PAYMENT_NOT_REFUNDABLE"]),
        ([msgspec.structs.replace(PAID, collection_method="charge_automatically")], Return.REFUND, []),
        (
            [msgspec.structs.replace(INVOICE, overlays=(c.InvoiceOverlay.DISPUTED,))],
            Return.BALANCE,
            ["INVOICE_DISPUTED"],
        ),
    ],
)
def test_which_invoices_are_not_given_back(invoices: list[c.Invoice], to: Return, wrong: list[str]) -> None:
    assert codes(wrong_with_invoices(invoices, to)) == wrong


def test_a_sales_order_that_was_billed_stays() -> None:
    assert to_close(sale(c.OrderStatus.PENDING_BILLING)) == "7001"
    assert to_close(sale(c.OrderStatus.BILLED)) is to_close(sale(c.OrderStatus.CLOSED)) is to_close(None) is None


def test_the_best_tier_of_the_other_rights_is_left() -> None:
    rights = [right("A", "platinum"), right("B", "standard"), right("C", "premium"), right("D", None)]
    desk = [
        record(c.SupportPlan, key, name=key, position=at) for at, key in enumerate(("platinum", "premium", "standard"))
    ]
    rank = ranks([*desk, record(c.SupportPlan, "beside", name="beside")])
    assert rank == {"platinum": 3, "premium": 2, "standard": 1}
    assert tier_left(rights, rights[0], rank) == "premium"
    assert tier_left(rights[:1], rights[0], rank) is None


@pytest.mark.parametrize(
    ("day", "period", "closed"),
    [
        (date(2026, 11, 30), msgspec.structs.replace(PERIOD, closed=True), True),
        (date(2026, 11, 30), msgspec.structs.replace(PERIOD, receivables_locked=True), True),
        (date(2026, 11, 30), PERIOD, False),
        (date(2026, 12, 1), msgspec.structs.replace(PERIOD, closed=True), False),
        (None, msgspec.structs.replace(PERIOD, closed=True), False),
    ],
)
def test_whether_a_closed_period_is_reached(day: date | None, period: c.AccountingPeriod, closed: bool) -> None:
    posted = msgspec.structs.replace(POSTED, posted_on=day)
    assert reaches_closed([posted], [period]) is closed
