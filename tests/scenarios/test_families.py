"""Groups of companies: who is billed, who uses it, and whose rights stay their own."""

import pytest

from resolvers.sagas.instruction import Action
from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import State
from tests.scenarios.holdings import ORDERED
from tests.scenarios.office import CREDIT, Office

pytestmark = pytest.mark.slow


async def test_a_parent_pays_for_its_children_and_one_keeps_the_plan_of_its_own(office: Office) -> None:
    """Each child has what was bought for it; only the parent is a customer of billing and ledger for it."""
    parent, own = office.account("parent_of_40"), office.account("child_with_own_plan")
    children = [each.key for each in await office.read(c.Account, "parent", parent)]
    assert len(children) == 40
    others = [key for key in children if key != own][:2]
    invoices = await office.read(c.Invoice, "account", parent)
    [plan] = [each for each in await office.read(c.Entitlement, "account", own) if each.support_tier]
    desk = await office.one(c.SupportOrganization, "account", own)
    paid, before = c.Parties(bill_to_key=parent, payer_key=parent), office.town.holdings()

    for child in (*others, own):
        tier = None if child == own else "premium"
        given = await office.order(child, quantity=1, parties=paid, support_tier=tier)
        await office.completed(await office.send("submitOrder", given))

    known = {each.key for each in invoices}
    billed = [each for each in await office.read(c.Invoice, "account", parent) if each.key not in known]
    assert [(each.status, each.subtotal) for each in billed] == [(c.InvoiceStatus.OPEN, Money(600, "USD"))] * 3
    for child in others:
        assert await office.read(c.Invoice, "account", child) == []
        assert await office.read(c.BillingCustomer, "account", child) == []
        assert await office.read(c.BillingProfile, "account", child) == []
        [right] = [each for each in await office.read(c.Entitlement, "account", child) if each.support_tier]
        assert (right.support_tier, right.status) == ("premium", c.EntitlementStatus.ACTIVE)
        assert (await office.one(c.SupportOrganization, "account", child)).support_plan == "premium"
        [order] = await office.read(c.Order, "account", child)
        assert (order.status, order.parties.bill_to_key) == (c.OrderStatus.APPROVED, parent)
        [sales] = await office.read(c.SalesOrder, "order", order.key)
        assert (sales.account_key, sales.status, sales.total) == (parent, c.OrderStatus.APPROVED, order.total)
    kept = [each for each in await office.read(c.Entitlement, "account", own) if each.support_tier]
    assert [(each.key, each.support_tier) for each in kept] == [(plan.key, "platinum")]
    assert (await office.one(c.SupportOrganization, "account", own)).support_plan == desk.support_plan
    changes = office.town.changes(before)
    assert changes.told == {
        "crm": {"Order.added": 3, "OrderItem.added": 3, "Entitlement.added": 2},
        "billing": {
            "customer.changed": 1,
            "subscription.added": 3,
            "subscription_item.added": 3,
            "invoice.added": 3,
            "active_entitlement.added": 1,  # a feature is a customer's once, however often it was bought
        },
        "erp": {"customer.changed": 1, "salesOrder.added": 3},
        "support": {"organization.added": 1, "ticket.changed": 1},
    }
    debtor = await office.one(c.BillingProfile, "account", parent)
    assert {(each.after or {})["entity"] for each in changes.of("erp", "salesOrder.added")} == {int(debtor.key)}


async def test_a_hold_on_the_parent_stops_what_it_pays_for_and_nothing_else(office: Office) -> None:
    parent, child = office.account("parent_of_40"), office.account("child_with_own_plan")
    [profile] = await office.read(c.BillingProfile, "account", parent)
    office.town.hold(profile.key, on=True)
    before = office.town.holdings()
    try:
        paid = c.Parties(bill_to_key=parent, payer_key=parent)
        held = await office.send("submitOrder", await office.order(child, quantity=3, parties=paid))
        await office.until(held, State.NEEDS_ATTENTION)
        (raised,) = await office.exceptions(held)
        assert (raised.kind, raised.owner) == ("CREDIT_HOLD", "credit_manager")
        assert office.town.changes(before).told == {}
        await office.completed(await office.send("submitOrder", await office.order(child, quantity=2)))
        assert office.town.changes(before).told == ORDERED
    finally:
        office.town.hold(profile.key, on=False)
    await office.resolve(CREDIT, held, Action.COMPENSATE)
    assert (await office.ended(held)).state is State.CANCELED


async def test_who_uses_it_is_served_whoever_buys_and_pays(office: Office) -> None:
    """The reseller orders in its own name: the right and the desk's plan are the end customer's."""
    user, reseller = office.account("end_customer"), office.account("reseller")
    rights = await office.read(c.Entitlement, "account", user)
    orders, invoices = (
        await office.read(c.Order, "account", reseller),
        await office.read(c.Invoice, "account", reseller),
    )
    before = await office.read(c.SupportOrganization, "account", reseller)
    parties = c.Parties(end_customer_key=user, reseller_key=reseller)
    await office.agreed(reseller)
    books = office.town.holdings()
    given = await office.order(reseller, entity="DE", currency="EUR", support_tier="platinum", parties=parties)
    await office.completed(await office.send("submitOrder", given))
    order, invoice = await office.new(c.Order, reseller, orders), await office.new(c.Invoice, reseller, invoices)
    [sales] = await office.read(c.SalesOrder, "order", order.key)
    assert (order.parties.end_customer_key, sales.account_key, invoice.status) == (user, reseller, c.InvoiceStatus.OPEN)
    assert order.total == sales.total == invoice.subtotal
    assert (await office.new(c.Entitlement, user, rights)).support_tier == "platinum"
    assert (await office.one(c.SupportOrganization, "account", user)).support_plan == "platinum"
    after = await office.read(c.SupportOrganization, "account", reseller)
    assert [each.support_plan for each in after] == [each.support_plan for each in before]
    changes = office.town.changes(books)
    assert changes.told == ORDERED | {
        "crm": ORDERED["crm"] | {"Entitlement.added": 1},
        "support": {"organization.changed": 1, "ticket.changed": 1},
    }
