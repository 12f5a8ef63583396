"""Quota: keep the limits that a vendor tells of with its answers, and stay away for as long as it asks for.

Between two answers what is left is counted down by the calls that are sent. Those under way when an answer comes may
not have been counted by the vendor yet: they are taken off what it says is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from sources.errand import Lane
from sources.errors import QuotaExhausted, SourceError, Throttled
from sources.pipeline import course
from sources.pipeline.course import Course
from sources.ports import Call, Limit, Reply, Send
from sources.settings import QuotaSettings

_DAY = 86_400.0


def reserves(settings: QuotaSettings) -> dict[Lane, float]:
    """The share of a limit that is left to others, by lane."""
    return {Lane.BACKFILL: settings.backfill, Lane.PORTAL: settings.portal}


class _Told(msgspec.Struct, gc=False):
    """A limit as a vendor told of it, until when that is believed, and how many calls had been sent by then."""

    limit: Limit
    until: float
    sent: int


class Quota:
    """The layer of one source. `limits` reads them from the headers of an answer."""

    def __init__(
        self,
        source: str,
        settings: QuotaSettings,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        limits: Callable[[Mapping[str, str]], Sequence[Limit]] | None = None,
    ) -> None:
        self._source, self._settings, self._clock, self._random = source, settings, clock, random
        self._read = limits
        self._kept = reserves(settings)
        self._told: dict[str, _Told] = {}
        self._paused_until = 0.0
        self._sent = 0
        self._under_way = 0

    def heed(self, headers: Mapping[str, str]) -> None:
        """Notes what an answer's headers say of limits."""
        if self._read is None:
            return
        now, counted = self._clock(), self._sent - max(0, self._under_way - 1)
        for limit in self._read(headers):
            believed = self._settings.hold if limit.resets is None else limit.resets
            self._told[limit.name] = _Told(limit, now + believed, counted)

    def layer(self, send: Send) -> Send:
        """`send`, while there is something left. Raises Throttled or QuotaExhausted (unsent) where there is not."""

        async def kept(call: Call) -> Reply:
            under_way = course.current()
            if self._paused_until or self._told:
                await self._open_again(under_way)
            self._sent += 1
            self._under_way += 1
            try:
                return await send(call)
            except SourceError as error:
                self._sent -= error.unsent
                if isinstance(error, (Throttled, QuotaExhausted)):
                    self._pause(error)
                raise
            finally:
                self._under_way -= 1

        return kept

    def limits(self) -> tuple[Limit, ...]:
        """The limits that are believed now, what is left and their resets counted from now."""
        now = self._clock()
        return tuple(
            msgspec.structs.replace(
                told.limit,
                remaining=max(0, self._left(told)),
                resets=None if told.limit.resets is None else told.until - now,
            )
            for told in self._told.values()
            if told.until > now
        )

    def paused_for(self) -> float | None:
        """Seconds for which the source has asked to be left alone."""
        left = self._paused_until - self._clock()
        return left if left > 0 else None

    def _left(self, told: _Told) -> int:
        return told.limit.remaining - (self._sent - told.sent)

    def _closed_until(self, lane: Lane, now: float) -> float:
        """When calls of this lane may go; `now` or before: at once."""
        until, kept = self._paused_until, self._kept.get(lane, 0.0)
        for told in self._told.values():
            if self._left(told) <= kept * told.limit.limit:
                until = max(until, told.until)
        return until

    async def _open_again(self, under_way: Course) -> None:
        """Waits where all have to and the time allows it; refuses where it does not, or what is left is for others."""
        while (until := self._closed_until(under_way.errand.lane, now := self._clock())) > now:
            if until >= under_way.until or self._closed_until(Lane.VALIDATE, now) <= now:
                raise self._refused(until - now)
            # Those who have waited do not come back at the same instant.
            await asyncio.sleep((until - now) + self._random() * min(0.1 * (until - now), 0.25))
            under_way.queued += self._clock() - now

    def _refused(self, seconds: float) -> SourceError:
        kind = Throttled if seconds <= self._settings.pause else QuotaExhausted
        return kind(
            f"`{self._source}` is not asked: what it allows is used up for {seconds:.3g} s",
            source=self._source,
            retry_after=seconds,
            unsent=True,
        )

    def _pause(self, error: Throttled | QuotaExhausted) -> None:
        if isinstance(error, QuotaExhausted):
            seconds = min(_DAY, self._settings.hold if error.retry_after is None else error.retry_after)
        else:
            seconds = min(self._settings.pause, error.retry_after or 0.0)
        self._paused_until = max(self._paused_until, self._clock() + seconds)
