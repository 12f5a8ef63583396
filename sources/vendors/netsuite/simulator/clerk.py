"""What people do in an ERP that no service of it offers, as control pages: closing a period, holding a customer."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sources.simulation.kit import CONTROL
from sources.vendors.netsuite.simulator.dates import mark

T = TypeVar("T")


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The posting periods of a day are to be closed, or open again."""

    day: date
    closed: bool


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer, by its internal id, is to be on credit hold, off it, or as the rules say."""

    customer: str
    hold: Literal["ON", "OFF", "AUTO"]


class Clerk:
    """Somebody at the book itself."""

    def __init__(self, book: sqlite3.Connection) -> None:
        self._book = book

    def routes(self) -> list[BaseRoute]:
        """PUT pages; each answers how many rows it changed, 400 with what was wrong where it cannot."""
        return [
            Route(f"{CONTROL}/periods", _taking(Period, self._period), methods=["PUT"]),
            Route(f"{CONTROL}/holds", _taking(Hold, self._hold), methods=["PUT"]),
        ]

    def _period(self, asked: Period) -> Response:
        day = mark(asked.day)
        return self._changed(
            "UPDATE accountingperiod SET closed = ? WHERE startdate <= ? AND enddate >= ?",
            ("T" if asked.closed else "F", day, day),
        )

    def _hold(self, asked: Hold) -> Response:
        return self._changed(
            "UPDATE customer SET creditholdoverride = ? WHERE id = CAST(? AS INTEGER)", (asked.hold, asked.customer)
        )

    def _changed(self, sql: str, values: tuple[str | None, ...]) -> Response:
        return JSONResponse({"changed": self._book.execute(sql, values).rowcount})


def _taking(type_: type[T], do: Callable[[T], Response]) -> Callable[[Request], Awaitable[Response]]:
    """A page that does what a body asks for."""

    async def page(request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await request.body(), type=type_)
        except msgspec.DecodeError as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return do(asked)

    return page
