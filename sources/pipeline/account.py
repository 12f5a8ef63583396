"""Account: what a vendor allows one account, kept by a ledger that all processes share."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from uuid import uuid4

from sources.errand import Lane
from sources.errors import QuotaExhausted, Throttled
from sources.pipeline import course
from sources.pipeline.course import Course
from sources.pipeline.ledger import Ledger, Verdict
from sources.ports import Allowance, Call, Reply, Send

_PATIENCE = 2.0  # seconds to wait for another process to end a call
_LONGEST_LEASE = 300.0


class Account:
    """The layer of one source. `kept` is the share of a day's calls that is not for a lane."""

    def __init__(
        self,
        source: str,
        allowance: Allowance,
        ledger: Ledger,
        *,
        kept: Mapping[Lane, float],
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._source, self._allowance, self._ledger = source, allowance, ledger
        self._clock, self._random = clock, random
        self._kept = {lane: int(share * (allowance.daily or 0)) for lane, share in kept.items()}
        prefix = uuid4().hex  # a name, not a chance: two that are the same would share their leases
        self._leases = (f"{prefix}-{number}" for number in itertools.count())

    def layer(self, send: Send) -> Send:
        """`send`, where the account allows it. Raises Throttled or QuotaExhausted (unsent) where it does not."""

        async def counted(call: Call) -> Reply:
            lease = next(self._leases)
            try:
                await self._enter(lease, course.current())
                return await send(call)
            finally:
                self._ledger.leave(lease, self._allowance)  # in any case: an answer may have been on its way

        return counted

    async def _enter(self, lease: str, under_way: Course) -> None:
        """Waits a while for others, here or in another process, to end their calls."""
        started = now = self._clock()
        kept = self._kept.get(under_way.errand.lane, 0)
        until = min(under_way.until, started + _PATIENCE)
        while True:
            seconds = min(under_way.latest - now, _LONGEST_LEASE) + 1.0
            verdict = await self._ledger.enter(lease, self._allowance, kept=kept, seconds=seconds)
            if verdict is Verdict.SPENT:
                raise self._refused(QuotaExhausted, "its calls of 24 hours are used up")
            pause = 0.005 + self._random() * 0.045
            if verdict is Verdict.BUSY and self._clock() + pause >= until:
                raise self._refused(Throttled, "the account has as many calls under way as it may")
            if verdict is Verdict.BUSY:
                await asyncio.sleep(pause)
            now = self._clock()
            if verdict is Verdict.ADMITTED:
                under_way.queued += now - started
                return

    def _refused(self, kind: type[QuotaExhausted | Throttled], reason: str) -> QuotaExhausted | Throttled:
        return kind(f"`{self._source}` is not asked: {reason}", source=self._source, unsent=True)
