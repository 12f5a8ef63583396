"""What our writer wrote is read by simple-salesforce, an independent client, unchanged but for the address."""

import asyncio
from datetime import date
from typing import Any

import pytest

from sources.canonical import Priority
from sources.canonical.commands import ActivateOrder, EscalateCase, GrantRight, OpenCase, PutAccount
from tests.sources.salesforce.simulator.book import ACME, ALICE
from tests.sources.salesforce.simulator.test_client import Clients
from tests.sources.salesforce.writers.conftest import World
from tests.sources.salesforce.writers.test_orders import draft, sold

RIGHT = GrantRight(operation="op-1", account_key=ACME, name="Platinum", start_on=date(2026, 12, 1), incidents=5)
LINES = "SELECT Quantity, UnitPrice, TotalPrice FROM OrderItem WHERE OrderId = '{}' ORDER BY UnitPrice"


@pytest.mark.live
async def test_the_published_client_reads_what_was_written(world: World) -> None:
    made = await world.do(PutAccount(operation="op-1", fields={"name": "Neu & Söhne", "country": "DE"}), "op-1:account")
    order = await world.do(draft(sold("a", "3", "40.00"), sold("b", "0.5", "19.99")), "op-1:order")
    await world.do(ActivateOrder(operation="op-1", order_key=order.key), "op-1:activate")
    right = await world.do(RIGHT, "op-1:right")

    def read() -> dict[str, Any]:
        clients = Clients()
        salesforce = clients.by_assertion(world.org.base)
        try:
            return {
                "account": salesforce.Account.get(made.key),
                "order": salesforce.Order.get_by_custom_id("Gateway_Op_Id__c", "op-1:order"),
                "lines": salesforce.query_all(LINES.format(order.key))["records"],
                "right": salesforce.Entitlement.get(right.key),
            }
        finally:
            clients.close()

    found = await asyncio.to_thread(read)
    assert (found["account"]["Name"], found["account"]["BillingCountry"]) == ("Neu & Söhne", "DE")
    whole = found["order"]
    assert (whole["Id"], whole["Status"], whole["TotalAmount"], whole["AccountId"]) == (
        order.key,
        "Activated",
        130.0,
        ACME,
    )
    amounts = [(line["Quantity"], line["UnitPrice"], line["TotalPrice"]) for line in found["lines"]]
    assert amounts == [(0.5, 19.99, 10.0), (3.0, 40.0, 120.0)]
    assert (found["right"]["Name"], found["right"]["AccountId"], found["right"]["RemainingCases"]) == (
        "Platinum",
        ACME,
        5,
    )


@pytest.mark.live
async def test_the_published_client_reads_cases_that_were_opened_and_escalated(world: World) -> None:
    who: dict[str, Any] = {"operation": "op-1", "correlation": "r"}
    case = OpenCase(**who, party=ACME, requester=ALICE, subject="Down", body="It is ↓.", priority=Priority.LOW)
    made = await world.do(case, "op-1:case")
    raised = EscalateCase(**who, case_key=made.key, priority=Priority.URGENT, note="Now")
    await world.do(raised, "op-1:up")

    def read() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        clients = Clients()
        salesforce = clients.by_assertion(world.org.base)
        try:
            notes = salesforce.query_all("SELECT CommentBody, IsPublished FROM CaseComment")["records"]
            return salesforce.Case.get_by_custom_id("Gateway_Op_Id__c", "op-1:case"), notes
        finally:
            clients.close()

    found, notes = await asyncio.to_thread(read)
    assert (found["Id"], found["CaseNumber"], found["AccountId"], found["ContactId"]) == (
        made.key,
        made.number,
        ACME,
        ALICE,
    )
    assert (found["Subject"], found["Description"], found["Origin"]) == ("Down", "It is ↓.", "Web")
    assert (found["Priority"], found["IsEscalated"], found["Status"], found["IsClosed"]) == (
        "High",
        True,
        "Escalated",
        False,
    )
    said = "Now\n\nOpsgraph operation op-1, request r, key op-1:up"
    assert [(each["CommentBody"], each["IsPublished"]) for each in notes] == [(said, False)]
