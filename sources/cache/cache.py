"""What all sources of a process share of the cache: its memory, its settings, and what was forgotten when."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

from sources.alarms import Alarms
from sources.cache import tags
from sources.cache.flights import Flight, Landing
from sources.cache.freshness import Freshness, Table, spans
from sources.cache.fuse import Fuse
from sources.cache.keys import Ident
from sources.cache.memory import Entry, Memory, Shelf
from sources.cache.notices import Notices
from sources.cache.settings import CacheSettings
from sources.cache.shared import Shared
from sources.cache.tags import Tag
from sources.canonical import Record
from sources.ports import Page, Rows

_NEVER = Freshness(0.0, 0.0, 0.0, 0.0, 0.0)
_AGAIN = 1.0  # seconds after a refresh that failed before the next one
_PLAIN = Page()


class Cache:
    """Opens nothing until it is used. `wall` gives unix seconds, `chance` a number in [0, 1); all other times are the
    running loop's."""

    def __init__(
        self,
        settings: CacheSettings | None = None,
        *,
        wall: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.settings, self.wall = settings or CacheSettings(), wall
        self.memory = Memory(self.settings.bytes)
        self.flights: set[Flight] = set()
        self.alarms = Alarms(lambda: asyncio.get_running_loop().time())
        self._chance = chance
        self._table = Table(self.settings.types)
        self._forgotten: dict[Tag, int] = {}
        self.times_forgotten = 0
        self.shared: Shared | None = None
        if self.settings.enabled and self.settings.redis is not None:
            self.shared = self._open_shared()

    def _open_shared(self) -> Shared:
        try:
            store = import_module("sources.cache.redis_store").RedisStore(self.settings)
        except ModuleNotFoundError as error:
            raise ValueError(
                f"`[cache] redis` needs the package `{error.name}`: install `opsgraph[redis]`, or take the line out"
            ) from error
        fuse = Fuse(self.settings.operation)
        notices = Notices(store, fuse, self._table, self.drop, self.clear, self.wall)
        return Shared(notices, self.settings.lease, self.wall)

    def freshness(self, record: type[Record]) -> Freshness:
        """How long facts of a class are good."""
        return self._table.of(record) if self.settings.enabled else _NEVER

    # ------------------------------------------------------------ forgetting

    def forget(self, wanted: Iterable[str]) -> int:
        """Drops all that speaks of any of these tags (`kind:KEY`), in every process; how many facts that were here.
        What is under way is answered and not remembered. Raises ValueError for what is no tag."""
        found = tuple(tags.tag(each) for each in wanted)
        if self.shared is not None and found:
            self.shared.notices.forget(found)
        return self.drop(found)

    def wrote(self, _source: str, wanted: Iterable[str]) -> float:
        """What a writer says once its write was acknowledged. Returns the instant (unix seconds) before which facts of
        the source do not do for whoever must see the write: its place is `errand.not_before[source]`."""
        self.forget(wanted)
        return self.wall()

    def drop(self, found: Iterable[Tag]) -> int:
        """Forgets in this process only."""
        wanted = frozenset(found)
        if self.flights:
            self.times_forgotten += 1
            self._forgotten.update(dict.fromkeys(wanted, self.times_forgotten))
            kinds = {kind for kind, _ in wanted}
            for flight in self.flights:
                if _touched(flight, wanted, kinds):
                    flight.close_to_others()
        return self.memory.forget(wanted)

    def clear(self) -> None:
        """Forgets everything in this process."""
        for flight in self.flights:
            flight.close_to_others()
            flight.forgotten = True
        self.memory.clear()

    # ------------------------------------------------------------ remembering

    def land(self, flight: Flight, landing: Landing) -> None:
        """Remembers what a flight brought. A key with an error is not remembered, also where it has rows as well."""
        reading, shelf = landing.reading, flight.shelf
        if not flight.forgotten and landing.bug is None:
            elsewhere = landing.found | landing.lent  # those were remembered with their own age
            kept = {ident: key for ident, key in flight.keys.items() if key not in elsewhere}
            for ident, key in kept.items() if reading.errors else ():
                if key in reading.errors:
                    self._put_off(shelf, ident)
            rows = {ident: reading.rows.get(key) for ident, key in kept.items() if key not in reading.errors}
            self.put(shelf, rows, flight.begun, flight.started, flight.since)

    def ended(self, flight: Flight) -> None:
        """The flight is over, whether it has landed or was given up."""
        self.flights.discard(flight)
        if not self.flights:
            self._forgotten.clear()

    def put(self, shelf: Shelf, answers: Mapping[Ident, Rows | None], begun: float, started: float, since: int) -> None:
        """Remembers answers of a reading that began at `begun` (unix seconds), `started` on the loop's clock, unless
        they speak of what was forgotten since (the count of `times_forgotten` back then)."""
        if shelf.freshness.life <= 0 or not answers:
            return
        shelf = shelf.home.setdefault(shelf.index, shelf)  # it may have been tidied away meanwhile
        full, empty, absent = spans(shelf.freshness, shelf.lag, started, self._chance())
        now, as_of = asyncio.get_running_loop().time(), begun - shelf.lag
        for ident, rows in answers.items():
            known = shelf.entries.get(ident)
            if known is not None and known.as_of > as_of:
                continue
            if rows is not None and rows.records.__class__ is not tuple:
                rows.records = tuple(rows.records)
            entry = Entry(shelf, ident, rows, as_of, absent if rows is None else full if rows.records else empty)
            if not self._forgotten or not self._was_forgotten(entry, since):
                self.memory.put(entry, now)

    def _put_off(self, shelf: Shelf, ident: Ident) -> None:
        """What could not be refreshed is not tried again at once."""
        known = shelf.entries.get(ident)
        if known is not None:
            known.refresh = asyncio.get_running_loop().time() + _AGAIN

    def _was_forgotten(self, entry: Entry, since: int) -> bool:
        forgotten = self._forgotten
        if forgotten.get(("type", entry.shelf.record.__name__), 0) > since:
            return True
        return any(forgotten.get(tag, 0) > since for tag in entry.tags())

    async def close(self) -> None:
        """Gives up what is under way."""
        for flight in tuple(self.flights):
            flight.give_up()
        if self.shared is not None:
            await self.shared.close()


def _touched(flight: Flight, wanted: frozenset[Tag], kinds: set[str]) -> bool:
    """Whether what was forgotten may be in what a flight brings."""
    shelf = flight.shelf
    if tags.kind_of(shelf.record) in kinds or ("type", shelf.record.__name__) in wanted:
        return True
    return any(tag in wanted for ident in flight.keys for tag in shelf.tagging.tags(ident, None))
