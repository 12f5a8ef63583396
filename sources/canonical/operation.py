"""Operations, approvals and exceptions: what we write down ourselves about governed writes, as facts of the graph."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from sources.canonical.money import Money
from sources.canonical.record import Owned


class OperationState(StrEnum):
    """How far an operation is."""

    RECEIVED = "RECEIVED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    RUNNING = "RUNNING"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"
    COMPENSATING = "COMPENSATING"
    COMPLETED = "COMPLETED"
    COMPENSATED = "COMPENSATED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class OperationOutcome(StrEnum):
    """Which member of the result union the caller was answered with; a replay is answered with the same."""

    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    NEEDS_APPROVAL = "NeedsApproval"
    REJECTED = "Rejected"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    CONFLICT = "Conflict"


class StepDirection(StrEnum):
    """What a step is doing for its operation."""

    DO = "DO"
    UNDO = "UNDO"
    CONFIRM = "CONFIRM"


class StepOutcome(StrEnum):
    """How a step ended; None while it runs."""

    OK = "ok"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    GOVERNED = "governed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"  # by a person, with a reason


class ApprovalDecision(StrEnum):
    """What became of an approval."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"  # the operation was canceled, or is asked about anew with other evidence


class ExceptionStatus(StrEnum):
    """How far an exception is."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    RESOLVED = "RESOLVED"


class ExceptionResolution(StrEnum):
    """How an exception was cleared."""

    RESUMED = "RESUMED"
    CHANGED = "CHANGED"  # resumed with a changed value
    SKIPPED = "SKIPPED"
    COMPENSATED = "COMPENSATED"
    HEALED = "HEALED"  # it went away by itself


class PauseScope(StrEnum):
    """What a switch turns off."""

    ALL = "ALL"
    MUTATION = "MUTATION"
    SOURCE = "SOURCE"


class ApproverRole(msgspec.Struct, frozen=True, gc=False):
    """A role that may approve: so many persons of it, each with this evidence attached."""

    role: str
    persons: int
    evidence: tuple[str, ...] = ()


class Operation(Owned, frozen=True, gc=False, kw_only=True):
    """A governed write. `person` is who asked, as persons are compared; `lies_with` are the roles that were asked to
    approve it or that one of its exceptions was put before."""

    mutation: str
    state: OperationState
    outcome: OperationOutcome | None = None
    reason: str | None = None
    legal_entity: str | None = None
    amount: Money | None = None
    asked_by: str
    human: str | None = None
    person: str
    lies_with: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    correlation_id: str
    accepted_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    version: int


class OperationApproval(Owned, frozen=True, gc=False, kw_only=True):
    """A question to an approver, and the answer. Who approves names `evidence_hash`, so that what was seen is approved:
    `amount`, `figures`, `flags`, `reasons`, and `input`, what was asked word for word.

    `tier` counts the approvers that one question takes, from 1; from 50 those of a question about an exception.
    """

    operation_key: str
    mutation: str
    legal_entity: str | None = None
    person: str
    lies_with: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    tier: int
    rule: str
    role: str
    approvers: tuple[ApproverRole, ...] = ()
    asked_by: str
    human: str | None = None
    asked_at: datetime
    expires_at: datetime
    amount: Money | None = None
    figures: dict[str, Any] = msgspec.field(default_factory=dict)
    flags: dict[str, Any] = msgspec.field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    input: Any = None
    evidence_hash: str
    decision: ApprovalDecision
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class OperationException(Owned, frozen=True, gc=False, kw_only=True):
    """What nobody could decide alone, in the queue of `owner`. `kind` is a code such as `PERIOD_LOCKED`; the two due
    times count the owner's own hours; `details` are what is known about it, as our own records have it."""

    operation_key: str | None = None
    legal_entity: str | None = None
    person: str | None = None
    lies_with: tuple[str, ...] = ()
    step: int | None = None
    kind: str
    owner: str
    reason: str
    details: Any = None
    status: ExceptionStatus
    assignee: str | None = None
    opened_at: datetime
    answer_due_at: datetime
    due_at: datetime
    answered_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: ExceptionResolution | None = None
    resolution_reason: str | None = None
    version: int
