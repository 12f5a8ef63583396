"""Freshness: how long a fact of each type is good, and how long it is better than nothing.

Four spans, one after the other. Until `ttl` nobody asks again. In the last `refresh_ahead` seconds of it a reader sets
off a refresh and waits for nothing. For `while_refreshing` seconds more a reader whose errand is not strict is served
at once, marked stale, and sets off a refresh. After that a reader waits, but no longer than its patience; the old fact
still stands in for a source that fails or is slow until `stale_for` seconds past `ttl`. Then it is too old for anybody.

`ttl` and `while_refreshing` count from the reading: asking a search index again brings nothing newer than its lag. The
bound, and every age that is told or demanded, count from the instant the fact was true.

What is not there (an absent key, an empty list) may come into being any moment, so it has a shorter `negative` in place
of `ttl`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sources import canonical as c
from sources.canonical import Account, Owned, Record

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
JITTER = 0.1
"""The part of a `ttl` that chance takes off, so that what many processes read together is not read again together."""
ABSENT = 300.0
"""Seconds past its time for which a source's word that a record is not there stands in for a source that fails."""


class Freshness(msgspec.Struct, frozen=True):
    """All in seconds."""

    ttl: float = 30.0
    stale_for: float = _HOUR
    refresh_ahead: float = 5.0
    while_refreshing: float = 30.0
    negative: float = 10.0

    @property
    def life(self) -> float:
        """How long a fact can be of any use."""
        return self.ttl + self.stale_for


class Overrides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[cache.types.NAME]` table: what is not said stays as it is."""

    ttl: float | None = None
    stale_for: float | None = None
    refresh_ahead: float | None = None
    while_refreshing: float | None = None
    negative: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 30 * _DAY:
                raise ValueError(f"`{name}` is {value}: seconds from 0 to 30 days are expected")


class Spans(msgspec.Struct, frozen=True):
    """When a fact is to be refreshed, when it is stale, until when it is served at once, and when it is too old: on the
    loop's clock."""

    refresh: float
    stale: float
    soft: float
    limit: float


def spans(freshness: Freshness, lag: float, begun: float, chance: float) -> tuple[Spans, Spans, Spans]:
    """Those of a reading that began at an instant: of records, of an empty list, and of a record that is not there.
    `chance` is in [0, 1): what was read together stays together."""

    def of(ttl: float, ahead: float, soft: float, past: float) -> Spans:
        stale = begun + ttl * (1 - JITTER * chance)
        limit = begun + ttl + past - lag
        return Spans(stale - min(ahead, ttl / 2), stale, min(stale + soft, max(limit, stale)), limit)

    ttl, past, soft = freshness.ttl, freshness.stale_for, freshness.while_refreshing
    short = min(freshness.negative, ttl)
    return (
        of(ttl, freshness.refresh_ahead, soft, past),
        of(short, 0.0, min(soft, short), past),
        of(short, 0.0, min(soft, short), min(past, ABSENT)),
    )


DEFAULT = Freshness()

# Who the customer is, and what was promised, changes by the day. An agent must be able to say whether somebody is
# entitled through a day's outage (decision table, row 14), so these are kept for a day.
_IDENTITY = Freshness(60.0, _DAY, 10.0, 60.0)
_RIGHTS = Freshness(30.0, _DAY, 5.0, 30.0)
# Documents about money change when somebody pays; half a day's work can go on without the newest of them.
_DOCUMENTS = Freshness(30.0, 4 * _HOUR, 5.0, 30.0)
# Credit and holds decide what may be sold: a quarter of an hour is what finance answers for.
_CREDIT = Freshness(30.0, 15 * _MINUTE, 5.0, 15.0)
# A case changes while it is talked about.
_CASES = Freshness(15.0, _HOUR, 3.0, 15.0, 5.0)
# Catalogues, plans and the shape of our own companies change by release, not by customer.
_CATALOGUE = Freshness(10 * _MINUTE, 7 * _DAY, _MINUTE, 10 * _MINUTE, 30.0)
_PLANS = Freshness(10 * _MINUTE, _DAY, _MINUTE, 10 * _MINUTE, 30.0)
# A rate is asked for by its day: it changes where it is entered late, or put right.
_RATES = Freshness(10 * _MINUTE, _DAY, _MINUTE, 10 * _MINUTE, 30.0)
# What the ledger says of a document is written once.
_BOOKS = Freshness(5 * _MINUTE, _DAY, 30.0, 5 * _MINUTE, 15.0)

DEFAULTS: Mapping[type[Record], Freshness] = {
    **dict.fromkeys((c.Account, c.Contact, c.Requester, c.SupportOrganization), _IDENTITY),
    **dict.fromkeys((c.Entitlement, c.AccountSubscription, c.SubscriptionContract, c.Renewal), _RIGHTS),
    **dict.fromkeys((c.Invoice, c.InvoiceLine, c.PostedInvoice, c.Payment, c.GatewayPayment), _DOCUMENTS),
    **dict.fromkeys((c.CreditMemo, c.Refund, c.Dispute, c.WriteOff), _DOCUMENTS),
    **dict.fromkeys((c.Order, c.SalesOrder, c.Amendment, c.UsageSummary), _DOCUMENTS),
    **dict.fromkeys((c.BillingProfile, c.BillingCustomer), _CREDIT),
    **dict.fromkeys((c.Case, c.CaseMirror, c.Sla), _CASES),
    **dict.fromkeys((c.Product, c.Price, c.Meter, c.ErpItem), _CATALOGUE),
    **dict.fromkeys((c.LegalEntity, c.AccountingPeriod, c.SupportPlan, c.SlaProcess, c.TaxProfile), _PLANS),
    **dict.fromkeys((c.RevenueSchedule, c.LedgerPosting), _BOOKS),
    c.ExchangeRate: _RATES,
}


class Table:
    """The freshness of every type: the defaults, and what the settings say otherwise, by class name."""

    def __init__(self, overrides: Mapping[str, Overrides] | None = None) -> None:
        self._overrides = overrides or {}
        self._known: dict[type[Record], Freshness] = {}
        lives = {record: self.of(record).life for record in DEFAULTS}
        self.longest = max(lives.values())
        self.longest_owned = max(life for record, life in lives.items() if issubclass(record, (Owned, Account)))

    def of(self, record: type[Record]) -> Freshness:
        """That of one type."""
        known = self._known.get(record)
        if known is None:
            said = self._overrides.get(record.__name__) or Overrides()
            changes = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
            known = self._known[record] = msgspec.structs.replace(DEFAULTS.get(record, DEFAULT), **changes)
        return known


NAMES = frozenset(record.__name__ for record in DEFAULTS)
