"""The simulator's address space: who may pass, and who answers what."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sources.simulation.enterprise import Enterprise
from sources.simulation.kit import Clock, Written, simulator_app
from sources.vendors.netsuite.simulator import effects, facts, records, writes
from sources.vendors.netsuite.simulator.balances import HoldRules
from sources.vendors.netsuite.simulator.book import open_book
from sources.vendors.netsuite.simulator.clerk import Clerk
from sources.vendors.netsuite.simulator.credentials import DEVELOPMENT, Credentials
from sources.vendors.netsuite.simulator.documents import Circumstances
from sources.vendors.netsuite.simulator.errors import Refusal, missing
from sources.vendors.netsuite.simulator.functions import install
from sources.vendors.netsuite.simulator.gate import Gate, Limits, Versions
from sources.vendors.netsuite.simulator.holdings import holdings
from sources.vendors.netsuite.simulator.identity import TOKEN_PATH, Identity
from sources.vendors.netsuite.simulator.jobs import Jobs
from sources.vendors.netsuite.simulator.query import suiteql
from sources.vendors.netsuite.simulator.shapes import SHAPES

Answer = Callable[[Request], Awaitable[Response]]
_WRITES = ["POST", "PATCH", "PUT", "DELETE"]
_STANDARD = Limits()


def create_simulator(
    enterprise: Enterprise,
    *,
    clock: Clock | None = None,
    limits: Limits = _STANDARD,
    credentials: Credentials = DEVELOPMENT,
) -> Starlette:
    """NetSuite's REST services over the enterprise's ERP book; `clock` defaults to the enterprise's own present.

    What people do there that no service offers are control pages: `/_simulator/periods`, `/_simulator/holds`. The book
    is nobody else's: its functions are Python, so a second thread at its connection may stop the whole process.
    """
    time = clock or Clock(enterprise.now)
    book = open_book(enterprise)
    install(book, time.now)
    holds = HoldRules(enterprise.erp.hold_preference, enterprise.erp.hold_overdue_days)
    written = Written(time)
    simulator = _Simulator(book, time, Identity(credentials, time), Gate(limits), holds, written)
    routes = [*Clerk(book).routes(), *simulator.routes()]
    app = simulator_app(routes, clock=time, token_paths=[TOKEN_PATH], written=written, holdings=partial(holdings, book))
    weakref.finalize(app, book.close)
    return app


class _Simulator:
    def __init__(
        self,
        book: sqlite3.Connection,
        clock: Clock,
        identity: Identity,
        gate: Gate,
        holds: HoldRules,
        written: Written,
    ) -> None:
        self._book, self._clock, self._identity, self._gate = book, clock, identity, gate
        self._holds, self._written = holds, written
        self._jobs, self._versions = Jobs(), Versions()

    def routes(self) -> list[BaseRoute]:
        record, job = f"{facts.ROOT}/record/v1", f"{facts.ROOT}/async/v1/job/{{job:int}}"
        return [
            Route(TOKEN_PATH, self._identity.token, methods=["POST"]),
            Route(f"{facts.ROOT}/query/v1/suiteql", self._guarded(self._query), methods=["POST"]),
            Route(f"{facts.ROOT}/system/v1/governanceLimits", self._guarded(self._governance)),
            Route(f"{record}/metadata-catalog", self._guarded(self._catalog)),
            Route(f"{record}/metadata-catalog/{{type}}", self._guarded(self._type)),
            Route(f"{record}/{{type}}", self._guarded(self._list)),
            Route(f"{record}/{{type}}", self._guarded(self._write), methods=["POST"]),
            Route(f"{record}/{{type}}/{{id}}", self._guarded(self._record)),
            Route(f"{record}/{{type}}/{{id}}", self._guarded(self._write), methods=["PATCH", "PUT", "DELETE"]),
            Route(f"{record}/{{type}}/{{id}}/!transform/{{target}}", self._guarded(self._write), methods=["POST"]),
            Route(f"{record}/{{type}}/{{id}}/{{sub}}", self._guarded(self._sublist)),
            Route(job, self._guarded(self._jobs.show)),
            Route(f"{job}/task", self._guarded(self._jobs.tasks)),
            Route(f"{job}/task/{{task:int}}/result", self._guarded(self._jobs.result)),
            Route(f"{facts.ROOT}/{{rest:path}}", self._guarded(self._nothing), methods=["GET", *_WRITES]),
        ]

    def _guarded(self, answer: Answer) -> Answer:
        """The gate first, then the caller, then the answer; refusals become nsErrors."""

        async def serve(request: Request) -> Response:
            try:
                request.state.version = self._version(request)
                async with self._gate.passage():
                    await self._identity.check(request)
                    return await answer(request)
            except Refusal as refusal:
                return refusal.response()

        return serve

    async def _query(self, request: Request) -> Response:
        return await suiteql(request, self._book)

    async def _list(self, request: Request) -> Response:
        return await records.list_records(request, self._book)

    async def _record(self, request: Request) -> Response:
        return await records.get_record(request, self._book)

    async def _sublist(self, request: Request) -> Response:
        return await records.get_sublist(request, self._book)

    async def _governance(self, request: Request) -> Response:
        return JSONResponse(self._gate.governance())

    async def _catalog(self, request: Request) -> Response:
        return JSONResponse({"items": [{"name": shape.name} for shape in SHAPES.values()]})

    async def _type(self, request: Request) -> Response:
        return JSONResponse(records.catalog(records.shape_of(request)), media_type="application/schema+json")

    async def _nothing(self, request: Request) -> Response:
        raise missing()

    async def _write(self, request: Request) -> Response:
        """At once, or as a job where the caller prefers that; only then does the idempotency key count."""
        if "respond-async" not in request.headers.get("prefer", "").lower():
            return self._applied(request, await request.body())
        key = request.headers.get("x-netsuite-idempotency-key")
        self._jobs.refuse_repeat(key)
        try:
            result = self._applied(request, await request.body())
        except Refusal as refusal:
            result = refusal.response()
        return self._jobs.add(request, key, result)

    def _version(self, request: Request) -> int | None:
        """How often the record that is addressed has been changed, when the request came."""
        shape = SHAPES.get(str(request.path_params.get("type", "")).lower())
        if shape is None or request.method not in _WRITES or "id" not in request.path_params:
            return None
        row = records.row_of(self._book, shape, request.path_params["id"])
        return None if row is None else self._versions.of(shape.table, int(row["id"]))

    def _applied(self, request: Request, body: bytes) -> Response:
        shape = records.shape_of(request)
        source, target = None, request.path_params.get("target")
        if target is not None:
            source, shape = shape, records.shape_named(target)
        write = writes.Write(
            method=request.method,
            shape=shape,
            wanted=request.path_params.get("id", ""),
            body=body,
            strict=request.headers.get("x-netsuite-propertynamevalidation", "warning").lower() == "error",
            under=Circumstances(self._clock.now(), self._holds),
            replace=frozenset(request.query_params.get("replace", "").split(",")),
            source=source,
            version=request.state.version,
            current=self._versions.of,
        )
        done = writes.apply(self._book, write)
        self._versions.add(shape.table, done.key)
        if done.effect is not None:
            effects.record(self._book, self._written, shape, done.key, done.effect)
        if request.method == "DELETE":
            return Response(status_code=204)
        return Response(status_code=204, headers={"Location": records.address(request, shape, done.key)})
