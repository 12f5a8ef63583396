"""The facts of an order, each with what went wrong with it, how old it is and whether it is past its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from sources import canonical as c
from sources.errors import DeadlineExceeded, SourceError
from sources.ports import Reading

ASK_AGAIN, ASK_SOMEBODY = "ask again when the source answers", "have somebody look who sees all of it"


class Fact(msgspec.Struct, frozen=True, dict=True):
    """Records of one kind. `system` is which kind of system was to be asked (`crm`, `billing`, `erp`, `support`);
    `more`: there are further ones that were not read; `hidden`: there may be further ones that are not for the asker to
    see; `asked` False: there was no reason to ask."""

    system: str
    rows: tuple[Any, ...] = ()
    errors: tuple[SourceError, ...] = ()
    stale: bool = False
    more: bool = False
    hidden: bool = False
    asked: bool = True

    @property
    def source(self) -> str:
        """The configured source it came from, or should have."""
        named = [each.source for each in (*self.errors, *self.rows) if each.source]
        return named[0] if named else self.system

    @property
    def as_of(self) -> datetime | None:
        """Of the oldest record; None where there is none."""
        return min((each.as_of for each in self.rows), default=None)

    @property
    def whole(self) -> bool:
        """Whether `rows` are all there are: only then what is not among them is not there."""
        return not (self.errors or self.more or self.hidden)

    @property
    def trouble(self) -> str | None:
        """Why it cannot be relied on; None where it can."""
        if self.errors:
            return f"`{self.source}` could not be asked ({self.errors[0].code})"
        if self.stale:
            return f"what is known of `{self.source}` is past its time"
        return None if self.whole else f"`{self.source}` may have more than could be read"

    @property
    def remedy(self) -> str:
        """What to do about its trouble."""
        return ASK_AGAIN if self.errors or self.stale else ASK_SOMEBODY

    def by_key(self, key: str | None) -> Any:
        """The record with a key; None where there is none."""
        return self._by_key.get(key) if key is not None else None

    @cached_property
    def _by_key(self) -> Mapping[str, Any]:
        return {each.key: each for each in reversed(self.rows)}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the checks may look at. `profiles` are the ERP's records of the bill-to and of a named payer,
    `paying` those of who pays for them and of everybody they pay for. `orders` are those of the CRM and those on their
    way there. `rates` are the ERP's of the day in the selling entity's currency, asked for where another one is met."""

    accounts: Fact
    entities: Fact
    periods: Fact
    profiles: Fact
    paying: Fact
    taxes: Fact
    subscriptions: Fact
    subscription: Fact
    contracts: Fact
    agreements: Fact
    base_invoice: Fact
    orders: Fact
    products: Fact
    prices: Fact
    meters: Fact
    items: Fact
    cases: Fact
    rates: Fact


def fact(system: str, *readings: Reading, named: Sequence[Reading | None] = ()) -> Fact:
    """One fact of some readings: each record once, in the order of the readings, `named` ones first.

    `named` are readings by keys that the input or a record gave: there a hidden record is answered like one that is not
    there, as everywhere else. Of the others it matters that something may be missing.
    """
    rows: dict[str, Any] = {}
    errors: list[SourceError] = []
    stale = more = hidden = False
    looked_up = [each for each in named if each is not None]
    for reading in (*looked_up, *readings):
        errors += reading.errors.values()
        for found in reading.rows.values():
            rows |= {record.key: record for record in found.records}
            stale, more = stale or found.served is c.Served.STALE, more or found.more
    for reading in readings:
        hidden = hidden or any(found.hidden for found in reading.rows.values())
    return Fact(system, tuple(rows.values()), tuple(errors), stale, more, hidden)


def none(system: str) -> Fact:
    """A fact that there was no reason to ask for."""
    return Fact(system, asked=False)


def late(system: str) -> Fact:
    """A fact that was not there when it was time to judge."""
    return Fact(system, errors=(DeadlineExceeded("it was not there in time: ask again"),))


def troubles(found: Sequence[Fact]) -> list[tuple[str, str, str]]:
    """Which source is why some facts cannot be relied on, and what to do about it; each reason once."""
    said = [(each.source, each.trouble, each.remedy) for each in found]
    return list(dict.fromkeys((source, why, fix) for source, why, fix in said if why is not None))
