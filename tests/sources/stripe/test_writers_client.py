"""What our writer wrote is read by Stripe's own client, unchanged but for the address."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

from sources.canonical import Money
from sources.canonical.commands import (
    CreditInvoice,
    PrepareSubscription,
    PutCustomer,
    ReleaseSubscription,
    SubscriptionLine,
)
from sources.vendors.stripe.simulator import DEVELOPMENT
from tests.sources.stripe.writing import NOW, SEAT, Billing

OP: dict[str, Any] = {"operation": "op-1", "correlation": "req-1"}


@pytest.fixture
def client(account: Billing) -> stripe.StripeClient:
    return stripe.StripeClient(DEVELOPMENT.key, base_addresses={"api": account.url}, max_network_retries=0)


@pytest.mark.live
def test_the_published_client_reads_what_was_written(account: Billing, client: stripe.StripeClient) -> None:
    party = account.do(PutCustomer(account_key="001New", name="Quill & Söhne", currency="USD", **OP), "k-1").key
    lines = (SubscriptionLine(price_key=SEAT, quantity=Decimal(5)),)
    key = account.do(PrepareSubscription(party=party, lines=lines, start_at=NOW, **OP), "k-2").key
    draft = client.v1.subscriptions.retrieve(key, {"expand": ["latest_invoice"]})
    assert (draft["status"], draft["latest_invoice"]["status"], draft["latest_invoice"]["auto_advance"]) == (
        "active",
        "draft",
        False,
    )
    released = account.do(ReleaseSubscription(subscription_key=key, **OP), "k-3")
    invoice = draft["latest_invoice"]["id"]
    credit = account.do(CreditInvoice(invoice_key=invoice, amount=Money(700, "USD"), **OP), "k-4")

    customer = client.v1.customers.retrieve(party)
    assert (customer["name"], customer["metadata"]["crm_account_id"]) == ("Quill & Söhne", "001New")
    final = client.v1.invoices.retrieve(invoice)
    assert (final["status"], final["number"], final["total"]) == ("open", released.number, 5_000)
    assert final["amount_remaining"] == 4_300
    note = client.v1.credit_notes.list({"invoice": invoice}).data[0]
    assert (note["id"], note["number"], note["amount"], note["type"]) == (credit.key, credit.number, 700, "pre_payment")
    item = client.v1.subscription_items.list({"subscription": key}).data[0]
    assert (item["price"]["id"], item["quantity"]) == (SEAT, 5)
