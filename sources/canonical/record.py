"""The shape every canonical record shares: what it is, where it was read, and when."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class System(StrEnum):
    """The four kinds of system an account is known in; a configured source plays one of them."""

    CRM = "CRM"
    BILLING = "BILLING"
    ERP = "ERP"
    SUPPORT = "SUPPORT"


class Served(StrEnum):
    """How a fact was served: read just now, from memory, from memory past its time, or by a rule for want of it."""

    LIVE = "LIVE"
    CACHE = "CACHE"
    STALE = "STALE"
    FALLBACK = "FALLBACK"


class ExternalId(msgspec.Struct, frozen=True, gc=False):
    """What another system calls the same thing."""

    system: System
    id: str


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Where a status comes from: the source's own word for it, untranslated."""

    source: str
    field: str
    raw_value: str


class Record(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One fact as its source told it: immutable, shareable between requests, never filtered by who asks.

    `key` is the canonical business key (see each type), `source` the configured source's name, `source_id` the id
    inside that source, `as_of` the instant (UTC) at which the source is known to have said so: for a read from a search
    index that is the time of the read less the index's documented lag.
    """

    key: str
    source: str
    source_id: str
    as_of: datetime
    external_ids: tuple[ExternalId, ...] = ()


class Owned(Record, frozen=True, gc=False, kw_only=True):
    """A record that belongs to an account.

    `account_key` is the canonical account key; a connector that knows it fills it, otherwise it leaves the empty string
    and fills `source_account_id` (what its own system calls the account), and the catalog translates.
    """

    account_key: str = ""
    source_account_id: str = ""
