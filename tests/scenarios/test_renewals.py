"""Renewals: of what runs, of what has ended days ago, and not twice."""

import asyncio
from datetime import timedelta

import pytest

from resolvers.sagas.writes.renew_subscription import RenewSubscription
from resolvers.sagas.writes.subscriptions import CancelSubscription
from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import Outcome, State
from tests.scenarios.office import REVOPS, TODAY, Office

pytestmark = pytest.mark.slow

# What runs on for another term.
LONGER = {
    "crm": {"Contract.changed": 1, "Entitlement.added": 1, "Order.added": 1, "OrderItem.added": 1},
    "billing": {"subscription.changed": 1},
    "erp": {"customer.changed": 1, "salesOrder.added": 1},
}
YEAR = 4_500_00  # ten seats at 450.00, in cents


async def test_a_renewal_that_is_signed_late_leaves_no_day_out_and_bills_none_twice(office: Office) -> None:
    """It ended twelve days ago: the new term begins the day after the old one all the same, in all four systems."""
    account = office.account("renewal_grace")
    old = await office.one(c.AccountSubscription, "account", account)
    [contract] = await office.read(c.SubscriptionContract, "account", account)
    [deal] = await office.read(c.Renewal, "account", account)
    orders = await office.read(c.Order, "account", account)
    [last] = [each for each in await office.read(c.Entitlement, "account", account) if each.support_tier]
    assert last.ends_on
    invoices = await office.read(c.Invoice, "account", account)
    assert (contract.status, deal.open) == ("EXPIRED", True)
    assert contract.end_on
    start_on = contract.end_on + timedelta(days=1)
    assert start_on < TODAY
    before = office.town.holdings()

    operation = await office.completed(
        await office.send("renewSubscription", RenewSubscription(subscription=old.key), REVOPS)
    )

    assert operation.amount == Money(YEAR, "USD")
    running = await office.read(c.AccountSubscription, "account", account)
    [new] = [each for each in running if each.replaces_key == old.key]
    assert (new.status, new.mrr, new.items[0].quantity) == (
        c.SubscriptionStatus.ACTIVE, Money(YEAR // 12, "USD"), old.items[0].quantity,
    )  # fmt: skip
    assert new.start_at
    assert new.start_at.date() == start_on
    assert (await office.one(c.AccountSubscription, "key", old.key)).status is old.status, "what has ended stays so"
    invoice = await office.new(c.Invoice, account, invoices)
    assert (invoice.status, invoice.subtotal) == (c.InvoiceStatus.OPEN, Money(YEAR, "USD")), "a whole year, once"
    [kept] = await office.read(c.SubscriptionContract, "subscription", new.key)
    assert (kept.status, kept.start_on, kept.term_months) == ("ACTIVE", start_on, contract.term_months)
    rights = [each for each in await office.read(c.Entitlement, "account", account) if each.support_tier]
    [right] = [each for each in rights if each.key != last.key]
    assert (right.support_tier, right.starts_on) == (last.support_tier, last.ends_on + timedelta(days=1))
    assert (right.ends_on, right.subscription_key) == (kept.end_on, new.key)
    order = await office.new(c.Order, account, orders)
    assert (order.effective_on, order.status) == (start_on, c.OrderStatus.APPROVED)
    [sales] = await office.read(c.SalesOrder, "order", order.key)
    assert (sales.total, sales.ordered_on) == (Money(YEAR, "USD"), TODAY)
    [won] = await office.read(c.Renewal, "account", account)
    assert (won.open, won.won) == (False, True)
    changes = office.town.changes(before)
    assert changes.told == {
        "crm": {
            "Contract.added": 1,
            "Entitlement.added": 1,
            "Opportunity.changed": 1,
            "Order.added": 1,
            "OrderItem.added": 1,
        },
        "billing": {
            "subscription.added": 1,
            "subscription_item.added": 1,
            "invoice.added": 1,
            "active_entitlement.added": 3,
        },
        "erp": {"customer.changed": 1, "salesOrder.added": 1},
    }, "the desk has its plan still"

    before = office.town.holdings()
    again = await office.send("renewSubscription", RenewSubscription(subscription=old.key), REVOPS)
    assert (await office.ended(again)).state is State.REJECTED, "a term is renewed once"
    assert office.town.changes(before).told == {}


async def test_what_runs_goes_on_when_its_end_was_planned(office: Office) -> None:
    account = office.account("overdue")
    before = await office.one(c.AccountSubscription, "account", account)
    [contract] = await office.read(c.SubscriptionContract, "subscription", before.key)
    books = office.town.holdings()
    await office.completed(await office.send("cancelSubscription", CancelSubscription(subscription=before.key), REVOPS))
    assert (
        c.SubscriptionOverlay.CANCEL_SCHEDULED in (await office.one(c.AccountSubscription, "key", before.key)).overlays
    )
    [shorter] = await office.read(c.SubscriptionContract, "subscription", before.key)
    assert shorter.end_on
    assert before.period_end
    assert shorter.end_on == before.period_end.date() - timedelta(days=1)
    assert office.town.changes(books).told == {"crm": {"Contract.changed": 1}, "billing": {"subscription.changed": 1}}
    books = office.town.holdings()
    asked = RenewSubscription(subscription=before.key, term_months=12)
    operation = await office.completed(await office.send("renewSubscription", asked, REVOPS))
    after = await office.one(c.AccountSubscription, "key", before.key)
    assert c.SubscriptionOverlay.CANCEL_SCHEDULED not in after.overlays
    assert [(each.key, each.quantity) for each in after.items] == [(each.key, each.quantity) for each in before.items]
    [longer] = await office.read(c.SubscriptionContract, "subscription", before.key)
    assert longer.end_on
    assert contract.end_on
    assert (longer.key, longer.end_on > contract.end_on) == (contract.key, True)
    assert "invoice.create" not in office.town.did(operation.id)["billing"], "it is billed when its period comes"
    assert office.town.changes(books).told == LONGER


async def test_two_who_renew_at_the_same_moment_renew_once(office: Office) -> None:
    account = office.account("merge_winner")
    subscription = await office.one(c.AccountSubscription, "account", account)
    asked = RenewSubscription(subscription=subscription.key, term_months=12)
    before = office.town.holdings()
    answers = await asyncio.gather(*(office.send("renewSubscription", asked, REVOPS) for _ in range(2)))
    ended = [await office.ended(each) for each in answers]
    assert sorted(each.state for each in ended) == [State.COMPLETED, State.REJECTED]
    third = await office.send("renewSubscription", asked, REVOPS)
    assert (third.member, [each.code for each in third.findings]) == (Outcome.REJECTED, ["DUPLICATE_ORDER"])
    assert Outcome.NEEDS_APPROVAL not in [each.member for each in answers]
    assert office.town.changes(before).told == LONGER
