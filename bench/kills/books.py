"""What our own tables say, read by somebody who is not killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection, RowMapping, func, select

from bench.kills.crew import GOES_ON
from resolvers.sagas.notes import STARTS_LATER
from sources.database import open_engine, retire_engine
from sources.store import audit, worklist
from sources.store.exceptions import Status, exceptions
from sources.store.operations import Operation, operations
from sources.store.reservations import Held, reservations
from sources.store.steps import steps

_ALL = 1_000_000


class UnderWay(msgspec.Struct, frozen=True):
    """What a kill has cut short: operations that were going on, and not waiting for their start, and steps that were
    sent and not noted yet."""

    operations: int
    steps: int


class Asked(msgspec.Struct, frozen=True):
    """What is open for an operation: whose it is, what for, and at which step."""

    owner: str
    kind: str
    step: str
    reason: str


class Books(msgspec.Struct, frozen=True):
    """All operations, what is open for them by their ids, whose reservations are held, how many audit records there
    are, and the breaks in their chains."""

    operations: tuple[Operation, ...]
    asked: dict[str, Asked]
    reserved: frozenset[str]
    records: int
    breaks: tuple[audit.Break, ...]


def under_way(store: str) -> UnderWay:
    """Read right after a kill; what a database finished since, on its own, had been under way."""
    with _connected(store) as connection:
        waits = func.coalesce(operations.c.reason, "").startswith(STARTS_LATER)
        going_on = select(func.count()).select_from(operations).where(operations.c.state.in_(GOES_ON), ~waits)
        sent = select(func.count()).select_from(steps).where(steps.c.outcome.is_(None))
        return UnderWay(connection.execute(going_on).scalar_one(), connection.execute(sent).scalar_one())


def read(store: str) -> Books:
    """Everything, at the end."""
    with _connected(store) as connection:
        found = worklist.page(connection, first=_ALL)
        waiting = select(exceptions).where(exceptions.c.status != Status.RESOLVED)
        asked = {row["operation_id"]: _asked(row) for row in connection.execute(waiting).mappings()}
        held = select(reservations.c.operation_id).where(reservations.c.state == Held.RESERVED)
        return Books(
            operations=tuple(found),
            asked=asked,
            reserved=frozenset(connection.execute(held).scalars()),
            records=connection.execute(select(func.count()).select_from(audit.entries)).scalar_one(),
            breaks=tuple(audit.verify(connection)),
        )


def _asked(row: RowMapping) -> Asked:
    details = msgspec.json.decode(row["details"] or "{}")
    step = f"{details.get('direction', '')} {details.get('step', '')}".strip()
    return Asked(row["owner"], row["kind"], step or "judge", row["reason"])


@contextmanager
def _connected(store: str) -> Iterator[Connection]:
    engine = open_engine(store, connections=1, name="opsgraph-bench")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        retire_engine(engine)
