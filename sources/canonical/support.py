"""Case, Sla, SupportPlan and the CRM's copy of a case."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from sources.canonical.record import Evidence, Owned, Record


class CaseStatus(StrEnum):
    """Where a case stands."""

    NEW = "NEW"
    OPEN = "OPEN"
    PENDING_CUSTOMER = "PENDING_CUSTOMER"
    ON_HOLD = "ON_HOLD"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"


class Priority(StrEnum):
    """How pressing."""

    URGENT = "URGENT"
    HIGH = "HIGH"
    NORMAL = "NORMAL"
    LOW = "LOW"


class SlaState(StrEnum):
    """Where a target stands."""

    ON_TRACK = "ON_TRACK"
    PAUSED = "PAUSED"
    MET = "MET"
    BREACHED = "BREACHED"


class SlaClock(StrEnum):
    """Which hours count."""

    CALENDAR = "CALENDAR"
    BUSINESS = "BUSINESS"


class Sla(Owned, frozen=True, gc=False, kw_only=True):
    """One running or finished target of a case; key = `{case}:{metric}`. Part of Case, owner: support.

    `breach_at` is the vendor's. `achieved` says the vendor saw the target fulfilled; whether an open target is breached
    depends on the clock and is judged above the sources.
    """

    case_key: str
    metric: str  # FIRST_REPLY_TIME, NEXT_REPLY_TIME, ...
    stage: str  # ACTIVE, PAUSED, ACHIEVED: the vendor's stage, translated
    breach_at: datetime | None = None
    achieved: bool = False
    breached_before_achieved: bool = False
    clock: SlaClock | None = None
    target_minutes: int | None = None


class Case(Owned, frozen=True, gc=False, kw_only=True):
    """A request for support; key = support ticket id. Owner: support."""

    number: str | None = None
    subject: str | None = None
    description: str | None = None
    status: CaseStatus
    status_since: datetime | None = None
    status_evidence: tuple[Evidence, ...] = ()
    priority: Priority = Priority.NORMAL
    kind: str | None = None  # problem, incident, question, task
    escalated: bool = False
    requester_key: str | None = None  # Requester.key
    assignee_key: str | None = None
    queue: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    solved_at: datetime | None = None
    slas: tuple[Sla, ...] | None = None  # None = this read did not carry them


class CaseMirror(Owned, frozen=True, gc=False, kw_only=True):
    """The CRM's copy of a case; key = CRM case id. Facet of Case, owner: CRM. `case_key` = the support ticket id."""

    case_key: str | None = None
    number: str | None = None
    status: str
    escalated: bool = False
    closed: bool = False
    priority: Priority | None = None
    milestone_status: str | None = None
    entitlement_key: str | None = None
    contact_key: str | None = None
    sla_start_at: datetime | None = None
    sla_exit_at: datetime | None = None
    stopped: bool = False


class SlaTarget(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a plan promises for one priority and metric."""

    priority: Priority
    metric: str
    minutes: int
    clock: SlaClock


class SupportPlan(Record, frozen=True, gc=False, kw_only=True):
    """A level of support; key = its name in lower case (`premium`), as the support desk's field holds it.

    Owner: support (SLA policies); the CRM adds its SLA process under the same key.
    """

    name: str
    position: int | None = None
    targets: tuple[SlaTarget, ...] = ()


class SlaProcess(Record, frozen=True, gc=False, kw_only=True):
    """The CRM's SLA process; key = its id, `plan_key` = SupportPlan.key. Facet of SupportPlan, owner: CRM."""

    plan_key: str
    name: str
    active: bool = True
