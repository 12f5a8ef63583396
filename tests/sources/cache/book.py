"""A source in memory that counts, waits and fails, and the cache in front of it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sources import canonical as c
from sources.cache import Cache, Cached, CacheSettings
from sources.canonical import Record, System
from sources.errand import Errand, begin, current
from sources.errors import SourceError
from sources.ports import Ask, Capability, Page, Reading, Report, Rows

EPOCH = 1_800_000_000.0  # unix seconds at which a loop of virtual time starts
LAG = 60.0


def wall() -> float:
    """Unix seconds that pass with the loop's own."""
    return EPOCH + asyncio.get_running_loop().time()


def contact(key: str, account: str = "A", **given: Any) -> c.Contact:
    as_of = given.pop("as_of", datetime.fromtimestamp(EPOCH, UTC))
    return c.Contact(key=key, source="book", source_id=key, as_of=as_of, account_key=account, name=key, **given)


class Book:
    """Contacts, by the class and index they were put under.

    `delay` in seconds; `gate` holds every answer back; `fault` is raised; `broken` are errors of single keys.
    """

    name, vendor, system = "book", "fake", System.CRM
    account_facet: type[Record] | None = None
    capabilities: Mapping[tuple[type[Record], str], Capability] = {
        (c.Contact, "key"): Capability(),
        (c.Contact, "account"): Capability(),
        (c.Contact, "customer"): Capability(own_account_ids=True),
        (c.Contact, "email"): Capability(search_lag=LAG),
        (c.Contact, "list"): Capability(),
        (c.Invoice, "account"): Capability(),
        (c.Product, "key"): Capability(),
    }

    def __init__(self) -> None:
        self.rows: dict[tuple[type[Record], str, str], Rows] = {}
        self.asked: list[Ask] = []
        self.lanes: list[int] = []
        self.delay = 0.0
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None
        self.broken: dict[str, SourceError] = {}
        self.along: list[Record] = []
        self.cancelled = 0
        self.closed = False

    def put(self, by: str, key: str, *records: Record, kind: type[Record] = c.Contact, **given: Any) -> None:
        self.rows[kind, by, key] = Rows(list(records), **given)

    async def read(self, ask: Ask) -> Reading:
        self.asked.append(ask)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.lanes.append(current().lane)
        if self.fault is not None:
            raise self.fault
        found = {key: self.rows.get((ask.record, ask.by, key)) for key in ask.keys}
        rows = {
            key: Rows(list(each.records), each.more, each.next, each.total, first_hand=each.first_hand)
            for key, each in found.items()
            if each
        }
        errors = {key: self.broken[key] for key in ask.keys if key in self.broken}
        return Reading(rows, Report(self.name, calls=1, milliseconds=1.0), errors, along=list(self.along))

    async def check(self) -> str:
        return "fine"

    async def close(self) -> None:
        self.closed = True

    def keys(self) -> list[tuple[str, ...]]:
        """The keys of each call."""
        return [ask.keys for ask in self.asked]


def cached(book: Book, settings: CacheSettings | None = None, chance: float = 0.0) -> Cached:
    """The book behind a cache of its own; without jitter unless `chance` says so."""
    return Cached(book, Cache(settings, wall=wall, chance=lambda: chance))


def by_key(*keys: str, by: str = "key", page: Page | None = None, record: type[Record] = c.Contact) -> Ask:
    return Ask(record, by, keys, page or Page())


def keys_of(reading: Reading) -> dict[str, list[str]]:
    """The records' keys, by key asked for."""
    return {key: [each.key for each in rows.records] for key, rows in reading.rows.items()}


def served(reading: Reading) -> dict[str, str]:
    return {key: rows.served.value for key, rows in reading.rows.items()}


@contextmanager
def errand(**given: Any) -> Any:
    """Asks on an errand."""
    before = current()
    begin(Errand(**given))
    try:
        yield
    finally:
        begin(before)


async def at(instant: float) -> None:
    """Waits until an instant of the loop."""
    await asyncio.sleep(instant - asyncio.get_running_loop().time())


def everything(cached: Cached) -> Sequence[str]:
    """All that is remembered, in no order."""
    return [str(ident) for home in cached._cache.memory.homes for shelf in home.values() for ident in shelf.entries]
