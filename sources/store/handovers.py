"""Handovers: into whose hands an exception was given, by whom and why; what is noted is never changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, String, Table, Text, func, insert, select

from sources.store.columns import Instant, metadata


class Kind(StrEnum):
    """How an exception changed hands."""

    ASSIGNED = "ASSIGNED"  # by a person, to a person
    ESCALATED = "ESCALATED"  # because a time was over, to a role


handovers = Table(
    "handovers",
    metadata,
    Column("exception_id", String(128), ForeignKey("exceptions.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("by", String(255), nullable=False),
    Column("to", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("handovers_by_idx", "by", "at"),
)


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """One change of hands. `by`: a person, in the spelling that is compared, or `opsgraph`; `to`: a person, or a role
    where it was escalated."""

    exception_id: str
    number: int
    by: str
    to: str
    kind: Kind
    reason: str
    at: datetime


def note(
    connection: Connection, exception_id: str, kind: Kind, by: str, to: str, reason: str, now: datetime
) -> Handover:
    """Note that an exception changed hands, in the transaction in which it does."""
    last = select(func.coalesce(func.max(handovers.c.number), 0)).where(handovers.c.exception_id == exception_id)
    number = int(connection.execute(last).scalar_one()) + 1
    found = Handover(exception_id=exception_id, number=number, by=by, to=to, kind=kind, reason=reason, at=now)
    connection.execute(insert(handovers).values(msgspec.structs.asdict(found)))
    return found


def of_exception(connection: Connection, exception_id: str) -> list[Handover]:
    """Through whose hands an exception went, in order."""
    query = select(handovers).where(handovers.c.exception_id == exception_id).order_by(handovers.c.number)
    return [Handover(**{**row, "kind": Kind(row["kind"])}) for row in connection.execute(query).mappings()]
