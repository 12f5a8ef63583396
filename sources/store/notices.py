"""Notices: that something has changed, written in the transaction that changes it, and read in an order without holes.

A sequence alone would have holes: a number is given when a row is written, and seen when its transaction commits, so
that a later one may be seen first, and a reader that has gone past the hole never comes back. On PostgreSQL a notice
therefore also has the number of its transaction, and is read only once no transaction of this database with that number
or a smaller one is under way. SQLite has one writer: there the sequence will do.

A notice names what has changed and nothing else. Whoever wants to know more reads it, and sees it as it is by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Insert,
    Integer,
    String,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)

from sources.news import Topic
from sources.store.columns import Instant, metadata
from sources.store.statements import bound, later

# What is under way in other databases: the server counts for all of them, and a long one elsewhere must not keep our
# notices back.
_ELSEWHERE = text("""
    SELECT backend_xid::text::bigint FROM pg_stat_activity
    WHERE datname <> current_database() AND backend_xid IS NOT NULL
""")
# The smallest number of a transaction that is under way and may be of this database.
_HORIZON = text("""(
    SELECT coalesce(min(x::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    FROM pg_snapshot_xip(pg_current_snapshot()) AS x
    WHERE (x::text::bigint % 4294967296) <> ALL (:elsewhere)
)""").bindparams(bindparam("elsewhere", type_=ARRAY(BigInteger)))
_TOLD = "opsgraph.noticed"  # of a connection: what the transaction under way has given notice of


notices = Table(
    "notices",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("turn", BigInteger, nullable=False),
    Column("topic", String(16), nullable=False),
    Column("key", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Index("notices_turn_idx", "turn", "sequence"),
    Index("notices_at_idx", "at"),
    sqlite_autoincrement=True,  # a number is never given again, however many notices have been forgotten
)


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a notice stands among all others. `turn` is the number of its transaction, 0 on SQLite."""

    turn: int
    sequence: int


BEGINNING = Place(0, 0)


class Notice(msgspec.Struct, frozen=True):
    """Something has changed."""

    place: Place
    topic: Topic
    key: str
    at: datetime


def give(connection: Connection, topic: Topic, key: str, now: datetime) -> None:
    """Give notice that something has changed: once in a transaction, however often it changes there."""
    told = _told(connection)
    if (topic, key) in told:
        return
    told.add((topic, key))
    later(connection, _giving(connection.dialect.name), {"topic": topic, "key": key, "at": now})


@lru_cache
def _giving(dialect: str) -> Insert:
    turn = literal(0) if dialect == "sqlite" else cast(cast(func.pg_current_xact_id(), Text), BigInteger)
    columns = notices.c
    return (
        insert(notices)
        .inline()
        .values({"turn": turn} | {each.name: bound(each) for each in (columns.topic, columns.key, columns.at)})
    )


def given(connection: Connection) -> bool:
    """Whether the transaction under way has given notice of anything."""
    return bool(_told(connection))


def _told(connection: Connection) -> set[tuple[Topic, str]]:
    transaction = connection.get_transaction()
    known = connection.info.get(_TOLD)
    if known is None or known[0] is not transaction:
        known = connection.info[_TOLD] = (transaction, set())
    found: set[tuple[Topic, str]] = known[1]
    return found


def since(
    connection: Connection, place: Place, *, until: Place | None = None, topics: Sequence[Topic] = (), first: int = 500
) -> list[Notice]:
    """The notices behind a place, in order, as far as no earlier one can come any more; `until` a place, included."""
    columns = notices.c
    behind = or_(columns.turn > place.turn, and_(columns.turn == place.turn, columns.sequence > place.sequence))
    query = select(notices).where(behind, *_settled(connection))
    if until is not None:
        within = or_(columns.turn < until.turn, and_(columns.turn == until.turn, columns.sequence <= until.sequence))
        query = query.where(within)
    if topics:
        query = query.where(columns.topic.in_(topics))
    rows = connection.execute(query.order_by(columns.turn, columns.sequence).limit(first)).mappings()
    return [Notice(Place(row["turn"], row["sequence"]), Topic(row["topic"]), row["key"], row["at"]) for row in rows]


def last(connection: Connection) -> Place:
    """The place of the last notice that can be read."""
    columns = notices.c
    query = select(columns.turn, columns.sequence).where(*_settled(connection))
    row = connection.execute(query.order_by(columns.turn.desc(), columns.sequence.desc()).limit(1)).first()
    return BEGINNING if row is None else Place(row.turn, row.sequence)


def holds(connection: Connection, place: Place, recent: bool) -> bool:
    """Whether everything behind a place is still there. `recent`: nothing behind it is old enough to be forgotten."""
    return _ours(connection, place) and (recent or _oldest(connection) <= place)


def _ours(connection: Connection, place: Place) -> bool:
    """Whether a place can be one of this database's: after it was restored from an older copy, some are not."""
    if place == BEGINNING:
        return True
    if connection.dialect.name == "sqlite":
        highest = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'notices'")).scalar()
        return place.turn == 0 and place.sequence <= (highest or 0)
    ahead = cast(cast(func.pg_snapshot_xmax(func.pg_current_snapshot()), Text), BigInteger)
    return bool(connection.execute(select(place.turn < ahead)).scalar_one())


def _oldest(connection: Connection) -> Place:
    columns = notices.c
    query = select(columns.turn, columns.sequence).order_by(columns.turn, columns.sequence).limit(1)
    row = connection.execute(query).first()
    return BEGINNING if row is None else Place(row.turn, row.sequence)


def forget(connection: Connection, before: datetime) -> int:
    """Forget the notices given before an instant, but for the last of them: it tells who comes back after a quiet time
    that there was nothing behind it. Returns how many there were."""
    columns = notices.c
    old = columns.at < before
    newest = select(columns.sequence).where(old).order_by(columns.turn.desc(), columns.sequence.desc()).limit(1)
    kept = connection.execute(newest).scalar()
    return connection.execute(delete(notices).where(old, columns.sequence != kept)).rowcount if kept else 0


def _settled(connection: Connection) -> list[ColumnElement[bool]]:
    """The condition that no earlier notice can come any more. At a glance what held once holds ever after.

    What is under way elsewhere is asked for first: what has begun since then has a higher number than all that was
    settled before. Asked for together, what ends elsewhere between the two is nobody's, and holds back what was told.
    """
    if connection.dialect.name == "sqlite":
        return []
    elsewhere = [*connection.execute(_ELSEWHERE).scalars()]
    return [notices.c.turn < _HORIZON.bindparams(elsewhere=elsewhere)]
