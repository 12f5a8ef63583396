"""The store: connections, threads and transactions; what is done in them is each noun's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from sources.database import address, is_sqlite, open_engine, retire_engine
from sources.store import notices
from sources.store.bell import Bell
from sources.store.errors import StoreAway
from sources.store.schema import migrate
from sources.store.statements import ahead_of_others, flush, gathered, unanswered

T = TypeVar("T")
P = ParamSpec("P")

Transaction: TypeAlias = Connection  # what work is done in; who is not of the store only hands it on

READERS = 4
WRITERS = 8
RINGERS = 1


class Store:
    """Runs work on connections in threads, so that the event loop never waits for a disk.

    SQLite has one writer: one thread writes, the others read beside it. PostgreSQL has eight writers.
    """

    def __init__(self, engine: Engine, looking: Engine) -> None:
        self._engine, self._looking = engine, looking
        self._sqlite = engine.dialect.name == "sqlite"
        ahead_of_others(engine)
        self._writers = ThreadPoolExecutor(1 if self._sqlite else WRITERS, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self.bell = Bell(engine)

    async def transact(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do all of `work(connection, ...)` or nothing; it is on the disk when this returns. An exception undoes it and
        comes out; StoreAway where the database does not answer."""
        bound = _bound(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._writers, self._transact, bound)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with self._answering(), self._engine.connect() as connection, connection.begin() as transaction:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # what is read before the first write holds too
                done, noticed = work(connection), notices.given(connection)
                transaction.commit()
            else:
                with gathered(connection):
                    done, noticed = work(connection), notices.given(connection)
                    with unanswered(connection):
                        flush(connection)
                        transaction.commit()
        if noticed:
            self.bell.ring()
        return done

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Look, at one state of the data; what `work(connection, ...)` writes is undone."""
        bound = _bound(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, bound)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._answering(), self._looking.connect() as connection:
            return work(_at_one_state(connection))

    async def glance(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Look, each statement at the data as it is by then: for what does not have to fit together."""
        bound = _bound(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._glance, bound)

    def _glance(self, work: Callable[[Connection], T]) -> T:
        if self._sqlite:
            return self._read(work)
        with self._answering(), self._looking.connect() as connection:
            return work(connection)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Says it in our own words when the database does not answer."""
        driver = self._engine.dialect.loaded_dbapi
        try:
            yield
        except (OperationalError, InterfaceError, driver.OperationalError, driver.InterfaceError) as error:
            raise StoreAway("our own tables cannot be reached: see to the database of `[writes]`") from error

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        await asyncio.to_thread(self._writers.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        await asyncio.to_thread(self.bell.close)
        retire_engine(self._looking)
        retire_engine(self._engine)


def _migrated(url: str) -> None:
    try:
        migrate(url)
    except (OperationalError, InterfaceError) as error:
        said = str(error.orig or error).partition("\n")[0]
        raise StoreAway(f"our own tables cannot be opened ({said}): see to the database of `[writes]`") from None


def _bound(
    work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> Callable[[Connection], T]:
    return lambda connection: work(connection, *args, **kwargs)


async def open_store(url: str) -> Store:
    """Bring the tables up to date and open the store at `sqlite:///PATH` or `postgresql://...`. Raises StoreAway, with
    what the database says."""
    await asyncio.to_thread(_migrated, url)
    if is_sqlite(url):
        engine = open_engine(url, connections=READERS + 1)
        return Store(engine, engine)
    writing = open_engine(url, connections=WRITERS + RINGERS, name="opsgraph-store")
    # Statement by statement, unless one state is asked for: a glance has neither BEGIN nor ROLLBACK.
    return Store(writing, open_engine(url, connections=READERS, name="opsgraph-store", isolation_level="AUTOCOMMIT"))


def look(url: str, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Look at tables as they are, beside whoever works with them: nothing is migrated, nothing is written. Blocks.
    Raises StoreAway where they are not there."""
    path = address(url).database
    if is_sqlite(url) and not Path(path or "").exists():
        raise StoreAway(f"`{path}` does not exist: name the file of `[writes] store`")
    engine = open_engine(url, connections=1, name="opsgraph-look")
    try:
        with engine.connect() as connection:
            return work(_at_one_state(connection), *args, **kwargs)
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        said = str(error.orig or error).partition("\n")[0]
        raise StoreAway(f"our own tables cannot be read ({said}): see to the database of `[writes]`") from error
    finally:
        retire_engine(engine)


def _at_one_state(connection: Connection) -> Connection:
    """From here on one state of the data is seen."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
        return connection
    return connection.execution_options(isolation_level="REPEATABLE READ")  # is said with its BEGIN
