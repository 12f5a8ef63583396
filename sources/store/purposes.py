"""Purposes asked for: who wants to see more, what for, who agreed to it, and until when it counts.

What a purpose opens, how long it lasts and who may agree is in the rules; here stands what people said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    RowMapping,
    String,
    Table,
    Text,
    case,
    insert,
    select,
    update,
)

from sources.store.columns import Instant, metadata
from sources.store.errors import ApprovalExpired, NoSuchRecord, NotApprovable

purpose_requests = Table(
    "purpose_requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("purpose", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("human", String(255)),
    Column("reason", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("lapses_at", Instant, nullable=False),
    Column("since", Instant),
    Column("ends_at", Instant),
    Column("ended_by", String(255)),
    CheckConstraint("(since IS NULL) OR (ends_at IS NOT NULL)", name="time"),
    Index("purpose_requests_subject_idx", "subject", "asked_at"),
    Index("purpose_requests_waiting_idx", "since", "lapses_at"),
)

agreements = Table(
    "purpose_agreements",
    metadata,
    Column("request_id", String(64), ForeignKey("purpose_requests.id", ondelete="CASCADE"), primary_key=True),
    Column("person", String(255), primary_key=True),
    Column("at", Instant, nullable=False),
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `lapses_at`: until when enough people may agree; after that it is asked anew."""

    id: str
    purpose: str
    subject: str
    human: str | None
    reason: str
    lapses_at: datetime


class PurposeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A purpose that was asked for. `since`, `ends_at`: the time in which it counts, once enough people agreed.
    `ended_by`: who ended it, or took it back, before its time."""

    id: str
    purpose: str
    subject: str
    human: str | None
    reason: str
    asked_at: datetime
    lapses_at: datetime
    since: datetime | None
    ends_at: datetime | None
    ended_by: str | None
    agreed_by: tuple[str, ...] = ()

    @property
    def asker(self) -> str:
        """The person who asked: whoever stands behind a service, or the subject itself."""
        return self.human or self.subject

    def counts(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.since is not None and self.ends_at is not None and self.since <= now < self.ends_at


def ask(connection: Connection, wanted: Wanted, now: datetime, until: datetime | None) -> PurposeRequest:
    """Write down what is asked. `until`: when it ends, where nobody else has to agree; None: it waits for others."""
    since = None if until is None else now
    values = msgspec.structs.asdict(wanted)
    connection.execute(insert(purpose_requests).values(asked_at=now, since=since, ends_at=until, **values))
    return find(connection, wanted.id)


def open_request(
    connection: Connection, purpose: str, subject: str, human: str | None, now: datetime
) -> PurposeRequest | None:
    """What one caller asked of a purpose and is in force, or waits for others; None: nothing is."""
    query = (
        select(purpose_requests)
        .where(
            purpose_requests.c.purpose == purpose,
            purpose_requests.c.subject == subject,
            purpose_requests.c.human.is_not_distinct_from(human),
            purpose_requests.c.ended_by.is_(None),
            case((purpose_requests.c.since.is_(None), purpose_requests.c.lapses_at), else_=purpose_requests.c.ends_at)
            > now,
        )
        .order_by(purpose_requests.c.asked_at)
        .limit(1)
    )
    found = _records(connection, connection.execute(query).mappings().all())
    return found[0] if found else None


def agree(connection: Connection, request_id: str, person: str, now: datetime) -> PurposeRequest:
    """Somebody agrees; agreeing twice is agreeing once. Whether that is enough is the rules' to say: see `begin`.

    Raises NotApprovable for who asked, or for what is over; ApprovalExpired where it lapsed.
    """
    known = find(connection, request_id, locked=True)
    if person in (known.subject, known.human):
        raise NotApprovable("who asked, or stands behind who asked, does not agree: somebody else must")
    if known.ended_by is not None or known.since is not None:
        raise NotApprovable(f"the request `{request_id}` waits for nobody: it {_state(known, now)}")
    if known.lapses_at <= now:
        raise ApprovalExpired(f"the request `{request_id}` lapsed at {known.lapses_at.isoformat()}: ask again")
    if person not in known.agreed_by:
        connection.execute(insert(agreements).values(request_id=request_id, person=person, at=now))
    return find(connection, request_id)


def begin(connection: Connection, request_id: str, since: datetime, until: datetime) -> PurposeRequest:
    """Enough people agreed: from now on it counts."""
    query = update(purpose_requests).where(purpose_requests.c.id == request_id, purpose_requests.c.since.is_(None))
    connection.execute(query.values(since=since, ends_at=until))
    return find(connection, request_id)


def end(connection: Connection, request_id: str, person: str, now: datetime) -> PurposeRequest:
    """End it before its time, or take it back while it waits. What is over stays as it is."""
    known = find(connection, request_id, locked=True)
    if known.ended_by is None and (known.ends_at is None or known.ends_at > now):
        ends = {} if known.since is None else {"ends_at": now}
        lapses = {"lapses_at": now} if known.since is None else {}
        query = update(purpose_requests).where(purpose_requests.c.id == request_id)
        connection.execute(query.values(ended_by=person, **ends, **lapses))
    return find(connection, request_id)


def find(connection: Connection, request_id: str, *, locked: bool = False) -> PurposeRequest:
    """The request of an id. Raises NoSuchRecord."""
    query = select(purpose_requests).where(purpose_requests.c.id == request_id)
    row = connection.execute(query.with_for_update() if locked else query).mappings().first()
    if row is None:
        raise NoSuchRecord(f"nobody asked for a purpose as `{request_id}`")
    return _records(connection, [row])[0]


def counting(connection: Connection, subject: str, human: str | None, now: datetime) -> list[PurposeRequest]:
    """What is in force for one caller: for the same person behind the same subject, nobody else."""
    mine = (purpose_requests.c.subject == subject, purpose_requests.c.human.is_not_distinct_from(human))
    query = select(purpose_requests).where(*mine, purpose_requests.c.since <= now, purpose_requests.c.ends_at > now)
    return _records(connection, connection.execute(query).mappings().all())


def waiting(connection: Connection, purposes: Sequence[str], now: datetime, first: int = 50) -> list[PurposeRequest]:
    """What waits for somebody to agree, the one that lapses first at the top."""
    query = select(purpose_requests).where(
        purpose_requests.c.purpose.in_(purposes),
        purpose_requests.c.since.is_(None),
        purpose_requests.c.ended_by.is_(None),
        purpose_requests.c.lapses_at > now,
    )
    ordered = query.order_by(purpose_requests.c.lapses_at, purpose_requests.c.id).limit(first)
    return _records(connection, connection.execute(ordered).mappings().all())


def _state(known: PurposeRequest, now: datetime) -> str:
    if known.ended_by is not None:
        return "was ended"
    return "is in force" if known.counts(now) else "is over"


def _records(connection: Connection, rows: Sequence[RowMapping]) -> list[PurposeRequest]:
    ids = [row["id"] for row in rows]
    query = select(agreements).where(agreements.c.request_id.in_(ids)).order_by(agreements.c.at, agreements.c.person)
    people: dict[str, list[str]] = {}
    for row in connection.execute(query).mappings():
        people.setdefault(row["request_id"], []).append(row["person"])
    return [PurposeRequest(**row, agreed_by=tuple(people.get(row["id"], ()))) for row in rows]
