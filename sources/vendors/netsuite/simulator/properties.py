"""The properties of a request's body as columns: what may be written, and what a value means."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.dates import parse
from sources.vendors.netsuite.simulator.errors import Refusal, business, content
from sources.vendors.netsuite.simulator.shapes import WRITABLE, Property, Shape


def properties(shape: Shape, body: bytes, *, strict: bool) -> dict[str, Any]:
    """What of a body may be written; unknown names are errors where `strict`, otherwise they are left out."""
    try:
        given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(
            400, "INVALID_CONTENT", "Invalid content in the request body: it must be a JSON object."
        ) from error
    known = WRITABLE[shape.name]
    readable = shape.properties.keys() | {"links", "subsidiary", "createdFrom"}
    for name in given:
        if name not in known | readable and strict:
            raise content(facts.UNKNOWN_PROPERTY.format(name=name), name)
    return {name: value for name, value in given.items() if name in known}


def columns(book: sqlite3.Connection, shape: Shape, given: Mapping[str, Any]) -> dict[str, object]:
    """The properties as the table's columns; raises Refusal for a value that is none."""
    found: dict[str, object] = {}
    for name, value in given.items():
        one = shape.properties.get(name)
        if one is not None:
            found[one.column] = None if value is None else _stored(book, shape, one, value)
    return found


def _stored(book: sqlite3.Connection, shape: Shape, one: Property, value: Any) -> object:
    try:
        if one.kind == "ref":
            return referred(book, facts.TABLES[shape.table][one.column].refers or "", value)
        if one.kind == "enum":
            return _enumerated(one, value)
        if one.kind == "boolean":
            return "T" if value is True or value == "T" else "F"
        if one.kind == "date":
            return parse(str(value), "YYYY-MM-DD")
        return float(value) if one.kind in ("number", "integer") else str(value)
    except (ValueError, TypeError) as error:
        raise content(facts.BAD_VALUE.format(value=shown(value), field=one.name), one.name) from error


def _enumerated(one: Property, value: Any) -> str:
    chosen = str(value["id"] if isinstance(value, dict) else value)
    allowed = {"creditHoldOverride": facts.HOLDS, "orderStatus": ("A", "B")}.get(one.name, ())
    if chosen not in allowed:
        raise ValueError(chosen)
    return chosen


def referred(book: sqlite3.Connection, table: str, value: Any) -> int:
    """The id behind `5`, `"5"`, `{"id": "5"}` or `{"externalId": "x"}`; raises ValueError with what was given."""
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


def shown(value: Any) -> Any:
    """A value as a refusal names it."""
    return value.get("id", value.get("externalId")) if isinstance(value, dict) else value


def subsidiary_of(book: sqlite3.Connection, given: Mapping[str, Any]) -> int | None:
    """The subsidiary of a body, where there is one."""
    value = given.get("subsidiary")
    if value is None:
        return None
    try:
        return referred(book, "subsidiary", value)
    except ValueError as error:
        raise content(facts.BAD_VALUE.format(value=shown(value), field="subsidiary"), "subsidiary") from error


def refuse_duplicate(book: sqlite3.Connection, shape: Shape, external: object, own: int | None = None) -> None:
    """Raises Refusal where another record of the type has this external id."""
    if external is None:
        return
    kind = f" AND {shape.where}" if shape.where else ""
    found = book.execute(
        f'SELECT id FROM "{shape.table}" WHERE externalid = ? AND id IS NOT ?{kind}',
        (external, own),
    ).fetchone()
    if found:
        raise business(facts.DUPLICATE_ENTITY if shape.table == "customer" else facts.DUPLICATE_RECORD)
