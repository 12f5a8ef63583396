"""Places: how many streams are open, of this process and of each caller, and how they end when it stops."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from gateway.http.streams.ends import STOPPING, End
from gateway.settings import StreamSettings
from gateway.telemetry.exposition import Counter

RETRY_AFTER = 5  # seconds


class Full(Exception):
    """There is no place. `status` is the HTTP status that says so, `code` the public error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Place:
    """One open stream, or WebSocket with its streams. `ending` is done as soon as it has to end."""

    def __init__(self, places: Places) -> None:
        self.ending: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self.whose: Hashable | None = None
        self._places = places
        self._timer: asyncio.TimerHandle | None = None

    def belongs(self, whose: Hashable) -> None:
        """Says whose it is. Raises Full where there are too many of theirs."""
        self._places.give(whose)
        self.whose = whose

    def end(self, end: End) -> None:
        """It has to end; the first reason counts."""
        if not self.ending.done():
            self.ending.set_result(end)

    def end_in(self, seconds: float, end: End) -> None:
        """It has to end then; another call takes the place of this one."""
        self.settle()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, seconds), self.end, end)

    def settle(self) -> None:
        """It need not end by itself any more."""
        if self._timer is not None:
            self._timer.cancel()


class Places:
    """Every open stream of this process."""

    def __init__(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._open: set[Place] = set()
        self._of: Tally[Hashable] = Tally()
        self._draining = False
        self.ended = Counter("opsgraph_streams_ended_total", "Streams that ended, by why.", ["transport", "why"])
        self.refused = Counter("opsgraph_streams_refused_total", "Streams for which there was no place.", ["code"])
        self.answers = Counter("opsgraph_stream_answers_total", "Answers that streams were sent.", ["transport"])

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def taken(self) -> Iterator[Place]:
        """A place, until the block ends. Raises Full."""
        if self._draining:
            raise self._full(503, "OVERLOADED", "this process stops: come again")
        if len(self._open) >= self._settings.connections:
            raise self._full(503, "OVERLOADED", "no more streams can be open here: come again later")
        place = Place(self)
        self._open.add(place)
        try:
            yield place
        finally:
            place.settle()
            place.ending.cancel()
            self._open.discard(place)
            if place.whose is not None:
                self._of[place.whose] -= 1
                if self._of[place.whose] <= 0:
                    del self._of[place.whose]

    def give(self, whose: Hashable) -> None:
        """Counts one more of a caller's. Raises Full."""
        most = self._settings.per_caller
        if self._of[whose] >= most:
            raise self._full(429, "RATE_LIMITED", f"{most} streams of yours are open: close one first")
        self._of[whose] += 1

    def drain(self) -> None:
        """Nobody new is let in; who is here goes, one after another over the configured time: all at once, they would
        all come back at once."""
        if self._draining:
            return
        self._draining = True
        apart = self._settings.spread / max(1, len(self._open))
        for number, place in enumerate(self._open):
            place.end_in(number * apart, STOPPING)

    def _full(self, status: int, code: str, message: str) -> Full:
        self.refused.add(code)
        return Full(status, code, message)
