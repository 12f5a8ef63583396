"""Conditions: how every source is doing, looked at again and again, so that who wants to know is told when it changes.

Each process sees its own calls and circuits, so each has changes of its own. They are numbered and the last ones kept:
whoever was away for a moment is told what they missed. The numbers begin anew with each process; its `era` is in every
place, so that a place of another one is never taken for one of this.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from sources.feed import Feed, Listener
from sources.overview import Condition, Overview
from sources.pipeline.telemetry import Called, Changed

PERIOD = 1.0  # seconds between two looks; a circuit that changes is looked at at once
_KEPT = 1_000  # changes
_LISTENERS = 100  # changes that may wait for one listener


class Change(msgspec.Struct, frozen=True):
    """A source is doing otherwise since `at` (UTC), as far as was looked. `source` is all that was seen of it then."""

    number: int
    at: datetime
    previous: Condition
    source: Overview


class Conditions:
    """An observer of the pipelines. `clock` gives the present, in UTC; `most` changes may wait for one listener."""

    def __init__(
        self,
        most: int = _LISTENERS,
        *,
        kept: int = _KEPT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.era = secrets.token_hex(8)
        self.number = 0  # of the last change
        self._clock = clock
        self._feed = Feed[Change](most)
        self._kept: deque[Change] = deque(maxlen=kept)
        self._known: dict[str, Condition] = {}
        self._nudged = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    # ------------------------------------------------------------ looking

    def called(self, event: Called) -> None:
        """A call has ended: the next look will do."""

    def circuit(self, event: Changed) -> None:
        """A circuit has changed: looks soon, in whichever thread that was."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._nudged.set)

    async def run(self, sources: Callable[[], Sequence[Overview]]) -> None:
        """Looks until it is cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._nudged.clear()
            self.look(sources())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD):  # `wait_for` may swallow that it is cancelled
                    await self._nudged.wait()

    def look(self, sources: Sequence[Overview]) -> None:
        """Tells of every source that is doing otherwise than at the last look; the first look tells nothing."""
        for each in sources:
            previous = self._known.get(each.name)
            self._known[each.name] = each.condition
            if previous is None or previous is each.condition:
                continue
            self.number += 1
            change = Change(self.number, self._clock(), previous, each)
            self._kept.append(change)
            self._feed.tell(change)

    # ------------------------------------------------------------ telling

    def listening(self) -> contextlib.AbstractContextManager[Listener[Change]]:
        """Hears of changes from now on, until the block ends."""
        return self._feed.listening()

    def since(self, era: str, number: int) -> list[Change] | None:
        """The changes behind a place; None where some may be missing: it is another era's, or too long ago."""
        oldest = self._kept[0].number if self._kept else self.number + 1
        if era != self.era or not oldest - 1 <= number <= self.number:
            return None
        return [each for each in self._kept if each.number > number]
