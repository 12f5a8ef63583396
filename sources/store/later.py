"""Later: writes whose answer nobody waits for go to the database together, ahead of whatever is asked next.

Each statement costs a round trip to PostgreSQL, whether or not anybody looks at what it answers. Those that nobody
looks at are kept until something is asked, or the transaction ends, and are then one statement. Its parts see one state
of the data and come in no order, so that none of them may need what another one has written; two of one table do not go
together. SQLite is in this process: there each is executed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Insert, Update, event

Blind: TypeAlias = Insert | Update

_WAITING = "opsgraph.later"  # of a connection: what waits in the transaction under way


def later(connection: Connection, statement: Blind) -> None:
    """Execute a statement that answers nothing, not later than the next one that does."""
    waiting = connection.info.get(_WAITING)
    if waiting is None:
        connection.execute(statement)
        return
    if any(other.table is statement.table for other in waiting):
        _flush(connection)
    waiting.append(statement)


def later_all(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same for rows of one table; more than one go by themselves, and together."""
    if len(rows) == 1:
        later(connection, statement.values(rows[0]))
    elif rows:
        connection.execute(statement, rows)


@contextmanager
def gathered(connection: Connection) -> Iterator[None]:
    """Statements may wait for each other as long as the block lasts; where it ends well, all are executed."""
    connection.info[_WAITING] = []
    try:
        yield
        _flush(connection)
    finally:
        connection.info.pop(_WAITING, None)


def ahead_of_others(engine: Engine) -> None:
    """See that what waits is executed before whatever this engine is asked next."""

    @event.listens_for(engine, "before_execute")
    def flush(connection: Connection, *_asked: Any) -> None:
        _flush(connection)


def _flush(connection: Connection) -> None:
    waiting: list[Blind] = connection.info.get(_WAITING, [])
    if not waiting:
        return
    first, *others = waiting
    waiting.clear()
    parts = [other.cte(f"part_{number}") for number, other in enumerate(others)]
    connection.execute(first.add_cte(*parts) if parts else first)
