"""Rounds: what is looked after from time to time, by one process at a time, however many there are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Integer, RowMapping, String, Table, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sources.store.columns import Instant, metadata

_UNENDED = timedelta(minutes=5)

rounds = Table(
    "rounds",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("begun_at", Instant, nullable=False),
    Column("begun_by", String(64), nullable=False),
    Column("ended_at", Instant),
    Column("done", Integer),
)


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """The last round of a name. `done`: how many things it had to do; None while it is under way, or where its process
    died in it."""

    name: str
    begun_at: datetime
    begun_by: str
    ended_at: datetime | None
    done: int | None


def due(known: Round | None, every: timedelta, now: datetime) -> bool:
    """Whether a round is worth claiming, by the last one that is known: see `claim`."""
    if known is None or known.begun_at <= now - every or known.begun_at > now + every:
        return True
    return known.ended_at is None and known.begun_at <= now - min(every, _UNENDED)


def claim(connection: Connection, name: str, every: timedelta, by: str, now: datetime) -> bool:
    """Whether a round is due, and is the caller's to make: nobody has begun one within `every`.

    Whoever is second finds the row changed, so that no lock is held while a round is made. One that did not end,
    because it failed or its process died, is due again after five minutes at most; so is one of a clock that is ahead.
    """
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    begun = {"begun_at": now, "begun_by": by, "ended_at": None, "done": None}
    first = dialect.insert(rounds).values(name=name, **begun).on_conflict_do_nothing()
    if connection.execute(first.returning(rounds.c.name)).first() is not None:
        return True
    unended = rounds.c.ended_at.is_(None) & (rounds.c.begun_at <= now - min(every, _UNENDED))
    worth = or_(rounds.c.begun_at <= now - every, rounds.c.begun_at > now + every, unended)
    return connection.execute(update(rounds).where(rounds.c.name == name, worth).values(begun)).rowcount == 1


def end(connection: Connection, name: str, by: str, done: int, now: datetime) -> None:
    """Note what a round came to, unless another has begun by now."""
    mine = (rounds.c.name == name, rounds.c.begun_by == by, rounds.c.ended_at.is_(None))
    connection.execute(update(rounds).where(*mine).values(ended_at=now, done=done))


def last(connection: Connection) -> list[Round]:
    """The last round of every name."""
    return [_record(row) for row in connection.execute(select(rounds).order_by(rounds.c.name)).mappings()]


def _record(row: RowMapping) -> Round:
    return Round(**row)
