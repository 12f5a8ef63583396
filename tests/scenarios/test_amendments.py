"""Changes in the middle of a term, and what follows from them in billing, ledger, CRM and at the desk."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from resolvers.sagas.writes.amend_subscription import AmendedLine, AmendSubscription
from resolvers.sagas.writes.invoices import RecordPayment
from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import Outcome, State
from tests.scenarios.office import CONTROLLER, FINANCE, REVOPS, TODAY, Office

pytestmark = pytest.mark.slow


async def amended(
    office: Office, account: str, seats: int, support_tier: str | None = None
) -> tuple[c.AccountSubscription, AmendSubscription]:
    """The account's one subscription, and an amendment that gives it so many seats."""
    subscription = await office.one(c.AccountSubscription, "account", account)
    item = next(each for each in subscription.items if each.quantity and each.quantity > 1)
    line = AmendedLine(price=item.price.key, quantity=Decimal(seats), item=item.key, product="CLOUD-BUSINESS")
    return subscription, AmendSubscription(subscription=subscription.key, lines=(line,), support_tier=support_tier)


async def test_an_upgrade_with_an_urgent_case_open_is_one_operation_in_four_systems(office: Office) -> None:
    account = office.account("breached_sla")
    subscription, given = await amended(office, account, 20, support_tier="platinum")
    [case] = await office.read(c.Case, "account", account)
    clocks = {each.metric: each.breach_at for each in await office.read(c.Sla, "case", case.key)}
    rights, booked = (
        await office.read(c.Entitlement, "account", account),
        await office.read(c.SalesOrder, "account", account),
    )
    [contract] = await office.read(c.SubscriptionContract, "subscription", subscription.key)
    [replaced] = [each for each in rights if each.support_tier]
    orders = await office.read(c.Order, "account", account)
    invoices = await office.read(c.Invoice, "account", account)
    added = given.lines[0].quantity - (subscription.items[0].quantity or 0)
    before = office.town.holdings()

    operation = await office.completed(await office.send("amendSubscription", given))

    after = await office.one(c.AccountSubscription, "account", account)
    assert after.items[0].quantity == given.lines[0].quantity
    invoice = await office.new(c.Invoice, account, invoices)
    assert invoice.status is c.InvoiceStatus.OPEN
    lines = await office.read(c.InvoiceLine, "invoice", invoice.key)
    assert {each.proration for each in lines} == {True}
    assert 0 < invoice.subtotal.minor < int(added) * 4_500, "part of a month of what was added"
    sales = await office.new(c.SalesOrder, account, booked)
    assert (sales.status, sales.total) == (c.OrderStatus.PENDING_BILLING, Money(int(added) * 4_500, "USD"))
    assert sales.subscription_key == subscription.key
    order = await office.new(c.Order, account, orders)
    assert (order.status, order.effective_on, order.contract_key) == (c.OrderStatus.APPROVED, TODAY, contract.key)
    assert [(each.product_code, each.quantity) for each in order.lines] == [("CLOUD-BUSINESS", added)]
    assert (order.total is not None, sales.order_key) == (True, order.key)
    right = await office.new(c.Entitlement, account, rights)
    assert (right.support_tier, right.subscription_key) == (given.support_tier, subscription.key)
    assert (right.starts_on, right.ends_on) == (TODAY, contract.end_on)
    [old] = [each for each in await office.read(c.Entitlement, "account", account) if each.key == replaced.key]
    assert (old.support_tier, old.ends_on) == (replaced.support_tier, TODAY - timedelta(days=1)), "no day has two"
    assert (await office.one(c.SupportOrganization, "account", account)).support_plan == given.support_tier
    recalculated = {each.metric: each.breach_at for each in await office.read(c.Sla, "case", case.key)}
    assert [metric for metric, was in clocks.items() if recalculated.get(metric) != was], "another tier's targets"
    changes = office.town.changes(before)
    assert changes.told == {
        "crm": {"Order.added": 1, "OrderItem.added": 1, "Entitlement.added": 1, "Entitlement.changed": 1},
        "billing": {"subscription.changed": 1, "subscription_item.changed": 1, "invoice.added": 1},
        "erp": {"customer.changed": 1, "salesOrder.added": 1},
        "support": {"organization.changed": 1, "ticket.changed": 1},
    }
    assert changes.one("support", "ticket.changed").key == case.key
    kinds = office.town.did(operation.id)
    assert kinds["support"] == Counter({"organization.update": 1, "ticket.update": 1})
    assert kinds["billing"]["invoice.finalise"] == 1
    assert kinds["crm"] == Counter(
        {
            "order.create": 1,
            "order_item.create": 1,
            "entitlement.create": 1,
            "entitlement.update": 1,
            "order.activate": 1,
        }
    )


async def test_a_downgrade_after_the_payment_is_credited_and_not_refunded(office: Office) -> None:
    """What it credits is asked of billing before it is judged, so that who may approve it is known."""
    account = office.account("merge_winner")
    subscription, given = await amended(office, account, 9)
    customer = await office.one(c.BillingCustomer, "account", account)
    booked = await office.read(c.SalesOrder, "account", account)
    assert not customer.balance or not customer.balance.minor
    before = office.town.holdings()

    answer = await office.send("amendSubscription", given)
    assert answer.member is Outcome.NEEDS_APPROVAL
    assert [each.role for each in answer.approvals] == ["revops"], "the credit is known, and small"
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(REVOPS, answer)
    operation = await office.completed(answer)

    assert (await office.one(c.AccountSubscription, "account", account)).items[0].quantity == 9
    after = await office.one(c.BillingCustomer, "account", account)
    assert after.balance
    assert -4_500 * 2 < after.balance.minor < 0, "in the customer's favour, for the next invoice"
    assert await office.read(c.Refund, "account", account) == []
    assert await office.read(c.SalesOrder, "account", account) == booked, "nothing was sold"
    assert set(office.town.did(operation.id)) == {"billing"}
    assert subscription.mrr
    changes = office.town.changes(before)
    assert changes.told == {
        "billing": {
            "customer.changed": 1, "subscription.changed": 1, "subscription_item.changed": 1, "invoice.added": 1,
        }
    }  # fmt: skip
    assert changes.one("billing", "customer.changed").fields == {"balance": after.balance.minor}
    assert changes.one("billing", "subscription_item.changed").fields == {"quantity": 9}
    assert (changes.one("billing", "invoice.added").after or {})["total"] == after.balance.minor


async def test_what_goes_reduces_the_order_by_which_it_came(office: Office) -> None:
    """Ten seats are ordered and paid for; four of them go."""
    account = office.account("child_with_own_plan")
    running, orders = (
        await office.read(c.AccountSubscription, "account", account),
        await office.read(c.Order, "account", account),
    )
    await office.completed(await office.send("submitOrder", await office.order(account)))
    subscription, order = (
        await office.new(c.AccountSubscription, account, running),
        await office.new(c.Order, account, orders),
    )
    assert subscription.order_key == order.key
    invoice = await office.one(c.Invoice, "key", subscription.latest_invoice_key or "")
    posted = await office.posted(invoice, order)
    paid = RecordPayment(
        invoice=invoice.key, amount=posted.remaining.amount, currency="USD", received_on=TODAY, reference="BANK-82"
    )
    await office.completed(await office.send("recordPayment", paid, FINANCE))
    sales, before = await office.read(c.SalesOrder, "account", account), office.town.holdings()

    [item] = subscription.items
    line = AmendedLine(price=item.price.key, quantity=Decimal(6), item=item.key)
    answer = await office.send("amendSubscription", AmendSubscription(subscription=subscription.key, lines=(line,)))
    await office.until(answer, State.AWAITING_APPROVAL)
    await office.approve(CONTROLLER, answer)
    operation = await office.completed(answer)

    assert (await office.one(c.AccountSubscription, "key", subscription.key)).items[0].quantity == 6
    reduction = await office.new(c.Order, account, [*orders, order])
    assert (reduction.reduction, reduction.original_order_key, reduction.effective_on) == (True, order.key, TODAY)
    assert reduction.status is c.OrderStatus.APPROVED
    assert [(each.product_code, each.quantity) for each in reduction.lines] == [("ADDON-SECURITY", Decimal(-4))]
    left = await office.read(c.SalesOrder, "account", account)
    assert [(each.key, each.total) for each in left] == [(each.key, each.total) for each in sales], "nothing was sold"
    customer = await office.one(c.BillingCustomer, "account", account)
    assert customer.balance is not None
    assert customer.balance.minor < 0, "credited for the next invoice"
    assert set(office.town.did(operation.id)) == {"billing", "crm"}
    changes = office.town.changes(before)
    assert changes.told == {
        "crm": {"Order.added": 1, "OrderItem.added": 1, "OrderItem.changed": 1},
        "billing": {
            "customer.changed": 1, "subscription.changed": 1, "subscription_item.changed": 1, "invoice.added": 1,
        },
    }  # fmt: skip
    ordered = changes.one("crm", "OrderItem.changed")
    assert ordered.fields == {"AvailableQuantity": 6.0}, "what may still be reduced of it"


async def test_an_upgrade_while_the_base_invoice_is_unpaid_waits_for_the_money_and_an_addition_does_not(
    office: Office,
) -> None:
    """Billing credits all of an item that changes: what was never paid is no credit. Something new credits nothing."""
    account = office.account("yen")
    subscription, given = await amended(office, account, 26)
    invoices = await office.read(c.Invoice, "account", account)
    unpaid = [each for each in invoices if each.remaining.minor]
    assert [each.key for each in unpaid] == [subscription.latest_invoice_key]
    before = office.town.holdings()
    refused = await office.send("amendSubscription", given)
    assert (refused.member, [each.code for each in refused.findings]) == (Outcome.REJECTED, ["UNPAID_PRORATION"])
    assert office.town.changes(before).told == {}

    price = await office.price("ADDON-SECURITY", "JPY")
    line = AmendedLine(price=price.key, quantity=Decimal(4), product="ADDON-SECURITY")
    answer = await office.send("amendSubscription", AmendSubscription(subscription=subscription.key, lines=(line,)))
    await office.completed(answer)
    after = await office.one(c.AccountSubscription, "key", subscription.key)
    assert [
        (each.price.key, each.quantity) for each in after.items if each.key not in subscription_items(subscription)
    ] == [(price.key, 4)]
    assert office.town.changes(before).told == {
        "crm": {"Order.added": 1, "OrderItem.added": 1},
        "billing": {
            "subscription.changed": 1, "subscription_item.added": 1, "invoice.added": 1, "active_entitlement.added": 1,
        },
        "erp": {"customer.changed": 1, "salesOrder.added": 1},
    }  # fmt: skip
    left = {each.key: each for each in await office.read(c.Invoice, "account", account)}
    assert [left[each.key] for each in unpaid] == [
        msgspec.structs.replace(each, as_of=left[each.key].as_of) for each in unpaid
    ]
    added = await office.new(c.Invoice, account, invoices)
    assert {each.proration for each in await office.read(c.InvoiceLine, "invoice", added.key)} == {True}

    [posted] = [await office.one(c.PostedInvoice, "invoice", each.key) for each in unpaid]
    paid = RecordPayment(
        invoice=unpaid[0].key, amount=posted.remaining.amount, currency="JPY", received_on=TODAY, reference="BANK-81"
    )
    await office.completed(await office.send("recordPayment", paid, FINANCE))
    before = office.town.holdings()
    open_still = await office.send("amendSubscription", given)
    assert office.town.changes(before).told == {}
    assert [each.code for each in open_still.findings] == ["UNPAID_PRORATION"], "the addition is the newest invoice"


def subscription_items(subscription: c.AccountSubscription) -> set[str]:
    return {each.key for each in subscription.items}
