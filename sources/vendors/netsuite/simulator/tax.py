"""What tax a sale carries: the rate of the subsidiary's country, charged at home only, line by line."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import ZERO
from sources.vendors.netsuite.simulator.records import Row

TAXED = frozenset({"CustInvc", "CustCred"})


def rate(book: sqlite3.Connection, kind: str, customer: Row, subsidiary: object) -> Decimal:
    """The rate for a document of this kind; nothing abroad, for exempt customers and where there is no address."""
    if kind not in TAXED or "T" in (customer["taxexempt"], customer["custentity_reverse_charge"]):
        return ZERO
    seller = book.execute("SELECT country FROM subsidiary WHERE id = ?", (subsidiary,)).fetchone()
    buyer = book.execute(
        "SELECT country FROM entityaddress WHERE nkey = ?", (customer["defaultbillingaddress"],)
    ).fetchone()
    if seller is None or buyer is None or seller[0] != buyer[0]:
        return ZERO
    return Decimal(facts.TAX_RATES.get(seller[0], "0"))


def rate_of_item(book: sqlite3.Connection, item: int | None, standard: Decimal) -> Decimal:
    """The standard rate, for items whose tax schedule says that they are taxed at all."""
    if item is None or not standard:
        return ZERO
    found = book.execute("SELECT taxschedule FROM item WHERE id = ?", (item,)).fetchone()
    return standard if found and found[0] is not None else ZERO
