"""POST query/v1/suiteql: one page of a query's rows."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.errors import invalid
from sources.vendors.netsuite.simulator.functions import render
from sources.vendors.netsuite.simulator.paging import Window, page_links, window
from sources.vendors.netsuite.simulator.suiteql import Translated, refused, translate


class _Question(msgspec.Struct):
    q: str
    params: list[str | int | float | bool | None] = []


async def suiteql(request: Request, book: sqlite3.Connection) -> Response:
    """Every value a string, null columns left out, lower-case names."""
    if "transient" not in [one.strip().lower() for one in request.headers.get("prefer", "").split(",")]:
        raise invalid("The required request header 'Prefer' is missing or is not 'transient'.")
    part = window(request)
    try:
        asked = msgspec.json.decode(await request.body(), type=_Question)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid("Invalid content in the request body: it must be a JSON object with `q`.") from error
    return Response(msgspec.json.encode(_page(request, book, asked, part)), media_type="application/json")


def _page(request: Request, book: sqlite3.Connection, asked: _Question, part: Window) -> dict[str, Any]:
    if part.offset + part.limit > facts.MAX_ROWS:
        raise invalid(f"A query reaches {facts.MAX_ROWS} rows at most.", query="offset")
    query = translate(asked.q)
    if query.parameters != len(asked.params):
        raise refused(f"{facts.QUERY}{query.parameters} parameters are needed, {len(asked.params)} are given.")
    values = {str(number): value for number, value in enumerate(asked.params, 1)}
    names, rows, total = _run(book, query, values, part)
    items: list[dict[str, Any]] = [{"links": [], **_item(names, row)} for row in rows]
    more = part.offset + len(items) < total
    return {
        "links": page_links(request, part, total),
        "count": len(items),
        "hasMore": more,
        "items": items,
        "offset": part.offset,
        "totalResults": total,
    }


def _item(names: list[str], row: tuple[object, ...]) -> dict[str, str | None]:
    texts = zip(names, map(render, row), strict=True)
    return {name: text for name, text in texts if text is not None or not facts.OMIT_NULLS}


def _run(
    book: sqlite3.Connection, query: Translated, values: dict[str, Any], part: Window
) -> tuple[list[str], list[tuple[object, ...]], int]:
    """Column names, the rows of the window, and how many rows the whole query has; raises Refusal."""
    try:
        paged = f"SELECT * FROM ({query.sql})" if query.bounded else query.sql
        cursor = book.execute(f"{paged} LIMIT {part.limit} OFFSET {part.offset}", values)
        rows = cursor.fetchall()
        names = [column[0].lower() for column in cursor.description]
        if rows and len(rows) < part.limit:
            return names, rows, part.offset + len(rows)
        if not rows and part.offset == 0:
            return names, rows, 0
        total = book.execute(f"SELECT COUNT(*) FROM ({query.sql})", values).fetchone()[0]
    except (sqlite3.Error, OverflowError) as error:
        raise refused() from error
    return names, rows, total
