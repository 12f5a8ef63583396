"""GET record/v1: lists of ids, and one record at a time."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import exact
from sources.vendors.netsuite.simulator.dates import spell
from sources.vendors.netsuite.simulator.errors import Refusal, invalid, missing
from sources.vendors.netsuite.simulator.paging import page_links, window
from sources.vendors.netsuite.simulator.shapes import SHAPES, Property, Shape

Row = Mapping[str, Any]
_MEDIA = "application/vnd.oracle.resource+json"
_MAIN_LINE = {"subsidiary": ("subsidiary", "subsidiary"), "createdFrom": ("createdfrom", "transaction")}


def shape_of(request: Request) -> Shape:
    """The record type of the address; raises Refusal."""
    return shape_named(request.path_params["type"])


def shape_named(name: str) -> Shape:
    """The record type of that name, in any case; raises Refusal."""
    if (shape := SHAPES.get(name.lower())) is None:
        raise Refusal(404, "NOT_FOUND", f"Record type '{name}' does not exist.")
    return shape


def row_of(book: sqlite3.Connection, shape: Shape, wanted: str) -> Row | None:
    """The row behind `{id}` or `eid:{externalId}`, or None."""
    external = wanted.startswith("eid:")
    if external and "externalId" not in shape.properties:
        return None
    column, value = ("externalid", wanted[4:]) if external else ("id", wanted)
    own = f" AND {shape.where}" if shape.where else ""
    return one_row(book, f'SELECT * FROM "{shape.table}" WHERE "{column}" = ?{own}', (value,))


def one_row(book: sqlite3.Connection, sql: str, values: tuple[object, ...] | dict[str, object]) -> Row | None:
    """The first row by column name, or None."""
    cursor = book.execute(sql, values)
    row = cursor.fetchone()
    return dict(zip((column[0] for column in cursor.description), row, strict=True)) if row else None


def address(request: Request, shape: Shape, key: object) -> str:
    """The record's own address."""
    return f"{request.url.scheme}://{request.url.netloc}{facts.ROOT}/record/v1/{shape.name}/{key}"


async def list_records(request: Request, book: sqlite3.Connection) -> Response:
    """Ids only."""
    shape, part = shape_of(request), window(request)
    for name in request.query_params.keys() - {"limit", "offset"}:
        raise invalid(f"The simulator knows no parameter '{name}' for lists; ask SuiteQL.", query=name)
    own = f" WHERE {shape.where}" if shape.where else ""
    total = book.execute(f'SELECT COUNT(*) FROM "{shape.table}"{own}').fetchone()[0]
    rows = book.execute(
        f'SELECT id FROM "{shape.table}"{own} ORDER BY id LIMIT ? OFFSET ?',
        (part.limit, part.offset),
    ).fetchall()
    items = [{"links": [{"rel": "self", "href": address(request, shape, key)}], "id": str(key)} for (key,) in rows]
    body = {
        "links": page_links(request, part, total),
        "items": items,
        "count": len(items),
        "offset": part.offset,
        "hasMore": part.offset + len(items) < total,
        "totalResults": total,
    }
    return JSONResponse(body, media_type=f"{_MEDIA}; type=collection")


async def get_record(request: Request, book: sqlite3.Connection) -> Response:
    """One record, with `fields`, `expandSubResources` and `simpleEnumFormat`."""
    shape = shape_of(request)
    row = row_of(book, shape, request.path_params["id"])
    if row is None:
        raise missing()
    wanted = _fields(request, shape)
    expand, simple = _is_true(request, "expandSubResources"), _is_true(request, "simpleEnumFormat")
    own = address(request, shape, row["id"])
    body: dict[str, Any] = {"links": [{"rel": "self", "href": str(request.url)}]}
    for one in shape.properties.values():
        if wanted is None or one.name in wanted:
            value = _value(request, book, shape, one, row, simple=simple)
            if value is not None or not facts.OMIT_NULLS:
                body[one.name] = value
    for name, (column, table) in _MAIN_LINE.items() if shape.transaction else ():
        if (wanted is None or name in wanted) and (key := _main_line(book, row["id"], column)) is not None:
            body[name] = _reference(request, book, table, key)
    for name in shape.sublists if wanted is None else ():
        links = [{"rel": "self", "href": f"{own}/{name}"}]
        body[name] = {"links": links, **(sublist(request, book, row, name) if expand else {})}
    return JSONResponse(body, media_type=f"{_MEDIA}; type=singular")


async def get_sublist(request: Request, book: sqlite3.Connection) -> Response:
    """A sub-resource of one record."""
    shape, name = shape_of(request), request.path_params["sub"]
    row = row_of(book, shape, request.path_params["id"])
    if row is None or name not in shape.sublists:
        raise missing()
    links = [{"rel": "self", "href": str(request.url)}]
    return JSONResponse({"links": links, **sublist(request, book, row, name)}, media_type=f"{_MEDIA}; type=collection")


def _is_true(request: Request, name: str) -> bool:
    return request.query_params.get(name, "false").lower() == "true"


def _fields(request: Request, shape: Shape) -> frozenset[str] | None:
    text = request.query_params.get("fields")
    if text is None:
        return None
    wanted = frozenset(name.strip() for name in text.split(","))
    for name in sorted(wanted - shape.properties.keys() - _MAIN_LINE.keys()):
        raise invalid(f"Unknown field '{name}' of record type '{shape.name}'.", query="fields")
    return wanted


def _value(request: Request, book: sqlite3.Connection, shape: Shape, one: Property, row: Row, *, simple: bool) -> Any:
    value = row[one.column]
    if value is None:
        return None
    if one.kind == "ref":
        refers = facts.TABLES[shape.table][one.column].refers
        return _reference(request, book, refers or "", value)
    if one.kind == "enum":
        return str(value) if simple else {"id": str(value), "refName": enum_label(row, one.column)}
    if one.kind == "boolean":
        return value == "T"
    if one.kind in ("date", "moment"):
        return spell(value, "YYYY-MM-DD" if one.kind == "date" else 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    if one.kind == "number":
        return abs(value) if one.column in ("foreigntotal", "taxtotal") else value
    return int(value) if one.kind == "integer" else str(value)


def enum_label(row: Row, column: str) -> str:
    """What people read for an enumerated id."""
    value = str(row[column])
    if column == "status":
        return facts.STATUS_LABELS[row["type"]].get(value, value)
    return (facts.APPROVALS if column == "approvalstatus" else facts.HOLDS).get(value, value)


def _reference(request: Request, book: sqlite3.Connection, table: str, key: object) -> dict[str, Any]:
    row = one_row(book, f'SELECT *, {facts.LABELS[table]} AS "label" FROM "{table}" WHERE id = ?', (key,)) or {}
    link = f"{request.url.scheme}://{request.url.netloc}{facts.ROOT}/record/v1/{_type_name(table)}/{key}"
    shown: dict[str, Any] = {"links": [{"rel": "self", "href": link}], "id": str(key), "refName": row.get("label")}
    if row.get("externalid"):
        shown["externalId"] = row["externalid"]
    return {name: value for name, value in shown.items() if value is not None}


def _type_name(table: str) -> str:
    return next((shape.name for shape in SHAPES.values() if shape.table == table), table)


def _main_line(book: sqlite3.Connection, document: int, column: str) -> int | None:
    """What a transaction has on its main line only."""
    row = one_row(
        book, f'SELECT "{column}" FROM transactionline WHERE "transaction" = ? AND mainline = \'T\'', (document,)
    )
    return row[column] if row else None


def sublist(request: Request, book: sqlite3.Connection, row: Row, name: str) -> dict[str, Any]:
    """The lines of `item` or `apply`."""
    items = _item_lines(request, book, row) if name == "item" else _apply_lines(request, book, row)
    return {"items": items, "totalResults": len(items)}


def _item_lines(request: Request, book: sqlite3.Connection, row: Row) -> list[dict[str, Any]]:
    sign = facts.LINE_SIGN.get(row["type"], 1)
    lines = book.execute(
        """SELECT linesequencenumber, item, quantity, rate, foreignamount, taxamount, memo, isclosed, quantitybilled,
        orderline, custcol_gateway_line, custcol_service_start, custcol_service_end FROM transactionline
        WHERE "transaction" = ? AND mainline = 'F' AND taxline = 'F' ORDER BY linesequencenumber""",
        (row["id"],),
    ).fetchall()
    order, shown = row["type"] == "SalesOrd", []
    for number, item, quantity, rate, amount, tax, memo, closed, billed, order_line, own, start, end in lines:
        line = {
            "line": number,
            "item": _reference(request, book, "item", item) if item is not None else None,
            "description": memo,
            "quantity": None if quantity is None else sign * quantity,
            "rate": rate,
            "amount": sign * amount,
            "grossAmt": float(exact(sign * amount) + exact(sign * (tax or 0))),
            "isClosed": closed == "T" if order else None,
            "quantityBilled": billed if order else None,
            "orderLine": order_line,
            "custcol_gateway_line": own,
            "custcol_service_start": spell(start, "YYYY-MM-DD") if start else None,
            "custcol_service_end": spell(end, "YYYY-MM-DD") if end else None,
        }
        shown.append({key: value for key, value in line.items() if value is not None})
    return shown


def _apply_lines(request: Request, book: sqlite3.Connection, row: Row) -> list[dict[str, Any]]:
    links = book.execute(
        """SELECT l.previousdoc, l.foreignamount, t.tranid, t.foreigntotal, t.foreignamountunpaid
        FROM previoustransactionlinelink l JOIN "transaction" t ON t.id = l.previousdoc
        WHERE l.nextdoc = ? AND l.linktype = ? ORDER BY l.previousdoc""",
        (row["id"], facts.LINK),
    ).fetchall()
    return [
        {
            "line": number,
            "apply": True,
            "amount": amount,
            "applyDate": spell(row["trandate"], "YYYY-MM-DD"),
            "doc": _reference(request, book, "transaction", document),
            "refNum": reference,
            "total": total,
            "due": due,
            "type": facts.TYPE_LABELS["CustInvc"],
        }
        for number, (document, amount, reference, total, due) in enumerate(links)
    ]


def catalog(shape: Shape) -> dict[str, Any]:
    """A record type's JSON schema, as far as the simulator knows it."""
    kinds = {"number": "number", "integer": "integer", "boolean": "boolean", "ref": "object", "enum": "object"}
    formats = {"date": {"format": "date"}, "moment": {"format": "date-time"}}
    return {
        "type": "object",
        "properties": {
            one.name: {"title": one.name, "type": kinds.get(one.kind, "string"), **formats.get(one.kind, {})}
            for one in shape.properties.values()
        },
    }
