"""Our own ledger as a system to be told what to do, like the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from resolvers.sagas.reserve import Consume, Release, Reserve
from sources.canonical import Record
from sources.canonical.commands import Command, Written
from sources.errors import Missing, OutcomeUnknown, Rejected, Remedy
from sources.store import grounds, reservations
from sources.store.errors import NoSuchRecord, StoreAway, WrongState
from sources.store.reservations import Held, Reservation
from sources.store.store import Store

OURS = "opsgraph"
_NOTHING: Mapping[type[Command], tuple[type[Record], ...]] = {}  # is remembered of it anywhere


class Ledger:
    """A `Writer` over our store: the key of the step is the key of the reservation."""

    commands: frozenset[type[Command]] = frozenset({Reserve, Release, Consume})
    touches: Mapping[type[Command], tuple[type[Record], ...]] = _NOTHING

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    async def do(self, command: Command, key: str) -> Written:
        """See `sources.ports.Writer`. Raises Rejected where nothing is free."""
        now = self._clock()
        try:
            return _written(await self._do(command, key, now), now)
        except NoSuchRecord as error:
            raise Missing(str(error), source=OURS) from None
        except WrongState as error:
            raise Rejected(str(error), source=OURS) from None
        except StoreAway as error:
            raise OutcomeUnknown("our own ledger does not answer", source=OURS, remedy=Remedy.REPEAT) from error

    async def _do(self, command: Command, key: str, now: datetime) -> Reservation:
        if isinstance(command, Reserve):
            return await self._store.transact(_reserve, command, key, now)
        if isinstance(command, Release):
            return await self._store.transact(reservations.end, command.reservation, Held.RELEASED, now)
        if isinstance(command, Consume):
            return await self._store.transact(reservations.end, command.reservation, Held.CONSUMED, now)
        raise Rejected(f"our ledger does not do `{type(command).__name__}`", source=OURS)

    async def find(self, command: Command, key: str) -> Written | None:
        """See `sources.ports.Writer`."""
        wanted = {Reserve: (key, set(Held)), Release: (None, {Held.RELEASED}), Consume: (None, {Held.CONSUMED})}
        own, states = wanted[type(command)]
        found = await self._store.read(reservations.find, own or command.reservation)  # type: ignore[attr-defined]
        return _written(found, self._clock()) if found is not None and found.state in states else None


def _reserve(connection: object, command: Reserve, key: str, now: datetime) -> Reservation:
    grounds.one_at_a_time(connection, [f"{command.kind}:{command.subject}"])  # type: ignore[arg-type]
    return reservations.reserve(
        connection,  # type: ignore[arg-type]
        key,
        command.operation,
        command.kind,
        command.subject,
        command.quantity,
        command.unit,
        now,
        most=command.most,
        used_too=command.used_too,
    )


def _written(reservation: Reservation, now: datetime) -> Written:
    return Written(source=OURS, key=reservation.key, at=now)
