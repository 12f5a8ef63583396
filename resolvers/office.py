"""The office: governed writes, the desk, and the purposes people act with, over one set of tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from policies.store import PolicyStore
from resolvers.desk import Desk
from resolvers.desk.rounds import Rounds
from resolvers.purposes import Purposes
from resolvers.sagas.accept import Writes
from resolvers.sagas.opening import Opening, open_writes
from resolvers.sagas.settings import WritesSettings
from sources.catalog import Catalog
from sources.database import DatabaseInUse
from sources.durable import DurableError, Role
from sources.store import audit, rounds, steps, switches
from sources.store.chain import Said
from sources.store.errors import StoreError
from sources.store.facts import Facts
from sources.store.rounds import Round
from sources.store.steps import Step
from sources.store.store import Transaction
from sources.store.switches import Pause

_READS = "/reads"
_LONGEST = 64 - len(_READS)  # characters of a chain's name


class OfficeClosed(Exception):
    """The office cannot be opened; the message says why and what to do."""


class Happened(msgspec.Struct, frozen=True):
    """One entry of the audit about an operation."""

    at: datetime
    actor: str
    human: str | None
    action: str
    decision: str | None
    rule: str | None
    reason: str | None


class Office(msgspec.Struct, frozen=True):
    """What governed writes are to a process. What it reads raises StoreAway where our own tables do not answer."""

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
        """What is turned off."""
        return await self.writes.room.store.read(switches.paused)

    async def rounds(self) -> list[Round]:
        """The last round of every kind, whoever made it."""
        return await self.writes.room.store.read(rounds.last)

    async def steps(self, operations: Sequence[str]) -> dict[str, list[Step]]:
        """The steps of operations, in the order in which they were begun."""
        return await self.writes.room.store.read(_steps, operations)

    async def history(self, operations: Sequence[str]) -> dict[str, list[Happened]]:
        """What was done to operations, by whom, in order."""
        return await self.writes.room.store.read(_history, operations)


def _steps(connection: Transaction, operations: Sequence[str]) -> dict[str, list[Step]]:
    return {each: steps.of_operation(connection, each) for each in operations}


def _history(connection: Transaction, operations: Sequence[str]) -> dict[str, list[Happened]]:
    return {each: [_happened(entry) for entry in audit.of_subject(connection, each)] for each in operations}


def _happened(entry: audit.Entry) -> Happened:
    event = entry.event
    return Happened(entry.at, event.actor, event.human, event.action, event.decision, event.rule, event.reason)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_office(
    settings: WritesSettings, catalog: Catalog, policies: PolicyStore, *, clock: Callable[[], datetime] = _utc_now
) -> AsyncIterator[Office]:
    """The office for as long as the block lasts. Raises OfficeClosed where a database cannot be used."""
    opening = open_writes(Opening.of(settings), catalog, lambda: policies.rules.writes, clock=clock)
    try:
        writes = await opening.__aenter__()
    except (DatabaseInUse, StoreError, DurableError, ValueError) as error:
        raise OfficeClosed(str(error)) from None
    except OSError as error:
        raise OfficeClosed(f"`{error.filename}`: {error.strerror}") from None
    try:
        room = writes.room
        catalog.ours.reader = Facts(room.store, clock)
        async with _rounds(settings, writes):
            yield Office(writes, Desk(writes), Purposes(room.store, policies, room.chain, clock))
    finally:
        catalog.ours.reader = None
        await opening.__aexit__(None, None, None)


@asynccontextmanager
async def _rounds(settings: WritesSettings, writes: Writes) -> AsyncIterator[None]:
    """The rounds go on in every process that runs sagas."""
    if settings.role is Role.GATEWAY:
        yield
        return
    going = asyncio.create_task(Rounds(writes, rota=settings.rounds, retention=settings.retention).run())
    try:
        yield
    finally:
        going.cancel()
        await asyncio.wait([going])
