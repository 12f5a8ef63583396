"""Approvals: who was asked about which evidence, and what they said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    or_,
    select,
    text,
    update,
)

from sources.canonical import ApprovalDecision
from sources.news import Topic
from sources.store import notices
from sources.store.columns import Instant, canonical, metadata
from sources.store.errors import ApprovalExpired, NoSuchRecord, NotApprovable, StaleRecord
from sources.store.statements import insert_later, matching, of, values

Decision = ApprovalDecision

approvals = Table(
    "approvals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("operation_id", String(64), ForeignKey("operations.id", ondelete="CASCADE"), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("rule", String(128), nullable=False),
    Column("role", String(64), nullable=False),
    Column("asked_by", String(255), nullable=False),
    Column("human", String(255)),
    Column("asked_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("evidence_hash", String(64), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("decided_by", String(255)),
    Column("decided_at", Instant),
    Column("reason", Text),
    Column("reminded_at", Instant),
    Column("escalated_to", String(64)),
    Column("escalated_at", Instant),
    UniqueConstraint("operation_id", "tier", "evidence_hash", name="approvals_question_key"),
    # The last guards of four eyes, whatever the code above them forgets.
    CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="requester"),
    CheckConstraint("decided_by IS NULL OR human IS NULL OR decided_by <> human", name="human"),
    Index("approvals_role_idx", "decision", "role", "expires_at"),
    Index(
        "approvals_eyes_idx",
        "operation_id",
        "decided_by",
        unique=True,
        sqlite_where=text("decision = 'APPROVED'"),
        postgresql_where=text("decision = 'APPROVED'"),
    ),
)


_SAME = matching(approvals.c.operation_id, approvals.c.tier)
_OF_TIER = of(approvals, select(approvals).where(*_SAME))
_WITHDRAWING = (
    update(approvals).where(*_SAME, approvals.c.decision == Decision.PENDING).values(decision=Decision.WITHDRAWN)
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `tier` counts the approvers one operation needs, from 1; `evidence` is frozen by being written."""

    id: str
    operation_id: str
    rule: str
    role: str
    asked_by: str
    expires_at: datetime
    evidence: Any
    human: str | None = None
    tier: int = 1


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A question and its answer. Who approves names `evidence_hash`, so that they approve what they saw.
    `escalated_to`: a second role in whose queue it is, since nobody answered."""

    id: str
    operation_id: str
    tier: int
    rule: str
    role: str
    asked_by: str
    human: str | None
    asked_at: datetime
    expires_at: datetime
    evidence: str
    evidence_hash: str
    decision: Decision
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    reminded_at: datetime | None = None
    escalated_to: str | None = None
    escalated_at: datetime | None = None


def ask(connection: Connection, question: Question, now: datetime) -> Approval:
    """Ask, or find the same question asked before; one over other evidence takes the earlier ones of its tier back."""
    evidence = canonical(question.evidence)
    digest = hashlib.sha256(evidence.encode()).hexdigest()
    row = msgspec.structs.asdict(question) | {"evidence": evidence, "evidence_hash": digest}
    same = values(approvals, {name: row[name] for name in ("operation_id", "tier")})
    asked = [_record(each) for each in connection.execute(_OF_TIER, same).mappings()]
    for each in asked:
        if each.evidence_hash == digest:
            return each
    if asked:
        connection.execute(_WITHDRAWING, same)
    row |= {"asked_at": now, "decision": Decision.PENDING}
    insert_later(connection, approvals, row)
    notices.give(connection, Topic.OPERATION, question.operation_id, now)
    return _record(dict.fromkeys(approvals.c.keys()) | row)


def decide(
    connection: Connection,
    approval_id: str,
    decision: Decision,
    by: str,
    evidence_hash: str,
    now: datetime,
    reason: str | None = None,
) -> Approval:
    """Approve or reject. The same answer of the same person again is the answer there is.

    Raises NotApprovable where it is decided, the evidence is another, or the person asked, or approved another tier;
    ApprovalExpired after its time. Role, limit and delegation are the policies' to judge before.
    """
    known = find(connection, approval_id)
    if (known.decision, known.decided_by) == (decision, by):
        return known
    _refuse(connection, known, decision, by, evidence_hash, now)
    done = connection.execute(
        update(approvals)
        .where(approvals.c.id == approval_id, approvals.c.decision == Decision.PENDING)
        .values(decision=decision, decided_by=by, decided_at=now, reason=reason)
    )
    if done.rowcount != 1:
        raise StaleRecord(f"approval `{approval_id}` was decided at the same time: read it again")
    notices.give(connection, Topic.OPERATION, known.operation_id, now)
    return find(connection, approval_id)


def _refuse(
    connection: Connection, known: Approval, decision: Decision, by: str, evidence_hash: str, now: datetime
) -> None:
    if decision not in (Decision.APPROVED, Decision.REJECTED):
        raise NotApprovable(f"`{decision}` is no answer: approve or reject")
    if known.decision is Decision.EXPIRED or known.expires_at <= now:
        raise ApprovalExpired(f"approval `{known.id}` was asked for until {known.expires_at.isoformat()}: ask again")
    if known.decision is not Decision.PENDING:
        raise NotApprovable(f"approval `{known.id}` is {known.decision} already")
    if known.evidence_hash != evidence_hash:
        raise NotApprovable(f"the evidence of approval `{known.id}` is another by now: look at it again")
    if by in (known.asked_by, known.human):
        raise NotApprovable("who asked, or stands behind who asked, does not decide: somebody else must")
    others = select(approvals.c.id).where(
        approvals.c.operation_id == known.operation_id,
        approvals.c.id != known.id,
        approvals.c.decision == Decision.APPROVED,
        approvals.c.decided_by == by,
    )
    if decision is Decision.APPROVED and connection.execute(others).first() is not None:
        raise NotApprovable("this person approved this operation before: the second approver is somebody else")


def expire(connection: Connection, now: datetime) -> list[Approval]:
    """Close what nobody answered in time, and return it."""
    query = (
        update(approvals)
        .where(approvals.c.decision == Decision.PENDING, approvals.c.expires_at <= now)
        .values(decision=Decision.EXPIRED, decided_at=now)
        .returning(approvals)
    )
    expired = [_record(row) for row in connection.execute(query).mappings()]
    for each in expired:
        notices.give(connection, Topic.OPERATION, each.operation_id, now)
    return expired


def withdraw(connection: Connection, operation_id: str, now: datetime) -> int:
    """Take an operation's open questions back; returns how many there were."""
    query = update(approvals).where(approvals.c.operation_id == operation_id, approvals.c.decision == Decision.PENDING)
    withdrawn = connection.execute(query.values(decision=Decision.WITHDRAWN, decided_at=now)).rowcount
    if withdrawn:
        notices.give(connection, Topic.OPERATION, operation_id, now)
    return withdrawn


def find(connection: Connection, approval_id: str) -> Approval:
    """The approval of an id. Raises NoSuchRecord."""
    row = connection.execute(select(approvals).where(approvals.c.id == approval_id)).mappings().first()
    if row is None:
        raise NoSuchRecord(f"there is no approval `{approval_id}`")
    return _record(row)


def of_operation(connection: Connection, operation_id: str) -> list[Approval]:
    """What was asked about an operation, in order."""
    query = select(approvals).where(approvals.c.operation_id == operation_id)
    ordered = query.order_by(approvals.c.asked_at, approvals.c.tier)
    return [_record(row) for row in connection.execute(ordered).mappings()]


def pending(connection: Connection, roles: Sequence[str], first: int = 50) -> list[Approval]:
    """What waits for an answer of one of these roles, the one that expires first at the top."""
    theirs = or_(approvals.c.role.in_(roles), approvals.c.escalated_to.in_(roles))
    query = select(approvals).where(approvals.c.decision == Decision.PENDING, theirs)
    ordered = query.order_by(approvals.c.expires_at, approvals.c.id).limit(first)
    return [_record(row) for row in connection.execute(ordered).mappings()]


def waiting(connection: Connection, first: int = 1000) -> list[Approval]:
    """What waits for an answer and was not both reminded of and escalated, the one that expires first at the top."""
    columns = approvals.c
    quiet = or_(columns.reminded_at.is_(None), columns.escalated_at.is_(None))
    query = select(approvals).where(columns.decision == Decision.PENDING, quiet)
    ordered = query.order_by(columns.expires_at, columns.id).limit(first)
    return [_record(row) for row in connection.execute(ordered).mappings()]


def remind(connection: Connection, approval_id: str, now: datetime) -> bool:
    """Note that those asked were reminded; whether it was this time, and it still waits."""
    return _note(connection, approval_id, approvals.c.reminded_at, reminded_at=now)


def escalate(connection: Connection, approval_id: str, to: str | None, now: datetime) -> bool:
    """Put it into a second role's queue too (None: there is none); whether it was this time, and it still waits."""
    return _note(connection, approval_id, approvals.c.escalated_at, escalated_to=to, escalated_at=now)


def _note(connection: Connection, approval_id: str, once: Column[Any], **values: Any) -> bool:
    open_still = (approvals.c.id == approval_id, approvals.c.decision == Decision.PENDING, once.is_(None))
    return connection.execute(update(approvals).where(*open_still).values(values)).rowcount == 1


def _record(row: RowMapping | Mapping[str, Any]) -> Approval:
    values = dict(row)
    values["decision"] = Decision(values["decision"])
    return Approval(**values)
