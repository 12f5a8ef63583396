"""Orders that are taken back after they went through: what was billed is credited, and nothing is undone."""

from collections import Counter
from typing import Any

import pytest

from resolvers.sagas.instruction import Action
from resolvers.sagas.writes.reverse_order import ReverseOrder
from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import Operation, Outcome, State
from tests.scenarios.office import CONTROLLER, FINANCE, REVOPS, TODAY, Office

pytestmark = pytest.mark.slow

# What came of an order and of its reversal, where no support was bought: the order runs no more, and its reduction tells.
REVERSED: dict[str, dict[str, int]] = {
    "crm": {"Order.added": 2, "OrderItem.added": 2},
    "billing": {
        "customer.changed": 1,
        "subscription.added": 1,
        "subscription_item.added": 1,
        "invoice.added": 1,
        "credit_note.added": 1,
    },
    "erp": {"salesOrder.added": 1},
    "support": {"ticket.added": 1},
}


async def ordered(office: Office, account: str, **given: Any) -> tuple[c.Order, c.AccountSubscription]:
    """An order that went through, and what billing runs for it."""
    orders = await office.read(c.Order, "account", account)
    running = await office.read(c.AccountSubscription, "account", account)
    await office.completed(await office.send("submitOrder", await office.order(account, **given)))
    return await office.new(c.Order, account, orders), await office.new(c.AccountSubscription, account, running)


async def reversed_(office: Office, order: c.Order, **given: Any) -> Operation:
    asked = ReverseOrder(order=order.key, explanation="It was ordered for another company.", **given)
    answer = await office.send("reverseOrder", asked, REVOPS)
    assert (answer.member, [each.role for each in answer.approvals]) == (Outcome.NEEDS_APPROVAL, ["finance"])
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(FINANCE, answer)
    return await office.completed(answer)


async def test_a_reversal_leaves_nothing_to_pay_to_bill_or_to_use(office: Office) -> None:
    account = office.account("merge_winner")
    before = await office.one(c.SupportOrganization, "account", account)
    cases, books = await office.read(c.Case, "account", account), office.town.holdings()
    order, subscription = await ordered(office, account, support_tier="platinum")
    assert (await office.one(c.SupportOrganization, "account", account)).support_plan == "platinum"

    operation = await reversed_(office, order)

    [ended] = await office.read(c.AccountSubscription, "key", subscription.key)
    assert ended.status is c.SubscriptionStatus.CANCELED
    [invoice] = await office.read(c.Invoice, "subscription", subscription.key)
    assert (invoice.status, invoice.remaining.minor) == (c.InvoiceStatus.CREDITED, 0)
    assert invoice.settlement.credit == invoice.total == Money(6_000, "USD") + invoice.tax
    [sales] = await office.read(c.SalesOrder, "order", order.key)
    assert sales.status is c.OrderStatus.CLOSED
    orders = await office.read(c.Order, "account", account)
    [reduction] = [each for each in orders if each.original_order_key == order.key]
    assert (reduction.reduction, reduction.total) == (True, Money(-6_000, "USD"))
    [right] = [
        each
        for each in await office.read(c.Entitlement, "account", account)
        if each.subscription_key == subscription.key and each.support_tier
    ]
    assert right.ends_on == TODAY
    desk = await office.one(c.SupportOrganization, "account", account)
    assert desk.support_plan == before.support_plan == "premium", "the right that is left"
    told = await office.new(c.Case, account, cases)
    assert told.subject
    assert order.number
    assert order.number in told.subject
    did = office.town.did(operation.id)
    assert did["erp"] == Counter({"salesOrder.close": 1}), "it had posted nothing yet"
    assert did["billing"]["credit_note.create"] == did["billing"]["subscription.cancel"] == 1
    assert await office.audit_breaks() == []
    changes = office.town.changes(books)
    assert changes.told == REVERSED | {
        "crm": REVERSED["crm"] | {"Entitlement.added": 1},
        "support": REVERSED["support"] | {"organization.changed": 1},
    }
    marks = changes.one("support", "organization.changed")
    assert marks.key == desk.key
    assert {**marks.fields["organization_fields"], "gateway_operation": None, "gateway_keys": None} == {
        **(marks.before or {})["organization_fields"], "gateway_operation": None, "gateway_keys": None,
    }, "but for our marks the desk is as it was"  # fmt: skip

    again = await office.send("reverseOrder", ReverseOrder(order=order.key, explanation="once more"), REVOPS)
    assert (again.member, [each.code for each in again.findings]) == (Outcome.REJECTED, ["ORDER_REDUCED"])


async def test_what_the_ledger_has_is_credited_there_in_an_open_period(office: Office) -> None:
    """A tax of the place belongs to what is given back; the ERP's order was billed, and stays so."""
    account, books = office.account("overdue"), office.town.holdings()
    order, subscription = await ordered(office, account, quantity=3)
    [invoice] = await office.read(c.Invoice, "subscription", subscription.key)
    posted = await office.posted(invoice, order)
    assert posted.remaining == invoice.total

    operation = await reversed_(office, order)

    [after] = await office.read(c.PostedInvoice, "invoice", invoice.key)
    assert (after.status, after.remaining.minor) == (c.PostedStatus.PAID, 0)
    [memo] = await office.read(c.CreditMemo, "invoice", invoice.key)
    assert (memo.total, memo.issued_on, memo.posted) == (invoice.total, TODAY, True)
    [sales] = await office.read(c.SalesOrder, "order", order.key)
    assert sales.status is c.OrderStatus.BILLED
    assert office.town.did(operation.id)["erp"] == Counter({"creditMemo.create": 1})
    posted_too = {"erp": {"salesOrder.added": 1, "invoice.added": 1, "creditMemo.added": 1}}
    assert office.town.changes(books).told == REVERSED | posted_too


async def test_a_reversal_in_a_closed_period_waits_for_finance_before_anything_ends(office: Office) -> None:
    account = office.account("delinquent")
    order, subscription = await ordered(office, account, quantity=3)
    [invoice] = await office.read(c.Invoice, "subscription", subscription.key)
    await office.posted(invoice, order)
    office.town.period(TODAY, closed=True)
    books = office.town.holdings()
    try:
        asked = ReverseOrder(order=order.key, explanation="It was ordered twice.")
        answer = await office.send("reverseOrder", asked, REVOPS)
        operation = await office.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await office.exceptions(answer)
        assert (raised.kind, raised.owner) == ("PERIOD_LOCKED", "finance")
        assert office.town.did(operation.id) == {}
        assert office.town.changes(books).told == {}
    finally:
        office.town.period(TODAY, closed=False)
    await office.resolve(FINANCE, answer, Action.RESUME)
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(CONTROLLER, answer)
    await office.completed(answer)
    assert (await office.one(c.AccountSubscription, "key", subscription.key)).status is c.SubscriptionStatus.CANCELED
