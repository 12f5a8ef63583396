"""The pipeline of one source: its layers in their order around its transport.

telemetry > deadline > retry > circuits (gate) > bulkhead > quota > account > circuits (watch) > reading > transport

A probe, which is made beside those who ask, passes the same layers but for retry and the gate.
"""

from __future__ import annotations

import random as randomness
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from typing import Literal

from sources.alarms import Alarms
from sources.pipeline.account import Account
from sources.pipeline.breaker import Breaker, Transition
from sources.pipeline.bulkhead import Bulkhead
from sources.pipeline.circuits import Circuits
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
        # A call that has its turn never waits for a socket besides.
        concurrency = min(settings.concurrency, settings.connections)

        def breaker(kind: Literal["reads", "writes"], slow: float) -> Breaker:
            changed = partial(self._changed, kind)
            return Breaker(
                name, settings.breaker, turns=concurrency, clock=clock, random=random, slow=slow, changed=changed
            )

        self._reads = breaker("reads", settings.breaker.slow)
        self._writes = breaker("writes", settings.breaker.write_slow)
        alarms = Alarms(clock)
        circuits = Circuits(self._reads, self._writes, settings.breaker, clock=clock, alarms=alarms)
        self._bulkhead = Bulkhead(name, concurrency, settings.bulkhead, clock=clock, alarms=alarms)
        self._quota = Quota(name, settings.quota, clock=clock, random=random, limits=limits)
        whole: list[Layer] = [
            telemetry(name, self._statistics, self._observers, clock),
            deadline(name, settings.timeout, clock=clock, alarms=alarms),
        ]
        each: list[Layer] = [self._bulkhead.layer, self._quota.layer]
        if allowance is not None:
            ledger = ledger or MemoryLedger(clock)
            kept = reserves(settings.quota)
            each.append(Account(name, allowance, ledger, kept=kept, clock=clock, random=random).layer)
        each += [circuits.watch, partial(reading, heed=self._quota.heed if limits is not None else None)]
        once = stack(each, send)
        repeated: list[Layer] = [Retry(name, settings.retry, clock=clock, random=random).layer, circuits.gate]
        self.send: Send = stack([*whole, *repeated], once)
        circuits.probes.through(partial(stack, whole), once)
        self.close = circuits.probes.close

    @property
    def is_at_ease(self) -> bool:
        """Whether it may be asked for what perhaps nobody needs: its circuit is closed, and nobody waits for a turn."""
        return self._reads.state == "closed" and not self._bulkhead.is_queued

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
