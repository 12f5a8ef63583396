"""A plain, competent Strawberry gateway: aiodataloader, one aiohttp session, uvicorn on uvloop and httptools, orjson.

`--cached` adds Strawberry's own caches of parsed and validated documents.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import orjson
import strawberry
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

from bench.identity import AUDIENCE, ISSUER
from bench.peers.strawberry_loaders import Loaders, Upstream
from bench.peers.strawberry_types import Account, Info

_MOST_OPEN = 100_000


@strawberry.input
class OrderLine:
    product: strawberry.ID
    quantity: int


@strawberry.type
class Check:
    code: str
    passed: bool
    source: str
    detail: str


@strawberry.type
class ValidatedLine:
    product: strawberry.ID
    name: str
    quantity: int
    unit_cents: int
    amount_cents: int


@strawberry.type
class Validation:
    valid: bool
    entity: str
    currency: str
    total_cents: int
    checks: list[Check]
    lines: list[ValidatedLine]


@strawberry.type
class Query:
    @strawberry.field
    async def account(self, info: Info, id: strawberry.ID) -> Account | None:  # noqa: A002 - its name in the graph
        loaders: Loaders = info.context["loaders"]
        return await loaders.accounts.load(id)

    @strawberry.field
    async def accounts(self, info: Info, region: str, first: int) -> list[Account]:
        loaders: Loaders = info.context["loaders"]
        return await loaders.listed(region, first)

    @strawberry.field
    async def validate(self, info: Info, account: strawberry.ID, entity: str, lines: list[OrderLine]) -> Validation:
        loaders: Loaders = info.context["loaders"]
        wanted = ",".join(dict.fromkeys(line.product for line in lines))
        accounts, products, invoices, profiles, periods = await asyncio.gather(
            loaders.rows(f"/crm/accounts?ids={account}"),
            loaders.rows(f"/crm/products?ids={wanted}"),
            loaders.rows(f"/billing/invoices?account_ids={account}&status=open"),
            loaders.rows(f"/erp/profiles?account_ids={account}"),
            loaders.rows(f"/erp/periods?entity={entity}"),
        )
        known = {product["id"]: product for product in products}
        return decided(entity, lines, accounts, known, invoices, profiles, periods)


Row = dict[str, Any]


def decided(
    entity: str,
    lines: list[OrderLine],
    accounts: list[Row],
    products: dict[str, Row],
    invoices: list[Row],
    profiles: list[Row],
    periods: list[Row],
) -> Validation:
    """The checks of bench/README.md."""
    shown = [_line(line, products.get(line.product, {"name": "", "unitCents": 0})) for line in lines]
    total = sum(line.amount_cents for line in shown)
    failing = sum(not _sellable(products.get(line.product), line.quantity) for line in lines)
    due = sum(invoice["dueCents"] for invoice in invoices)
    profile = profiles[0] if profiles else None
    left = profile["creditLimitCents"] - profile["openCents"] - total if profile else 0
    status = accounts[0]["status"] if accounts else "missing"
    period = next((each["name"] for each in periods if each["status"] == "open"), "none")
    credit = profile is not None and not profile["creditHold"] and left >= 0
    checks = [
        Check(code="ACCOUNT_ACTIVE", passed=status == "active", source="crm", detail=status),
        Check(code="PRODUCTS_SELLABLE", passed=failing == 0, source="crm", detail=str(failing)),
        Check(code="OPEN_INVOICES", passed=due <= _MOST_OPEN, source="billing", detail=str(due)),
        Check(code="CREDIT_AVAILABLE", passed=credit, source="erp", detail=str(left) if profile else "missing"),
        Check(code="PERIOD_OPEN", passed=period != "none", source="erp", detail=period),
    ]
    return Validation(
        valid=all(check.passed for check in checks),
        entity=entity,
        currency=accounts[0]["currency"] if accounts else "",
        total_cents=total,
        checks=checks,
        lines=shown,
    )


def _line(line: OrderLine, product: Row) -> ValidatedLine:
    cents = product["unitCents"]
    return ValidatedLine(
        product=line.product,
        name=product["name"],
        quantity=line.quantity,
        unit_cents=cents,
        amount_cents=line.quantity * cents,
    )


def _sellable(product: Row | None, quantity: int) -> bool:
    if product is None or product["status"] != "active":
        return False
    return bool(product["minQuantity"] <= quantity <= product["maxQuantity"])


class View(GraphQL[dict[str, Any], None]):
    """Strawberry's own view, with orjson and the request's loaders."""

    upstream: Upstream

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:
        return {"loaders": Loaders(self.upstream)}

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)


class Guard:
    """Verifies the bearer token of every request; verified ones are remembered until they end."""

    def __init__(self, app: Callable[..., Awaitable[None]], key: str) -> None:
        self._app, self._key = app, key
        self._known: dict[str, float] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not self._good(dict(scope["headers"]).get(b"authorization", b"").decode()):
            await JSONResponse({"errors": [{"message": "send a token"}]}, 401)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _good(self, header: str) -> bool:
        token = header.removeprefix("Bearer ")
        if self._known.get(token, 0) > time.time():
            return True
        try:
            claims = jwt.decode(token, self._key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER)
        except jwt.PyJWTError:
            return False
        self._known[token] = claims["exp"]
        return True


def application(upstream: str, key_file: Path, *, cached: bool) -> Starlette:
    """The gateway."""
    extensions: list[type[SchemaExtension]] = [ParserCache, ValidationCache] if cached else []
    view = View(strawberry.Schema(Query, extensions=extensions))

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            view.upstream = Upstream(upstream, session)
            yield

    app = Starlette(lifespan=lifespan)
    app.add_route("/graphql", Guard(view, key_file.read_text()))  # type: ignore[arg-type] # any ASGI application
    return app


async def serve(app: Starlette, port: int) -> None:
    """Serves until a signal; prints `ready` when it listens."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, http="httptools", access_log=False, log_level="warning",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    gateway = uvicorn.Server(config)
    serving = asyncio.create_task(gateway.serve())
    while not gateway.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    print("ready", flush=True)
    await serving


def main() -> None:
    """`python -m bench.peers.strawberry_plain --port P --upstream URL --jwt-key FILE [--cached]`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--jwt-key", type=Path, required=True)
    parser.add_argument("--cached", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvloop.run(serve(application(options.upstream, options.jwt_key, cached=options.cached), options.port))


if __name__ == "__main__":
    main()
