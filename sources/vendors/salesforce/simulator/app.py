"""The organisation over HTTP: its token endpoint, and the edge every call to its data passes."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sources.simulation.enterprise import Enterprise
from sources.simulation.kit import CONTROL, Clock, Written, simulator_app
from sources.vendors.salesforce.simulator import book, facts
from sources.vendors.salesforce.simulator.calls import ROOT, Answer, Call, addressed
from sources.vendors.salesforce.simulator.credentials import DEVELOPMENT, Credentials
from sources.vendors.salesforce.simulator.errors import Refusal, assumed
from sources.vendors.salesforce.simulator.identity import TOKEN_PATH, Identity
from sources.vendors.salesforce.simulator.limits import Limits, Meter
from sources.vendors.salesforce.simulator.locks import Locks
from sources.vendors.salesforce.simulator.resources import Resources, versions
from sources.vendors.salesforce.simulator.schema import organisation
from sources.vendors.salesforce.simulator.store import Store

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
_NOBODY = "005Sm0000000000IAA"


def create_simulator(
    enterprise: Enterprise,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    credentials: Credentials = DEVELOPMENT,
) -> Starlette:
    """A CRM organisation that holds the enterprise's CRM book.

    Without a clock it lives at the enterprise's own present. `app.state.identity.expire()` ends every session;
    `app.state.locks` (page `/_simulator/locks`) says which records cannot be written just now.
    """
    clock, limits = clock or Clock(enterprise.now), limits or Limits()
    written, locks = Written(clock), Locks()
    store = Store(organisation(), written)
    book.load(store, enterprise.crm, enterprise.now)
    user_id = enterprise.crm.users[0].id if enterprise.crm.users else _NOBODY
    identity = Identity(credentials, user_id, clock, limits.session_seconds)
    meter = Meter(limits, clock)
    edge = _Edge(identity, meter, limits, Resources(store, limits, meter, clock, user_id, locks))
    routes = [
        Route(f"{CONTROL}/locks", locks.control, methods=["GET", "PUT"]),
        Route(TOKEN_PATH, identity.token, methods=["POST"]),
        Route(ROOT, _versions),
        Route(f"{ROOT}/{{path:path}}", edge.answer, methods=_METHODS),
    ]
    app = simulator_app(routes, clock=clock, token_paths=(TOKEN_PATH,), written=written, holdings=store.holdings)
    app.state.identity, app.state.locks = identity, locks
    return app


async def _versions(request: Request) -> Response:
    return _sent(Answer(body=versions()))


class _Edge:
    """Sizes, sessions, quotas, and refusals turned into answers."""

    def __init__(self, identity: Identity, meter: Meter, limits: Limits, resources: Resources) -> None:
        self._identity, self._meter, self._limits, self._resources = identity, meter, limits, resources

    async def answer(self, request: Request) -> Response:
        """Any call to a resource."""
        try:
            _measure(request)
            self._identity.check(request)
        except Refusal as refusal:
            return _sent(Answer(refusal.status, refusal.body))
        try:
            answer = await self._answered(request)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body)
        return _sent(answer, self._meter.header)

    async def _answered(self, request: Request) -> Answer:
        path = request.scope.get("raw_path") or request.url.path.encode()
        url = f"{path.decode('latin-1').partition('?')[0]}?{request.url.query}"
        body = _read(await request.body())
        async with self._meter.running():
            batched = _batched(path, body)
            if self._limits.latency:
                await asyncio.sleep(self._limits.latency * max(1, batched))
            if not batched:
                self._meter.spend()
            call: Call = addressed(request.method, url, dict(request.headers), body)
            return self._resources.dispatch(call)


def _batched(path: bytes, body: Any) -> int:
    """How many calls a batch holds, which it counts as it runs them one after the other; 0 for all other requests."""
    requests = body.get("batchRequests") if isinstance(body, dict) else None
    batch = path.partition(b"?")[0].rstrip(b"/").endswith(b"/composite/batch")
    return len(requests) if batch and isinstance(requests, list) else 0


def _measure(request: Request) -> None:
    """Raises 414 or 431 for more bytes than the vendor's front door lets in."""
    if len(request.scope.get("raw_path") or b"") + len(request.scope["query_string"]) + 1 > facts.URI_BYTES:
        raise assumed(414, facts.Assumed.URI_TOO_LONG)
    if sum(len(name) + len(value) + 4 for name, value in request.scope["headers"]) > facts.URI_BYTES:
        raise assumed(431, facts.Assumed.HEADERS_TOO_LONG)


def _read(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise assumed(400, facts.Assumed.UNREADABLE) from None


def _sent(answer: Answer, usage: str | None = None) -> Response:
    headers = dict(answer.headers)
    if usage:
        headers["Sforce-Limit-Info"] = usage
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    content = msgspec.json.encode(answer.body)
    return Response(content, answer.status, headers, media_type="application/json;charset=UTF-8")
