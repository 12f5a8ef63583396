"""The connector as a writer, over a socket to the simulated desk and through its own pipeline."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sources.pipeline.pipeline import Pipeline
from sources.ports import Ask
from sources.settings import Secret
from sources.simulation.kit import Clock
from sources.transport import Transport
from sources.vendors.zendesk.connector import ZendeskConnector
from sources.vendors.zendesk.settings import ZendeskSettings
from sources.vendors.zendesk.simulator import DEVELOPMENT, connection, create_simulator
from tests.fakes.lossy import Lossy
from tests.peers import serving
from tests.sources.zendesk.simulator.book import NOW, enterprise
from tests.sources.zendesk.simulator.conftest import Caller

ACCOUNT = "001ACCOUNT00000010"  # of organization 10


class World:
    """The desk, the connector that writes into it, and what can go wrong between them."""

    def __init__(self, desk: Caller, connector: ZendeskConnector, wire: Lossy) -> None:
        self.desk, self.connector, self.wire, self.clock = desk, connector, wire, desk.clock
        self.do, self.find = connector.do, connector.find

    async def read(self, record: Any, key: str, by: str = "key") -> Any:
        """The first record that our own reader finds."""
        reading = await self.connector.read(Ask(record, by, (key,)))
        assert not reading.errors
        return reading.rows[key].records[0]

    def effects(self) -> list[str]:
        """What happened at the desk: kind and id."""
        return [f"{effect['kind']} {effect['key']}" for effect in self.desk.app.state.written.effects]

    def notes(self, ticket: int) -> list[str]:
        """The internal notes on a ticket, the oldest first."""
        said = self.desk.get(f"/tickets/{ticket}/comments")["comments"]
        return [each["body"] for each in said if not each["public"]]

    def organization(self, key: int) -> dict[str, Any]:
        """Its fields."""
        return dict(self.desk.get(f"/organizations/{key}")["organization"]["organization_fields"])


Open = Callable[..., Any]


@pytest.fixture
def opened() -> Open:
    """`async with opened(book) as world`."""

    @asynccontextmanager
    async def open_world(book: dict[str, Any] | None = None, **changes: Any) -> AsyncIterator[World]:
        clock = Clock(NOW)
        app = create_simulator(enterprise(**(book or {})), clock=clock)
        with serving(app) as base:
            desk = Caller(base, app, clock)
            async with Transport("support") as transport:
                wire = Lossy(transport.send)
                table = connection(base).table | {"client_secret": Secret(DEVELOPMENT.client_secret)}
                settings = ZendeskSettings(**{"vendor": "zendesk", **table, **changes})
                pipeline = Pipeline("support", settings, wire.send)
                connector = ZendeskConnector("support", settings, pipeline.send, lambda: clock.now().timestamp())
                yield World(desk, connector, wire)
                await connector.close()
            desk.http.close()

    return open_world


@pytest.fixture
async def world(opened: Open) -> AsyncIterator[World]:
    async with opened() as found:
        yield found
