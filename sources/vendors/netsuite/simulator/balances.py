"""What a customer owes, what waits to be billed, and the holds that refuse new sales."""

from __future__ import annotations

import sqlite3
from datetime import date
from decimal import Decimal

import msgspec

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import ZERO, exact
from sources.vendors.netsuite.simulator.dates import mark, unmark
from sources.vendors.netsuite.simulator.errors import business
from sources.vendors.netsuite.simulator.records import Row


class HoldRules(msgspec.Struct, frozen=True):
    """The account's preference for credit limits: `enforce`, `warn` or `ignore`; from how many days overdue on."""

    preference: str = "enforce"
    overdue_days: int = 0


def add_receivable(book: sqlite3.Connection, customer: object, amount: Decimal) -> None:
    """The customer owes so much more (or less, where negative)."""
    _add(book, customer, ("balancesearch",), amount)


def add_unbilled(book: sqlite3.Connection, customer: object, amount: Decimal) -> None:
    """So much more of approved orders waits to be billed."""
    _add(book, customer, ("unbilledorders", "unbilledorderssearch"), amount)


def add_overdue(book: sqlite3.Connection, customer: object, due: object, amount: Decimal, today: date) -> None:
    """An open amount with this due date changed: it counts where the date is past."""
    if due is None or unmark(str(due)).date() >= today:
        return
    _add(book, customer, ("overduebalancesearch",), amount)
    oldest = book.execute(
        """SELECT MIN(duedate) FROM "transaction" WHERE entity = ? AND type = 'CustInvc' AND status = 'A'
        AND foreignamountunpaid > 0 AND duedate < ?""",
        (customer, mark(today)),
    ).fetchone()[0]
    days = (today - unmark(oldest).date()).days if oldest else 0
    book.execute("UPDATE customer SET daysoverdue = ? WHERE id = ?", (days, customer))


def _add(book: sqlite3.Connection, customer: object, columns: tuple[str, ...], amount: Decimal) -> None:
    for column in columns:
        now = book.execute(f'SELECT "{column}" FROM customer WHERE id = ?', (customer,)).fetchone()[0]  # noqa: S608 - ours
        value = float(exact(now) + amount)
        book.execute(f'UPDATE customer SET "{column}" = ? WHERE id = ?', (value, customer))  # noqa: S608 - ours


def refuse_held(customer: Row, added: Decimal, rules: HoldRules, *, on_terms: bool) -> None:
    """Raises Refusal for a sale to a customer on hold: by hand, for days overdue, or for a limit that it reaches. A
    sale without terms may still become a cash sale and is not held [P]; OFF is never held."""
    hold = customer["creditholdoverride"]
    if rules.preference != "enforce" or hold == "OFF" or not on_terms:
        return
    if hold == "ON":
        raise business(facts.CREDIT_HOLD)
    if rules.overdue_days and (customer["daysoverdue"] or 0) > rules.overdue_days:
        raise business(facts.CREDIT_HOLD)
    exposure = exact(customer["balancesearch"]) + exact(customer["unbilledorders"]) + added
    limit = customer["creditlimit"]
    if limit is not None and added > ZERO and exposure >= exact(limit):
        raise business(facts.CREDIT_LIMIT)
