"""A connector that remembers: Reader -> Reader. What is fresh costs no call, and who asks the same shares one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from math import inf

import msgspec

from sources.cache.ages import Demand, as_old, demand, is_as_new, is_new, is_of_the_question, late, stands_in, too_old
from sources.cache.cache import Cache
from sources.cache.flights import Flight, Landing, wait
from sources.cache.keys import Ident, Index, idents, scope
from sources.cache.memory import Shelf
from sources.canonical import Record, Served
from sources.errand import Lane, current
from sources.errors import SourceError
from sources.ports import Ask, Capability, Connector, Page, Reading, Report, Rows

_NONE = Capability()
_PLAIN = Page()


class Cached:
    """One source behind a cache. `zone` is the residency zone of what it holds: never another zone's fact is given, and
    nothing of it is shared with other processes where the settings keep the zone out."""

    def __init__(self, inner: Connector, cache: Cache, zone: str = "default") -> None:
        self.inner, self._cache, self._zone = inner, cache, zone
        self.name, self.vendor, self.system = inner.name, inner.vendor, inner.system
        self.account_facet: type[Record] | None = inner.account_facet
        self.capabilities: Mapping[tuple[type[Record], str], Capability] = inner.capabilities
        self.recalls = cache.settings.enabled  # whether anything is remembered beyond the moment
        self._shared = cache.shared if cache.settings.shares(zone) else None
        self._shelves: dict[Index, Shelf] = {}
        cache.memory.homes.append(self._shelves)

    async def check(self) -> str:
        """Asks the source itself."""
        return await self.inner.check()

    async def close(self) -> None:
        """Gives up what is under way for this source."""
        for flight in [each for each in self._cache.flights if each.shelf.home is self._shelves]:
            flight.give_up()
        await self.inner.close()

    # ------------------------------------------------------------ without waiting

    def recall_plain(self, ask: Ask) -> Reading | None:
        """As the catalog tells it, where nobody demands anything of the facts, none is near its end, and of all it was
        found what the catalog makes of them; None otherwise, whatever `recall` would say."""
        shelf = self._shelves.get((ask.record, ask.by, ask.page))
        errand = current()
        if shelf is None or errand.not_before or errand.max_age is not None:
            return None
        entries, accounts, rows = shelf.entries, ask.accounts, {}
        now = asyncio.get_running_loop().time()
        for key in ask.keys:
            entry = entries.get((key, accounts[key]) if key in accounts else key)
            if entry is None or now >= entry.refresh or now >= entry.stale:
                return None
            found = entry.rows
            if found is not None:
                told = found if found.plain else found.told
                if told is None:
                    return None
                rows[key] = told
            elif ask.by != "key":
                rows[key] = Rows()
            entry.used = True
        return Reading(rows, Report(self.name, cached=len(ask.keys)))

    def recall(self, ask: Ask) -> Reading | None:
        """The whole answer, where every key is fresh and does for the running errand; None otherwise."""
        shelf = self._shelves.get((ask.record, ask.by, ask.page))
        if shelf is None:
            return None
        errand = current()
        if errand.not_before or errand.max_age is not None:
            floor = demand(errand, self.name, self._cache.wall()).floor
        else:
            floor = -inf
        entries, rows, early = shelf.entries, {}, False
        now = asyncio.get_running_loop().time()
        for ident, key in idents(ask).items() if ask.accounts else zip(ask.keys, ask.keys, strict=True):
            entry = entries.get(ident)
            if entry is None or now >= entry.stale:  # a refresh that failed may be put off beyond that
                return None
            if now >= entry.refresh:
                early = True
            if entry.as_of < floor:
                return None
            entry.used = True
            if entry.rows is not None:
                rows[key] = entry.rows
        if early:
            self._refresh(shelf, ask, self._due(shelf, ask, now), Lane.BACKFILL)
        return Reading(rows, Report(self.name, cached=len(ask.keys)))

    def _due(self, shelf: Shelf, ask: Ask, now: float) -> dict[Ident, str]:
        """The keys near the end of their time."""
        return {ident: key for ident, key in idents(ask).items() if now >= shelf.entries[ident].refresh}

    # ------------------------------------------------------------ reading

    async def read(self, ask: Ask) -> Reading:
        """The answer, from memory where that is fresh enough for the running errand. Failures of the source are errors
        of the keys they touch; nothing is raised for them."""
        reading = Reading({}, Report(self.name))
        if not ask.keys:
            return reading
        shelf, errand = self._shelf(ask), current()
        wanted = demand(errand, self.name, self._cache.wall())
        missing = self._remembered(shelf, ask, wanted, reading)
        if missing:
            await self._fetched(shelf, ask, missing, wanted, reading)
        shelf.tidy()
        return reading

    def _shelf(self, ask: Ask) -> Shelf:
        index = (ask.record, ask.by, ask.page)
        shelf = self._shelves.get(index)
        if shelf is None:
            capability = self.capabilities.get((ask.record, ask.by), _NONE)
            freshness = self._cache.freshness(ask.record)
            facet = ask.record is self.account_facet
            shelf = Shelf(self._shelves, self.name, index, capability, freshness, facet=facet)
            self._shelves[index] = shelf
            if self._shared is not None:
                shelf.scope = scope(self._cache.settings.prefix, self._zone, self.name, index)
        return shelf

    def _remembered(self, shelf: Shelf, ask: Ask, wanted: Demand, reading: Reading) -> dict[Ident, str]:
        """Fills in what is in memory and sets off refreshes; the keys that somebody has to be asked for."""
        now, missing = asyncio.get_running_loop().time(), {}
        early: dict[Ident, str] = {}
        past: dict[Ident, str] = {}
        strict = wanted.errand.strict
        for ident, key in idents(ask).items():
            entry = shelf.entries.get(ident)
            if entry is None or entry.as_of < wanted.floor or now >= (entry.stale if strict else entry.soft):
                missing[ident] = key
                continue
            entry.used = True
            rows = entry.rows if now < entry.stale else entry.old()
            if rows is not None:
                reading.rows[key] = rows
            reading.report.cached += 1
            reading.report.stale += now >= entry.stale
            if now >= entry.refresh:
                (early if now < entry.stale else past)[ident] = key
        self._refresh(shelf, ask, early, Lane.BACKFILL)
        self._refresh(shelf, ask, past, wanted.errand.lane)
        return missing

    def _refresh(self, shelf: Shelf, ask: Ask, due: Mapping[Ident, str], lane: Lane) -> None:
        """Asks again for what nobody waits for, unless somebody does already."""
        keys = {ident: key for ident, key in due.items() if ident not in shelf.flights}
        if keys:
            self._launch(shelf, ask, keys, lane, -inf).kept = True

    # ------------------------------------------------------------ asking

    def _launch(self, shelf: Shelf, ask: Ask, keys: Mapping[Ident, str], lane: Lane, floor: float) -> Flight:
        cache = self._cache
        flight = Flight(shelf, keys, lane, cache.wall(), cache.settings.grace)
        flight.floor, flight.since = floor, cache.times_forgotten
        if floor > -inf:
            flight.errand.not_before = {self.name: floor}  # a source may know a way to tell something newer
        cache.flights.add(flight)

        async def bring(flight: Flight) -> Landing:
            if self._shared is None or shelf.freshness.life <= 0:
                return Landing(await self.inner.read(_part(ask, tuple(dict.fromkeys(keys.values())))))
            return await self._shared.bring(flight, lambda some: self.inner.read(_part(ask, some)), remember)

        def remember(shelf: Shelf, ident: Ident, rows: Rows | None, begun: float) -> None:
            started = asyncio.get_running_loop().time() - max(0.0, cache.wall() - begun)
            cache.put(shelf, {ident: rows}, begun, started, flight.since)

        task = flight.leave_ground(bring, self._land)
        task.add_done_callback(lambda _: cache.ended(flight))
        return flight

    def _land(self, flight: Flight, landing: Landing) -> None:
        for record in landing.reading.along:
            index = (type(record), "key", _PLAIN)
            if index[:2] in self.capabilities:
                beside = self._shelf(Ask(type(record), "key", (record.key,)))
                known = beside.entries.get(record.key)
                if known is None or known.as_of < flight.begun - flight.shelf.lag:
                    begun, started = flight.begun - flight.shelf.lag, flight.started - flight.shelf.lag
                    self._cache.put(beside, {record.key: Rows((record,))}, begun, started, flight.since)
        self._cache.land(flight, landing)

    async def _fetched(
        self, shelf: Shelf, ask: Ask, missing: Mapping[Ident, str], wanted: Demand, reading: Reading
    ) -> None:
        """Joins the flights that will do, sends one off for the other keys, and takes what they bring."""
        loop, lane = asyncio.get_running_loop(), wanted.errand.lane
        boarded: dict[Flight, dict[Ident, str]] = {}
        alone: dict[Ident, str] = {}
        own: Flight | None = None
        for ident, key in missing.items():
            flight = shelf.flights.get(ident)
            if isinstance(flight, Flight) and flight.begun >= wanted.floor:
                boarded.setdefault(flight, {})[ident] = key
            else:
                alone[ident] = key
        if alone and wanted.until > loop.time():
            own = self._launch(shelf, ask, alone, lane, wanted.floor)
            boarded[own] = alone
        elif alone:
            self._stand_in(shelf, alone, wanted, late(self.name), reading)
        for flight in boarded:
            flight.enter(lane)
        try:
            await self._landed(shelf, boarded, wanted)
            for flight, keys in boarded.items():
                self._taken(shelf, flight, keys, wanted, reading, own=flight is own)
        finally:
            for flight in boarded:
                flight.leave()

    async def _landed(self, shelf: Shelf, boarded: Mapping[Flight, Mapping[Ident, str]], wanted: Demand) -> None:
        """Waits for flights: where older facts are at hand no longer than patience has it, else as long as there is
        time. An older fact may also come to hand while a flight looks for it elsewhere."""
        now = asyncio.get_running_loop().time()
        patient = now + wanted.errand.patience
        at_hand = self._shared is not None or any(self._has_old(shelf, keys, wanted) for keys in boarded.values())
        if at_hand and patient < wanted.until:
            await wait(boarded, patient, self._cache.alarms)
            boarded = {
                flight: keys
                for flight, keys in boarded.items()
                if not all(self._has_old(shelf, (ident,), wanted) for ident in keys)
            }
        await wait(boarded, wanted.until, self._cache.alarms)

    def _has_old(self, shelf: Shelf, keys: Iterable[Ident], wanted: Demand) -> bool:
        """Whether for any of the keys there is a fact that may stand in."""
        if not shelf.entries:
            return False
        now = asyncio.get_running_loop().time()
        found = (shelf.entries.get(ident) for ident in keys)
        return any(entry is not None and stands_in(entry, wanted.floor, now) for entry in found)

    def _taken(
        self, shelf: Shelf, flight: Flight, keys: Mapping[Ident, str], wanted: Demand, reading: Reading, *, own: bool
    ) -> None:
        """Takes over what a flight brought for some keys. What it cost is told by who set it off."""
        landing, report = flight.landing, reading.report
        if landing is None:
            flight.kept = self._stand_in(shelf, keys, wanted, late(self.name), reading) or flight.kept
            return
        if landing.bug is not None:
            raise landing.bug
        told = landing.reading
        if own:
            report.calls += told.report.calls
            report.joined += told.report.joined
            report.milliseconds = max(report.milliseconds, told.report.milliseconds)
        reading.along += told.along
        if not (told.errors or landing.found or landing.lent) and is_new(flight, wanted.floor):
            report.joined += 0 if own else len(keys)
            _pass_on(told, keys.values(), reading)
            return
        for ident, key in keys.items():
            rows, error = told.rows.get(key), told.errors.get(key)
            report.cached += key in landing.found
            report.joined += key not in landing.found and (not own or key in landing.lent)
            if rows is None and error is not None and not is_of_the_question(error):
                self._stand_in(shelf, {ident: key}, wanted, error, reading)
                report.error = error.code
                continue
            if error is not None:
                reading.errors[key] = error
            if rows is not None:
                taken = reading.rows[key] = rows if is_as_new(rows, flight, wanted.floor) else as_old(rows)
                report.stale += taken.served is Served.STALE

    def _stand_in(
        self, shelf: Shelf, keys: Mapping[Ident, str], wanted: Demand, failure: SourceError, reading: Reading
    ) -> bool:
        """Older facts in place of what did not come, where they may be used, else what is to be said of each key.
        Whether any was used."""
        now, wall, used = asyncio.get_running_loop().time(), self._cache.wall(), False
        for ident, key in keys.items():
            entry = shelf.entries.get(ident)
            if entry is None:
                reading.errors[key] = failure
                continue
            if not stands_in(entry, wanted.floor, now):
                reading.errors[key] = too_old(entry, wanted.floor, wall, failure)
                continue
            entry.used = used = True
            reading.report.cached += 1
            reading.report.stale += now >= entry.stale
            rows = entry.rows if now < entry.stale else entry.old()
            if rows is not None:
                reading.rows[key] = rows
        return used


def _pass_on(told: Reading, keys: Iterable[str], reading: Reading) -> None:
    """Rows as they were brought."""
    for key in keys:
        rows = told.rows.get(key)
        if rows is not None:
            reading.rows[key] = rows
            reading.report.stale += rows.served is Served.STALE


def _part(ask: Ask, keys: Sequence[str]) -> Ask:
    return ask if keys == ask.keys else msgspec.structs.replace(ask, keys=tuple(keys))
