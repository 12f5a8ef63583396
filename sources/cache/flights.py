"""Flights: one question under way for all who ask the same, owned by the cache and by none of them.

A flight is a task of its own, so a cancelled asker harms nobody. It carries an errand of its own too: the lane of its
most urgent asker, how new the facts must be for whoever set it off, and no deadline, because the source's own bounds
it. When the last asker has gone it has `grace` seconds left to finish; a flight that is `kept` has as long as it takes,
because somebody used an older fact for now and the cache wants the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from math import inf

import msgspec

from sources.alarms import Alarms
from sources.cache.keys import Ident
from sources.cache.memory import Shelf
from sources.errand import Errand, Lane, begin, hurry
from sources.errors import SourceError, Unavailable
from sources.ports import Reading, Report

Bring = Callable[["Flight"], Awaitable["Landing"]]


class Landing(msgspec.Struct):
    """What a flight brought. Of its keys, `found` were in what processes share, `lent` were asked by another one."""

    reading: Reading
    found: frozenset[str] = frozenset()
    lent: frozenset[str] = frozenset()
    bug: Exception | None = None  # something that is no failure of a source


class Flight:
    """One question of some keys of one shelf. `begun` in unix seconds, `started` on the loop's clock."""

    __slots__ = (
        "_askers", "_done", "_grace", "_task", "_timer", "begun", "errand", "floor", "forgotten", "kept", "keys",
        "landing", "shelf", "since", "started",
    )  # fmt: skip

    def __init__(self, shelf: Shelf, keys: Mapping[Ident, str], lane: Lane, begun: float, grace: float) -> None:
        self.shelf, self.keys, self.begun = shelf, dict(keys), begun
        self.errand = Errand(lane=lane)
        self.floor = -inf  # unix seconds before which facts do not do for whoever set it off
        self.since = 0  # how often something had been forgotten when it left
        self.kept, self.forgotten = False, False
        self.landing: Landing | None = None
        self._grace, self._askers = grace, 0
        self._timer: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        self.started = loop.time()
        self._done: asyncio.Future[None] = loop.create_future()
        self._task: asyncio.Task[None] | None = None
        for ident in self.keys:
            shelf.flights[ident] = self

    def leave_ground(self, bring: Bring, land: Callable[[Flight, Landing], None]) -> asyncio.Task[None]:
        """Starts it. `land` takes what it brought before any asker does."""
        self._task = asyncio.create_task(self._fly(bring, land))
        self._task.add_done_callback(self._ended)
        return self._task

    async def _fly(self, bring: Bring, land: Callable[[Flight, Landing], None]) -> None:
        begin(self.errand)
        try:
            landing = await bring(self)
        except SourceError as error:
            landing = self._failed(error)
        except Exception as bug:
            landing = Landing(Reading({}, Report(self.shelf.source)), bug=bug)
        land(self, landing)
        self._settle(landing)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        if self.landing is None:  # cancelled, perhaps before it had begun
            self._settle(self._failed(Unavailable("the question was given up: ask again", source=self.shelf.source)))

    def _failed(self, error: SourceError) -> Landing:
        report = Report(self.shelf.source, error=error.code)
        return Landing(Reading({}, report, dict.fromkeys(self.keys.values(), error)))

    def _settle(self, landing: Landing) -> None:
        self.landing = landing
        self.close_to_others()
        if self._timer is not None:
            self._timer.cancel()
        if not self._done.done():
            self._done.set_result(None)
        self.shelf.tidy()

    def close_to_others(self) -> None:
        """Nobody joins any more: whoever asks from now on sets off a new one."""
        flights = self.shelf.flights
        for ident in self.keys:
            if flights.get(ident) is self:
                del flights[ident]

    # ------------------------------------------------------------ askers

    def enter(self, lane: Lane) -> None:
        """Somebody waits, perhaps more urgently than all before."""
        self._askers += 1
        hurry(self.errand, lane)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def leave(self) -> None:
        """Somebody waits no longer."""
        self._askers -= 1
        if self._askers == 0 and not self.kept and self.landing is None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._grace, self._go_unmet)

    def _go_unmet(self) -> None:
        if self._askers == 0 and not self.kept:
            self.give_up()

    def give_up(self) -> None:
        """Ends it, unless it has landed."""
        if self.landing is None and self._task is not None:
            self.close_to_others()
            self._task.cancel()

    @property
    def done(self) -> asyncio.Future[None]:
        """Comes true when it has landed; for looking at, never for awaiting without a shield."""
        return self._done


async def wait(flights: Iterable[Flight], until: float, alarms: Alarms) -> None:
    """Until all have landed, or the instant `until` on the loop's clock."""
    pending = [flight.done for flight in flights if flight.landing is None]
    if not pending:
        return
    loop = asyncio.get_running_loop()
    if len(pending) > 1:
        await asyncio.wait(pending, timeout=None if until == inf else max(0.0, until - loop.time()))
        return
    (flight,) = pending
    waiter = loop.create_future()

    def wake(*_: object) -> None:
        if not waiter.done():
            waiter.set_result(None)

    alarm = None if until == inf else alarms.at(until, wake)
    flight.add_done_callback(wake)
    try:
        await waiter
    finally:
        flight.remove_done_callback(wake)
        if alarm is not None:
            alarms.stop(alarm)
