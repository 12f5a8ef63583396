"""Facts that processes share: one of them asks, the others wait for its answer.

A store that is dead or slow is a miss, never an error: everything here then goes on as if each process were alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from uuid import uuid4

import msgspec

from sources.cache import codec
from sources.cache.flights import Flight, Landing
from sources.cache.freshness import JITTER, spans
from sources.cache.keys import Ident, text
from sources.cache.memory import Shelf
from sources.cache.notices import Notices
from sources.cache.tags import Tag
from sources.canonical import Served
from sources.errors import SourceError
from sources.ports import Reading, Report, Rows

Ask = Callable[[Sequence[str]], Awaitable[Reading]]
Remember = Callable[[Shelf, Ident, "Rows | None", float], None]
_FIRST_LOOK, _LOOKS = 0.01, 0.05  # seconds between two looks for what another process has asked


class _Lease(msgspec.Struct):
    """Of the keys of a flight: those this process asks, those another one asks, and the store's time."""

    mine: dict[Ident, str]
    theirs: dict[Ident, str]
    stamp: int = 0
    token: str = ""


class Shared:
    """What flights do where there is a store. `wall` gives unix seconds."""

    def __init__(self, notices: Notices, lease: float, wall: Callable[[], float]) -> None:
        self.notices = notices
        self._store, self._fuse = notices.store, notices.fuse
        self._lease, self._wall = lease, wall
        self._tasks: set[asyncio.Task[None]] = set()

    async def bring(self, flight: Flight, ask: Ask, remember: Remember) -> Landing:
        """The answer of a flight: from the store, by asking, or from another process that asks already."""
        self.notices.listen()
        trip = _Trip(flight)
        await self._look(trip, remember)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._lease
        while trip.left:
            lease = await self._taken(trip, patient=loop.time() < until)
            await asyncio.gather(self._asked(trip, lease, ask), self._borrowed(trip, lease, until, remember))
        return trip.landing()

    # ------------------------------------------------------------ what is there

    async def _look(self, trip: _Trip, remember: Remember) -> None:
        facts = await self._facts(trip.flight.shelf, trip.left)
        for ident, fact in facts.items():
            remember(trip.flight.shelf, ident, fact.rows, fact.begun)  # though too old for now, it may stand in
            if self._will_do(trip.flight, fact):
                trip.take(ident, fact, trip.found, Served.CACHE)

    async def _facts(self, shelf: Shelf, wanted: Iterable[Ident]) -> dict[Ident, codec.Fact]:
        """What the store has of keys, less what was forgotten since."""
        keys = {ident: text(shelf.scope, ident) for ident in wanted}
        raw = await self._fuse.through(self._store.get(list(keys.values())))
        if raw is None or len(raw) != len(keys):
            return {}
        found = {ident: codec.decode(shelf.record, each) for ident, each in zip(keys, raw, strict=True) if each}
        facts = {ident: fact for ident, fact in found.items() if fact is not None}
        if not facts:
            return {}
        tags = {ident: _tags(shelf, ident, fact) for ident, fact in facts.items()}
        stamps = await self.notices.stamps({tag for each in tags.values() for tag in each})
        if stamps is None:
            return {}
        return {
            ident: fact for ident, fact in facts.items() if all(stamps.get(tag, -1) < fact.stamp for tag in tags[ident])
        }

    def _will_do(self, flight: Flight, fact: codec.Fact) -> bool:
        """Whether a fact is as good as asking: fresh, or read since the flight began; and as new as is demanded."""
        freshness = flight.shelf.freshness
        if fact.begun - flight.shelf.lag < flight.floor:
            return False
        ttl = min(freshness.negative, freshness.ttl) if fact.rows is None or not fact.rows.records else freshness.ttl
        left = ttl * (1 - JITTER) - min(freshness.refresh_ahead, ttl / 2)
        return fact.begun >= flight.begun or self._wall() - fact.begun < left

    # ------------------------------------------------------------ asking, or waiting for who asks

    async def _taken(self, trip: _Trip, *, patient: bool) -> _Lease:
        """Leases for what is left; all of it is ours where the store is gone, or has been waited for long enough."""
        left = dict(trip.left)
        leases = [_lease_of(trip.flight.shelf, ident) for ident in left]
        token = uuid4().hex
        answer = await self._fuse.through(self._store.take(leases, token, self._lease))
        if answer is None:
            return _Lease(left, {})
        stamp, taken = answer
        if not patient:
            return _Lease(left, {}, stamp, token)
        mine = {ident: key for (ident, key), ours in zip(left.items(), taken, strict=True) if ours}
        return _Lease(mine, {ident: key for ident, key in left.items() if ident not in mine}, stamp, token)

    async def _asked(self, trip: _Trip, lease: _Lease, ask: Ask) -> None:
        if not lease.mine:
            return
        begun = self._wall()
        try:
            reading = await ask(tuple(dict.fromkeys(lease.mine.values())))
        except BaseException as error:
            self._later(self._give_back(trip.flight.shelf, lease))
            if not isinstance(error, SourceError):
                raise
            failed = Report(trip.flight.shelf.source, error=error.code)
            reading = Reading({}, failed, dict.fromkeys(lease.mine.values(), error))
        else:
            self._later(self._keep(trip.flight.shelf, lease, reading, begun))
        trip.add(lease.mine, reading)

    async def _borrowed(self, trip: _Trip, lease: _Lease, until: float, remember: Remember) -> None:
        """Looks for what another process asks, until it is there, or nobody asks it any more."""
        loop, shelf, theirs = asyncio.get_running_loop(), trip.flight.shelf, dict(lease.theirs)
        pause = _FIRST_LOOK
        while theirs and loop.time() < until:
            await asyncio.sleep(pause)
            pause = min(_LOOKS, pause * 2)
            asking = await self._fuse.through(self._store.get([_lease_of(shelf, ident) for ident in theirs]))
            for ident, fact in (await self._facts(shelf, theirs)).items():
                if self._will_do(trip.flight, fact):
                    remember(shelf, ident, fact.rows, fact.begun)
                    trip.take(ident, fact, trip.lent, Served.LIVE)
                    del theirs[ident]
            if asking is None or not all(asking):
                return

    # ------------------------------------------------------------ giving

    async def _keep(self, shelf: Shelf, lease: _Lease, reading: Reading, begun: float) -> None:
        """Writes what was read, each for as long as it can be of use, and gives the leases back."""
        lives: dict[float, dict[str, bytes]] = {}
        full, empty, absent = spans(shelf.freshness, shelf.lag, 0.0, 0.0)
        for ident, key in lease.mine.items():
            if key in reading.errors or not lease.token:
                continue
            rows = reading.rows.get(key)
            written = codec.encode(rows, begun, lease.stamp)
            life = (absent if rows is None else full if rows.records else empty).limit
            if written is not None and life > 0:
                lives.setdefault(life, {})[text(shelf.scope, ident)] = written
        for life, values in lives.items():
            await self._fuse.through(self._store.keep(values, life))
        await self._give_back(shelf, lease)

    async def _give_back(self, shelf: Shelf, lease: _Lease) -> None:
        if lease.token:
            leases = [_lease_of(shelf, ident) for ident in lease.mine]
            await self._fuse.through(self._store.give_back(leases, lease.token))

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ends what is under way; what is to be forgotten elsewhere has a moment to be told."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.notices.close()


class _Trip:
    """What a flight has of its keys so far."""

    def __init__(self, flight: Flight) -> None:
        self.flight = flight
        self.left = dict(flight.keys)
        self.found: set[str] = set()
        self.lent: set[str] = set()
        self._reading = Reading({}, Report(flight.shelf.source))

    def take(self, ident: Ident, fact: codec.Fact, where: set[str], served: Served) -> None:
        """An answer that the store had."""
        key = self.left.pop(ident)
        where.add(key)
        if fact.rows is not None:
            fact.rows.served = served
            self._reading.rows[key] = fact.rows

    def add(self, asked: Mapping[Ident, str], part: Reading) -> None:
        """What the source answered."""
        for ident in asked:
            self.left.pop(ident, None)
        whole, report = self._reading, self._reading.report
        whole.rows |= part.rows
        whole.errors |= part.errors
        whole.along += part.along
        report.calls += part.report.calls
        report.joined += part.report.joined
        report.milliseconds = max(report.milliseconds, part.report.milliseconds)
        report.error = part.report.error or report.error

    def landing(self) -> Landing:
        """All of it."""
        return Landing(self._reading, frozenset(self.found), frozenset(self.lent))


def _tags(shelf: Shelf, ident: Ident, fact: codec.Fact) -> list[Tag]:
    return [*shelf.tagging.tags(ident, fact.rows), ("type", shelf.record.__name__)]


def _lease_of(shelf: Shelf, ident: Ident) -> str:
    return f"{text(shelf.scope, ident)}:lease"
