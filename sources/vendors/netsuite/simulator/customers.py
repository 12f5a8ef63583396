"""Customers written over REST."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.book import insert_named
from sources.vendors.netsuite.simulator.dates import mark
from sources.vendors.netsuite.simulator.documents import next_id
from sources.vendors.netsuite.simulator.errors import business
from sources.vendors.netsuite.simulator.properties import subsidiary_of
from sources.vendors.netsuite.simulator.records import Row

_ZERO = ("balancesearch", "overduebalancesearch", "unbilledorders", "unbilledorderssearch", "daysoverdue")


def create(book: sqlite3.Connection, given: Mapping[str, Any], columns: dict[str, object], now: datetime) -> int:
    """A new customer of one subsidiary, in that subsidiary's currency unless another is said."""
    if not columns.get("companyname"):
        raise business(facts.MISSING_VALUE.format(field="Company Name"))
    subsidiary = subsidiary_of(book, given)
    if subsidiary is None:
        raise business(facts.MISSING_VALUE.format(field="Primary Subsidiary"))
    key = next_id(book, "customer")
    home = book.execute("SELECT currency FROM subsidiary WHERE id = ?", (subsidiary,)).fetchone()[0]
    start = {"id": key, "entityid": f"CUST{key}", "isinactive": "F", "isperson": "F", "creditholdoverride": "AUTO"}
    flags = {"taxexempt": "F", "custentity_reverse_charge": "F", "currency": home, "lastmodifieddate": mark(now)}
    kept = {**start, **dict.fromkeys(_ZERO, 0), **flags, **columns, "subsidiary": subsidiary}
    insert_named(book, "customer", kept)
    insert_named(
        book,
        "customersubsidiaryrelationship",
        {"id": next_id(book, "customersubsidiaryrelationship"), "entity": key, "subsidiary": subsidiary}
        | {"isprimarysub": "T"},
    )
    put_address(book, key, given)
    return key


def refuse_change(book: sqlite3.Connection, row: Row, columns: dict[str, object]) -> None:
    """Raises Refusal for another subsidiary or currency once there are transactions."""
    moved = [name for name in ("subsidiary", "currency") if name in columns and columns[name] != row[name]]
    used = book.execute('SELECT 1 FROM "transaction" WHERE entity = ?', (row["id"],)).fetchone()
    if moved and used:
        raise business(facts.ENTITY_FIXED)
    if "subsidiary" in moved:
        change = "UPDATE customersubsidiaryrelationship SET subsidiary = ? WHERE entity = ? AND isprimarysub = 'T'"
        book.execute(change, (columns["subsidiary"], row["id"]))


def refuse_delete(book: sqlite3.Connection, row: Row) -> None:
    """Raises Refusal for a customer with transactions."""
    if book.execute('SELECT 1 FROM "transaction" WHERE entity = ?', (row["id"],)).fetchone():
        raise business(facts.DEPENDENTS)


def put_address(book: sqlite3.Connection, customer: int, given: Mapping[str, Any]) -> None:
    """The country of the default billing address, where `addressBook` has one: tax follows it."""
    book_of = given.get("addressBook")
    items = book_of.get("items", ()) if isinstance(book_of, dict) else ()
    for one in items:
        address = one.get("addressBookAddress") if isinstance(one, dict) else None
        country = address.get("country") if isinstance(address, dict) else None
        code = country.get("id") if isinstance(country, dict) else country
        if code and one.get("defaultBilling", True):
            book.execute("DELETE FROM entityaddress WHERE nkey = ?", (customer,))
            insert_named(book, "entityaddress", {"nkey": customer, "country": str(code)})
            book.execute("UPDATE customer SET defaultbillingaddress = ? WHERE id = ?", (customer, customer))
