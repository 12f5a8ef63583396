"""Transactions written over REST: whose they are, what they add up to, and what they move."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

import msgspec

from sources.vendors.netsuite.simulator import facts, orders, tax
from sources.vendors.netsuite.simulator.amounts import ZERO, exact, rate_of, rounded, symbol_of
from sources.vendors.netsuite.simulator.balances import (
    HoldRules,
    add_overdue,
    add_receivable,
    add_unbilled,
    refuse_held,
)
from sources.vendors.netsuite.simulator.book import RECORD_TYPES, insert_named
from sources.vendors.netsuite.simulator.dates import mark
from sources.vendors.netsuite.simulator.errors import business, content
from sources.vendors.netsuite.simulator.line_rows import put_lines
from sources.vendors.netsuite.simulator.lines import Line, Pricing, stored
from sources.vendors.netsuite.simulator.postings import POSTING, movements, open_period, post
from sources.vendors.netsuite.simulator.records import Row, one_row
from sources.vendors.netsuite.simulator.settlements import Wanted, settle


class Circumstances(msgspec.Struct, frozen=True):
    """What a write is judged by besides the book."""

    now: datetime
    holds: HoldRules = HoldRules()


class Parties(msgspec.Struct, frozen=True):
    """Whose transaction it is, with which subsidiary, in which currency."""

    customer: Row
    subsidiary: int
    currency: int
    symbol: str

    def pricing(self, book: sqlite3.Connection, kind: str) -> Pricing:
        """What lines are reckoned with."""
        standard = tax.rate(book, kind, self.customer, self.subsidiary)
        return Pricing(self.symbol, partial(_tax_of, book, standard))


def _tax_of(book: sqlite3.Connection, standard: Decimal, item: int | None) -> Decimal:
    return tax.rate_of_item(book, item, standard)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A new transaction before it is written. `applied`: what a credit or payment settles. `created_from`: the
    transaction it was transformed from."""

    kind: str
    columns: dict[str, object]
    lines: Sequence[Line] = ()
    applied: list[Wanted] = []
    created_from: int | None = None
    deposited: bool = False


def next_id(book: sqlite3.Connection, table: str) -> int:
    """The next internal id of a table."""
    return int(book.execute(f'SELECT COALESCE(MAX(id), 0) + 1 FROM "{table}"').fetchone()[0])  # noqa: S608 - ours


def parties(book: sqlite3.Connection, customer: object, subsidiary: int | None, currency: object = None) -> Parties:
    """Raises Refusal for a missing customer, and for a subsidiary or currency that is none of the customer's."""
    row = one_row(book, "SELECT * FROM customer WHERE id = ?", (customer,))
    if row is None or row["isinactive"] == "T":
        raise business(facts.MISSING_VALUE.format(field="Customer"))
    owner = subsidiary if subsidiary is not None else row["subsidiary"]
    held = "SELECT 1 FROM customersubsidiaryrelationship WHERE entity = ? AND subsidiary = ?"
    if book.execute(held, (customer, owner)).fetchone() is None:
        raise content(facts.NOT_OF_CUSTOMER.format(kind="subsidiary", key=owner, customer=customer), "subsidiary")
    if currency is not None and currency != row["currency"]:
        raise content(facts.NOT_OF_CUSTOMER.format(kind="currency", key=currency, customer=customer), "currency")
    return Parties(row, owner, row["currency"], symbol_of(book, row["currency"]))


def create(book: sqlite3.Connection, draft: Draft, who: Parties, under: Circumstances) -> int:
    """A new transaction; raises Refusal where the ERP's rules say no."""
    kind, customer, day = draft.kind, who.customer, mark(under.now.date())
    if kind != "CustPymt" and not draft.lines:
        raise business(facts.MISSING_VALUE.format(field="Items"))
    key = next_id(book, "transaction")
    row = _fresh(key, kind, under.now) | {"currency": who.currency, "terms": customer["terms"]} | draft.columns
    row["exchangerate"] = row.get("exchangerate") or rate_of(book, who.currency, who.subsidiary)
    row["trandate"] = row.get("trandate") or day
    row["lastmodifieddate"] = mark(under.now)
    taxed, total = _sums(draft.lines)
    if kind == "CustPymt":
        total = rounded(abs(exact(str(row.get("foreigntotal") or 0))), who.symbol)
        row |= {"status": "C" if draft.deposited else "B", "terms": None}
    if total < 0 or (kind == "CustPymt" and not total):
        raise business(facts.NOT_POSITIVE)
    sign = facts.HEADER_SIGN.get(kind, 1)
    row |= {"foreigntotal": float(sign * total), "taxtotal": float(sign * taxed)}
    if kind in POSTING:
        row["postingperiod"] = open_period(book, row["trandate"], row.get("postingperiod"))
        row["posting"] = "T"
    if kind == "SalesOrd":
        row["status"] = orders.status_of(book, "A", str(row["status"]), draft.lines)
        row["approvalstatus"] = 1 if row["status"] == "A" else 2
    if kind == "CustInvc":
        row |= {"foreignamountpaid": 0.0, "foreignamountunpaid": float(total), "status": "A" if total else "B"}
        row["duedate"] = row.get("duedate") or row["trandate"]
    elif kind in POSTING:
        row |= {"foreignpaymentamountused": 0.0, "foreignpaymentamountunused": float(total)}
    if kind == "SalesOrd" or (kind == "CustInvc" and draft.created_from is None):
        refuse_held(customer, total, under.holds, on_terms=row.get("terms") is not None)
    insert_named(book, "transaction", row)
    put_lines(book, row, who.subsidiary, draft.lines, draft.created_from)
    _move(book, row, total, taxed, total)
    if kind == "CustInvc":
        add_overdue(book, customer["id"], row["duedate"], total, under.now.date())
    if kind == "SalesOrd":
        add_unbilled(book, customer["id"], orders.to_bill(str(row["status"]), draft.lines, who.symbol))
    if kind in ("CustCred", "CustPymt"):
        settle(book, key, draft.applied, who.symbol, under.now.date())
    return key


def _fresh(key: int, kind: str, now: datetime) -> dict[str, object]:
    """What a new transaction has unless the caller says otherwise."""
    return {
        "id": key,
        "tranid": f"{facts.NUMBER_PREFIXES[kind]}{key}",
        "transactionnumber": str(key),
        "type": kind,
        "recordtype": RECORD_TYPES[kind],
        "status": "A",
        "approvalstatus": 2,
        "voided": "F",
        "posting": "F",
        "createddate": mark(now),
        "custbody_disputed": "F",
        "custbody_write_off": "F",
    }


def _sums(lines: Sequence[Line]) -> tuple[Decimal, Decimal]:
    """Tax, and the total with it."""
    taxed = sum((one.tax for one in lines), ZERO)
    return taxed, sum((one.amount for one in lines), ZERO) + taxed


def _move(book: sqlite3.Connection, row: Row, total: Decimal, taxed: Decimal, more: Decimal) -> None:
    """Posts a transaction of these sums; the customer owes `more` (or less, by a credit or payment)."""
    if row["type"] not in POSTING:
        return
    post(book, int(row["id"]), movements(row, total, taxed), float(row["exchangerate"] or 1))
    add_receivable(book, row["entity"], more if row["type"] == "CustInvc" else -more)


def change(
    book: sqlite3.Connection,
    row: Row,
    columns: dict[str, object],
    lines: Sequence[Line] | None,
    under: Circumstances,
) -> None:
    """Changes a transaction that is there; `lines` None: they stay. Raises Refusal where the ERP's rules say no."""
    key, kind = int(row["id"]), str(row["type"])
    symbol, today = symbol_of(book, row["currency"]), under.now.date()
    before = stored(book, key, kind)
    after = before if lines is None else list(lines)
    if kind == "SalesOrd":
        _change_order(book, row, columns, before, after, under)
    old_total = abs(exact(row["foreigntotal"]))
    taxed, total = _sums(after) if lines is not None else (abs(exact(row["taxtotal"])), old_total)
    if kind == "CustPymt" and "foreigntotal" in columns:
        total = rounded(abs(exact(str(columns["foreigntotal"]))), symbol)
    sign = facts.HEADER_SIGN.get(kind, 1)
    columns |= {"foreigntotal": float(sign * total), "taxtotal": float(sign * taxed)}
    if kind == "CustInvc":
        unpaid = total - exact(row["foreignamountpaid"])
        if unpaid < 0:
            raise business(facts.OVER_DUE)
        columns |= {"foreignamountunpaid": float(unpaid)}
        columns["status"] = row["status"] if row["status"] not in "AB" else "A" if unpaid else "B"
        add_overdue(book, row["entity"], row["duedate"], -exact(row["foreignamountunpaid"]), today)
    elif kind in POSTING:
        if total < exact(row["foreignpaymentamountused"]):
            raise business(facts.OVER_APPLIED)
        columns["foreignpaymentamountunused"] = float(total - exact(row["foreignpaymentamountused"]))
    names = ", ".join(f'"{name}" = ?' for name in columns)
    book.execute(f'UPDATE "transaction" SET {names} WHERE id = ?', (*columns.values(), key))  # noqa: S608 - ours
    new = {**row, **columns}
    if kind == "CustInvc":
        add_overdue(book, row["entity"], new["duedate"], exact(new["foreignamountunpaid"]), today)
    if lines is not None:
        main = "SELECT subsidiary, createdfrom FROM transactionline WHERE \"transaction\" = ? AND mainline = 'T'"
        owner, origin = book.execute(main, (key,)).fetchone()
        book.execute('DELETE FROM transactionline WHERE "transaction" = ?', (key,))
        put_lines(book, new, owner, after, origin)
    if total != old_total or lines is not None:
        _move(book, new, total, taxed, total - old_total)


def _change_order(
    book: sqlite3.Connection,
    row: Row,
    columns: dict[str, object],
    before: Sequence[Line],
    after: Sequence[Line],
    under: Circumstances,
) -> None:
    status, wanted = str(row["status"]), columns.pop("status", None)
    if list(before) != list(after) or (wanted is not None and status in ("C", "H")):
        orders.refuse_over(status)
    if any(old.billed > (new.quantity or 1) for old, new in zip(before, after, strict=False)):
        raise business(facts.ORDER_BILLED)
    asked = None if wanted is None else str(wanted)
    new = status if status in orders.OVER else orders.status_of(book, status, asked, after)
    symbol = symbol_of(book, row["currency"])
    waiting = orders.to_bill(new, after, symbol) - orders.to_bill(status, before, symbol)
    if waiting > 0:
        customer = one_row(book, "SELECT * FROM customer WHERE id = ?", (row["entity"],)) or {}
        refuse_held(customer, waiting, under.holds, on_terms=row["terms"] is not None or customer["terms"] is not None)
    add_unbilled(book, row["entity"], waiting)
    columns |= {"status": new, "approvalstatus": 1 if new == "A" else 2}


def refuse_delete(book: sqlite3.Connection, row: Row) -> None:
    """Raises Refusal for what something else refers to, and for what is posted in a locked period."""
    used = f"SELECT 1 FROM {facts.LINK_TABLE} WHERE previousdoc = ? OR nextdoc = ?"  # noqa: S608 - ours
    if row.get("type") not in ("CustInvc", "SalesOrd") or book.execute(used, (row["id"], row["id"])).fetchone():
        raise business(facts.DEPENDENTS)
    if row["type"] in POSTING:
        open_period(book, row["trandate"], row["postingperiod"])
