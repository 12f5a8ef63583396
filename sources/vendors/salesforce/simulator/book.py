"""Loads the CRM's book of the enterprise into the organisation's store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from sources.simulation.enterprise import CrmBook
from sources.vendors.salesforce.simulator import people, sales
from sources.vendors.salesforce.simulator.clerk import Clerk
from sources.vendors.salesforce.simulator.store import Store

Entry = TypeVar("Entry")


def load(store: Store, crm: CrmBook, now: datetime) -> None:
    """Fills the store with one book; `now` is the enterprise's present."""
    clerk = Clerk(crm, now)

    def fill(name: str, entries: Iterable[Entry], told: Callable[[Clerk, Entry], dict[str, Any]]) -> None:
        """One object; every row has the same columns in the same order."""
        rows = (told(clerk, entry) for entry in entries)
        first = next(rows, None)
        if first is not None:
            store.load(name, tuple(first), (tuple(row.values()) for row in chain((first,), rows)))

    fill("User", crm.users, people.user)
    fill("Account", crm.accounts, people.account)
    fill("Contact", crm.contacts, people.contact)
    fill("Pricebook2", (sales.PRICEBOOK,), sales.pricebook)
    fill("Product2", crm.products, sales.product)
    fill("PricebookEntry", clerk.prices, sales.price)
    fill("Contract", crm.contracts, sales.contract)
    fill("Opportunity", crm.opportunities, sales.opportunity)
    fill("Order", crm.orders, sales.order)
    lines = ((order, line, number) for order in crm.orders for number, line in enumerate(order.lines, 1))
    fill("OrderItem", lines, sales.line)
    fill("SlaProcess", crm.sla_processes, people.sla_process)
    fill("Entitlement", crm.entitlements, people.entitlement)
    fill("Case", crm.cases, people.case)
    store.index()
