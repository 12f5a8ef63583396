"""NetSuite as a source: the ERP's side of the customer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sources.canonical import BillingProfile, HoldPreference, LegalEntity, Record, System
from sources.canonical.commands import Command, Written
from sources.ports import Ask, Capability, Reading, Send
from sources.vendors.netsuite.client import Client
from sources.vendors.netsuite.mapping import Origin
from sources.vendors.netsuite.readers import CAPABILITIES, Readers
from sources.vendors.netsuite.settings import NetSuiteSettings
from sources.vendors.netsuite.writers import TOUCHES, NetSuiteWriter


class NetSuiteConnector:
    """One NetSuite account."""

    vendor = "netsuite"
    system = System.ERP
    account_facet: type[Record] | None = BillingProfile
    capabilities: Mapping[tuple[type[Record], str], Capability] = CAPABILITIES
    commands: frozenset[type[Command]] = NetSuiteWriter.commands
    touches: Mapping[type[Command], tuple[type[Record], ...]] = TOUCHES

    def __init__(
        self, name: str, settings: NetSuiteSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        preference = HoldPreference(settings.hold_preference.upper())

        def origin() -> Origin:
            now = datetime.fromtimestamp(clock(), UTC)
            return Origin(name, now, preference, settings.hold_overdue_days)

        self._client = Client(name, settings, send, clock)
        self._writer = NetSuiteWriter(name, self._client)
        self._readers = Readers(name, self._client, origin, settings.max_rows)

    async def read(self, ask: Ask) -> Reading:
        """Answers an ask."""
        return await self._readers.read(ask)

    async def do(self, command: Command, key: str) -> Written:
        """Carries a command out, once for each key."""
        return await self._writer.do(command, key)

    async def find(self, command: Command, key: str) -> Written | None:
        """What became of a command."""
        return await self._writer.find(command, key)

    async def check(self) -> str:
        """Reads the legal entities; raises SourceError."""
        reading = await self._readers.read(Ask(LegalEntity, "list", ("",)))
        return f"NetSuite answers, with {len(reading.rows[''].records)} legal entities"

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._client.close()


def open_connector(name: str, settings: NetSuiteSettings, send: Send) -> NetSuiteConnector:
    """The connector of one configured account; no I/O."""
    return NetSuiteConnector(name, settings, send)
