"""Salesforce as a source: accounts, people, contracts, orders and rights to support."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sources.canonical import Record, System
from sources.canonical.commands import Command, Written
from sources.ports import Ask, Capability, Reading, Send
from sources.vendors.salesforce import wire
from sources.vendors.salesforce.client import Client
from sources.vendors.salesforce.mapping import Origin
from sources.vendors.salesforce.readers import CAPABILITIES, Readers
from sources.vendors.salesforce.settings import SalesforceSettings
from sources.vendors.salesforce.writers import COMMANDS, TOUCHES, Writers


class SalesforceConnector:
    """One Salesforce org."""

    vendor = "salesforce"
    system = System.CRM
    account_facet: type[Record] | None = None  # its account keys are the canonical ones
    capabilities: Mapping[tuple[type[Record], str], Capability] = CAPABILITIES
    commands: frozenset[type[Command]] = COMMANDS
    touches: Mapping[type[Command], tuple[type[Record], ...]] = TOUCHES

    def __init__(
        self, name: str, settings: SalesforceSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self._version = settings.api_version
        self._client = Client(name, settings, send, clock)

        def origin() -> Origin:
            return Origin(name, datetime.fromtimestamp(clock(), UTC), settings.regions, settings.zone)

        self._readers = Readers(name, self._client, origin, settings.max_rows)
        self._writers = Writers(name, self._client, settings)

    async def read(self, ask: Ask) -> Reading:
        """Answers an ask."""
        return await self._readers.read(ask)

    async def do(self, command: Command, key: str) -> Written:
        """Carries a command out, once for each key."""
        return await self._writers.do(command, key)

    async def find(self, command: Command, key: str) -> Written | None:
        """What became of it."""
        return await self._writers.find(command, key)

    async def check(self) -> str:
        """Reads the org's limits; raises SourceError."""
        path = f"/services/data/{self._version}/limits"
        left: wire.Limits = (await self._client.get(path, wire.Limits, "limits")).value
        day = left.DailyApiRequests
        return f"Salesforce answers, with {day.Remaining} of {day.Max} calls left today"

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._client.close()


def open_connector(name: str, settings: SalesforceSettings, send: Send) -> SalesforceConnector:
    """The connector of one configured org; no I/O."""
    return SalesforceConnector(name, settings, send)
