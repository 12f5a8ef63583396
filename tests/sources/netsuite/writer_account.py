"""Our writer in front of the ERP's simulator: over a real socket, through the pipeline, with answers that can be lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from sources.canonical import Record
from sources.errors import Unavailable
from sources.pipeline.pipeline import Pipeline
from sources.ports import Ask, Call, Reply
from sources.settings import Secret
from sources.simulation.enterprise import ErpBook
from sources.simulation.kit import Clock
from sources.transport import Transport
from sources.vendors.netsuite.connector import NetSuiteConnector
from sources.vendors.netsuite.settings import NetSuiteSettings
from sources.vendors.netsuite.simulator import DEVELOPMENT, DEVELOPMENT_KEY, Limits, create_simulator
from tests.peers import serving
from tests.sources.netsuite.simulator.book import ERP, NOW, enterprise


class Wire:
    """The transport, of which a test may lose the answers of some calls."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.calls: list[Call] = []
        self.lose: set[str] = set()  # operations whose next answer is lost after it was carried out

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        reply = await self._transport.send(call)
        if call.operation in self.lose:
            self.lose.discard(call.operation)
            raise Unavailable("the answer was lost", source="erp")
        return reply

    def writes(self) -> list[str]:
        """The operations that change something, in order."""
        return [call.operation for call in self.calls if call.effect != "READ"]


class Erp:
    """A connector, its wire, and the simulator's ledger of effects."""

    def __init__(self, url: str, app: Starlette, connector: NetSuiteConnector, wire: Wire) -> None:
        self.url, self.app, self.connector, self.wire = url, app, connector, wire

    def effects(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What happened there."""
        found: list[dict[str, Any]] = httpx2.get(f"{self.url}/_simulator/written").json()["written"]
        return [each for each in found if kind is None or each["kind"] == kind]

    def refuse(self, path: str, status: int, code: str) -> None:
        """Answers the next write to a path with a refusal, before anything of it is done."""

        async def fault(scope: Scope) -> Response | None:
            if scope["method"] == "GET" or not scope["path"].endswith(path):
                return None
            self.app.state.fault = None
            return JSONResponse({"status": status, "o:errorDetails": [{"detail": "no", "o:errorCode": code}]}, status)

        self.app.state.fault = fault

    async def read(self, record: type[Record], by: str, key: str) -> list[Any]:
        """What our own reader sees."""
        reading = await self.connector.read(Ask(record, by, (key,)))
        assert reading.errors == {}
        return list(reading.rows[key].records) if key in reading.rows else []


@asynccontextmanager
async def erp(
    book: ErpBook = ERP,
    limits: Limits = Limits(),  # noqa: B008 - a frozen record
    *,
    retries: bool = True,
) -> AsyncIterator[Erp]:
    """One account for as long as it is needed."""
    app = create_simulator(enterprise(book), clock=Clock(NOW), limits=limits)
    with serving(app) as url:
        settings = NetSuiteSettings(
            vendor="netsuite",
            url=url,
            client_id=DEVELOPMENT.client_id,
            certificate_id=DEVELOPMENT_KEY.key_id,
            private_key=Secret(DEVELOPMENT_KEY.private_pem),
            algorithm=DEVELOPMENT_KEY.algorithm,
            window=0.0,
        )
        if not retries:
            settings = msgspec.structs.replace(settings, retry=msgspec.structs.replace(settings.retry, attempts=1))
        transport = Transport("erp")
        wire = Wire(transport)
        connector = NetSuiteConnector("erp", settings, Pipeline("erp", settings, wire.send).send)
        try:
            yield Erp(url, app, connector, wire)
        finally:
            await connector.close()
            await transport.close()
