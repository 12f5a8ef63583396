"""Circuit breaker: stop calling a source that has stopped answering, and let one call at a time find out if it is back.

It looks at a call twice: before it queues, so that an open circuit refuses at once, and when its turn has come, so that
what queued before the circuit opened is not sent either, and so that waiting for a turn is not taken for slowness.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from sources.errors import CircuitOpen, QuotaExhausted, SourceError
from sources.pipeline import course
from sources.pipeline.alarms import Alarms
from sources.pipeline.state import Circuit
from sources.pipeline.window import Window
from sources.ports import Call, Effect, Reply, Send
from sources.settings import BreakerSettings

CircuitState = Literal["closed", "open", "half_open"]
_JITTER = 0.25  # of the time it stays open, taken off at random


class Transition(msgspec.Struct, frozen=True):
    """The circuit changed. `retry_in`: seconds until a probe may go, where it is open now."""

    state: CircuitState
    previous: CircuitState
    retry_in: float | None
    reason: str


class Ticket(msgspec.Struct, gc=False):
    """A call on its way. What belongs to another epoch of the circuit is no evidence in this one."""

    epoch: int
    probe: bool = False
    judged: bool = False


class Breaker:
    """The circuit of one source and one class of calls. Nothing here waits: `clock` says when it is."""

    def __init__(
        self,
        source: str,
        settings: BreakerSettings,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        changed: Callable[[Transition], None] = lambda _transition: None,
    ) -> None:
        self._source, self._settings, self._clock, self._random = source, settings, clock, random
        self._changed = changed
        self._window = Window(settings.window)
        self._state: CircuitState = "closed"
        self._until = 0.0  # when the next probe may go
        self._streak = 0  # times it has opened since it was last closed
        self._epoch = 0
        self._probing = False

    def refusal(self) -> CircuitOpen | None:
        """The error of a call that need not even wait; None: it may go on."""
        if self._state == "closed" or self._is_due():
            return None
        return self._refused()

    def enter(self) -> Ticket:
        """A call is about to be sent; raises CircuitOpen where it must not. Every ticket has to `leave`."""
        if self._state == "closed":
            return Ticket(self._epoch)
        if not self._is_due():
            raise self._refused()
        self._probing = True
        if self._state == "open":
            self._move("half_open", "the time to probe has come")
        return Ticket(self._epoch, probe=True)

    def slow(self, ticket: Ticket) -> None:
        """The call is still pending after `slow` seconds: that counts now, not when it ends."""
        self._judge(ticket, None, f"no answer after {self._settings.slow:g} s", failed=True)

    def answered(self, ticket: Ticket) -> None:
        """The call brought an answer."""
        self._release(ticket)
        self._judge(ticket, None, "a probe was answered", failed=False)

    def failed(self, ticket: Ticket, error: SourceError) -> None:
        """The call failed. An error that says nothing about the source's health counts like an answer."""
        self._release(ticket)
        self._judge(ticket, error, error.code if error.sick else "a probe was answered", failed=error.sick)

    def left(self, ticket: Ticket) -> None:
        """The call was given up: that says nothing. A probe frees its place."""
        self._release(ticket)

    def circuit(self) -> Circuit:
        """What there is to see."""
        now = self._clock()
        self._window.forget(now)
        retry_in = max(0.0, self._until - now) if self._state == "open" else None
        return Circuit(self._state, self._window.calls, self._window.failures, retry_in)

    def _is_due(self) -> bool:
        return not self._probing and self._clock() >= self._until

    def _refused(self) -> CircuitOpen:
        left = self._until - self._clock() if self._state == "open" else self._settings.slow
        return CircuitOpen(
            f"`{self._source}` is not asked: it has stopped answering well",
            source=self._source,
            retry_after=max(0.0, left),
            unsent=True,
        )

    def _release(self, ticket: Ticket) -> None:
        if ticket.probe:
            self._probing = False

    def _judge(self, ticket: Ticket, error: SourceError | None, reason: str, *, failed: bool) -> None:
        if ticket.judged or ticket.epoch != self._epoch:
            return
        ticket.judged = True
        if ticket.probe and not failed:
            self._close(reason)
            return
        if not ticket.probe:
            self._window.add(self._clock(), failed)
        if failed and (ticket.probe or isinstance(error, QuotaExhausted) or self._is_too_much()):
            self._open(error, reason)

    def _is_too_much(self) -> bool:
        window, settings = self._window, self._settings
        return window.calls >= settings.calls and window.failures >= settings.share * window.calls

    def _open(self, error: SourceError | None, reason: str) -> None:
        settings = self._settings
        seconds = min(settings.longest, settings.shortest * 2**self._streak) * (1 - _JITTER * self._random())
        if isinstance(error, QuotaExhausted):
            seconds = settings.quota if error.retry_after is None else error.retry_after
        self._streak = min(self._streak + 1, 32)
        self._until = self._clock() + seconds
        self._epoch += 1
        self._move("open", reason, seconds)

    def _close(self, reason: str) -> None:
        self._streak = 0
        self._epoch += 1
        self._window.clear()
        self._move("closed", reason)

    def _move(self, state: CircuitState, reason: str, retry_in: float | None = None) -> None:
        previous, self._state = self._state, state
        self._changed(Transition(state, previous, retry_in, reason))


class Breakers:
    """The two circuits of a source: that of its reads and that of its writes."""

    def __init__(
        self, reads: Breaker, writes: Breaker, slow: float, *, clock: Callable[[], float], alarms: Alarms
    ) -> None:
        self.reads, self.writes, self._slow = reads, writes, slow
        self._clock, self._alarms = clock, alarms

    def gate(self, send: Send) -> Send:
        """The first look: an open circuit refuses before anything waits."""

        async def admitted(call: Call) -> Reply:
            breaker = self.reads if call.effect is Effect.READ else self.writes
            refused = breaker.refusal()
            if refused is not None:
                raise refused
            return await send(call)

        return admitted

    def watch(self, send: Send) -> Send:
        """The second look: a call is sent only while it may be, and how it goes is counted."""

        async def watched(call: Call) -> Reply:
            breaker = self.reads if call.effect is Effect.READ else self.writes
            ticket = breaker.enter()
            alarm = self._alarms.at(self._clock() + self._slow, partial(breaker.slow, ticket))
            course.current().sent = True
            try:
                reply = await send(call)
            except SourceError as error:
                breaker.failed(ticket, error)
                raise
            except BaseException:
                breaker.left(ticket)
                raise
            finally:
                self._alarms.stop(alarm)
            breaker.answered(ticket)
            return reply

        return watched
