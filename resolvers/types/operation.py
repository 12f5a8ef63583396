"""Operations and what hangs on them: steps, approvals, exceptions, what people did; and what is turned off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import strawberry
from strawberry.scalars import JSON

from resolvers.batch import batched, derived, link, links
from resolvers.context import Context
from resolvers.facts import operations as facts
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.filters import ApprovalDecision, ExceptionStatus, OperationState
from resolvers.types.node import Node
from resolvers.types.scalars import Money
from sources import canonical as c

OperationOutcome = strawberry.enum(c.OperationOutcome, description="What the caller was answered.")
StepDirection = strawberry.enum(c.StepDirection, description="What a step does for its operation.")
StepOutcome = strawberry.enum(c.StepOutcome, description="How a step ended.")
ExceptionResolution = strawberry.enum(c.ExceptionResolution, description="How an exception was cleared.")
PauseScope = strawberry.enum(c.PauseScope, description="What a switch turns off.")


@value
class OperationStep:
    """One change in one system, done or taken back: tried so often, and how it went."""

    number: int | None
    name: str | None
    direction: StepDirection | None  # type: ignore[valid-type]
    outcome: StepOutcome | None  # type: ignore[valid-type]
    attempts: int | None
    source: str | None
    owner: str | None
    sent_as: str | None = derived(lambda step, _: step.key)
    request_id: str | None
    message: str | None
    started_at: datetime | None
    finished_at: datetime | None


@value
class OperationEvent:
    """Who did what to an operation, as the audit has it."""

    at: datetime | None
    actor: str | None
    human: str | None
    action: str | None
    decision: str | None
    rule: str | None
    reason: str | None


@value
class ApproverRole:
    """A role that may approve: so many persons of it, each with this evidence attached."""

    role: str | None
    persons: int | None
    evidence: list[str | None] | None


@value
class ApprovalFigure:
    """A figure that an approval rests on: money, or a number."""

    name: str | None
    money: Money | None
    number: Decimal | None


@value
class ApprovalFlag:
    """What was stated about a write: yes or no."""

    name: str | None
    stated: bool | None


class Figure(msgspec.Struct, frozen=True):
    """What an ApprovalFigure shows."""

    name: str
    money: c.Money | None
    number: Decimal | None


class Flag(msgspec.Struct, frozen=True):
    """What an ApprovalFlag shows."""

    name: str
    stated: bool


def _figures(approval: c.OperationApproval, _context: Context) -> list[Figure]:
    return [_figure(name, value) for name, value in sorted(approval.figures.items())]


def _figure(name: str, value: Any) -> Figure:
    if isinstance(value, Mapping):
        return Figure(name, msgspec.convert(value, c.Money), None)
    return Figure(name, None, Decimal(str(value)))


def _flags(approval: c.OperationApproval, _context: Context) -> list[Flag]:
    return [Flag(name, bool(stated)) for name, stated in sorted(approval.flags.items())]


@entity(c.OperationApproval)
class OperationApproval(Node):
    """A question to an approver about frozen evidence, and the answer."""

    operation: ref.OperationRef | None = link(c.Operation, key="operation_key")
    mutation: str | None
    account: ref.AccountRef | None = link(c.Account, key="account_key")
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    person: str | None
    lies_with: list[str | None] | None
    stand_ins: list[str | None] | None
    tier: int | None
    rule: str | None
    role: str | None
    approvers: list[ApproverRole | None] | None
    asked_by: str | None
    human: str | None
    asked_at: datetime | None
    expires_at: datetime | None
    amount: Money | None
    figures: list[ApprovalFigure | None] | None = derived(_figures)
    flags: list[ApprovalFlag | None] | None = derived(_flags)
    reasons: list[str | None] | None
    input: JSON | None
    evidence_hash: str | None
    decision: ApprovalDecision | None  # type: ignore[valid-type]
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


@entity(c.OperationException)
class OperationException(Node):
    """What nobody could decide alone, in an owner's queue."""

    operation: ref.OperationRef | None = link(c.Operation, key="operation_key")
    account: ref.AccountRef | None = link(c.Account, key="account_key")
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    person: str | None
    lies_with: list[str | None] | None
    step: int | None
    kind: str | None
    owner: str | None
    reason: str | None
    details: JSON | None
    status: ExceptionStatus | None  # type: ignore[valid-type]
    assignee: str | None
    opened_at: datetime | None
    answer_due_at: datetime | None
    due_at: datetime | None
    answered_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: ExceptionResolution | None  # type: ignore[valid-type]
    resolution_reason: str | None
    version: int | None


@entity(c.Operation)
class Operation(Node):
    """A governed write, from its acceptance to its end."""

    mutation: str | None
    state: OperationState | None  # type: ignore[valid-type]
    outcome: OperationOutcome | None  # type: ignore[valid-type]
    reason: str | None
    account: ref.AccountRef | None = link(c.Account, key="account_key")
    legal_entity: ref.LegalEntityRef | None = link(c.LegalEntity, key="legal_entity")
    amount: Money | None
    asked_by: str | None
    human: str | None
    person: str | None
    lies_with: list[str | None] | None
    stand_ins: list[str | None] | None
    correlation_id: str | None
    accepted_at: datetime | None
    updated_at: datetime | None
    ended_at: datetime | None
    version: int | None
    steps: list[OperationStep | None] | None = batched(facts.steps, needs=())
    approvals: list[ref.OperationApprovalRef | None] | None = links(c.OperationApproval, by="operation")
    exceptions: list[ref.OperationExceptionRef | None] | None = links(c.OperationException, by="operation")
    freshness: str | None = batched(facts.freshness, needs=())
    history: list[OperationEvent | None] | None = batched(facts.history, needs=())


@value
class WritePause:
    """Writes that are turned off, by whom and why; on again with two people's word."""

    scope: PauseScope | None  # type: ignore[valid-type]
    name: str | None
    reason: str | None
    paused_by: str | None
    paused_at: datetime | None
    resume_asked_by: str | None
    resume_asked_at: datetime | None
