"""POST, PATCH, PUT eid: and DELETE of records: 204 and a Location, no body."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

import msgspec

from sources.vendors.netsuite.simulator import documents, facts
from sources.vendors.netsuite.simulator.book import insert_named
from sources.vendors.netsuite.simulator.dates import mark, parse
from sources.vendors.netsuite.simulator.errors import Refusal, business, content, missing
from sources.vendors.netsuite.simulator.records import Row, row_of
from sources.vendors.netsuite.simulator.shapes import WRITABLE, Property, Shape


class Write(msgspec.Struct, frozen=True):
    """One write as it arrived. `wanted`: `{id}` or `eid:{externalId}`, empty for a POST. `strict`: unknown property
    names are errors (X-NetSuite-PropertyNameValidation: Error), otherwise they are left out."""

    method: str
    shape: Shape
    wanted: str
    body: bytes
    strict: bool
    now: datetime


def apply(book: sqlite3.Connection, write: Write) -> int:
    """Carries the write out in one transaction and returns the record's id; raises Refusal and changes nothing then."""
    book.execute("BEGIN")
    try:
        key = _delete(book, write) if write.method == "DELETE" else _save(book, write)
    except BaseException:
        book.execute("ROLLBACK")
        raise
    book.execute("COMMIT")
    return key


def _save(book: sqlite3.Connection, write: Write) -> int:
    if write.shape.name not in WRITABLE:
        raise Refusal(405, "INVALID_REQUEST", f"The simulator does not write '{write.shape.name}' yet.")
    given = _properties(write)
    row = row_of(book, write.shape, write.wanted) if write.wanted else None
    external = write.wanted.removeprefix("eid:") if write.wanted.startswith("eid:") else None
    if write.wanted and row is None and not (write.method == "PUT" and external is not None):
        raise missing()
    if external is not None:
        given = {"externalId": external, **given}
    if row is None:
        return _create(book, write, given)
    return _change(book, write, given, row)


def _properties(write: Write) -> dict[str, Any]:
    try:
        given = msgspec.json.decode(write.body or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(
            400, "INVALID_CONTENT", "Invalid content in the request body: it must be a JSON object."
        ) from error
    known = WRITABLE[write.shape.name]
    readable = write.shape.properties.keys() | {"links", "subsidiary"}
    for name in given:
        if name not in known | readable and write.strict:
            raise content(facts.UNKNOWN_PROPERTY.format(name=name), name)
    return {name: value for name, value in given.items() if name in known}


def _columns(book: sqlite3.Connection, shape: Shape, given: dict[str, Any]) -> dict[str, object]:
    """The properties as the table's columns; raises Refusal for a value that is none."""
    columns: dict[str, object] = {}
    for name, value in given.items():
        one = shape.properties.get(name)
        if one is not None:
            columns[one.column] = None if value is None else _stored(book, shape, one, value)
    return columns


def _stored(book: sqlite3.Connection, shape: Shape, one: Property, value: Any) -> object:
    try:
        if one.kind == "ref":
            return _referred(book, facts.TABLES[shape.table][one.column].refers or "", value)
        if one.kind == "enum":
            return _enumerated(one, value)
        if one.kind == "boolean":
            return "T" if value is True or value == "T" else "F"
        if one.kind == "date":
            return parse(str(value), "YYYY-MM-DD")
        return float(value) if one.kind in ("number", "integer") else str(value)
    except (ValueError, TypeError) as error:
        raise content(facts.BAD_VALUE.format(value=_shown(value), field=one.name), one.name) from error


def _enumerated(one: Property, value: Any) -> str:
    chosen = str(value["id"] if isinstance(value, dict) else value)
    allowed = {"creditHoldOverride": facts.HOLDS, "orderStatus": ("A", "B")}.get(one.name, ())
    if chosen not in allowed:
        raise ValueError(chosen)
    return chosen


def _referred(book: sqlite3.Connection, table: str, value: Any) -> int:
    """The id behind `5`, `"5"`, `{"id": "5"}` or `{"externalId": "x"}`; raises ValueError."""
    column, wanted = "id", value
    if isinstance(value, dict):
        column = "id" if "id" in value else "externalid"
        wanted = value.get("id", value.get("externalId"))
    if column not in facts.TABLES[table]:
        raise ValueError(column)
    found = book.execute(f'SELECT id FROM "{table}" WHERE "{column}" = ?', (wanted,)).fetchone()
    if found is None:
        raise ValueError(wanted)
    return int(found[0])


def _shown(value: Any) -> Any:
    return value.get("id", value.get("externalId")) if isinstance(value, dict) else value


def _create(book: sqlite3.Connection, write: Write, given: dict[str, Any]) -> int:
    shape = write.shape
    columns = _columns(book, shape, given)
    _refuse_duplicate(book, shape, columns.get("externalid"))
    columns["lastmodifieddate"] = mark(write.now)
    if shape.transaction:
        subsidiary = _owner(book, given)
        return documents.create(book, shape.transaction, columns, _lines(book, given), subsidiary, write.now)
    if not columns.get("companyname"):
        raise business(facts.MISSING_VALUE.format(field="Company Name"))
    subsidiary = _owner(book, given)
    if subsidiary is None:
        raise business(facts.MISSING_VALUE.format(field="Primary Subsidiary"))
    key = documents.next_id(book, "customer")
    home = book.execute("SELECT currency FROM subsidiary WHERE id = ?", (subsidiary,)).fetchone()[0]
    start = {"id": key, "entityid": f"CUST{key}", "isinactive": "F", "isperson": "F", "creditholdoverride": "AUTO"}
    zero = dict.fromkeys(
        ("balancesearch", "overduebalancesearch", "unbilledorders", "unbilledorderssearch", "daysoverdue"), 0
    )
    flags = {"taxexempt": "F", "custentity_reverse_charge": "F", "currency": home}
    insert_named(book, "customer", {**start, **zero, **flags, **columns, "subsidiary": subsidiary})
    insert_named(
        book,
        "customersubsidiaryrelationship",
        {"id": key, "entity": key, "subsidiary": subsidiary, "isprimarysub": "T"},
    )
    return key


def _owner(book: sqlite3.Connection, given: dict[str, Any]) -> int | None:
    value = given.get("subsidiary")
    if value is None:
        return None
    try:
        return _referred(book, "subsidiary", value)
    except ValueError as error:
        raise content(facts.BAD_VALUE.format(value=_shown(value), field="subsidiary"), "subsidiary") from error


def _refuse_duplicate(book: sqlite3.Connection, shape: Shape, external: object, own: int | None = None) -> None:
    if external is None:
        return
    kind = f" AND {shape.where}" if shape.where else ""
    found = book.execute(
        f'SELECT id FROM "{shape.table}" WHERE externalid = ? AND id IS NOT ?{kind}',
        (external, own),
    ).fetchone()
    if found:
        raise business(facts.DUPLICATE_ENTITY if shape.table == "customer" else facts.DUPLICATE_RECORD)


def _lines(book: sqlite3.Connection, given: dict[str, Any]) -> list[documents.Line]:
    sublist = given.get("item")
    items = sublist.get("items", ()) if isinstance(sublist, dict) else ()
    lines = []
    for number, one in enumerate(items):
        path = f"item.items[{number}]"
        if not isinstance(one, dict):
            raise content(facts.BAD_VALUE.format(value=one, field="item"), path)
        try:
            item = _referred(book, "item", one.get("item"))
        except ValueError as error:
            value = _shown(one.get("item"))
            raise content(facts.BAD_VALUE.format(value=value, field="item"), f"{path}.item") from error
        lines.append(documents.line(one, item, path))
    return lines


def _change(book: sqlite3.Connection, write: Write, given: dict[str, Any], row: Row) -> int:
    shape, key = write.shape, int(row["id"])
    columns = _columns(book, shape, given)
    _refuse_duplicate(book, shape, columns.get("externalid"), key)
    if shape.transaction:
        documents.refuse_change(book, row, columns)
    columns["lastmodifieddate"] = mark(write.now)
    names = ", ".join(f'"{name}" = ?' for name in columns)
    book.execute(f'UPDATE "{shape.table}" SET {names} WHERE id = ?', (*columns.values(), key))
    if "item" in given:
        documents.replace_lines(book, key, _lines(book, given))
    return key


def _delete(book: sqlite3.Connection, write: Write) -> int:
    row = row_of(book, write.shape, write.wanted)
    if row is None:
        raise missing()
    key = int(row["id"])
    documents.refuse_delete(book, write.shape, row)
    book.execute(f'DELETE FROM "{write.shape.table}" WHERE id = ?', (key,))
    if write.shape.transaction:
        for table in ("transactionline", "transactionaccountingline"):
            book.execute(f'DELETE FROM "{table}" WHERE "transaction" = ?', (key,))
    gone = {"recordid": key, "recordtypeid": write.shape.name.lower(), "name": None, "deleteddate": mark(write.now)}
    insert_named(book, "deletedrecord", gone)
    return key
