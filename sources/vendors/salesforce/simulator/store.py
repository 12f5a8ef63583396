"""The organisation's rows in an SQLite database in memory: a table per object, indexes for what is looked up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sources.simulation.kit import Holdings, Written
from sources.vendors.salesforce.simulator.schema import NUMERIC, Field, Schema, SObject

_CHUNK = 5_000  # ids bound to one statement
_SAVED = frozenset({"LastModifiedDate", "SystemModstamp"})


class Store:
    """Tables named as the objects are. Instants are text as they go on the wire, so that they sort; booleans 0 or 1.

    `written` is the ledger of effects: what `happened` in a transaction is entered there when the outermost one ends
    well."""

    def __init__(self, schema: Schema, written: Written) -> None:
        self.schema, self._written = schema, written
        self._pending: list[tuple[str, str, Mapping[str, str | None]]] = []
        self._depth = 0
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.create_function("folded", 1, _folded, deterministic=True)
        self._db.execute("PRAGMA page_size = 16384")
        for sobject in schema.objects.values():
            columns = ", ".join(_column(field) for field in sobject.fields.values() if field.kind != "address")
            self._db.execute(f"CREATE TABLE {quoted(sobject.name)} ({columns}) WITHOUT ROWID")

    def load(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Many rows of one object at once, values in the order of `columns`."""
        self._db.execute("BEGIN")
        self._db.executemany(_insert(name, columns), rows)
        self._db.execute("COMMIT")

    def index(self) -> None:
        """Builds the indexes; after loading, because that is faster."""
        for sobject in self.schema.objects.values():
            for field in sobject.fields.values():
                if field.indexed:
                    place = f"{quoted(sobject.name)} ({quoted(field.name)})"
                    self._db.execute(f"CREATE INDEX {quoted(f'{sobject.name}.{field.name}')} ON {place}")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        return self._db.execute(sql, parameters).fetchall()

    def rows_in(self, sql: str, ids: Sequence[str], parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Every row of a query whose `{ids}` stands for a list of ids that comes before `parameters`."""
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            yield from self._db.execute(sql.replace("{ids}", marks(chunk)), (*chunk, *parameters))

    def record(self, sobject: SObject, record_id: str) -> dict[str, Any] | None:
        """One row with all its columns, deleted or not."""
        cursor = self._db.execute(statement("SELECT * FROM", quoted(sobject.name), "WHERE Id = ?"), (record_id,))
        row = cursor.fetchone()
        return dict(zip((column[0] for column in cursor.description), row, strict=True)) if row else None

    def holdings(self) -> Holdings:
        """All records of all objects."""
        return {name: self._all(name) for name in self.schema.objects}

    def _all(self, name: str) -> dict[str, dict[str, Any]]:
        cursor = self._db.execute(statement("SELECT * FROM", quoted(name)))
        columns = [column[0] for column in cursor.description]
        rows = (dict(zip(columns, row, strict=True)) for row in cursor)
        return {row["Id"]: {column: row[column] for column in columns if column not in _SAVED} for row in rows}

    def ids(self, sobject: SObject, field: Field, value: Any) -> list[str]:
        """The ids of the rows, not deleted, that have this value."""
        live = "AND IsDeleted = 0" if sobject.deletable else ""
        where = statement("WHERE", quoted(field.name), "= ?", live, "ORDER BY Id")
        return [row[0] for row in self.rows(statement("SELECT Id FROM", quoted(sobject.name), where), (value,))]

    def insert(self, name: str, values: Mapping[str, Any]) -> None:
        """One new row."""
        self._db.execute(_insert(name, tuple(values)), tuple(values.values()))

    def update(self, name: str, record_id: str, values: Mapping[str, Any]) -> None:
        """New values for one row."""
        assignments = ", ".join(f"{quoted(column)} = ?" for column in values)
        sql = statement("UPDATE", quoted(name), "SET", assignments, "WHERE Id = ?")
        self._db.execute(sql, (*values.values(), record_id))

    def happened(self, kind: str, key: str, more: Mapping[str, str | None]) -> None:
        """An effect of the transaction that is under way."""
        self._pending.append((kind, key, more))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undoes what happened inside when it ends with an error; may be nested."""
        self._db.execute("SAVEPOINT step")
        before, self._depth = len(self._pending), self._depth + 1
        try:
            yield
        except BaseException:
            del self._pending[before:]
            self._db.execute("ROLLBACK TO step")
            self._db.execute("RELEASE step")
            raise
        finally:
            self._depth -= 1
        self._db.execute("RELEASE step")
        if not self._depth:
            self._publish()

    def _publish(self) -> None:
        for kind, key, more in self._pending:
            self._written.add(kind, key, **more)
        self._pending.clear()


def statement(*clauses: str) -> str:
    """SQL of clauses, of which some may be empty. Only names of the schema stand in them; every value is bound."""
    return " ".join(filter(None, clauses))


def quoted(name: str) -> str:
    """A name as SQLite wants it: `Order` and `Case` are words of its own."""
    return f'"{name}"'


def marks(values: Sequence[Any]) -> str:
    """A place for each value."""
    return ",".join("?" * len(values))


def _insert(name: str, columns: Sequence[str]) -> str:
    names = ", ".join(map(quoted, columns))
    return statement("INSERT INTO", quoted(name), f"({names}) VALUES ({marks(columns)})")


def _column(field: Field) -> str:
    if field.name == "Id":
        return '"Id" TEXT PRIMARY KEY NOT NULL'
    if field.kind == "boolean":
        return f"{quoted(field.name)} INTEGER NOT NULL DEFAULT 0"
    if field.kind in NUMERIC:
        return f"{quoted(field.name)} {'INTEGER' if field.kind == 'int' else 'REAL'}"
    exact = field.kind in ("reference", "date", "datetime")
    return f"{quoted(field.name)} TEXT{'' if exact else ' COLLATE NOCASE'}"


def _folded(text: str | None) -> str | None:
    """Case folding beyond ASCII, which SQLite does not know."""
    return None if text is None else text.casefold()
