"""Steps: what an operation did, undid and made sure of, as people see it (the engine has checkpoints of its own)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sources import canonical as c
from sources.news import Topic
from sources.store import notices
from sources.store.columns import Instant, metadata
from sources.store.errors import NoSuchRecord
from sources.store.statements import bound, matching, values

Direction = c.StepDirection
StepOutcome = c.StepOutcome

steps = Table(
    "steps",
    metadata,
    Column("operation_id", String(64), ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("direction", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("source", String(64)),
    Column("owner", String(64)),
    Column("key", String(255), nullable=False),
    Column("outcome", String(16)),
    Column("attempts", Integer, nullable=False),
    Column("request_id", String(255)),
    Column("message", Text),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of an operation. `key` is what it is sent with, the same at every attempt; `request_id` the vendor's own
    of the last one; `owner` the role that its exceptions go to."""

    operation_id: str
    number: int
    direction: Direction
    name: str
    source: str | None
    owner: str | None
    key: str
    outcome: StepOutcome | None
    attempts: int
    request_id: str | None
    message: str | None
    started_at: datetime
    finished_at: datetime | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A step about to be tried."""

    operation_id: str
    number: int
    name: str
    key: str
    direction: Direction = Direction.DO
    source: str | None = None
    owner: str | None = None


def begin(connection: Connection, attempt: Attempt, now: datetime) -> Step:
    """Note that a step is being tried, once more if it was before."""
    row = {"attempts": 1, "started_at": now, **msgspec.structs.asdict(attempt)}
    kept = _beginning(tuple(row), connection.dialect.name)
    begun = _record(connection.execute(kept, values(steps, row)).mappings().one())
    notices.give(connection, Topic.OPERATION, attempt.operation_id, now)
    return begun


@lru_cache
def _beginning(names: tuple[str, ...], dialect: str) -> Any:
    made: Any = (sqlite if dialect == "sqlite" else postgresql).insert(steps)
    made = made.values({name: bound(steps.c[name]) for name in names})
    again: dict[str, Any] = {"outcome": None, "finished_at": None, "attempts": steps.c.attempts + 1}
    # Neither is known of a try that could not be sent.
    again |= {name: func.coalesce(made.excluded[name], steps.c[name]) for name in ("source", "owner")}
    return made.on_conflict_do_update(index_elements=list(steps.primary_key), set_=again).returning(steps)


def finish(
    connection: Connection,
    operation_id: str,
    number: int,
    outcome: StepOutcome,
    now: datetime,
    *,
    direction: Direction = Direction.DO,
    request_id: str | None = None,
    message: str | None = None,
) -> Step:
    """Note how a step ended. `message` is ours and safe to show. Raises NoSuchRecord for a step never begun."""
    ended = {"outcome": outcome, "finished_at": now, "request_id": request_id, "message": message}
    which = {"operation_id": operation_id, "number": number, "direction": direction}
    row = connection.execute(_finishing(tuple(ended)), values(steps, ended | which)).mappings().first()
    if row is None:
        raise NoSuchRecord(f"step {number} ({direction}) of operation `{operation_id}` was never begun")
    notices.give(connection, Topic.OPERATION, operation_id, now)
    return _record(row)


@lru_cache
def _finishing(names: tuple[str, ...]) -> Any:
    row = {name: bound(steps.c[name]) for name in names}
    return update(steps).where(*matching(*steps.primary_key)).values(row).returning(steps)


def of_operation(connection: Connection, operation_id: str) -> list[Step]:
    """An operation's steps in the order in which they were begun."""
    query = select(steps).where(steps.c.operation_id == operation_id).order_by(steps.c.started_at, steps.c.number)
    return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> Step:
    values = dict(row)
    values["direction"] = Direction(values["direction"])
    values["outcome"] = StepOutcome(values["outcome"]) if values["outcome"] else None
    return Step(**values)
