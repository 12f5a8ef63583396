"""Tryton as a source: the books of one company."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sources.canonical import AccountingPeriod, BillingProfile, ErpItem, PostedInvoice, Record, SalesOrder, System
from sources.canonical.commands import Command, Written
from sources.errors import Rejected
from sources.ports import Ask, Capability, Page, Reading, Send
from sources.vendors.tryton.books import Books
from sources.vendors.tryton.client import Client
from sources.vendors.tryton.readers import Readers
from sources.vendors.tryton.settings import TrytonSettings
from sources.vendors.tryton.shapes import CAPABILITIES
from sources.vendors.tryton.writers import TOUCHES, TrytonWriter

_NEEDED: tuple[type[Record], ...] = (BillingProfile, PostedInvoice, SalesOrder, AccountingPeriod, ErpItem)


class TrytonConnector:
    """One company in one database."""

    vendor = "tryton"
    system = System.ERP
    account_facet: type[Record] | None = BillingProfile
    capabilities: Mapping[tuple[type[Record], str], Capability] = CAPABILITIES
    commands: frozenset[type[Command]] = TrytonWriter.commands
    touches: Mapping[type[Command], tuple[type[Record], ...]] = TOUCHES

    def __init__(self, name: str, settings: TrytonSettings, send: Send, clock: Callable[[], float] = time.time) -> None:
        self.name = name
        self._client = Client(name, settings, send, clock)
        self._books = Books(name, self._client)
        self._readers = Readers(name, self._client, self._books, settings.max_rows)
        self._writer = TrytonWriter(name, self._client, self._books)

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
        """Reads the company and a record of each kind that is needed; raises SourceError that says what is missing."""
        company = await self._books.company()
        missing = [record.__name__ for record in _NEEDED if not await self._may_read(record)]
        if missing:
            names = "`, `".join(missing)
            message = f"does not let our user read `{names}`: put it into the groups Sales and Accounting"
            raise Rejected(f"`{self.name}` {message}", source=self.name)
        return f"Tryton answers, with the books of {company.party.name} ({company.currency.code})"

    async def _may_read(self, record: type[Record]) -> bool:
        by = "list" if (record, "list") in CAPABILITIES else "key"
        try:
            await self._readers.read(Ask(record, by, ("",) if by == "list" else ("1",), Page(first=1)))
        except Rejected:
            return False
        return True

    async def close(self) -> None:
        """Nothing is held."""


def open_connector(name: str, settings: TrytonSettings, send: Send) -> TrytonConnector:
    """The connector of one configured company; no I/O."""
    return TrytonConnector(name, settings, send)
