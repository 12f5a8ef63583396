"""What a transaction moves in the ledger, and the periods in which it may."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.book import account_row, insert
from sources.vendors.netsuite.simulator.errors import business
from sources.vendors.netsuite.simulator.records import Row, one_row

POSTING = frozenset({"CustInvc", "CustCred", "CustPymt"})
Movements = Sequence[tuple[str, Decimal]]  # ledger account and amount: debits positive, credits negative


def movements(row: Row, total: Decimal, tax: Decimal) -> Movements:
    """The ledger's side of a transaction; they add up to nothing."""
    if row["type"] == "CustInvc":
        return ((facts.RECEIVABLE, total), (facts.REVENUE, tax - total), (facts.TAX, -tax))
    if row["type"] == "CustPymt":
        return ((facts.BANK, total), (facts.RECEIVABLE, -total))
    away = facts.BAD_DEBT if row.get("custbody_write_off") == "T" else facts.REVENUE
    return ((away, total - tax), (facts.TAX, tax), (facts.RECEIVABLE, -total))


def post(book: sqlite3.Connection, document: int, moved: Movements, rate: float) -> None:
    """Writes the postings of a transaction anew."""
    book.execute('DELETE FROM transactionaccountingline WHERE "transaction" = ?', (document,))
    kept = [(name, amount) for name, amount in moved if amount]
    for number, (name, amount) in enumerate(kept):
        net = float(amount)
        debit, credit = (net, None) if amount > 0 else (None, -net)
        row = (document, number, _account(book, name), 1, debit, credit, net, net, "T", rate)
        insert(book, "transactionaccountingline", [row])


def _account(book: sqlite3.Connection, name: str) -> int:
    found = book.execute("SELECT id FROM account WHERE fullname = ?", (name,)).fetchone()
    if found:
        return int(found[0])
    key = int(book.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM account").fetchone()[0])
    insert(book, "account", [account_row(key, name)])
    return key


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


def refuse_locked(book: sqlite3.Connection, row: Row, columns: dict[str, object]) -> None:
    """Raises Refusal for a posted transaction in a locked period, also for one that would move into one; puts the
    period it moves to into `columns`."""
    if row["type"] not in POSTING:
        return
    open_period(book, row["trandate"], row["postingperiod"])
    if "trandate" in columns or "postingperiod" in columns:
        day = columns.get("trandate") or row["trandate"]
        columns["postingperiod"] = open_period(book, day, columns.get("postingperiod"))
