"""The pipeline of one source: its layers in their order around its transport.

telemetry > deadline > retry > breaker (gate) > bulkhead > quota > account > breaker (watch) > reading > transport
"""

from __future__ import annotations

import random as randomness
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import Literal

from sources.pipeline.account import Account
from sources.pipeline.alarms import Alarms
from sources.pipeline.breaker import Breaker, Breakers, Transition
from sources.pipeline.bulkhead import Bulkhead
from sources.pipeline.deadline import deadline
from sources.pipeline.ledger import Ledger, MemoryLedger
from sources.pipeline.quota import Quota, reserves
from sources.pipeline.reading import reading
from sources.pipeline.retry import Retry
from sources.pipeline.state import State
from sources.pipeline.statistics import Statistics
from sources.pipeline.telemetry import Changed, Observer, announce, telemetry
from sources.ports import Allowance, Layer, Limit, Send
from sources.settings import SourceSettings


def stack(layers: Sequence[Layer], send: Send) -> Send:
    """`send` wrapped by `layers`, the first one outermost."""
    return reduce(lambda inner, layer: layer(inner), reversed(layers), send)


class Pipeline:
    """`send` is the transport's; `Pipeline.send` is what a connector gets.

    `limits` reads a vendor's limits from headers; `allowance` is what it allows an account over all processes, counted
    by `ledger` (without one: by this source alone). `clock` (seconds) is that of the running loop, `random` gives
    numbers in [0, 1).
    """

    def __init__(  # noqa: PLR0913 - all that a layer needs comes from outside, the clock and chance included
        self,
        name: str,
        settings: SourceSettings,
        send: Send,
        *,
        allowance: Allowance | None = None,
        limits: Callable[[Mapping[str, str]], Sequence[Limit]] | None = None,
        ledger: Ledger | None = None,
        observers: Sequence[Observer] = (),
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self.name, self._clock, self._observers = name, clock, tuple(observers)
        self._statistics = Statistics()
        self._reads, self._writes = (
            Breaker(name, settings.breaker, clock=clock, random=random, changed=partial(self._changed, kind))
            for kind in ("reads", "writes")
        )
        alarms = Alarms(clock)
        breakers = Breakers(self._reads, self._writes, settings.breaker.slow, clock=clock, alarms=alarms)
        # A call that has its turn never waits for a socket besides.
        concurrency = min(settings.concurrency, settings.connections)
        self._bulkhead = Bulkhead(name, concurrency, settings.bulkhead, clock=clock, alarms=alarms)
        self._quota = Quota(name, settings.quota, clock=clock, random=random, limits=limits)
        layers: list[Layer] = [
            telemetry(name, self._statistics, self._observers, clock),
            deadline(name, settings.timeout, clock=clock, alarms=alarms),
            Retry(name, settings.retry, clock=clock, random=random).layer,
            breakers.gate,
            self._bulkhead.layer,
            self._quota.layer,
        ]
        if allowance is not None:
            ledger = ledger or MemoryLedger(clock)
            kept = reserves(settings.quota)
            layers.append(Account(name, allowance, ledger, kept=kept, clock=clock, random=random).layer)
        layers += [breakers.watch, partial(reading, heed=self._quota.heed if limits is not None else None)]
        self.send: Send = stack(layers, send)

    def state(self) -> State:
        """What can be seen of it now; costs no call."""
        return State(
            self.name,
            self._reads.circuit(),
            self._writes.circuit(),
            self._bulkhead.queue(),
            self._statistics.latency(self._clock()),
            self._quota.limits(),
            self._quota.paused_for(),
            self._statistics.last_error,
        )

    def _changed(self, kind: Literal["reads", "writes"], change: Transition) -> None:
        event = Changed(self.name, kind, change.state, change.previous, change.retry_in, change.reason)
        announce(self._observers, event)
