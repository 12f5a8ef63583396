"""The office: governed writes, the desk, and the purposes people act with, over one set of tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from policies.store import PolicyStore
from resolvers.desk import Desk
from resolvers.purposes import Purposes
from resolvers.sagas.accept import Writes
from resolvers.sagas.opening import Opening, open_writes
from resolvers.sagas.settings import WritesSettings
from resolvers.sagas.systems import Systems
from sources.database import DatabaseInUse
from sources.durable import DurableError
from sources.store import audit, switches
from sources.store.chain import Said
from sources.store.errors import StoreError
from sources.store.store import Transaction
from sources.store.switches import Pause

_READS = "/reads"
_LONGEST = 64 - len(_READS)  # characters of a chain's name


class OfficeClosed(Exception):
    """The office cannot be opened; the message says why and what to do."""


class Office(msgspec.Struct, frozen=True):
    """What governed writes are to a process."""

    writes: Writes
    desk: Desk
    purposes: Purposes

    async def audit(self, telling: Callable[[], list[Said]]) -> None:
        """Appends what `telling` gives, asked in a thread, to a chain of this process that no write waits for. Raises
        StoreAway."""
        room = self.writes.room

        def work(connection: Transaction) -> None:
            audit.append_all(connection, f"{room.chain[:_LONGEST]}{_READS}", telling())

        await room.store.transact(work)

    async def pauses(self) -> list[Pause]:
        """What is turned off. Raises StoreAway."""
        return await self.writes.room.store.read(switches.paused)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_office(
    settings: WritesSettings, systems: Systems, policies: PolicyStore, *, clock: Callable[[], datetime] = _utc_now
) -> AsyncIterator[Office]:
    """The office for as long as the block lasts. Raises OfficeClosed where a database cannot be used."""
    opening = open_writes(Opening.of(settings), systems, lambda: policies.rules.writes, clock=clock)
    try:
        writes = await opening.__aenter__()
    except (DatabaseInUse, StoreError, DurableError, ValueError) as error:
        raise OfficeClosed(str(error)) from None
    except OSError as error:
        raise OfficeClosed(f"`{error.filename}`: {error.strerror}") from None
    try:
        room = writes.room
        yield Office(writes, Desk(writes), Purposes(room.store, policies, room.chain, clock))
    finally:
        await opening.__aexit__(None, None, None)
