"""Retry: try again what may be tried again, after a while, within the time and the budget there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from sources.errors import CircuitOpen, QuotaExhausted, SourceError
from sources.pipeline import course
from sources.pipeline.budget import Budget
from sources.pipeline.outcome import Failure, failure, is_answer, unknown
from sources.ports import Call, Effect, Reply, Send
from sources.settings import RetrySettings

_ALL = frozenset(Effect)
PERMITTED: Mapping[Failure, frozenset[Effect]] = {
    Failure.UNSENT: _ALL,
    Failure.THROTTLED: _ALL - {Effect.ONCE},  # one that is documented to refuse before it acts is UNSENT
    Failure.CONTENDED: frozenset({Effect.READ, Effect.KEYED}),  # others have to look first what has changed
    Failure.LOST: frozenset({Effect.READ, Effect.KEYED}),
    Failure.REFUSED: frozenset(),
}
"""Which calls may be sent again after which failure."""


def permitted(error: SourceError, effect: Effect) -> bool:
    """Whether the call may be sent again. What the vendor advises with an answer wins where repeating is harmless."""
    if isinstance(error, CircuitOpen | QuotaExhausted):
        return False
    advice = vars(error).get("retryable")  # set on the instance only by advice that came with the answer
    if advice is not None and effect in (Effect.READ, Effect.KEYED):
        return bool(advice)
    return effect in PERMITTED[failure(error, effect)]


class Retry:
    """The layer of one source. `random` gives numbers in [0, 1)."""

    def __init__(
        self,
        source: str,
        settings: RetrySettings,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        budget: Budget | None = None,
    ) -> None:
        self._source, self._settings, self._clock, self._random = source, settings, clock, random
        self._budget = budget or Budget(settings.share, settings.floor, clock)

    def layer(self, send: Send) -> Send:
        """`send`, repeated."""

        async def repeated(call: Call) -> Reply:
            self._budget.earn()
            under_way = course.current()
            lost = False
            while True:
                under_way.attempts += 1
                try:
                    return await send(call)
                except SourceError as error:
                    lost = under_way.sent = _is_lost(error, call.effect, lost)
                    wait = self._wait(error, call.effect, under_way.attempts, under_way.until)
                    if wait is None and lost and call.effect is not Effect.READ:
                        raise unknown(self._source, call.effect, error) from error
                    if wait is None:
                        raise
                await asyncio.sleep(wait)

        return repeated

    def _wait(self, error: SourceError, effect: Effect, attempts: int, until: float) -> float | None:
        """Seconds to wait before the next attempt; None: there is none."""
        if attempts >= self._settings.attempts or not permitted(error, effect):
            return None
        wait = self._pause(error, effect, attempts)
        if self._clock() + wait >= until or not self._budget.spend():
            return None
        return wait

    def _pause(self, error: SourceError, effect: Effect, attempts: int) -> float:
        """Full jitter; a hint is obeyed, and those who got the same one do not come back at the same instant."""
        settings = self._settings
        if error.retry_after is not None:
            return error.retry_after + self._random() * settings.base
        base = settings.throttled if failure(error, effect) is Failure.THROTTLED else settings.base
        return self._random() * min(settings.cap, base * 2.0 ** (attempts - 1))


def _is_lost(error: SourceError, effect: Effect, before: bool) -> bool:
    """Whether something that was sent is still unsettled: only an answer of the source settles an earlier attempt."""
    if failure(error, effect) is Failure.LOST:
        return True
    return before and not (is_answer(error) and failure(error, effect) is not Failure.CONTENDED)
