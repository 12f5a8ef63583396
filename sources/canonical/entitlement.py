"""Entitlement: a right, whoever grants it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from sources.canonical.record import Evidence, Owned


class EntitlementStatus(StrEnum):
    """What the granting system says; an absent right is NONE and is no record."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    SUSPENDED = "SUSPENDED"
    EXHAUSTED = "EXHAUSTED"


class Coverage(StrEnum):
    """Whom a right covers."""

    OWN = "OWN"
    AFFILIATES = "AFFILIATES"
    LISTED = "LISTED"


class Pack(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A right that is used up."""

    total: int | None
    remaining: int
    reserved: int = 0


class Entitlement(Owned, frozen=True, gc=False, kw_only=True):
    """A right to a feature or to support; key = the granting system's id. Owners: billing (features), CRM (support).

    `starts_on`/`ends_on` are local days, both inclusive; None = not limited.
    """

    name: str
    feature: str | None = None  # lookup key, lower case
    support_tier: str | None = None  # SupportPlan.key
    status: EntitlementStatus
    status_evidence: tuple[Evidence, ...] = ()
    coverage: Coverage = Coverage.OWN
    covers: tuple[str, ...] = ()  # account keys, when LISTED
    starts_on: date | None = None
    ends_on: date | None = None
    time_zone: str | None = None
    grace_until: datetime | None = None
    pack: Pack | None = None
    subscription_key: str | None = None
    contract_key: str | None = None
