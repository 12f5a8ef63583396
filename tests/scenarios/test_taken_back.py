"""Orders that come to nothing: what the four systems hold of them, and that nothing else is different."""

import pytest

from resolvers.sagas.instruction import Action
from sources import canonical as c
from sources.canonical.commands import Collection
from sources.store.operations import Outcome, State
from tests.scenarios.office import REVOPS, Office

pytestmark = pytest.mark.slow

PARTIES = {
    "billing": {"customer.added": 1},
    "erp": {"customer.added": 1, "customersubsidiaryrelationship.added": 1, "entityaddress.added": 1},
}


async def test_what_billing_refuses_is_taken_back_in_all_systems(office: Office) -> None:
    """To be charged, without a payment method: the refusal comes when three systems hold something already. What the
    customer owes besides is collected on."""
    account = office.account("prospect")
    await office.completed(await office.send("submitOrder", await office.order(account)))
    invoices = await office.read(c.Invoice, "account", account)
    before = office.town.holdings()
    answer = await office.send(
        "submitOrder", await office.order(account, code="CLOUD-TEAM", collection=Collection.CHARGE)
    )
    operation = await office.ended(answer)
    assert operation.state is State.COMPENSATED
    assert operation.reason
    assert "no payment method" in operation.reason
    did = office.town.did(operation.id)
    assert did["crm"]["order.cancel"] == did["erp"]["salesOrder.close"] == did["billing"]["subscription.cancel"] == 1
    written = {step.name: step for step in await office.steps(answer)}
    assert set(written) >= {"crm_order", "sales_order", "subscription", "release"}
    assert c.OrderStatus.CANCELED in [each.status for each in await office.read(c.Order, "account", account)]
    assert c.OrderStatus.CLOSED in [each.status for each in await office.read(c.SalesOrder, "account", account)]
    assert (await office.new(c.Invoice, account, invoices)).status is c.InvoiceStatus.VOID
    assert await office.reserved(account, "US", "USD") == 0
    changes = office.town.changes(before)
    assert changes.told == {
        "crm": {"Order.added": 1, "OrderItem.added": 1},
        "billing": {
            "customer.changed": 1,
            "subscription.added": 1,
            "subscription_item.added": 1,
            "invoice.added": 1,
            "invoice_payment.added": 1,
            "payment_intent.added": 1,
        },
        "erp": {"salesOrder.added": 1},
    }
    assert set(changes.one("billing", "customer.changed").fields) == {"metadata"}


async def test_an_account_that_is_claimed_twice_waits_before_anything_is_made(office: Office) -> None:
    before = office.town.holdings()
    answer = await office.send("submitOrder", await office.order(office.account("ambiguous")))
    await office.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await office.exceptions(answer)
    assert (raised.kind, raised.owner) == ("IDENTITY_AMBIGUOUS", "revops")
    assert office.town.changes(before).told == {}


async def test_an_organization_that_nobody_linked_is_found_before_money_moves(office: Office) -> None:
    before = office.town.holdings()
    answer = await office.send("submitOrder", await office.order(office.account("unlinked"), support_tier="premium"))
    await office.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await office.exceptions(answer)
    assert (raised.kind, raised.owner) == ("IDENTITY_AMBIGUOUS", "revops")
    assert office.town.changes(before).told == PARTIES
    await office.resolve(REVOPS, answer, Action.COMPENSATE)
    assert (await office.ended(answer)).state is State.COMPENSATED
    assert office.town.changes(before).told == PARTIES, "parties that nothing hangs on do no harm"


async def test_an_order_in_a_currency_that_the_erp_does_not_keep_is_taken_back(office: Office) -> None:
    """The customer of the German entity is kept in euro: an order in dollars needs a record of its own."""
    given = await office.order(office.account("unicode"), entity="DE", currency="USD")
    before = office.town.holdings()
    answer = await office.send("submitOrder", given)
    assert answer.member is Outcome.ACCEPTED, "the ERP's rate tells what the dollars are worth there"
    operation = await office.ended(answer)
    assert operation.state is State.COMPENSATED
    assert operation.reason
    assert "is kept in EUR" in operation.reason
    assert office.town.changes(before).told == {}
    assert await office.reserved(office.account("unicode"), "DE", "USD") == 0
