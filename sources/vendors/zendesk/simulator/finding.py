"""Searches and exports: the query language over HTTP, its caps, and the stream of changed tickets."""

from __future__ import annotations

import base64
import binascii
import heapq
from collections.abc import Sequence
from datetime import datetime

from starlette.requests import Request

from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.errors import Refusal
from sources.vendors.zendesk.simulator.gate import Gate
from sources.vendors.zendesk.simulator.pages import Paged, by_cursor, by_number, cursor_of, whole
from sources.vendors.zendesk.simulator.reads import Reads, place
from sources.vendors.zendesk.simulator.search import Query, find, parse
from sources.vendors.zendesk.simulator.shapes import SINGULAR, Entry, Object, look, show

_ORDERS = {
    "created": "created_at", "created_at": "created_at", "updated": "updated_at", "updated_at": "updated_at",
    "priority": "priority", "status": "status", "ticket_type": "type", "relevance": "created_at",
}  # fmt: skip
_SCALES = {"priority": facts.PRIORITIES, "status": facts.STATUSES}


class Finding:
    """What is found on the desk."""

    def __init__(self, desk: Desk, clock: Clock, gate: Gate, reads: Reads) -> None:
        self._desk, self._clock, self._gate, self._reads = desk, clock, gate, reads

    async def search(self, request: Request) -> Object:
        """`GET /search`: pages by number, a thousand results at the most; the count tells of all."""
        parameters = dict(request.query_params)
        query = self._query(parameters)
        size, number = whole(parameters, "per_page", facts.MANY, facts.MANY), whole(parameters, "page", 1)
        if (number - 1) * size >= facts.SEARCH_MOST:
            raise Refusal(422, "invalid", facts.SEARCH_LIMITED)
        rows = find(self._desk, query, self._clock.now())
        order = parameters.get("sort_by") or query.order_by or "relevance"
        descending = (parameters.get("sort_order") or query.sort or "desc") == "desc"
        paged = by_number(_ordered(rows, order, descending), parameters, place(request))
        return {"results": [_result(row) for row in paged.rows], "facets": None, **paged.about}

    async def count(self, request: Request) -> Object:
        """`GET /search/count`."""
        return {"count": len(find(self._desk, self._query(dict(request.query_params)), self._clock.now()))}

    async def export(self, request: Request) -> Object:
        """`GET /search/export`: one kind, by a cursor that lives an hour."""
        self._gate.exported()
        parameters = dict(request.query_params)
        kind = {name: kind for kind, name in SINGULAR.items()}.get(parameters.get("filter[type]", ""))
        if kind is None:
            raise Refusal(422, "invalid", "filter[type] must be ticket, organization, user or group")
        now = self._clock.now().timestamp()
        began = now
        if after := parameters.get("page[after]"):
            began = cursor_of(after).at
            if now - began > facts.EXPORT_CURSOR_LIFE:
                raise Refusal(422, "invalid", "The cursor has expired")
        query = self._query(parameters)
        rows = [row for _, row in find(self._desk, Query((kind,), query.terms), self._clock.now())]
        paged = by_cursor(rows, parameters, place(request), most=facts.EXPORT_MOST, began=began)
        return {"results": [_result(row) for row in paged.rows], "facets": None, **paged.about}

    async def organizations(self, request: Request) -> Object:
        """`GET /organizations/search`: by `external_id` or by the exact `name`."""
        parameters = request.query_params
        if "external_id" in parameters:
            found = self._desk.having("organizations", "external_id", [parameters["external_id"]])
        elif "name" in parameters:
            found = self._named(parameters["name"], exact=True)
        else:
            raise Refusal(400, "BadRequest", "Parameter external_id or name is required")
        return self._reads.numbered(request, "organizations", found)

    async def autocomplete(self, request: Request) -> Object:
        """`GET /organizations/autocomplete`: names that begin with `name`, two characters at least."""
        name = request.query_params.get("name", "")
        if len(name) < 2:
            raise Refusal(400, "BadRequest", "Parameter name needs two characters")
        return self._reads.numbered(request, "organizations", self._named(name, exact=False))

    async def users(self, request: Request) -> Object:
        """`GET /users/search`: by `external_id` or by a `query`."""
        parameters = request.query_params
        if "external_id" in parameters:
            found = self._desk.having("users", "external_id", [parameters["external_id"]])
        else:
            query = Query(("users",), parse(parameters.get("query", "")).terms)
            found = [row for _, row in find(self._desk, query, self._clock.now())]
        return self._reads.numbered(request, "users", found)

    async def changed_tickets(self, request: Request) -> Object:
        """`GET /incremental/tickets/cursor`: tickets in the order they changed, from `start_time` or a `cursor`."""
        self._gate.followed()
        parameters = dict(request.query_params)
        since = self._since(parameters)
        size = whole(parameters, "per_page", facts.INCREMENTAL_MOST, facts.INCREMENTAL_MOST)
        changed = ((_changed(row), row) for row in self._desk.tables["tickets"].values())
        rows = heapq.nsmallest(size + 1, (each for each in changed if each[0] > since), key=lambda each: each[0])
        shown = rows[:size]
        after = _encoded(shown[-1][0] if shown else since)
        about: Object = {
            "after_cursor": after,
            "after_url": f"{place(request)}?cursor={after}",
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(rows) <= size,
        }
        return self._reads.rendered("tickets", Paged([row for _, row in shown], about), request)

    # ------------------------------------------------------------ parts

    def _query(self, parameters: dict[str, str]) -> Query:
        if not parameters.get("query", "").strip():
            raise Refusal(422, "invalid", "Parameter query is required")
        return parse(parameters["query"])

    def _named(self, name: str, *, exact: bool) -> list[Entry]:
        wanted = name.strip().lower()
        words = self._desk.wording("organizations", wanted.split()[0]) if exact and wanted else None
        rows = words if words is not None else self._desk.tables["organizations"].values()
        names = ((str(look(row, "name")).lower(), row) for row in rows)
        return [row for each, row in names if each == wanted or (not exact and each.startswith(wanted))]

    def _since(self, parameters: dict[str, str]) -> tuple[float, int]:
        if cursor := parameters.get("cursor"):
            return _decoded(cursor)
        start = parameters.get("start_time", "")
        if not start.isdecimal():
            raise Refusal(400, "BadRequest", "Parameter start_time or cursor is required")
        if float(start) > self._clock.now().timestamp() - facts.INCREMENTAL_AGE:
            raise Refusal(422, "InvalidValue", facts.RECENT)
        return float(start), -1


def _result(row: Entry) -> Object:
    made = show(row)
    kind = made["url"].split("/")[-2]
    return {**made, "result_type": SINGULAR[kind]}


def _ordered(rows: Sequence[tuple[str, Entry]], order: str, descending: bool) -> list[Entry]:
    field = _ORDERS.get(order, "created_at")
    scale = _SCALES.get(field)

    def place_of(row: Entry) -> tuple[str | int, int]:
        value = look(row, field)
        if scale is not None:
            return (scale.index(value) if value in scale else -1, look(row, "id"))
        return (str(value or ""), look(row, "id"))

    return sorted((row for _, row in rows), key=place_of, reverse=descending)


def _changed(row: Entry) -> tuple[float, int]:
    at = look(row, "generated_timestamp") if isinstance(row, dict) else int(_instant(row))
    return float(at), int(look(row, "id"))


def _instant(row: Entry) -> float:
    at = getattr(row, "updated_at", None)
    return at.timestamp() if isinstance(at, datetime) else 0.0


def _encoded(place_of: tuple[float, int]) -> str:
    return base64.urlsafe_b64encode(f"{place_of[0]}||{place_of[1]}".encode()).decode()


def _decoded(cursor: str) -> tuple[float, int]:
    try:
        at, _, key = base64.urlsafe_b64decode(cursor).decode().partition("||")
        return float(at), int(key)
    except (ValueError, binascii.Error):
        raise Refusal(400, "InvalidCursor", "The cursor is not valid") from None
