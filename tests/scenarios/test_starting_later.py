"""Orders whose start is to come: what the four systems hold until then, after it, and where they are called back.

Clocks go on here, and do not come back: every story has days of its own, and the last one ends last.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest

from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import State
from tests.scenarios.holdings import ORDERED
from tests.scenarios.office import CPQ, TODAY, Office

pytestmark = pytest.mark.slow

AHEAD = timedelta(days=20)
PLANNED = {
    "crm": ORDERED["crm"] | {"Entitlement.added": 1},
    "billing": {"customer.changed": 1, "subscription_schedule.added": 1},
    "erp": {"salesOrder.added": 1},  # of the customer's orders it does not count yet
}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


async def test_until_it_starts_all_of_it_is_planned_and_nothing_is_binding(office: Office) -> None:
    account = office.account("merge_winner")
    rights = await office.read(c.Entitlement, "account", account)
    invoices = await office.read(c.Invoice, "account", account)
    given = await office.order(account, start_on=TODAY + AHEAD, support_tier="platinum")
    before = office.town.holdings()
    answer = await office.send("submitOrder", given)
    operation = await office.waiting(answer)
    assert office.town.did(operation.id) == {
        "crm": Counter({"order.create": 1, "order_item.create": 1, "entitlement.create": 1}),
        "billing": Counter({"customer.update": 1, "schedule.create": 1}),
        "erp": Counter({"salesOrder.create": 1}),
    }
    assert office.town.changes(before).told == PLANNED
    assert len(await office.read(c.Invoice, "account", account)) == len(invoices)
    right = await office.new(c.Entitlement, account, rights)
    assert (right.status, right.starts_on, right.subscription_key) == (
        c.EntitlementStatus.PENDING,
        TODAY + AHEAD,
        None,
    )
    assert await office.reserved(account, "US", "USD") > 0

    await office.desk.cancel(CPQ, operation.id, "they changed their mind")
    ended = await office.ended(answer)
    assert (ended.state, ended.reason) == (State.COMPENSATED, "CANCELED: they changed their mind")
    did = office.town.did(operation.id)
    assert did["crm"]["order.cancel"] == did["crm"]["entitlement.delete"] == 1
    assert did["billing"]["schedule.cancel"] == did["erp"]["salesOrder.close"] == 1
    assert [each.key for each in await office.read(c.Entitlement, "account", account)] == [each.key for each in rights]
    assert c.OrderStatus.CANCELED in [each.status for each in await office.read(c.Order, "account", account)]
    assert c.OrderStatus.CLOSED in [each.status for each in await office.read(c.SalesOrder, "account", account)]
    assert await office.reserved(account, "US", "USD") == 0
    await office.comes(_midnight(TODAY + AHEAD) + timedelta(days=1), answer)
    assert len(await office.read(c.Invoice, "account", account)) == len(invoices), "nothing begins any more"


async def test_on_its_day_it_is_billed_provisioned_and_activated(office: Office) -> None:
    account = office.account("two_entities")
    orders, booked = await office.read(c.Order, "account", account), await office.read(c.SalesOrder, "account", account)
    rights = await office.read(c.Entitlement, "account", account)
    running = await office.read(c.AccountSubscription, "account", account)
    start = TODAY + timedelta(days=40)
    answer = await office.send("submitOrder", await office.order(account, start_on=start, support_tier="platinum"))
    operation = await office.waiting(answer)
    [desk] = await office.read(c.SupportOrganization, "account", account)
    assert desk.support_plan != "platinum", "it is bought from its first day on"
    assert (await office.new(c.Order, account, orders)).status is c.OrderStatus.DRAFT
    assert (await office.new(c.SalesOrder, account, booked)).status is c.OrderStatus.SUBMITTED

    await office.comes(_midnight(start) + timedelta(seconds=30), answer)
    await office.completed(answer)
    subscription = await office.new(c.AccountSubscription, account, running)
    assert subscription.status is c.SubscriptionStatus.ACTIVE
    known = {each.key for each in rights}
    [right] = [
        each
        for each in await office.read(c.Entitlement, "account", account)
        if each.key not in known and each.support_tier == "platinum"
    ]
    assert (right.status, right.subscription_key) == (c.EntitlementStatus.ACTIVE, subscription.key)
    [invoice] = [
        each for each in await office.read(c.Invoice, "account", account) if each.subscription_key == subscription.key
    ]
    assert (invoice.status, invoice.subtotal) == (c.InvoiceStatus.OPEN, Money(6_000, "USD"))
    assert (await office.new(c.Order, account, orders)).status is c.OrderStatus.APPROVED
    assert (await office.new(c.SalesOrder, account, booked)).status is c.OrderStatus.APPROVED
    [desk] = await office.read(c.SupportOrganization, "account", account)
    assert desk.support_plan == "platinum"
    did = office.town.did(operation.id)
    assert did["crm"]["entitlement.create"] == did["crm"]["entitlement.update"] == did["crm"]["order.activate"] == 1
    assert did["erp"]["salesOrder.approve"] == did["billing"]["invoice.finalise"] == 1
