"""What is forgotten once a command was carried out."""

from decimal import Decimal

import pytest

from sources import canonical as c
from sources.cache.tags import changed
from sources.canonical import Money
from sources.canonical.commands import ChangeSubscription as Change
from sources.canonical.commands import Command, CreditInvoice, PutDebtor, SubscriptionLine, TouchCases, Written
from tests.fakes.ledger import NOW

WRITTEN = Written(source="books", key="K", at=NOW)
CASES: list[tuple[Command, tuple[type[c.Record], ...], set[str]]] = [
    (
        CreditInvoice(operation="o", invoice_key="in_1", amount=Money(1, "USD")),
        (c.CreditMemo, c.Invoice),
        {"creditmemo:K", "invoice:K", "creditmemo:in_1", "invoice:in_1", "list:CreditMemo", "list:Invoice"},
    ),
    (
        PutDebtor(operation="o", account_key="A", legal_entity="US", name="Acme", currency="USD"),
        (c.BillingProfile,),
        {"billingprofile:K", "list:BillingProfile", "account:A"},
    ),
    (
        TouchCases(operation="o", case_keys=("1", "2"), note="n"),
        (c.Case, c.Sla),
        {"case:K", "sla:K", "case:1", "case:2", "sla:1", "sla:2", "list:Case", "list:Sla"},
    ),
    (
        Change(
            operation="o",
            subscription_key="sub",
            lines=(SubscriptionLine(price_key="p", quantity=Decimal(1)),),
            prorate_at=NOW,
        ),
        (),
        {"subscription:K", "subscription:sub", "list:AccountSubscription"},
    ),
]


@pytest.mark.parametrize(("command", "touched", "tags"), CASES)
def test_what_a_command_names_and_makes_is_forgotten(
    command: Command, touched: tuple[type[c.Record], ...], tags: set[str]
) -> None:
    assert set(changed(command, WRITTEN, touched)) == tags
