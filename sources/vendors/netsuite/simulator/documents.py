"""Transactions written over REST: totals, lines, postings, and the periods that refuse them."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

import msgspec

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.book import RECORD_TYPES, account_row, insert, insert_named
from sources.vendors.netsuite.simulator.dates import mark
from sources.vendors.netsuite.simulator.errors import business, content
from sources.vendors.netsuite.simulator.records import Row, one_row
from sources.vendors.netsuite.simulator.shapes import Shape


class Line(msgspec.Struct, frozen=True):
    """One item line. `key`: its line number where an existing one is meant."""

    item: int
    quantity: float | None
    rate: float | None
    amount: float
    key: int | None


def line(given: dict[str, Any], item: int, path: str) -> Line:
    """A line of a request; the amount is given, or quantity times rate."""
    numbers: dict[str, float | None] = {}
    for name in ("quantity", "rate", "amount"):
        value = given.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise content(facts.BAD_VALUE.format(value=value, field=name), f"{path}.{name}")
        numbers[name] = value
    quantity, rate, amount = numbers["quantity"], numbers["rate"], numbers["amount"]
    if amount is None:
        amount = round((1.0 if quantity is None else quantity) * (rate or 0.0), 2)
    return Line(item, quantity, rate, amount, given.get("line"))


def next_id(book: sqlite3.Connection, table: str) -> int:
    """The next internal id of a table."""
    return int(book.execute(f'SELECT COALESCE(MAX(id), 0) + 1 FROM "{table}"').fetchone()[0])


def create(
    book: sqlite3.Connection,
    kind: str,
    columns: dict[str, object],
    lines: list[Line],
    subsidiary: int | None,
    now: datetime,
) -> int:
    """A new sales order or invoice; raises Refusal where the ERP's rules say no."""
    customer = one_row(book, "SELECT * FROM customer WHERE id = ?", (columns.get("entity"),))
    if customer is None:
        raise business(facts.MISSING_VALUE.format(field="Customer"))
    if not lines:
        raise business(facts.MISSING_VALUE.format(field="Items"))
    key, total = next_id(book, "transaction"), sum(one.amount for one in lines)
    row = _fresh(key, kind, total, now) | {"currency": customer["currency"]} | columns
    row["trandate"] = day = columns.get("trandate") or mark(now.date())
    if kind == "CustInvc":
        row |= {"foreignamountpaid": 0.0, "foreignamountunpaid": total, "approvalstatus": 2, "posting": "T"}
        row["postingperiod"] = open_period(book, day, row.get("postingperiod"))
        row["duedate"] = row.get("duedate") or day
    insert_named(book, "transaction", row)
    _put_lines(book, row, subsidiary or customer["subsidiary"], lines)
    if kind == "CustInvc":
        _post(book, key, total, float(str(row["exchangerate"])))
    return key


def _fresh(key: int, kind: str, total: float, now: datetime) -> dict[str, object]:
    """What a new transaction has unless the caller says otherwise."""
    return {
        "id": key,
        "tranid": f"{'INV' if kind == 'CustInvc' else 'SO'}{key}",
        "transactionnumber": str(key),
        "type": kind,
        "recordtype": RECORD_TYPES[kind],
        "status": "A",
        "exchangerate": 1.0,
        "foreigntotal": total,
        "taxtotal": 0.0,
        "voided": "F",
        "posting": "F",
        "createddate": mark(now),
        "custbody_disputed": "F",
        "custbody_write_off": "F",
    }


def open_period(book: sqlite3.Connection, day: object, chosen: object = None) -> int:
    """The posting period of a day (or the chosen one); raises the locked-period Refusal."""
    found = one_row(
        book,
        """SELECT * FROM accountingperiod WHERE isposting = 'T' AND isyear = 'F' AND isquarter = 'F'
        AND CASE WHEN :chosen IS NULL THEN startdate <= :day AND enddate >= :day ELSE id = :chosen END""",
        {"day": day, "chosen": chosen},
    )
    if found is None or "T" in (found["closed"], found["arlocked"], found["alllocked"]):
        raise business(facts.LOCKED_PERIOD)
    return int(found["id"])


def refuse_change(book: sqlite3.Connection, row: Row, columns: dict[str, object]) -> None:
    """Raises Refusal for an invoice in a locked period, also for one that would move into one."""
    if row["type"] != "CustInvc":
        return
    open_period(book, row["trandate"], row["postingperiod"])
    if "trandate" in columns or "postingperiod" in columns:
        day = columns.get("trandate") or row["trandate"]
        columns["postingperiod"] = open_period(book, day, columns.get("postingperiod"))


def refuse_delete(book: sqlite3.Connection, shape: Shape, row: Row) -> None:
    """Raises Refusal for what something else refers to."""
    key = row["id"]
    used = (
        "SELECT 1 FROM previoustransactionlinelink WHERE previousdoc = ? OR nextdoc = ?"
        if shape.transaction
        else 'SELECT 1 FROM "transaction" WHERE entity = ? OR entity = ?'
    )
    if shape.name not in ("customer", "invoice", "salesOrder") or book.execute(used, (key, key)).fetchone():
        raise business("This record cannot be deleted because it has dependent records")
    if shape.transaction:
        refuse_change(book, row, {})


def replace_lines(book: sqlite3.Connection, document: int, lines: list[Line]) -> None:
    """A line with its number changes that line; one without is appended, so that a repeated PATCH repeats it."""
    row = one_row(book, 'SELECT * FROM "transaction" WHERE id = ?', (document,)) or {}
    old = book.execute(
        """SELECT linesequencenumber, item, quantity, rate, foreignamount, subsidiary FROM transactionline
        WHERE "transaction" = ? AND mainline = 'F' AND taxline = 'F' ORDER BY linesequencenumber""",
        (document,),
    ).fetchall()
    sign = facts.LINE_SIGN.get(row["type"], 1)
    kept = {
        number: Line(item, None if quantity is None else sign * quantity, rate, sign * amount, number)
        for number, item, quantity, rate, amount, _ in old
    }
    for one in lines:
        kept[one.key if one.key is not None else max(kept, default=0) + 1] = one
    total = sum(one.amount for one in kept.values()) + (row["taxtotal"] or 0)
    paid = row["foreignamountpaid"]
    unpaid = None if paid is None else total - paid
    book.execute(
        'UPDATE "transaction" SET foreigntotal = ?, foreignamountunpaid = ? WHERE id = ?', (total, unpaid, document)
    )
    owner = book.execute('SELECT subsidiary FROM transactionline WHERE "transaction" = ?', (document,)).fetchone()[0]
    book.execute("DELETE FROM transactionline WHERE \"transaction\" = ? AND taxline = 'F'", (document,))
    _put_lines(book, {**row, "foreigntotal": total}, owner, [kept[number] for number in sorted(kept)])
    if row["type"] == "CustInvc":
        book.execute('DELETE FROM transactionaccountingline WHERE "transaction" = ?', (document,))
        _post(book, document, total, row["exchangerate"])


def _put_lines(book: sqlite3.Connection, row: Row, subsidiary: int, lines: list[Line]) -> None:
    key = int(book.execute("SELECT COALESCE(MAX(uniquekey), 0) FROM transactionline").fetchone()[0])
    document, rate, sign = row["id"], float(row["exchangerate"] or 1), facts.LINE_SIGN.get(row["type"], 1)
    shared = {"transaction": document, "taxline": "F", "subsidiary": subsidiary, "entity": row["entity"]}
    total = facts.HEADER_SIGN.get(row["type"], 1) * float(row["foreigntotal"])
    header = {"id": 0, "linesequencenumber": 0, "mainline": "T", "foreignamount": total, "netamount": total * rate}
    insert_named(book, "transactionline", {**shared, "uniquekey": key + 1, **header, "memo": row.get("memo")})
    for number, one in enumerate(lines, 1):
        amounts = {"foreignamount": sign * one.amount, "netamount": sign * one.amount * rate, "rate": one.rate}
        quantity = None if one.quantity is None else sign * one.quantity
        place = {"uniquekey": key + 1 + number, "id": number, "linesequencenumber": number, "mainline": "F"}
        insert_named(book, "transactionline", {**shared, **place, "item": one.item, "quantity": quantity, **amounts})


def _post(book: sqlite3.Connection, document: int, total: float, rate: float) -> None:
    for number, (name, debit, credit) in enumerate(
        ((facts.RECEIVABLE, total, None), (facts.REVENUE, None, total)),
    ):
        net = (debit or 0) - (credit or 0)
        row = (document, number, _account(book, name), 1, debit, credit, net, net, "T", rate)
        insert(book, "transactionaccountingline", [row])


def _account(book: sqlite3.Connection, name: str) -> int:
    found = book.execute("SELECT id FROM account WHERE fullname = ?", (name,)).fetchone()
    if found:
        return int(found[0])
    key = next_id(book, "account")
    insert(book, "account", [account_row(key, name)])
    return key
