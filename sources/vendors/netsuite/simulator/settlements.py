"""Credits and payments applied to invoices: what may be applied, and what it leaves open."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import ZERO, exact, rounded
from sources.vendors.netsuite.simulator.balances import add_overdue
from sources.vendors.netsuite.simulator.book import insert_named
from sources.vendors.netsuite.simulator.errors import business, content
from sources.vendors.netsuite.simulator.records import Row, one_row

Refer = Callable[[Any], int]  # a reference to a transaction, as its id; raises ValueError


class Wanted(msgspec.Struct, frozen=True):
    """One line of `apply`. `amount` None: as much as there is; zero: no longer applied."""

    document: int
    amount: Decimal | None
    path: str


def given_applications(sublist: Any, refer: Refer) -> list[Wanted]:
    """The `apply` sublist of a request; raises Refusal for a line without a document (`doc` is required)."""
    items = sublist.get("items", ()) if isinstance(sublist, dict) else ()
    found = []
    for number, one in enumerate(items):
        path = f"apply.items[{number}]"
        if not isinstance(one, dict) or one.get("doc") is None:
            raise content(facts.BAD_VALUE.format(value=None, field="doc"), f"{path}.doc")
        amount = one.get("amount")
        if amount is not None and (isinstance(amount, bool) or not isinstance(amount, int | float) or amount < 0):
            raise content(facts.BAD_VALUE.format(value=amount, field="amount"), f"{path}.amount")
        try:
            document = refer(one["doc"])
        except ValueError as error:
            raise content(facts.BAD_VALUE.format(value=error, field="doc"), f"{path}.doc") from error
        applies = one.get("apply", True) not in (False, "F")
        found.append(Wanted(document, (None if amount is None else exact(amount)) if applies else ZERO, path))
    return found


def settle(book: sqlite3.Connection, document: int, wanted: list[Wanted], symbol: str, today: date) -> None:
    """Applies a credit or payment as wanted; what it is applied to besides stays. Raises Refusal for more than is due,
    more than there is, and for what is no open invoice of the same customer and currency."""
    row = one_row(book, 'SELECT * FROM "transaction" WHERE id = ?', (document,)) or {}
    total, links = abs(exact(row["foreigntotal"])), _links(book, document)
    for one in wanted:
        invoice = one_row(book, 'SELECT * FROM "transaction" WHERE id = ?', (one.document,)) or {}
        before = links.get(one.document, ZERO)
        if not _fits(invoice, row) or (invoice["status"] != "A" and not before):
            raise content(facts.BAD_VALUE.format(value=one.document, field="doc"), f"{one.path}.doc")
        due = exact(invoice["foreignamountunpaid"]) + before
        free = total - sum(links.values(), ZERO) + before
        amount = rounded(min(due, free) if one.amount is None else one.amount, symbol)
        if amount > due:
            raise business(facts.OVER_DUE)
        if amount > free:
            raise business(facts.OVER_APPLIED)
        _apply(book, row, invoice, amount - before, today)
        links[one.document] = amount
        _link(book, row, one.document, amount)
    used = sum(links.values(), ZERO)
    status = ("B" if used == total else "A") if row["type"] == "CustCred" else row["status"]
    book.execute(
        """UPDATE "transaction" SET foreignpaymentamountused = ?, foreignpaymentamountunused = ?, status = ?
        WHERE id = ?""",
        (float(used), float(total - used), status, document),
    )


def _fits(invoice: Row, row: Row) -> bool:
    return (
        bool(invoice)
        and invoice["type"] == "CustInvc"
        and all(invoice[name] == row[name] for name in ("entity", "currency"))
    )


def _links(book: sqlite3.Connection, document: int) -> dict[int, Decimal]:
    found = book.execute(
        f"SELECT previousdoc, foreignamount FROM {facts.LINK_TABLE} WHERE nextdoc = ? AND linktype = ?",  # noqa: S608 - ours
        (document, facts.LINK),
    ).fetchall()
    return {int(invoice): exact(amount) for invoice, amount in found}


def _link(book: sqlite3.Connection, row: Row, invoice: int, amount: Decimal) -> None:
    book.execute(
        f"DELETE FROM {facts.LINK_TABLE} WHERE previousdoc = ? AND nextdoc = ? AND linktype = ?",  # noqa: S608 - ours
        (invoice, row["id"], facts.LINK),
    )
    if amount:
        insert_link(book, invoice, "CustInvc", row["id"], row["type"], facts.LINK, amount)


def insert_link(
    book: sqlite3.Connection, before: int, kind: str, after: object, next_kind: str, link: str, amount: Decimal
) -> None:
    """That one transaction came of another, or settles it."""
    ends = {"previousdoc": before, "previousline": 0, "previoustype": kind, "nextdoc": after, "nextline": 0}
    named = {"nexttype": next_kind, "linktype": link, "foreignamount": float(amount)}
    insert_named(book, facts.LINK_TABLE, {**ends, **named})


def _apply(book: sqlite3.Connection, row: Row, invoice: Row, more: Decimal, today: date) -> None:
    """The invoice is paid by so much more."""
    paid = exact(invoice["foreignamountpaid"]) + more
    unpaid = exact(invoice["foreignamountunpaid"]) - more
    book.execute(
        """UPDATE "transaction" SET foreignamountpaid = ?, foreignamountunpaid = ?, status = ?, lastmodifieddate = ?
        WHERE id = ?""",
        (float(paid), float(unpaid), "A" if unpaid else "B", row["lastmodifieddate"], invoice["id"]),
    )
    add_overdue(book, invoice["entity"], invoice["duedate"], -more, today)
