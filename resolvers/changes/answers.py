"""What a governed write is answered with: one union, whose members a client tells apart by name and never by prose."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
import strawberry

from resolvers.batch import links
from resolvers.registry import VALUES, value
from resolvers.types import references as ref
from resolvers.types.operation import ApproverRole
from sources import canonical as c


@value
class WriteFinding:
    """Why a write does not go ahead as it is."""

    code: str | None
    message: str | None
    path: str | None
    owner: str | None


@value
class PlannedStep:
    """A step that would be taken."""

    name: str | None
    writes: str | None
    source: str | None
    owner: str | None
    no_return: bool | None
    undoes: bool | None


@strawberry.interface(description="What every answer to a governed write tells.")
class WriteAnswer:
    """What every answer to a governed write tells."""

    operation: ref.OperationRef | None
    replayed: bool | None
    dry_run: bool | None
    findings: list[WriteFinding | None] | None
    plan: list[PlannedStep | None] | None


@value
class Accepted(WriteAnswer):
    """It was accepted and goes on by itself: its operation tells how far it is."""


@value
class Completed(WriteAnswer):
    """It is done, or was found done."""


@value
class NeedsApproval(WriteAnswer):
    """Somebody has to approve it first."""

    approvals: list[ref.OperationApprovalRef | None] | None = links(
        c.OperationApproval, by="operation", key="operation_key"
    )
    approvers: list[ApproverRole | None] | None


@value
class Rejected(WriteAnswer):
    """It was refused, or taken back as a whole: nothing of it is left. `findings` say why."""


@value
class OutcomeUnknown(WriteAnswer):
    """Something was sent and no answer came: what became of it is being found out. Do not send it under another key."""


@value
class Conflict(WriteAnswer):
    """What it is about has another version than the caller has seen: read it again."""


WriteResult: TypeAlias = Annotated[
    Accepted | Completed | NeedsApproval | Rejected | OutcomeUnknown | Conflict,
    strawberry.union("WriteResult", description="What became of a governed write when it was asked for."),
]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a member shows. Of a dry run there is no operation, but the plan, and the approvers it would take."""

    operation: c.Operation | None = None
    operation_key: str = ""
    replayed: bool = False
    dry_run: bool = False
    findings: tuple[Any, ...] = ()
    plan: tuple[Any, ...] = ()
    approvers: tuple[c.ApproverRole, ...] = ()


class ToldAccepted(Told, frozen=True):
    """See `Accepted`."""


class ToldCompleted(Told, frozen=True):
    """See `Completed`."""


class ToldNeedsApproval(Told, frozen=True):
    """See `NeedsApproval`."""


class ToldRejected(Told, frozen=True):
    """See `Rejected`."""


class ToldOutcomeUnknown(Told, frozen=True):
    """See `OutcomeUnknown`."""


class ToldConflict(Told, frozen=True):
    """See `Conflict`."""


MEMBERS: dict[c.OperationOutcome, type[Told]] = {
    c.OperationOutcome.ACCEPTED: ToldAccepted,
    c.OperationOutcome.COMPLETED: ToldCompleted,
    c.OperationOutcome.NEEDS_APPROVAL: ToldNeedsApproval,
    c.OperationOutcome.REJECTED: ToldRejected,
    c.OperationOutcome.OUTCOME_UNKNOWN: ToldOutcomeUnknown,
    c.OperationOutcome.CONFLICT: ToldConflict,
}
"""Outcome -> the class of its values; the value of the outcome is the name of its type."""
VALUES |= {kind: outcome.value for outcome, kind in MEMBERS.items()}
