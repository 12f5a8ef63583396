"""Orders, from the validation's last word to what each of the four systems holds."""

from decimal import Decimal

import msgspec
import pytest
from starlette.types import Scope

from resolvers.sagas.instruction import Action
from resolvers.sagas.refused import Refused
from resolvers.sagas.writes.order import BillingAddress
from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import Outcome, State
from tests.scenarios.holdings import ORDERED
from tests.scenarios.office import CONTROLLER, CREDIT, FINANCE, HANA, TODAY, Office

pytestmark = pytest.mark.slow

# The subscription is marked with the operation before its first invoice is finalised: hence its update.
MADE = {
    "crm": {"order.create", "order_item.create", "order.activate", "entitlement.create"},
    "billing": {
        "customer.update",
        "subscription.create",
        "subscription.update",
        "invoice.create",
        "invoice.update",
        "invoice.finalise",
    },
    "erp": {"salesOrder.create", "salesOrder.approve"},
    "support": {"organization.update"},
}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
async def test_an_order_goes_through_all_four_systems(office: Office, database: str) -> None:
    """A customer of two entities buys in each one's currency: each order is of its own customer records."""
    sqlite = database.startswith("sqlite")
    entity, currency, total = ("US", "USD", 6_000) if sqlite else ("DE", "EUR", 7_600)
    code = "ADDON-SECURITY" if sqlite else "ADDON-ANALYTICS"  # what one buys runs already when the other comes
    account = office.account("two_entities")
    orders, booked = await office.read(c.Order, "account", account), await office.read(c.SalesOrder, "account", account)
    running = await office.read(c.AccountSubscription, "account", account)
    rights = await office.read(c.Entitlement, "account", account)
    tier, before = "platinum" if sqlite else "standard", office.town.holdings()
    given = await office.order(account, entity=entity, currency=currency, code=code, support_tier=tier)
    answer = await office.send("submitOrder", given, key="order-1")
    operation = await office.completed(answer)
    did = office.town.did(operation.id)
    assert {source: set(kinds) for source, kinds in did.items()} == MADE
    assert not [kind for kinds in did.values() for kind, times in kinds.items() if times > 1 and "update" not in kind]

    order = await office.new(c.Order, account, orders)
    assert (order.status, order.total, order.legal_entity) == (c.OrderStatus.APPROVED, Money(total, currency), entity)
    sales = await office.new(c.SalesOrder, account, booked)
    assert (sales.order_key, sales.status) == (order.key, c.OrderStatus.APPROVED)
    assert (sales.total, sales.legal_entity, sales.ordered_on) == (Money(total, currency), entity, TODAY)
    subscription = await office.new(c.AccountSubscription, account, running)
    assert (subscription.status, subscription.legal_entity) == (c.SubscriptionStatus.ACTIVE, entity)
    assert subscription.latest_invoice_key
    invoice = await office.one(c.Invoice, "key", subscription.latest_invoice_key)
    assert (invoice.status, invoice.subtotal, invoice.number is None) == (
        c.InvoiceStatus.OPEN, Money(total, currency), False,
    )  # fmt: skip
    right = await office.new(c.Entitlement, account, [*rights, *await _features(office, account)])
    assert (right.support_tier, right.subscription_key) == (tier, subscription.key)
    assert (await office.one(c.SupportOrganization, "account", account)).support_plan == tier
    assert await office.reserved(account, entity, currency) == 0
    assert await office.audit_breaks() == []
    supported = {"crm": ORDERED["crm"] | {"Entitlement.added": 1}, "support": {"organization.changed": 1}}
    assert office.town.changes(before).told == ORDERED | supported

    again = await office.send("submitOrder", given, key="order-1")
    assert (again.member, again.replayed) == (Outcome.ACCEPTED, True)
    assert office.town.did(operation.id) == did
    assert office.town.changes(before).told == ORDERED | supported


async def _features(office: Office, account: str) -> list[c.Entitlement]:
    return [each for each in await office.read(c.Entitlement, "account", account) if each.feature is not None]


async def test_a_new_customer_is_made_once_in_every_system(office: Office) -> None:
    account = office.account("prospect")
    for record in (c.BillingProfile, c.BillingCustomer, c.SupportOrganization):
        assert await office.read(record, "account", account) == []
    address = BillingAddress(country="US", line1="1 Main St", city="Springfield", postal_code="62701", state="IL")
    first = await office.order(account, support_tier="premium", billing_address=address)
    operation = await office.completed(await office.send("submitOrder", first))
    did = office.town.did(operation.id)
    assert did["erp"]["customer.create"] == did["support"]["organization.create"] == 1
    profile = await office.one(c.BillingProfile, "account", account)
    customer = await office.one(c.BillingCustomer, "account", account)
    desk = await office.one(c.SupportOrganization, "account", account)
    assert (profile.legal_entity, profile.currency, customer.legal_entity) == ("US", "USD", "US")
    assert desk.support_plan == "premium"
    second = await office.completed(
        await office.send("submitOrder", await office.order(account, code="ADDON-ANALYTICS"))
    )
    did = office.town.did(second.id)
    assert not {"customer.create", "organization.create"} & set().union(*did.values())
    assert [each.key for each in await office.read(c.BillingProfile, "account", account)] == [profile.key]
    assert [each.key for each in await office.read(c.BillingCustomer, "account", account)] == [customer.key]


async def test_what_was_agreed_is_what_all_systems_say_and_billing_bills(office: Office) -> None:
    account = office.account("child_with_own_plan")
    orders, booked = await office.read(c.Order, "account", account), await office.read(c.SalesOrder, "account", account)
    running = await office.read(c.AccountSubscription, "account", account)
    given = await office.order(account)
    line = msgspec.structs.replace(given.lines[0], unit_price=Decimal("5.55"))
    await office.completed(await office.send("submitOrder", msgspec.structs.replace(given, lines=(line,))))
    subscription = await office.new(c.AccountSubscription, account, running)
    assert subscription.latest_invoice_key
    billed = await office.one(c.Invoice, "key", subscription.latest_invoice_key)
    sold = (await office.new(c.Order, account, orders)).total, (await office.new(c.SalesOrder, account, booked)).total
    assert {billed.subtotal, subscription.mrr, *sold} == {Money(5_550, "USD")}


async def test_a_hold_that_is_set_after_the_validation_stops_the_order(office: Office) -> None:
    account = office.account("past_due_in_grace")
    profile = await office.one(c.BillingProfile, "account", account)  # what the validation has seen, and is remembered
    before = office.town.holdings()
    office.town.hold(profile.key, on=True)
    held = office.town.holdings()
    answer = await office.send("submitOrder", await office.order(account))
    await office.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await office.exceptions(answer)
    assert (raised.kind, raised.owner) == ("CREDIT_HOLD", "credit_manager")
    assert office.town.changes(held).told == {}
    office.town.hold(profile.key, on=False)
    await office.resolve(CREDIT, answer, Action.RESUME)
    await office.completed(answer)
    assert office.town.changes(before).told == ORDERED


async def test_a_hold_that_comes_while_an_order_is_carried_out_is_the_erps_to_tell(office: Office) -> None:
    account = office.account("past_due_grace_over")
    profile, crm = await office.one(c.BillingProfile, "account", account), office.town.apps["crm"]

    async def hold(scope: Scope) -> None:
        if scope["method"] == "POST" and scope["path"].endswith("/composite"):
            office.town.hold(profile.key, on=True)

    crm.state.fault, before = hold, office.town.holdings()
    try:
        answer = await office.send("submitOrder", await office.order(account))
        operation = await office.until(answer, State.NEEDS_ATTENTION)
    finally:
        crm.state.fault = None
    (raised,) = await office.exceptions(answer)
    assert (raised.kind, raised.owner) == ("CREDIT_HOLD", "credit_manager")
    assert "invoice.finalise" not in office.town.did(operation.id)["billing"], "before any money moved"
    office.town.hold(profile.key, on=False)
    await office.resolve(CREDIT, answer, Action.RESUME)
    await office.completed(answer)
    assert office.town.changes(before).told == ORDERED, "what was begun goes on, and is made once"


async def test_an_order_that_is_approved_after_its_period_closed_waits_for_finance(office: Office) -> None:
    answer = await office.send("submitOrder", await office.order(office.account("disputed"), due_days=60))
    assert answer.member is Outcome.NEEDS_APPROVAL
    await office.until(answer, State.AWAITING_APPROVAL)
    before = office.town.holdings()
    office.town.period(TODAY, closed=True)
    closed = office.town.holdings()
    try:
        await office.approve(CONTROLLER, answer)
        await office.until(answer, State.NEEDS_ATTENTION)
        (raised,) = await office.exceptions(answer)
        assert (raised.kind, raised.owner) == ("PERIOD_LOCKED", "finance")
        assert office.town.changes(closed).told == {}
    finally:
        office.town.period(TODAY, closed=False)
    await office.resolve(FINANCE, answer, Action.RESUME)
    await office.completed(answer)
    assert office.town.changes(before).told == ORDERED


async def test_nobody_approves_what_a_service_asked_for_him(office: Office) -> None:
    account = office.account("parent_of_40")
    running = await office.read(c.AccountSubscription, "account", account)
    before = office.town.holdings()
    answer = await office.send("submitOrder", await office.order(account, due_days=60))
    await office.until(answer, State.AWAITING_APPROVAL)
    with pytest.raises(Refused) as caught:
        await office.approve(HANA, answer)
    assert caught.value.code == "FORBIDDEN"
    assert (await office.operation(answer)).state is State.AWAITING_APPROVAL
    assert office.town.changes(before).told == {}
    await office.approve(CONTROLLER, answer)
    await office.completed(answer)
    assert (await office.new(c.AccountSubscription, account, running)).days_until_due == 60
    assert office.town.changes(before).told == ORDERED


async def test_a_reseller_is_billed_for_what_its_customer_may_use(office: Office) -> None:
    buyer, reseller = office.account("end_customer"), office.account("reseller")
    invoices = await office.read(c.Invoice, "account", reseller)
    rights, orders = await office.read(c.Entitlement, "account", buyer), await office.read(c.Order, "account", buyer)
    parties = c.Parties(bill_to_key=reseller, payer_key=reseller, end_customer_key=buyer, reseller_key=reseller)
    given = await office.order(buyer, entity="DE", currency="EUR", support_tier="platinum", parties=parties)
    before = office.town.holdings()
    without = await office.send("submitOrder", given)
    assert (without.member, [each.code for each in without.findings]) == (Outcome.REJECTED, ["PARTY_RESELLER"])
    assert office.town.changes(before).told == {}
    await office.agreed(reseller)
    before = office.town.holdings()
    await office.completed(await office.send("submitOrder", given))
    invoice = await office.new(c.Invoice, reseller, invoices)
    assert (invoice.status, invoice.currency) == (c.InvoiceStatus.OPEN, "EUR")
    assert await office.read(c.Invoice, "account", buyer) == []
    right = await office.new(c.Entitlement, buyer, rights)
    assert right.support_tier == "platinum"
    assert (await office.new(c.Order, buyer, orders)).parties == parties
    changes = office.town.changes(before)
    assert changes.told == ORDERED | {
        "crm": ORDERED["crm"] | {"Entitlement.added": 1}, "support": {"organization.changed": 1, "ticket.changed": 1},
    }  # fmt: skip
    desk = await office.one(c.SupportOrganization, "account", buyer)
    assert changes.one("support", "organization.changed").key == desk.key, "the reseller's is as it was"
    debtor = await office.one(c.BillingProfile, "account", reseller)
    assert (changes.one("erp", "salesOrder.added").after or {})["entity"] == int(debtor.key)
