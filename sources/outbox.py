"""Outbox: reads the notices of our own tables, in order, and tells everybody in this process who follows them.

One reader for a process, however many follow. It looks when the bell rings and, because a bell may not be heard, every
so often besides. Whoever comes with a place is told first what was noticed behind it, from the tables; then they hear
what everybody hears. What they hear and have read already is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import msgspec

from sources.feed import Feed
from sources.news import News, Topic
from sources.store import notices
from sources.store.errors import StoreAway
from sources.store.notices import BEGINNING, Notice, Place
from sources.store.store import Store

_PAGE = 500  # notices read at once
_SLACK = timedelta(seconds=60)  # for which notices are kept longer than is promised: clocks differ
_log = logging.getLogger("opsgraph.store")


class Mark(msgspec.Struct, frozen=True):
    """A place, and when it was given out."""

    place: Place
    at: datetime

    def __str__(self) -> str:
        return f"{self.place.turn}.{self.place.sequence}.{self.at.timestamp():.0f}"

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """The mark of a text; None for a text that is none."""
        try:
            turn, sequence, at = map(int, text.split("."))
            return cls(Place(turn, sequence), datetime.fromtimestamp(at, UTC))
        except (ValueError, OverflowError, OSError):
            return None


class Gap(msgspec.Struct, frozen=True):
    """Notices may have been forgotten before they were read."""

    at: datetime


class Outbox:
    """Of one process. `most` may wait for one follower; notices are kept for `kept`, and looked for every `poll`
    seconds even when nobody rings."""

    def __init__(
        self,
        store: Store,
        *,
        most: int = 100,
        kept: timedelta = timedelta(hours=1),
        poll: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._kept, self._poll, self._clock = store, kept, poll, clock
        self._feed = Feed[Notice | Gap](most)
        self._place = BEGINNING
        self._woken = asyncio.Event()
        self._looked = self._tidied = clock()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Outbox]:
        """Reads and tells until the block ends. Raises StoreAway where the tables cannot be read to begin with."""
        self._place = await self._store.glance(notices.last)
        self._looked = self._clock()
        async with self._store.bell.heard(self._woken.set):
            reading = asyncio.create_task(self._run())
            try:
                yield self
            finally:
                reading.cancel()
                await asyncio.wait([reading])

    # ------------------------------------------------------------ reading

    async def _run(self) -> None:
        away = False
        while True:
            self._woken.clear()
            try:
                await self._look()
                await self._tidy()
                away = False
            except StoreAway:
                if not away:
                    _log.warning("our own tables cannot be read: who follows them hears nothing", exc_info=True)
                away = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll):  # `wait_for` may swallow that it is cancelled
                    await self._woken.wait()

    async def _look(self) -> None:
        """Tells what has been noticed since the last look. While nobody follows there is no need to read it all."""
        if not len(self._feed):
            last = await self._store.glance(notices.last)
            if not len(self._feed):
                self._place, self._looked = last, self._clock()
                return
        more = True
        while more:
            now = self._clock()
            found = await self._store.glance(notices.since, self._place, first=_PAGE)
            if now - self._looked > self._kept:
                self._feed.tell(Gap(now))
            for each in found:
                self._place = each.place
                self._feed.tell(each)
            self._looked, more = now, len(found) == _PAGE

    async def _tidy(self) -> None:
        """Forgets notices that are older than anybody is promised."""
        now = self._clock()
        if now - self._tidied < _SLACK:
            return
        self._tidied = now
        await self._store.transact(notices.forget, now - self._kept - _SLACK)

    # ------------------------------------------------------------ telling

    async def follow(self, topic: Topic, after: str | None, key: str | None = None) -> AsyncGenerator[News, None]:
        """What changes of a topic: first where one is, then what changed behind the place `after`, then what changes.

        Of one `key` nothing is told that was before: whoever looks now sees what came of it. Raises LeftBehind for who
        is too slow, StoreAway where the tables cannot be read.
        """

        def wanted(told: Notice | Gap) -> bool:
            return isinstance(told, Gap) or (told.topic is topic and key in (None, told.key))

        with self._feed.listening(wanted) as listener:
            place = self._place  # what comes behind it is heard
            mark = await self._known(after)
            behind = mark is not None and key is None
            opening = mark if mark is not None and behind else Mark(place, self._clock())
            yield News(str(opening), opening.at, missed=after is not None and mark is None, first=True)
            if behind:
                async for each in self._between(opening.place, place, topic):
                    yield _news(each)
            place = max(place, opening.place)
            while True:
                told = await listener.next()
                if isinstance(told, Gap):
                    yield News(str(Mark(place, told.at)), told.at, missed=True)
                elif told.place > place:
                    yield _news(told)

    async def _known(self, after: str | None) -> Mark | None:
        """The mark of somebody who comes again; None where what is behind it cannot be told."""
        mark = Mark.read(after) if after is not None else None
        if mark is None:
            return None
        recent = self._clock() - mark.at <= self._kept
        return mark if await self._store.read(notices.holds, mark.place, recent) else None

    async def _between(self, place: Place, until: Place, topic: Topic) -> AsyncIterator[Notice]:
        """What was noticed of a topic behind a place, up to another."""
        while place < until:
            found = await self._store.glance(notices.since, place, until=until, topics=(topic,), first=_PAGE)
            for each in found:
                yield each
            if len(found) < _PAGE:
                return
            place = found[-1].place


def _news(notice: Notice) -> News:
    return News(str(Mark(notice.place, notice.at)), notice.at, notice.key)
