"""What remembering costs: hits and misses of the cache, each beside the least that could be done instead.

`python -m bench.cache [--rounds N]` prints microseconds of processor time. Both sides of a pair are measured in turns;
the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from sources import canonical as c
from sources.cache import Cache, Cached, CacheSettings
from sources.cache.freshness import Overrides
from sources.canonical import Record, System
from sources.catalog import Catalog, Source
from sources.ports import Ask, Capability, Reading, Report, Rows
from sources.settings import SourceSettings

Index: TypeAlias = tuple[type[Record], str]
_BATCH = 200
_LISTED = 5  # records of an account
_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_HOUR = Overrides(ttl=3_600.0, refresh_ahead=0.0)
_SETTINGS = CacheSettings(types=dict.fromkeys(("Account", "Contact", "Invoice", "BillingCustomer"), _HOUR))


class Instant:
    """A source that answers at once: accounts and contacts by key, contacts and invoices by account."""

    vendor, system = "bench", System.BILLING
    account_facet: type[Record] | None = c.BillingCustomer
    capabilities: Mapping[tuple[type[Record], str], Capability] = {
        (c.Contact, "key"): Capability(),
        (c.Contact, "account"): Capability(),
        (c.Invoice, "account"): Capability(own_account_ids=True),
        (c.BillingCustomer, "account"): Capability(),
    }

    def __init__(self) -> None:
        self.name = "billing"
        self.known: dict[tuple[type[Record], str], dict[str, Rows]] = {}

    async def read(self, ask: Ask) -> Reading:
        """Makes the records."""
        rows = {key: Rows(tuple(_records(ask.record, ask.by, key, ask.accounts.get(key, key)))) for key in ask.keys}
        return Reading(rows, Report(self.name, calls=1))

    async def check(self) -> str:
        """A line for people."""
        return "answers at once"

    async def close(self) -> None:
        """Nothing to close."""


class Plain(Instant):
    """The same with a dictionary in front that never forgets: the least that a memory has to do."""

    def recall(self, ask: Ask) -> Reading | None:
        """The answer, where all of it is known."""
        known = self.known.get((ask.record, ask.by))
        if known is None:
            return None
        try:
            rows = {key: known[key] for key in ask.keys}
        except KeyError:
            return None
        return Reading(rows, Report(self.name, cached=len(ask.keys)))

    async def read(self, ask: Ask) -> Reading:
        """Remembers for good."""
        reading = await super().read(ask)
        self.known.setdefault((ask.record, ask.by), {}).update(reading.rows)
        return reading


def _records(record: type[Record], by: str, key: str, account: str) -> list[Record]:
    shared: dict[str, Any] = {"source": "billing", "as_of": _NOW, "account_key": account}
    if record is c.BillingCustomer:
        return [c.BillingCustomer(key=f"cus_{key}", source_id=f"cus_{key}", **shared)]
    if record is c.Contact:
        keys = [key] if by == "key" else [f"{key}-{number}" for number in range(_LISTED)]
        return [c.Contact(key=each, source_id=each, name=each, **shared) for each in keys]
    zero = c.Money.zero("EUR")
    settled = c.Settlement(cash=zero, credit=zero, write_off=zero, withheld_tax=zero)
    amounts = dict.fromkeys(("subtotal", "tax", "total", "paid", "remaining"), zero)
    keys = [f"in_{key}_{number}" for number in range(_LISTED)]
    given = {"status": c.InvoiceStatus.OPEN, "currency": "EUR", "settlement": settled, **amounts, **shared}
    return [c.Invoice(key=each, source_id=each, **given) for each in keys]


def _catalog(connector: Any) -> Catalog:
    settings = SourceSettings(vendor="bench", url="http://127.0.0.1")
    source = Source(connector, settings, None)  # type: ignore[arg-type] # nothing is sent
    owners = {"contact": ["billing"], "invoice": ["billing"], "billingcustomer": ["billing"]}
    return Catalog([source], owners)


def _timed(recall: Callable[[Ask], object], ask: Ask, turns: int) -> float:
    started = time.process_time()
    for _ in range(turns):
        recall(ask)
    return (time.process_time() - started) / turns * 1e6


async def _timed_reads(read: Callable[[Ask], Awaitable[object]], asks: Sequence[Ask]) -> float:
    started = time.process_time()
    for ask in asks:
        await read(ask)
    return (time.process_time() - started) / len(asks) * 1e6


class Row(msgspec.Struct, frozen=True):
    """One line: what, how many keys, microseconds of ours and of the least."""

    name: str
    keys: int
    ours: float
    least: float


_KEYS = tuple(f"K{number}" for number in range(_BATCH))
_BY_KEY, _LISTS, _OWN = (c.Contact, "key"), (c.Contact, "account"), (c.Invoice, "account")
_OF_CONNECTOR: tuple[tuple[str, Index, int, int], ...] = (
    ("one by key", _BY_KEY, 1, 2_000),
    ("a batch by key", _BY_KEY, _BATCH, 100),
    ("a batch of lists", _LISTS, _BATCH, 100),
)
_OF_CATALOG: tuple[tuple[str, Index, int, int], ...] = (
    ("one by key", _BY_KEY, 1, 2_000),
    ("a batch by key", _BY_KEY, _BATCH, 50),
    ("a batch of lists", _LISTS, _BATCH, 50),
    ("one by own ids", _OWN, 1, 1_000),
    ("a batch by own ids", _OWN, _BATCH, 50),
)


async def hits(rounds: int) -> list[Row]:
    """Whole answers from memory, without waiting."""
    ours, least = Cached(Instant(), Cache(_SETTINGS)), Plain()
    rows = [await _hit("connector", each, ours, least, rounds) for each in _OF_CONNECTOR]
    whole, plain = _catalog(Cached(Instant(), Cache(_SETTINGS))), _catalog(Plain())
    return rows + [await _hit("catalog", each, whole, plain, rounds) for each in _OF_CATALOG]


async def _hit(where: str, case: tuple[str, Index, int, int], ours: Any, least: Any, rounds: int) -> Row:
    name, (record, by), width, turns = case
    ask = Ask(record, by, _KEYS[:width])
    for each in (ours, least):
        await each.read(ask)
        assert each.recall(ask) is not None
    pairs = [(_timed(ours.recall, ask, turns), _timed(least.recall, ask, turns)) for _ in range(rounds)]
    return Row(f"{where}, {name}", width, *_medians(pairs))


async def misses(rounds: int) -> list[Row]:
    """Answers that have to be asked for, and are remembered; beside asking the source alone."""
    bare, rows = Instant(), []
    for name, by, width, turns in (("one by key", "key", 1, 500), ("lists of 50", "account", 50, 20)):
        pairs = []
        for number in range(rounds):
            start = number * turns * width
            keys = [f"K{start + each}" for each in range(turns * width)]
            asks = [Ask(c.Contact, by, tuple(keys[at : at + width])) for at in range(0, len(keys), width)]
            ours = Cached(Instant(), Cache(_SETTINGS))
            pairs.append((await _timed_reads(ours.read, asks), await _timed_reads(bare.read, asks)))
        rows.append(Row(f"miss, {name}", width, *_medians(pairs)))
    return rows


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


async def main(rounds: int) -> None:
    """Measures and prints."""
    print(f"{'':32}{'keys':>6}{'ours us':>10}{'least us':>10}{'us a key':>10}")
    for row in [*await hits(rounds), *await misses(rounds)]:
        print(f"{row.name:32}{row.keys:>6}{row.ours:>10.2f}{row.least:>10.2f}{row.ours / row.keys:>10.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    asyncio.run(main(parser.parse_args().rounds))
