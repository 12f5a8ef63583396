"""Exceptions: what nobody could decide alone, with an owner and a time by which it is due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sources.canonical import ExceptionResolution, ExceptionStatus
from sources.news import Topic
from sources.store import notices
from sources.store.columns import Instant, canonical, metadata
from sources.store.errors import NoSuchRecord, StaleRecord, WrongState

Status = ExceptionStatus
Resolution = ExceptionResolution

exceptions = Table(
    "exceptions",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("operation_id", String(64), ForeignKey("operations.id", ondelete="CASCADE")),
    Column("step", Integer),
    Column("kind", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("assignee", String(255)),
    Column("opened_at", Instant, nullable=False),
    Column("answer_due_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("resolved_at", Instant),
    Column("resolved_by", String(255)),
    Column("resolution", String(16)),
    Column("resolution_reason", Text),
    Column("version", Integer, nullable=False),
    Column("escalated_to", String(64)),
    Column("escalated_at", Instant),
    CheckConstraint("(status = 'RESOLVED') = (resolution IS NOT NULL)", name="resolution"),
    Index("exceptions_queue_idx", "owner", "status", "due_at"),
    Index("exceptions_operation_idx", "operation_id"),
    Index("exceptions_escalated_idx", "status", "escalated_to"),
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What needs a person. The id is made of what it is about (`OPERATION:STEP:COUNT`), so that raising it twice is
    once. `kind` is a code such as `PERIOD_LOCKED`; `owner` a role; the two due times count the owner's own hours."""

    id: str
    kind: str
    owner: str
    reason: str
    answer_due_at: datetime
    due_at: datetime
    operation_id: str | None = None
    step: int | None = None
    details: Any = None


class ExceptionItem(msgspec.Struct, frozen=True, kw_only=True):
    """An exception in its owner's queue. `escalated_to`: a second role that may clear it, since its time was over;
    the two due times count anew from then on."""

    id: str
    operation_id: str | None
    step: int | None
    kind: str
    owner: str
    reason: str
    details: str
    status: Status
    assignee: str | None
    opened_at: datetime
    answer_due_at: datetime
    due_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: Resolution | None
    resolution_reason: str | None
    version: int
    escalated_to: str | None = None
    escalated_at: datetime | None = None

    def belongs_to(self, roles: Collection[str]) -> bool:
        """Whether it is one of these roles' to clear."""
        return self.owner in roles or self.escalated_to in roles


def open_exception(connection: Connection, finding: Finding, now: datetime) -> ExceptionItem:
    """Open it in its owner's queue, or find it there."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = msgspec.structs.asdict(finding) | {"details": canonical(finding.details)}
    made = connection.execute(
        dialect.insert(exceptions)
        .values(status=Status.OPEN, opened_at=now, version=1, **values)
        .on_conflict_do_nothing()
        .returning(exceptions.c.id)
    )
    if made.first() is not None:
        notices.give(connection, Topic.EXCEPTION, finding.id, now)
    return find(connection, finding.id)


def assign(connection: Connection, exception_id: str, assignee: str, now: datetime, version: int) -> ExceptionItem:
    """Give it to a person; the first time is the owner's first answer. Raises StaleRecord, WrongState."""
    known = _changeable(connection, exception_id, version)
    answered = known.answered_at or now
    return _change(connection, known, now, status=Status.ASSIGNED, assignee=assignee, answered_at=answered)


def hand_over(
    connection: Connection, exception_id: str, owner: str, due_at: datetime, reason: str, version: int, now: datetime
) -> ExceptionItem:
    """Pass it to the owner it belongs to; the new owner has nobody assigned yet. Raises as `assign` does."""
    known = _changeable(connection, exception_id, version)
    notices.give(connection, Topic.EXCEPTION, known.id, now)
    return _change(connection, known, now, status=Status.OPEN, owner=owner, assignee=None, due_at=due_at, reason=reason)


def escalate(
    connection: Connection,
    exception_id: str,
    to: str,
    answer_due_at: datetime,
    due_at: datetime,
    now: datetime,
    version: int,
) -> ExceptionItem:
    """Put it into a second role's queue too, because its time is over; whoever works on it goes on. Raises as `assign`
    does."""
    known = _changeable(connection, exception_id, version)
    notices.give(connection, Topic.EXCEPTION, known.id, now)
    due = {"answer_due_at": answer_due_at, "due_at": due_at}
    return _change(connection, known, now, escalated_to=to, escalated_at=now, **due)


def late(connection: Connection, now: datetime, first: int = 100) -> list[ExceptionItem]:
    """What was not answered, or not cleared, in time, and was not escalated yet."""
    columns = exceptions.c
    query = select(exceptions).where(columns.status != Status.RESOLVED, columns.escalated_at.is_(None), _late(now))
    return [_record(row) for row in connection.execute(query.order_by(columns.due_at).limit(first)).mappings()]


def of_kind(
    connection: Connection, kinds: Sequence[str], opened_before: datetime, first: int = 1000
) -> list[ExceptionItem]:
    """What is open of some kinds since before an instant, the oldest first."""
    columns = exceptions.c
    query = select(exceptions).where(
        columns.kind.in_(kinds), columns.status != Status.RESOLVED, columns.opened_at <= opened_before
    )
    return [_record(row) for row in connection.execute(query.order_by(columns.opened_at).limit(first)).mappings()]


def resolve(
    connection: Connection,
    exception_id: str,
    resolution: Resolution,
    by: str,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> ExceptionItem:
    """Clear it. The same resolution again is the one there is; another raises WrongState. Raises StaleRecord."""
    known = find(connection, exception_id)
    if known.resolution is resolution:
        return known
    known = _changeable(connection, exception_id, version)
    return _change(
        connection,
        known,
        now,
        status=Status.RESOLVED,
        resolution=resolution,
        resolution_reason=reason,
        resolved_by=by,
        resolved_at=now,
        answered_at=known.answered_at or now,
    )


def find(connection: Connection, exception_id: str) -> ExceptionItem:
    """The exception of an id. Raises NoSuchRecord."""
    row = connection.execute(select(exceptions).where(exceptions.c.id == exception_id)).mappings().first()
    if row is None:
        raise NoSuchRecord(f"there is no exception `{exception_id}`")
    return _record(row)


def queue(
    connection: Connection,
    owners: Sequence[str],
    *,
    late_at: datetime | None = None,
    assignee: str | None = None,
    first: int = 50,
) -> list[ExceptionItem]:
    """What owners have to clear, the one due first at the top. `late_at`: only what is past a due time by then."""
    columns = exceptions.c
    theirs = or_(columns.owner.in_(owners), columns.escalated_to.in_(owners))
    query = select(exceptions).where(theirs, columns.status != Status.RESOLVED)
    if assignee is not None:
        query = query.where(columns.assignee == assignee)
    if late_at is not None:
        query = query.where(_late(late_at))
    ordered = query.order_by(columns.due_at, columns.id).limit(first)
    return [_record(row) for row in connection.execute(ordered).mappings()]


def of_operation(connection: Connection, operation_id: str) -> list[ExceptionItem]:
    """An operation's exceptions, in the order in which they came up."""
    query = select(exceptions).where(exceptions.c.operation_id == operation_id)
    ordered = query.order_by(exceptions.c.opened_at, exceptions.c.id)
    return [_record(row) for row in connection.execute(ordered).mappings()]


def _late(at: datetime) -> ColumnElement[bool]:
    unanswered = exceptions.c.answered_at.is_(None) & (exceptions.c.answer_due_at <= at)
    return or_(exceptions.c.due_at <= at, unanswered)


def _changeable(connection: Connection, exception_id: str, version: int | None) -> ExceptionItem:
    known = find(connection, exception_id)
    if known.status is Status.RESOLVED:
        raise WrongState(f"exception `{exception_id}` was resolved by `{known.resolved_by}`: {known.resolution}")
    if version is not None and known.version != version:
        raise StaleRecord(f"exception `{exception_id}` has version {known.version}, not {version}: read it again")
    return known


def _change(connection: Connection, known: ExceptionItem, now: datetime, **values: Any) -> ExceptionItem:
    done = connection.execute(
        update(exceptions)
        .where(exceptions.c.id == known.id, exceptions.c.version == known.version)
        .values(version=known.version + 1, **values)
    )
    if done.rowcount != 1:
        raise StaleRecord(f"exception `{known.id}` was changed at the same time: read it again")
    if known.operation_id is not None:
        notices.give(connection, Topic.OPERATION, known.operation_id, now)
    return find(connection, known.id)


def _record(row: RowMapping) -> ExceptionItem:
    values = dict(row)
    values["status"] = Status(values["status"])
    values["resolution"] = Resolution(values["resolution"]) if values["resolution"] else None
    return ExceptionItem(**values)
