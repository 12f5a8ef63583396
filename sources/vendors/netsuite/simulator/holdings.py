"""All that an ERP's book holds, as it is now."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import Any

from sources.simulation.kit import Holdings
from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.shapes import SHAPES

Row = dict[str, Any]
_SAVED = frozenset({"lastmodifieddate"})
_PARTS = {  # of a transaction: by which column it is found
    "transactionline": "transaction",
    "transactionaccountingline": "transaction",
    facts.LINK_TABLE: "nextdoc",
}
_NAMES = frozenset({"account", "currency", "term"})  # lists that grow when a name is met
_LOOSE = {"entityaddress": "nkey", "deletedrecord": "recordid"}  # tables without an id of their own
_TYPES = {shape.transaction: shape.name for shape in SHAPES.values() if shape.transaction}


def holdings(book: sqlite3.Connection) -> Holdings:
    """Every record by its table, transactions by their type (`invoice`, `creditMemo`) with their lines, postings, and
    links to what they came of or settle; no lists of mere names."""
    found: Holdings = defaultdict(dict)
    parts = {name: _parts(book, name, column) for name, column in _PARTS.items()}
    for name, columns in facts.TABLES.items():
        key = "id" if "id" in columns else _LOOSE.get(name)
        if key is None or name in _PARTS or name in _NAMES or columns is facts.TABLES[facts.LINK_TABLE]:
            continue
        for row in _rows(book, name):
            if name != "transaction":
                found[name][str(row[key])] = row
                continue
            whole = row | {part: rows.get(row[key], []) for part, rows in parts.items()}
            found[_TYPES[row["type"]]][str(row[key])] = whole
    return dict(found)


def _parts(book: sqlite3.Connection, name: str, column: str) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in _rows(book, name):
        found[row[column]].append(row)
    return {key: sorted(rows, key=str) for key, rows in found.items()}


def _rows(book: sqlite3.Connection, name: str) -> list[Row]:
    cursor = book.execute(f'SELECT * FROM "{name}"')
    columns = [column[0] for column in cursor.description]
    rows = (dict(zip(columns, row, strict=True)) for row in cursor)
    return [{column: value for column, value in row.items() if column not in _SAVED} for row in rows]
