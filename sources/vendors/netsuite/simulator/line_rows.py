"""The rows that a transaction's lines take in the book."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import ZERO
from sources.vendors.netsuite.simulator.book import flag, insert_named
from sources.vendors.netsuite.simulator.lines import Line
from sources.vendors.netsuite.simulator.records import Row


def put_lines(
    book: sqlite3.Connection, row: Row, subsidiary: int, lines: Sequence[Line], created_from: int | None
) -> None:
    """Main line, item lines and tax line of a transaction that has none."""
    rate, sign = float(row["exchangerate"] or 1), facts.LINE_SIGN.get(row["type"], 1)
    shared = {"transaction": row["id"], "subsidiary": subsidiary, "entity": row["entity"], "createdfrom": created_from}
    total = float(row["foreigntotal"])
    header = {"id": 0, "linesequencenumber": 0, "mainline": "T", "taxline": "F", "memo": row.get("memo")}
    rows = [{**header, "foreignamount": total, "netamount": total * rate}]
    rows += [_item_row(book, one, place, sign, rate) for place, one in enumerate(lines, 1)]
    taxed = float(sign * sum((one.tax for one in lines), ZERO))
    if taxed:
        place = len(lines) + 1
        kind = {"id": place, "linesequencenumber": place, "mainline": "F", "taxline": "T", "itemtype": "TaxItem"}
        rows.append({**kind, "foreignamount": taxed, "netamount": taxed * rate})
    key = int(book.execute("SELECT COALESCE(MAX(uniquekey), 0) FROM transactionline").fetchone()[0])
    for number, each in enumerate(rows, key + 1):
        insert_named(book, "transactionline", {**shared, "uniquekey": number, **each})


def _item_row(book: sqlite3.Connection, one: Line, place: int, sign: int, rate: float) -> dict[str, object]:
    kind = book.execute("SELECT itemtype FROM item WHERE id = ?", (one.item,)).fetchone()
    return {
        "id": place,
        "linesequencenumber": place,
        "mainline": "F",
        "taxline": "F",
        "item": one.item,
        "itemtype": kind[0] if kind else None,
        "quantity": None if one.quantity is None else float(sign * one.quantity),
        "rate": None if one.rate is None else float(one.rate),
        "foreignamount": float(sign * one.amount),
        "netamount": float(sign * one.amount) * rate,
        "memo": one.description,
        "isclosed": flag(one.closed),
        "quantitybilled": float(one.billed),
        "taxamount": float(sign * one.tax),
        "orderline": one.order_line,
        "custcol_gateway_line": one.own_key,
        "custcol_service_start": one.service_start,
        "custcol_service_end": one.service_end,
    }
