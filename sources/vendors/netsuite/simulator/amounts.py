"""Amounts as the ERP reckons: decimals, rounded half up to what the currency has."""

from __future__ import annotations

import sqlite3
from decimal import ROUND_HALF_UP, Decimal

from sources.canonical import exponent

ZERO = Decimal(0)


def exact(value: float | str | None) -> Decimal:
    """The decimal that was written as this number; nothing is zero."""
    return ZERO if value is None else Decimal(str(value))


def rounded(value: Decimal, symbol: str) -> Decimal:
    """Half up, to the currency's digits."""
    return value.quantize(Decimal(1).scaleb(-exponent(symbol)), ROUND_HALF_UP)


def symbol_of(book: sqlite3.Connection, currency: object) -> str:
    """The ISO code behind a currency's id."""
    found = book.execute("SELECT symbol FROM currency WHERE id = ?", (currency,)).fetchone()
    return str(found[0]) if found else "USD"


def rate_of(book: sqlite3.Connection, currency: object, subsidiary: object) -> float:
    """How much of the subsidiary's own currency one unit is worth: as in the last transaction between the two."""
    home = book.execute("SELECT currency FROM subsidiary WHERE id = ?", (subsidiary,)).fetchone()
    if home is None or home[0] == currency:
        return 1.0
    found = book.execute(
        """SELECT t.exchangerate FROM "transaction" t JOIN transactionline ml ON ml."transaction" = t.id
        AND ml.mainline = 'T' WHERE t.currency = ? AND ml.subsidiary = ? ORDER BY t.trandate DESC, t.id DESC LIMIT 1""",
        (currency, subsidiary),
    ).fetchone()
    return float(found[0]) if found else 1.0
