"""POST {type}/{id}/!transform/{target}: an order becomes an invoice, an invoice a credit memo or a payment."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from sources.vendors.netsuite.simulator import facts, orders
from sources.vendors.netsuite.simulator.amounts import ZERO, exact, rounded, symbol_of
from sources.vendors.netsuite.simulator.balances import add_unbilled
from sources.vendors.netsuite.simulator.errors import business
from sources.vendors.netsuite.simulator.lines import Line, Pricing, stored
from sources.vendors.netsuite.simulator.records import Row, one_row
from sources.vendors.netsuite.simulator.settlements import Wanted, insert_link

TRANSFORMS = {
    ("SalesOrd", "CustInvc"): orders.BILLABLE,
    ("CustInvc", "CustCred"): ("A", "B"),
    ("CustInvc", "CustPymt"): ("A",),
}
_HANDED_ON = ("entity", "currency", "exchangerate", "terms", "otherrefnum", "memo", "custbody_subscription_id")


class Source(msgspec.Struct, frozen=True):
    """What a transaction is made from: its row, and the subsidiary of its main line."""

    row: Row
    subsidiary: int


def source_of(book: sqlite3.Connection, kind: str, target: str, wanted: str) -> Source:
    """Raises Refusal for a transaction that cannot (or can no longer) become that. There is no `eid:` form."""
    row = one_row(book, 'SELECT * FROM "transaction" WHERE id = ? AND type = ?', (wanted, kind))
    if row is None or row["status"] not in TRANSFORMS.get((kind, target), ()):
        raise business(facts.INVALID_REFERENCE.format(target=facts.TYPE_LABELS[target].lower(), key=wanted))
    main = "SELECT subsidiary FROM transactionline WHERE \"transaction\" = ? AND mainline = 'T'"
    return Source(row, book.execute(main, (row["id"],)).fetchone()[0])


def inherited(source: Source, target: str) -> dict[str, object]:
    """The body fields a transform hands on; the caller's own win."""
    found = {name: source.row[name] for name in _HANDED_ON if source.row[name] is not None}
    if target == "CustPymt":
        found["foreigntotal"] = source.row["foreignamountunpaid"]
    return found


def lines_of(book: sqlite3.Connection, source: Source, target: str, pricing: Pricing) -> list[Line]:
    """The lines a transform starts from: of an order what is still to be billed, of an invoice all of them."""
    if target == "CustPymt":
        return []
    kind = str(source.row["type"])
    found = stored(book, source.row["id"], kind)
    if kind != "SalesOrd":
        return found
    return [_to_bill(one, pricing) for one in found if one.remaining > ZERO]


def _to_bill(line: Line, pricing: Pricing) -> Line:
    amount = orders.share(line, line.remaining, pricing.symbol)
    return msgspec.structs.replace(
        line,
        quantity=line.remaining,
        amount=amount,
        tax=rounded(amount * pricing.tax_rate(line.item), pricing.symbol),
        billed=ZERO,
        order_line=line.number,
    )


def applied_to_source(source: Source, total: Decimal) -> list[Wanted]:
    """Where the caller names no `apply`, a credit or payment goes to the invoice it was made from [K]."""
    due = exact(source.row["foreignamountunpaid"])
    return [Wanted(int(source.row["id"]), min(due, total), "apply.items[0]")] if due else []


def bill(book: sqlite3.Connection, source: Source, invoice: int, lines: Sequence[Line]) -> None:
    """What of the order has now been billed. Raises Refusal for more than it has left."""
    order, symbol = source.row, symbol_of(book, source.row["currency"])
    before = stored(book, order["id"], "SalesOrd")
    billed: dict[int, Decimal] = {}
    for one in lines:
        if one.order_line is not None:
            quantity = Decimal(1) if one.quantity is None else one.quantity
            billed[one.order_line] = billed.get(one.order_line, ZERO) + quantity
    after = []
    for one in before:
        more = billed.get(one.number or 0, ZERO)
        if more > one.remaining:
            raise business(facts.ORDER_BILLED)
        after.append(msgspec.structs.replace(one, billed=one.billed + more))
        book.execute(
            'UPDATE transactionline SET quantitybilled = ? WHERE "transaction" = ? AND linesequencenumber = ?',
            (float(one.billed + more), order["id"], one.number),
        )
    status = orders.status_of(book, str(order["status"]), None, after)
    book.execute('UPDATE "transaction" SET status = ? WHERE id = ?', (status, order["id"]))
    waiting = orders.to_bill(status, after, symbol) - orders.to_bill(str(order["status"]), before, symbol)
    add_unbilled(book, order["entity"], waiting)
    amount = sum((one.amount for one in lines), ZERO)
    insert_link(book, int(order["id"]), "SalesOrd", invoice, "CustInvc", facts.ORDER_LINK, amount)
