"""The connector as a writer, over a socket to the simulated organisation and through its own pipeline."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from sources.errors import TimedOut
from sources.pipeline.pipeline import Pipeline
from sources.ports import Ask, Call, Effect, Reply
from sources.settings import Secret
from sources.simulation.kit import Clock
from sources.transport import Transport
from sources.vendors.salesforce.connector import SalesforceConnector
from sources.vendors.salesforce.settings import SalesforceSettings
from sources.vendors.salesforce.simulator import DEVELOPMENT, create_simulator
from tests.peers import serving
from tests.sources.salesforce.simulator.book import NOW, enterprise
from tests.sources.salesforce.simulator.conftest import Organisation


class Crash(BaseException):
    """The process ended here."""


class Wire:
    """A transport that loses the answers of the next `lost` writes and of the next one of each operation in `loses`, and ends before the write number `crash` of those
    to come. `writes` counts what was sent; `meddle` happens once, just before the next one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.lost = self.writes = 0
        self.loses: set[str] = set()
        self.crash: int | None = None
        self.meddle: Callable[[], object] | None = None
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        if call.effect is Effect.READ:
            return await self._transport.send(call)
        self.calls.append(call)
        if self.crash is not None:
            self.crash -= 1
            if self.crash < 0:
                self.crash = None
                raise Crash
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            meddle()
        self.writes += 1
        reply = await self._transport.send(call)
        if call.operation in self.loses:
            self.loses.discard(call.operation)
            raise TimedOut("no answer", source="crm")
        if self.lost:
            self.lost -= 1
            raise TimedOut("no answer", source="crm")
        return reply


class World:
    """The organisation, the connector that writes into it, and what can go wrong between them."""

    def __init__(self, org: Organisation, connector: SalesforceConnector, wire: Wire, clock: Clock) -> None:
        self.org, self.connector, self.wire, self.clock = org, connector, wire, clock
        self.do, self.find = connector.do, connector.find

    async def read(self, record: Any, key: str, by: str = "key") -> Any:
        """The first record that our own reader finds."""
        reading = await self.connector.read(Ask(record, by, (key,)))
        assert not reading.errors
        return reading.rows[key].records[0]

    def effects(self, *kinds: str) -> list[str]:
        """What happened in the organisation, by kind; only those, where some are named."""
        rows = self.org.client.get(f"{self.org.base}/_simulator/written").json()["written"]
        return [row["kind"] for row in rows if not kinds or row["kind"] in kinds]

    def hold(self, **locks: list[str]) -> None:
        """Rows held by somebody else, or records in approval."""
        answer = self.org.client.put(f"{self.org.base}/_simulator/locks", json=locks)
        assert answer.status_code == 200, answer.text


Open = Callable[..., Any]


@pytest.fixture
def opened() -> Open:
    """`async with opened(book) as world`."""

    @asynccontextmanager
    async def open_world(book: Any = None, **changes: Any) -> AsyncIterator[World]:
        clock = Clock(NOW)
        app = create_simulator(enterprise(book), clock=clock)
        with serving(app) as base, httpx2.Client() as client:
            org = Organisation(app, base, client)
            org.login()
            async with Transport("crm") as transport:
                wire = Wire(transport)
                given: dict[str, Any] = {
                    "vendor": "salesforce", "url": base, "client_id": DEVELOPMENT.client_id,
                    "client_secret": Secret(DEVELOPMENT.client_secret), "window": 0.0,
                }  # fmt: skip
                settings = SalesforceSettings(**given | changes)
                pipeline = Pipeline("crm", settings, wire.send)
                connector = SalesforceConnector("crm", settings, pipeline.send)
                yield World(org, connector, wire, clock)
                await connector.close()

    return open_world


@pytest.fixture
async def world(opened: Open) -> AsyncIterator[World]:
    async with opened() as found:
        yield found
