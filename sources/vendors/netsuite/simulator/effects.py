"""What a write did, as the ledger of effects has it: nothing where nothing is different."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

from sources.simulation.kit import Written
from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import exact, symbol_of
from sources.vendors.netsuite.simulator.records import Row, one_row
from sources.vendors.netsuite.simulator.shapes import Shape

State = tuple[Any, ...]
_UNSEEN = frozenset({"lastmodifieddate"})
_CREDIT = ("creditlimit", "creditholdoverride")
_ORDER = {"A": "approve", "H": "close"}


def state(book: sqlite3.Connection, shape: Shape, key: int) -> dict[str, Any]:
    """All that can be seen of a record, but when it was saved."""
    row = one_row(book, f'SELECT * FROM "{shape.table}" WHERE id = ?', (key,)) or {}
    found: dict[str, Any] = {name: value for name, value in row.items() if name not in _UNSEEN}
    if shape.transaction:
        lines = book.execute('SELECT * FROM transactionline WHERE "transaction" = ? ORDER BY id', (key,)).fetchall()
        links = book.execute(f"SELECT * FROM {facts.LINK_TABLE} WHERE nextdoc = ? ORDER BY previousdoc", (key,))
        found |= {"lines": [line[1:] for line in lines], "links": links.fetchall()}
    return found


def verb(shape: Shape, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """What became of a record that was there; None: nothing."""
    if before == after:
        return None
    if shape.name == "salesOrder" and before["status"] != after["status"]:
        return "close" if after["status"] == "H" else "approve" if before["status"] == "A" else "update"
    if shape.name == "customer" and any(before[name] != after[name] for name in _CREDIT):
        return "credit"
    return "update"


def record(book: sqlite3.Connection, written: Written, shape: Shape, key: int, what: str) -> None:
    """Puts `invoice.create`, `salesOrder.approve`, `customer.credit` ... into the ledger of effects."""
    row: Row = one_row(book, f'SELECT * FROM "{shape.table}" WHERE id = ?', (key,)) or {}
    operation = row.get("custbody_gateway_op_id") or row.get("custentity_gateway_op_id")
    known: dict[str, Any] = {"external_id": row.get("externalid"), "operation": operation}
    if shape.transaction and row:
        known |= {"amount": _text(abs(exact(row["foreigntotal"]))), "currency": symbol_of(book, row["currency"])}
    if what == "credit":
        limit = row.get("creditlimit")
        known |= {"hold": row.get("creditholdoverride"), "amount": None if limit is None else _text(exact(limit))}
    written.add(f"{shape.name}.{what}", str(key), **known)


def _text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
