"""Statements: some are made once, and writes whose answer nobody waits for: those go to the database together.

Making a statement anew costs more than executing it, so that what every write needs is made once, its values bound by
name.

Each statement also costs a round trip to PostgreSQL, whether or not anybody looks at what it answers. Those that nobody
looks at are kept until something is asked, or the transaction ends, and are then one statement. Its parts see one state
of the data and come in no order, so that none of them may need what another one has written; two of one table do not go
together. SQLite is in this process: there each is executed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    Column,
    ColumnElement,
    Compiled,
    Connection,
    Dialect,
    Engine,
    Executable,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite

Blind: TypeAlias = Insert | Update
Question: TypeAlias = tuple[Executable, Mapping[str, Any]]
_Named: TypeAlias = tuple[int, str]
_Expected: TypeAlias = tuple[Question, list[Sequence[Any]] | None]
_S = TypeVar("_S", bound=Select[Any])

_OF = "of"  # an option of a statement: the only table that it reads
_WAITING = "opsgraph.later"  # of a connection: what waits in the transaction under way
_EXPECTED = "opsgraph.expected"  # of a connection: what will be asked in it, with what was answered once that is there


# ------------------------------------------------------------ made once


def bound(column: Column[Any]) -> BindParameter[Any]:
    """The place of a column's value in a statement that is made once."""
    return bindparam(f"{column.table.name}__{column.name}", type_=column.type)


def matching(*columns: Column[Any]) -> list[ColumnElement[bool]]:
    """Conditions of such a statement: each column has the value that is given for it."""
    return [each == bound(each) for each in columns]


def values(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the values of such a statement."""
    return {f"{table.name}__{name}": value for name, value in row.items()}


def of(table: Table, query: _S) -> _S:
    """A query that reads this table and no other: it does not have to wait for what is written elsewhere."""
    return query.execution_options(**{_OF: table})


@lru_cache(maxsize=64)
def inserting(table: Table, names: tuple[str, ...], dialect: str, *, new: bool = False) -> Insert:
    """Inserts a row with these columns. `new`: one that is there already stays as it is, and that is no error."""
    made: Any = (sqlite if dialect == "sqlite" else postgresql).insert(table).inline()  # gives nothing back
    made = made.values({name: bound(table.c[name]) for name in names})
    statement: Insert = made.on_conflict_do_nothing() if new else made
    return statement


# ------------------------------------------------------------ together


def later(connection: Connection, statement: Blind, row: Mapping[str, Any]) -> None:
    """Execute a statement that answers nothing, not later than the next one that does. It is made once, and has the
    values of `row`."""
    table = _table(statement)
    waiting: dict[Table, tuple[Blind, Mapping[str, Any]]] | None = connection.info.get(_WAITING)
    if waiting is None:
        connection.execute(statement, values(table, row))
        return
    if table in waiting:
        flush(connection)
    waiting[table] = statement, row


def insert_later(connection: Connection, table: Table, *rows: Mapping[str, Any], new: bool = False) -> None:
    """The same for rows of one table, see `inserting`. Several go by themselves, and together."""
    if not rows:
        return
    statement = inserting(table, tuple(rows[0]), connection.dialect.name, new=new)
    if len(rows) == 1:
        later(connection, statement, rows[0])
    else:
        connection.execute(statement, [values(table, row) for row in rows])


@contextmanager
def gathered(connection: Connection) -> Iterator[None]:
    """Statements may wait for each other as long as the block lasts; where it ends well, `flush` executes the rest."""
    connection.info[_WAITING], connection.info[_EXPECTED] = {}, {}
    try:
        yield
    finally:
        connection.info.pop(_WAITING, None)
        connection.info.pop(_EXPECTED, None)


@contextmanager
def unanswered(connection: Connection) -> Iterator[None]:
    """What is executed in the block goes to PostgreSQL in one round trip, what begins or ends the transaction included;
    none of it may be looked at. What is wrong with it is an error of the driver's, at the end of the block."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except BaseException:
        # The toolkit may take the transaction for ended by now, and would lend the connection on as it is.
        try:
            driver.rollback()
        except connection.dialect.loaded_dbapi.Error:
            connection.invalidate()
        raise


def expect(connection: Connection, question: Question) -> None:
    """This question will be asked before the transaction ends: it goes with the next one, in one round trip. Only for
    what nothing changes in between, such as a row that it locks."""
    expected: dict[_Named, _Expected] | None = connection.info.get(_EXPECTED)
    if expected is not None:
        expected[_named(question)] = question, None


def answers(connection: Connection, questions: Sequence[Question]) -> list[list[Sequence[Any]]]:
    """The rows of several questions, asked in this order and in one round trip: each sees the data as it is by its
    turn. They are made once, have no lists among their values, and an instant comes as the driver has it."""
    if connection.dialect.name == "sqlite":
        return [[tuple(row) for row in connection.execute(asked, given)] for asked, given in questions]
    expected: dict[_Named, _Expected] = connection.info.get(_EXPECTED) or {}
    known = [expected.pop(_named(each), (each, None))[1] for each in questions] if expected else []
    if known and None not in known:
        return [rows for rows in known if rows is not None]
    more = [question for question, rows in expected.values() if rows is None]
    found = _asked(connection, [*questions, *more])
    for question, rows in zip(more, found[len(questions) :], strict=True):
        expected[_named(question)] = question, rows
    return found[: len(questions)]


def _asked(connection: Connection, questions: Sequence[Question]) -> list[list[Sequence[Any]]]:
    for asked, _ in questions:
        _give_way(connection, asked)
    driver: Any = connection.connection.driver_connection
    with driver.pipeline() if len(questions) > 1 else nullcontext():
        sent = [driver.execute(*_sendable(asked, connection.dialect, given)) for asked, given in questions]
    return [cursor.fetchall() if cursor.description else [] for cursor in sent]


def _named(question: Question) -> _Named:
    asked, given = question
    return id(asked), repr(sorted(given.items()))


def _sendable(asked: Executable, dialect: Dialect, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    compiled = _compiled(asked, dialect)
    return str(compiled), dict(compiled.construct_params(dict(given)) or {})


@lru_cache(maxsize=256)
def _compiled(asked: Executable, dialect: Dialect) -> Compiled:
    return cast(ClauseElement, asked).compile(dialect=dialect)


def ahead_of_others(engine: Engine) -> None:
    """See that what waits is executed before whatever this engine is asked next."""

    @event.listens_for(engine, "before_execute")
    def ahead(connection: Connection, asked: Any, _many: Any, _given: Any, _options: Any) -> None:
        _give_way(connection, asked)


def _give_way(connection: Connection, asked: Any) -> None:
    table = asked.get_execution_options().get(_OF) if isinstance(asked, Select) else None
    if table is None or table in connection.info.get(_WAITING, ()):
        flush(connection)


def flush(connection: Connection) -> None:
    """Execute what waits."""
    waiting: dict[Table, tuple[Blind, Mapping[str, Any]]] | None = connection.info.get(_WAITING)
    if not waiting:
        return
    rows = {name: value for table, (_, row) in waiting.items() for name, value in values(table, row).items()}
    statement = _one(tuple(each for each, _ in waiting.values()))
    waiting.clear()
    connection.execute(statement, rows)


@lru_cache(maxsize=256)
def _one(statements: Sequence[Blind]) -> Blind:
    first, *others = statements
    parts = [other.cte(f"part_{number}") for number, other in enumerate(others)]
    return first.add_cte(*parts) if parts else first


def _table(statement: Blind) -> Table:
    table: Any = statement.table
    return cast(Table, table)
