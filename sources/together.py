"""Together: the questions of one moment travel in one call, and none of those who ask can end it for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from sources.abreast import abreast
from sources.errand import Errand, Lane, begin, current
from sources.flights import abandoned, awaited, given_up

Q = TypeVar("Q")
A = TypeVar("A")


class _Place(msgspec.Struct):
    """A question on its way, and who waits for the answer."""

    question: Any
    answer: asyncio.Future[Any]
    lane: Lane


class Together(Generic[Q, A]):
    """Gathers the questions to one source for `window` seconds.

    `pack` puts them into groups (of their numbers); `travel` asks a group in one call and gives an answer, or an error,
    for each. At most `width` groups are under way at once. A group is as urgent as the most urgent of those who wait.
    """

    def __init__(
        self,
        source: str,
        *,
        window: float,
        width: int,
        pack: Callable[[Sequence[Q]], Sequence[Sequence[int]]],
        travel: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
    ) -> None:
        self._source, self._window, self._width, self._pack, self._travel = source, window, width, pack, travel
        self._boarding: list[_Place] | None = None
        self._departures: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """The answer; raises this question's error, or that of the call, as an instance of the asker's own."""
        place = _Place(question, asyncio.get_running_loop().create_future(), current().lane)
        if self._boarding is None:
            self._boarding = []
            departure = asyncio.create_task(self._depart(self._boarding))
            departure.add_done_callback(partial(self._arrived, self._boarding))
            self._departures.add(departure)
        self._boarding.append(place)
        try:
            answer: A = await awaited(place.answer, self._source)
            return answer
        finally:
            place.answer.cancel()  # nobody waits for it any more, nor for an error that came just now

    async def _depart(self, places: list[_Place]) -> None:
        await asyncio.sleep(self._window)
        self._boarding = None
        present = [place for place in places if not place.answer.done()]
        groups = self._pack([place.question for place in present]) if present else ()
        rides = [partial(self._ride, [present[number] for number in group]) for group in groups]
        await abreast(rides, self._width)

    async def _ride(self, group: Sequence[_Place]) -> None:
        begin(Errand(lane=min(place.lane for place in group)))
        answers: Sequence[A | Exception]
        try:
            answers = await self._travel([place.question for place in group])
        except Exception as error:
            answers = [error] * len(group)
        for place, answer in zip(group, answers, strict=True):
            _settle(place.answer, answer)

    def _arrived(self, places: list[_Place], departure: asyncio.Task[None]) -> None:
        self._departures.discard(departure)
        if self._boarding is places:
            self._boarding = None
        failure = None if departure.cancelled() else departure.exception()
        for place in places:
            _settle(place.answer, failure or abandoned(self._source))

    async def close(self) -> None:
        """Gives up what is under way; whoever waits for it is told so."""
        await given_up(list(self._departures))


def _settle(future: asyncio.Future[Any], answer: object) -> None:
    if future.done():
        return
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
