"""What is measured: a gateway that serves the graph and accepts orders beside it, or a worker that carries them out.

`POST /orders` takes an order of the bench and answers how long accepting it took, and how much of that was reading its
facts, in milliseconds; everything else is the gateway's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request as Asked
from starlette.responses import Response
from starlette.routing import Route

from bench.kills.crew import RULES, Clock
from bench.kills.orders import Order
from bench.serving import serve
from gateway.app import create_app
from gateway.cli.serve import run_async
from gateway.settings import Settings, parse
from resolvers.sagas.accept import Writes
from resolvers.sagas.answer import Request
from resolvers.sagas.grounds import Asker
from resolvers.sagas.opening import Opening, open_writes
from resolvers.sagas.saga import Facts, Read, Saga
from resolvers.sagas.writes import writes_over
from sources.catalog import Catalog, open_catalog
from sources.durable import Role

_facts: ContextVar[list[float] | None] = ContextVar("facts", default=None)


class Accepted(msgspec.Struct, frozen=True):
    """How long an acceptance took, and how much of it reading and judging facts; milliseconds."""

    total: float
    facts: float


async def _main(options: argparse.Namespace) -> None:
    known = json.loads(options.town.read_text())
    issuer = {"issuer": known["issuer"], "audience": known["audience"], "jwks": known["jwks"]}
    settings = parse({"identity": {"issuers": [issuer]}, "sources": known["sources"]}, known["secrets"])
    async with contextlib.AsyncExitStack() as open_now:
        catalog = open_catalog(settings.sources)
        open_now.push_async_callback(catalog.close)
        await _serve(options, settings, catalog, Role(options.role))


async def _serve(options: argparse.Namespace, settings: Settings, catalog: Catalog, role: Role) -> None:
    opening = Opening(store=options.store, durable=options.durable, role=role, executor=options.role)
    clock = Clock(options.ahead)
    async with open_writes(opening, catalog, lambda: RULES, writes_over(catalog), clock=clock) as writes:
        writes.sagas["submitOrder"] = _timed(writes.sagas["submitOrder"])  # with the rates of the day, which are facts
        if role is Role.WORKER:
            os.nice(10)  # on a machine of its own it would not be in the way either
            print("ready", flush=True)
            await asyncio.Future()
        await serve(create_app(settings, [Route("/orders", _Orders(writes), methods=["POST"])]), options.port)


class _Orders:
    def __init__(self, writes: Writes) -> None:
        self._writes = writes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        order = msgspec.json.decode(await Asked(scope, receive).body(), type=Order)
        asker = Asker(subject="cpq", roles=frozenset({"cpq_service"}), human=f"human-{order.key}")
        request = Request(asker=asker, input=order.asked(), key=order.key, correlation=order.key)
        began, facts = time.perf_counter(), list[float]()
        _facts.set(facts)
        answer = await self._writes.accept("submitOrder", request)
        assert answer.operation
        took = Accepted((time.perf_counter() - began) * 1000, sum(facts) * 1000)
        await Response(msgspec.json.encode(took), media_type="application/json")(scope, receive, send)


def _timed(saga: Saga) -> Saga:
    async def gather(read: Read, given: Any, now: datetime) -> Facts:
        began, noted = time.perf_counter(), _facts.get()
        found = await saga.gather(read, given, now)
        if noted is not None:
            noted.append(time.perf_counter() - began)
        return found

    return replace(saga, gather=gather)


def main(arguments: Sequence[str] | None = None) -> None:
    """`--role gateway`, `embedded` or `worker`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=list(Role), required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--town", type=Path, required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--durable", required=True)
    parser.add_argument("--ahead", type=float, required=True, help="seconds that our clock is before the machine's")
    run_async(_main(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
