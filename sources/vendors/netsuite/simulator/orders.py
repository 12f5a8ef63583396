"""The life of a sales order: approved, billed, closed. What is closed or billed stays so."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import ZERO, rounded
from sources.vendors.netsuite.simulator.errors import business
from sources.vendors.netsuite.simulator.lines import Line

WAITING, BILLABLE, OVER = ("A",), ("B", "D", "E", "F"), ("C", "G", "H")


def refuse_over(status: str) -> None:
    """Raises Refusal for an order that is cancelled, billed or closed."""
    if status in OVER:
        raise business(facts.ORDER_OVER.format(status=facts.STATUS_LABELS["SalesOrd"][status]))


def status_of(book: sqlite3.Connection, status: str, wanted: str | None, lines: Sequence[Line]) -> str:
    """The status an order has with these lines, where `wanted` (A or B) was asked for. Raises Refusal for the way back
    from approved to pending."""
    if lines and all(one.closed for one in lines):
        return "H"
    if wanted == "A" and status not in WAITING:
        raise business(facts.ORDER_APPROVED)
    if status in WAITING and wanted != "B":
        return status
    open_lines = [one for one in lines if not one.closed]
    if open_lines and all(one.remaining <= ZERO for one in open_lines):
        return "G"
    if status in WAITING:
        return "B" if _ships(book, lines) else "F"
    return status


def _ships(book: sqlite3.Connection, lines: Sequence[Line]) -> bool:
    """Whether anything is to be fulfilled; an order of services alone waits for billing only."""
    kinds = [book.execute("SELECT itemtype FROM item WHERE id = ?", (one.item,)).fetchone() for one in lines]
    return any(kind and kind[0] not in facts.NOT_FULFILLED for kind in kinds)


def to_bill(status: str, lines: Sequence[Line], symbol: str) -> Decimal:
    """How much of an approved order waits to be billed, before tax."""
    if status not in BILLABLE:
        return ZERO
    return sum((share(one, one.remaining, symbol) for one in lines), ZERO)


def share(line: Line, quantity: Decimal, symbol: str) -> Decimal:
    """The amount of a part of a line; all of it is exactly the line's."""
    whole = Decimal(1) if line.quantity is None else line.quantity
    return line.amount if quantity == whole or not whole else rounded(line.amount * quantity / whole, symbol)
