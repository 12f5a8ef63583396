"""How the faults are set from outside: a small HTTP service beside the proxies, never on their ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.enterprise.faults.fault import OFF, BadFault, Kind, parse
from gateway.enterprise.faults.proxy import FaultProxy

FAULTS, ASKS = "/faults", "/asks"


def control(proxies: Mapping[str, FaultProxy]) -> Starlette:
    """`GET /faults`: the state of each source; `POST /faults {"source", "fault", ...}` sets one (`fault.parse` tells
    what else), without a source only `off`; `GET /asks?source=`: every request that came; `DELETE /asks` forgets."""

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            try:
                await _set(proxies, _told(await request.body()))
            except BadFault as error:
                return JSONResponse({"error": str(error)}, 400)
        states = [proxy.state() for proxy in proxies.values()]
        return JSONResponse({"faults": list(Kind), "sources": states}, headers={"cache-control": "no-store"})

    async def asks(request: Request) -> Response:
        try:
            proxy = _named(proxies, request.query_params.get("source"))
        except BadFault as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse([[each.at, each.met.value, each.token] for each in proxy.asks])

    async def forget(_request: Request) -> Response:
        for proxy in proxies.values():
            proxy.forget()
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route(FAULTS, faults, methods=["GET", "POST"]),
            Route(ASKS, asks, methods=["GET"]),
            Route(ASKS, forget, methods=["DELETE"]),
        ]
    )


def _told(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        raise BadFault('a JSON object is expected, such as `{"source": "billing", "fault": "down"}`') from None


async def _set(proxies: Mapping[str, FaultProxy], told: dict[str, Any]) -> None:
    source = told.pop("source", None)
    fault, lasts = parse(told)
    if source is None and fault.kind is not Kind.OFF:
        raise BadFault(f"`source` is missing: one of {', '.join(proxies)} is possible")
    chosen = list(proxies.values()) if source is None else [_named(proxies, source)]
    for proxy in chosen:
        await proxy.set(OFF if fault.kind is Kind.OFF else fault, lasts)


def _named(proxies: Mapping[str, FaultProxy], source: object) -> FaultProxy:
    proxy = proxies.get(source) if isinstance(source, str) else None
    if proxy is None:
        raise BadFault(f"there is no source `{source}`: one of {', '.join(proxies)} is possible")
    return proxy
