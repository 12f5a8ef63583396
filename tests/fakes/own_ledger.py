"""Our own ledger over a store that refuses, hangs and loses answers, as the systems of `tests.fakes.ledger` do.

What is reserved, given back and used is in the real tables; it is written down beside what the systems did, in order.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import msgspec

from resolvers.sagas.ledger import Ledger as OwnLedger
from sources.canonical.commands import Command, Written
from sources.store import operations
from sources.store.errors import StoreAway, WrongState
from sources.store.store import Store
from tests.fakes.ledger import ENDS, Effect, FakeWriter, Ledger

_AWAY = ("away", "lose_before")


def own_ledger(writer: FakeWriter, book: Ledger) -> Callable[[Store, Callable[[], datetime]], OwnLedger]:
    """What makes our own ledger: its commands meet the faults of `writer`, and what they did is in `book`."""

    class Faulty(OwnLedger):
        async def do(self, command: Command, key: str) -> Written:
            return await self._over(command, key).do(command, key)

        async def find(self, command: Command, key: str) -> Written | None:
            return await self._over(command, key).find(command, key)

        def _over(self, command: Command, key: str) -> OwnLedger:
            return OwnLedger(cast(Store, _FaultyStore(self._store, writer, book, command, key)), self._clock)

    return Faulty


class _FaultyStore:
    """The store as one command meets it."""

    def __init__(self, store: Store, writer: FakeWriter, book: Ledger, command: Command, key: str) -> None:
        self._store, self._writer, self._book = store, writer, book
        self._command, self._key, self._name = command, key, type(command).__name__

    async def transact(self, work: Any, *given: Any, **named: Any) -> Any:
        fault = await self._fault(self._name)
        if fault in _AWAY:
            raise StoreAway("our own tables cannot be reached")
        if fault == "refuse":
            raise WrongState(f"`{self._name}` is refused")
        if fault == "crash_before":
            await self._writer.die()
        if fault == "hang":
            await asyncio.Future()
        done = await self._store.transact(work, *given, **named)
        if self._book.of(self._key) is None:
            ended = getattr(self._command, ENDS[type(self._command)]) if type(self._command) in ENDS else None
            self._book.add(Effect(self._key, self._name, self._command.operation, done.key, ended))
        if fault == "crash_after":
            await self._writer.die()
        if fault == "late":
            await asyncio.Future()
        if fault == "lose":
            raise StoreAway("our own tables cannot be reached")
        return done

    async def read(self, work: Any, *given: Any, **named: Any) -> Any:
        if await self._fault(f"find {self._name}") is not None:
            raise StoreAway("our own tables cannot be reached")
        return await self._store.read(work, *given, **named)

    async def _fault(self, name: str) -> str | None:
        """Our own commands do not say what they belong to: their operation does."""
        operation = await self._store.read(operations.find, self._command.operation)
        told = msgspec.structs.replace(self._command, correlation=operation.correlation_id)
        return self._writer.fault(told, name, self._key)
