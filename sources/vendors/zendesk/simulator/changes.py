"""Writes over HTTP: what comes in, and what an answer to a write looks like."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.vendors.zendesk.simulator.errors import Refusal
from sources.vendors.zendesk.simulator.gate import Gate
from sources.vendors.zendesk.simulator.shapes import SINGULAR, Object
from sources.vendors.zendesk.simulator.writes import Writes


class Changes:
    """Creates and changes."""

    def __init__(self, writes: Writes, gate: Gate) -> None:
        self._writes, self._gate = writes, gate

    async def create_ticket(self, request: Request) -> Response:
        """`POST /tickets`, the only one that knows an Idempotency-Key."""
        body = await request.body()
        key = request.headers.get("idempotency-key")
        made, lookup = self._writes.create_ticket(_wrapped(body, "ticket"), key, body)
        headers = {"location": made["url"]} | ({"x-idempotency-lookup": lookup} if lookup else {})
        return JSONResponse({"ticket": made, "audit": _audit(made)}, 201, headers)

    async def change_ticket(self, request: Request) -> Object:
        """`PUT /tickets/{id}`."""
        key = request.path_params["id"]
        self._gate.updated(key)
        made = self._writes.change_ticket(key, _wrapped(await request.body(), "ticket"))
        return {"ticket": made, "audit": _audit(made)}

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


def _audit(made: Object) -> Object:
    return {"id": made["id"], "ticket_id": made["id"], "created_at": made["updated_at"], "events": []}


def _wrapped(body: bytes, name: str) -> Object:
    try:
        given = json.loads(body)
    except ValueError:
        raise Refusal(400, "InvalidJSON", "The request body is no JSON", text=True) from None
    inner = given.get(name) if isinstance(given, dict) else None
    if not isinstance(inner, dict):
        raise Refusal(400, "BadRequest", f"Parameter {name} is required")
    return inner
