"""Opens the databases of our own durable state: SQLite files, one process each, or PostgreSQL."""

from __future__ import annotations

import fcntl
import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

BUSY_MILLISECONDS = 30_000  # another process that holds the file, such as a backup, is waited for
IDLE_TRANSACTION_MILLISECONDS = 10_000  # a frozen process must not hold its locks for longer
ASKED_AFTER_SECONDS = 1.0  # a connection that was idle for so long may be gone


class DatabaseInUse(Exception):
    """The SQLite file belongs to another running process."""


class BadDatabase(ValueError):
    """A database address that is neither SQLite's nor PostgreSQL's."""


def address(url: str) -> URL:
    """The parsed address, its driver named. `sqlite:///PATH` and `postgresql://...` are understood."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise BadDatabase(f"`{url}` names no file: durable state needs one, such as `sqlite:///var/opsgraph.db`")
        return parsed.set(drivername="sqlite")
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise BadDatabase(
        f"`{parsed.drivername}` is no database for durable state: use `sqlite:///PATH` or `postgresql://HOST/NAME`"
    )


def is_sqlite(url: str) -> bool:
    """Whether the address is that of an SQLite file."""
    return address(url).get_backend_name() == "sqlite"


def open_engine(
    url: str, *, connections: int, name: str = "opsgraph", isolation_level: IsolationLevel | None = None
) -> Engine:
    """An engine with at most `connections` connections; nothing is opened before the first use.

    SQLite: write-ahead log, every commit on the disk before it is answered (a power cut forgets nothing), transactions
    take the write lock when they write first. PostgreSQL: `name` shows in `pg_stat_activity`, and a transaction left
    idle for 10 s is ended by the server; `isolation_level` is that of its connections, None the server's.
    """
    parsed = address(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, connections)
    engine = create_engine(
        parsed,
        pool_size=connections,
        max_overflow=0,
        isolation_level=isolation_level,
        pool_use_lifo=True,  # what was just used is believed to live
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            "options": f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_MILLISECONDS}",
        },
    )
    _ask_whether_it_lives(engine)
    return engine


def _sqlite(parsed: URL, connections: int) -> Engine:
    Path(parsed.database or "").resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def _ask_whether_it_lives(engine: Engine) -> None:
    """Asks a connection that was not used for a while before it is used; one that was just used is believed to live,
    and who finds out that it does not tries again."""

    @event.listens_for(engine, "checkin")
    def left(_connection: Any, record: Any) -> None:
        record.info["left"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("left", math.inf) < ASKED_AFTER_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the connection is gone: another one is taken") from error


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turning a new file to the write-ahead log takes it for a moment; SQLite then refuses others without waiting."""
    deadline = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def retire_engine(engine: Engine) -> None:
    """Close every connection, those included that a thread still has and gives back later."""

    @event.listens_for(engine, "checkin")
    def close(_connection: Any, record: Any) -> None:
        record.invalidate()

    engine.dispose()


@contextmanager
def sole_owner(url: str) -> Iterator[None]:
    """Hold the SQLite file of `url` for this process alone, until the block ends or the process dies.

    Raises DatabaseInUse where another process holds it. PostgreSQL needs no owner: nothing happens.
    """
    if not is_sqlite(url):
        yield
        return
    lock = _lock(Path(address(url).database or "").resolve())
    try:
        yield
    finally:
        lock.close()


_owned: set[str] = set()  # what this process holds: a lock of fcntl does not keep a process from itself
_owned_guard = threading.Lock()


class _Lock:
    def __init__(self, path: str, file: IO[str]) -> None:
        self._path, self._file = path, file

    def close(self) -> None:
        self._file.close()
        with _owned_guard:
            _owned.discard(self._path)


def _lock(path: Path) -> _Lock:
    path.parent.mkdir(parents=True, exist_ok=True)
    refused = f"`{path}` is used by another process: one process at a time may run from an SQLite file; "
    refused += "stop the other one, give this one a file of its own, or use PostgreSQL"
    with _owned_guard:
        if str(path) in _owned:
            raise DatabaseInUse(refused)
        file = path.with_name(path.name + ".lock").open("w")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise DatabaseInUse(refused) from None
        _owned.add(str(path))
    return _Lock(str(path), file)
