"""Writes over HTTP: what comes in, and what an answer to a write looks like."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.vendors.zendesk.simulator.errors import Refusal
from sources.vendors.zendesk.simulator.gate import Gate
from sources.vendors.zendesk.simulator.jobs import Change, Jobs
from sources.vendors.zendesk.simulator.shapes import SINGULAR, Object
from sources.vendors.zendesk.simulator.tickets import Tickets
from sources.vendors.zendesk.simulator.writes import Writes

_OF_MANY = frozenset({"additional_tags", "remove_tags"})  # known to changes of many tickets only


class Changes:
    """Creates and changes."""

    def __init__(self, writes: Writes, tickets: Tickets, jobs: Jobs, gate: Gate) -> None:
        self._writes, self._tickets, self._jobs, self._gate = writes, tickets, jobs, gate

    async def create_ticket(self, request: Request) -> Response:
        """`POST /tickets`, the only one that knows an Idempotency-Key."""
        body = await request.body()
        key = request.headers.get("idempotency-key")
        made, audit, lookup = self._tickets.create(_wrapped(body, "ticket"), key, body)
        headers = {"location": made["url"]} | ({"x-idempotency-lookup": lookup} if lookup else {})
        return JSONResponse({"ticket": made, "audit": audit}, 201, headers)

    async def change_ticket(self, request: Request) -> Object:
        """`PUT /tickets/{id}`."""
        key = request.path_params["id"]
        self._gate.updated(key)
        given = _wrapped(await request.body(), "ticket")
        made, audit = self._tickets.change(key, {name: value for name, value in given.items() if name not in _OF_MANY})
        return {"ticket": made, "audit": audit}

    async def change_tickets(self, request: Request) -> Object:
        """`PUT /tickets/update_many`: one change for `ids`, or `tickets` with an id and a change each."""
        given = _parsed(await request.body())
        ids = [each.strip() for each in request.query_params.get("ids", "").split(",") if each.strip()]
        if ids:
            return self._jobs.start([(key, _inner(given, "ticket")) for key in ids])
        rows = given.get("tickets") if isinstance(given, dict) else None
        if not isinstance(rows, list) or not rows:
            raise Refusal(400, "BadRequest", "Parameter ids with ticket, or tickets, is required")
        changes: list[Change] = [(str(row.get("id")), row) for row in rows if isinstance(row, dict)]
        return self._jobs.start(changes)

    async def job(self, request: Request) -> Object:
        """`GET /job_statuses/{id}`."""
        return self._jobs.show(request.path_params["id"])

    async def create(self, request: Request, kind: str) -> Response:
        """`POST /organizations` and `/users`."""
        given = _wrapped(await request.body(), SINGULAR[kind])
        return _created(kind, self._writes.user(given) if kind == "users" else self._writes.organization(given))

    async def upsert(self, request: Request, kind: str) -> Response:
        """`POST /organizations/create_or_update` and `/users/create_or_update`."""
        made, created = self._writes.upsert(kind, _wrapped(await request.body(), SINGULAR[kind]))
        return _created(kind, made, 201 if created else 200)

    async def change(self, request: Request, kind: str) -> Object:
        """`PUT /organizations/{id}` and `/users/{id}`."""
        given, key = _wrapped(await request.body(), SINGULAR[kind]), request.path_params["id"]
        made = self._writes.user(given, key) if kind == "users" else self._writes.organization(given, key)
        return {SINGULAR[kind]: made}


def _created(kind: str, made: Object, status: int = 201) -> Response:
    return JSONResponse({SINGULAR[kind]: made}, status, {"location": made["url"]})


def _wrapped(body: bytes, name: str) -> Object:
    return _inner(_parsed(body), name)


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise Refusal(400, "InvalidJSON", "The request body is no JSON", text=True) from None


def _inner(given: object, name: str) -> Object:
    inner = given.get(name) if isinstance(given, dict) else None
    if not isinstance(inner, dict):
        raise Refusal(400, "BadRequest", f"Parameter {name} is required")
    return inner
