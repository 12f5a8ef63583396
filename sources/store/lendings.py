"""Lendings: who lent which roles to whom, for approvals, from when until when."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Index,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from sources.store.columns import Instant, canonical, metadata
from sources.store.errors import NoSuchRecord

lendings = Table(
    "lendings",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("giver", String(255), nullable=False),
    Column("receiver", String(255), nullable=False),
    Column("roles", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("lent_at", Instant, nullable=False),
    Column("ended_by", String(255)),
    CheckConstraint("giver <> receiver", name="persons"),
    CheckConstraint("since <= until", name="time"),
    Index("lendings_until_idx", "until"),
)


class Lending(msgspec.Struct, frozen=True, kw_only=True):
    """Roles lent by one person to another, in force from `since` until just before `until`; persons in the spelling
    that is compared. `ended_by`: who ended it before its time, which is `until` then."""

    id: str
    giver: str
    receiver: str
    roles: tuple[str, ...]
    since: datetime
    until: datetime
    reason: str
    lent_at: datetime
    ended_by: str | None = None


def lend(connection: Connection, lending: Lending) -> Lending:
    """Write it down."""
    values = msgspec.structs.asdict(lending) | {"roles": canonical(sorted(lending.roles))}
    connection.execute(insert(lendings).values(values))
    return find(connection, lending.id)


def end(connection: Connection, lending_id: str, by: str, now: datetime) -> Lending:
    """End it now; one that is over stays as it is, and one that has not begun never does. Raises NoSuchRecord."""
    known = find(connection, lending_id)
    if known.until > now:
        ended = {"until": max(now, known.since), "ended_by": by}
        if known.since > now:
            ended |= {"since": now, "until": now}
        connection.execute(update(lendings).where(lendings.c.id == lending_id).values(ended))
    return find(connection, lending_id)


def find(connection: Connection, lending_id: str) -> Lending:
    """The lending of an id. Raises NoSuchRecord."""
    row = connection.execute(select(lendings).where(lendings.c.id == lending_id)).mappings().first()
    if row is None:
        raise NoSuchRecord(f"nothing was lent as `{lending_id}`")
    return _record(row)


def since(connection: Connection, at: datetime) -> list[Lending]:
    """All that were, are or will be in force at some time since an instant, in the order in which they begin."""
    query = select(lendings).where(lendings.c.until > at).order_by(lendings.c.since, lendings.c.id)
    return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> Lending:
    return Lending(**{**row, "roles": tuple(msgspec.json.decode(row["roles"]))})
