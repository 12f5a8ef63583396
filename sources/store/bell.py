"""The bell: rings where notices were given, in this process and, over PostgreSQL, in the others.

It carries nothing: who hears it looks for notices. It rings after the transaction, not in it: PostgreSQL lets only one
transaction at a time commit that notifies. What is not heard because of that, or because a connection was lost, is
found by looking now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

_CHANNEL = "opsgraph_notices"
_AGAIN = 1.0  # seconds before a lost connection is made anew
_log = logging.getLogger("opsgraph.store")


class Bell:
    """Of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._heeding: set[Callable[[], None]] = set()
        self._shared = engine.dialect.name == "postgresql"  # an SQLite file has one process
        self._ringer = ThreadPoolExecutor(1, thread_name_prefix="store-ring") if self._shared else None
        self._rung = False

    # ------------------------------------------------------------ ringing, in a writer's thread

    def ring(self) -> None:
        """Notices were given, and can be read by now. However often it is rung at once, the others hear it once."""
        for woken in tuple(self._heeding):
            woken()
        if self._ringer is not None and not self._rung:
            self._rung = True
            with contextlib.suppress(RuntimeError):  # it is closed: the others look now and then
                self._ringer.submit(self._ring_elsewhere)

    def _ring_elsewhere(self) -> None:
        self._rung = False  # before it rings: whoever commits from now on rings again
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(f"NOTIFY {_CHANNEL}")
                connection.commit()
        except SQLAlchemyError:
            _log.debug("the other processes were not rung for", exc_info=True)

    def close(self) -> None:
        """Rings for the last time."""
        if self._ringer is not None:
            self._ringer.shutdown()

    # ------------------------------------------------------------ hearing, on an event loop

    @contextlib.asynccontextmanager
    async def heard(self, woken: Callable[[], None]) -> AsyncIterator[None]:
        """Calls `woken`, on this loop, whenever the bell rings here or elsewhere, until the block ends. It may also
        call it for nothing."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken)

        self._heeding.add(wake)
        listening = asyncio.create_task(self._listen(woken)) if self._shared else None
        try:
            yield
        finally:
            self._heeding.discard(wake)
            if listening is not None:
                listening.cancel()
                await asyncio.wait([listening])

    async def _listen(self, woken: Callable[[], None]) -> None:
        address = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    address, autocommit=True, connect_timeout=5, application_name="opsgraph-bell"
                ) as connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    woken()  # for what was rung while nobody listened
                    async for _ in connection.notifies():
                        woken()
            except (psycopg.Error, OSError):
                _log.debug("other processes are not heard", exc_info=True)
            await asyncio.sleep(_AGAIN)
