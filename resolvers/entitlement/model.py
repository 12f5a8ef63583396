"""What goes into an entitlement decision, and what comes out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from sources import canonical as c
from sources.errors import SourceError


class Intent(StrEnum):
    """What the customer wants."""

    OPEN_CASE = "OPEN_CASE"
    CONTINUE_CASE = "CONTINUE_CASE"
    USE_FEATURE = "USE_FEATURE"
    CHANGE = "CHANGE"


class Verdict(StrEnum):
    """The decision, best first."""

    ALLOW = "ALLOW"
    ALLOW_LIMITED = "ALLOW_LIMITED"
    REFER = "REFER"
    DENY = "DENY"


class Severity(StrEnum):
    """How bad it is for the customer; SEVERITY_1 is an outage."""

    SEVERITY_1 = "SEVERITY_1"
    SEVERITY_2 = "SEVERITY_2"
    SEVERITY_3 = "SEVERITY_3"
    SEVERITY_4 = "SEVERITY_4"


class Figures(msgspec.Struct, frozen=True):
    """The graces and bounds of `policies/rules/entitlement.yaml`; `tiers` from the lowest to the highest."""

    version: str = "1"
    dunning_grace_days: int = 14
    renewal_grace_days: int = 30
    effect_lag_minutes: int = 15
    last_known_use_hours: int = 24
    ancestors: int = 5
    fact_minutes: int = 5
    tiers: tuple[str, ...] = ("standard", "premium", "platinum")

    def rank(self, tier: str | None) -> int:
        """Where a tier stands; -1 for none or an unknown one."""
        return self.tiers.index(tier) if tier in self.tiers else -1


class Request(msgspec.Struct, frozen=True):
    """The question. Exactly one of `feature` and `support_tier` is asked for."""

    intent: Intent
    now: datetime
    feature: str | None = None
    support_tier: str | None = None
    severity: Severity | None = None
    contact_key: str | None = None
    case_key: str | None = None


class Right(msgspec.Struct, frozen=True):
    """One right that covers the request. `holder` is the account that has it, `inherited` that this is an ancestor.

    `subscription` is the one the right hangs on, if any; `subscription_missing`: it could not be read;
    `subscription_absent`: the right names one that nobody has. `renewing`: a renewal is open; None = nobody could say.
    """

    entitlement: c.Entitlement
    holder: str
    inherited: bool = False
    subscription: c.AccountSubscription | None = None
    subscription_missing: bool = False
    subscription_absent: bool = False
    renewing: bool | None = False


class LastKnown(msgspec.Struct, frozen=True):
    """What was known last of something a decision hangs on, and when that was."""

    verdict: Verdict
    at: datetime


class Facts(msgspec.Struct, frozen=True):
    """Everything a decision may look at.

    `missing` are facts that were needed and could not be read, `stale` that some were served stale inside their bound.
    `known_as`: the account's key and those of the accounts merged into it.
    """

    account: c.Account | None
    known_as: frozenset[str] = frozenset()
    rights: tuple[Right, ...] = ()
    contact: c.Contact | None = None
    contact_missing: bool = False
    covered_at_opening: bool = False
    tier_at_opening: str | None = None
    on_hold: bool | None = None  # of the account itself or its payer; None = unknown
    standing: str = "UNKNOWN"
    effect: c.SupportOrganization | None = None
    effect_missing: bool = False
    ambiguous: bool = False
    missing: tuple[SourceError, ...] = ()
    stale: bool = False
    last_known: LastKnown | None = None
    evidence: tuple[c.Record, ...] = ()


class Judgement(msgspec.Struct, frozen=True):
    """What one row says of one right (or of the account as a whole). `rule` is the row's number."""

    verdict: Verdict
    reasons: tuple[str, ...]
    rule: int
    owner: str | None = None
    tier: str | None = None
    holder: str | None = None
    inherited: bool = False
    remaining: int | None = None
    grace_until: datetime | None = None
    time_zone: str | None = None
    until: tuple[datetime, ...] = ()


class EvidenceValue(msgspec.Struct, frozen=True):
    """One fact that was looked at."""

    fact: str
    source: str
    key: str
    as_of: datetime
    served: c.Served
    age_ms: int


class Decision(msgspec.Struct, frozen=True):
    """The answer. `time_zone` is the one in which the right's days were counted."""

    decision: Verdict
    reasons: tuple[str, ...]
    rule: int
    version: str
    tier: str | None
    covered_by: str | None
    inherited: bool
    remaining: int | None
    grace_until: datetime | None
    time_zone: str | None
    standing: str
    evidence: tuple[EvidenceValue, ...]
    served: c.Served
    fallback_rule: str | None
    owner: str | None
    valid_until: datetime
    case_key: str | None
