"""Circuit breaker: stop calling a source that has stopped answering; one call at a time finds out if it is back."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Literal

import msgspec

from sources.errors import CircuitOpen, QuotaExhausted, SourceError, Unauthorised
from sources.pipeline.evidence import Evidence
from sources.pipeline.state import Circuit
from sources.settings import BreakerSettings

CircuitState = Literal["closed", "open", "half_open"]
_JITTER = 0.25  # of the time it stays open, taken off at random
_FEW = 3  # turns, below which all of them may well be taken by slow questions alone: once, but hardly twice in a row
_DAY = 86_400.0  # seconds; no quota is used up for longer, whatever a source says


class Transition(msgspec.Struct, frozen=True):
    """The circuit changed. `retry_in`: seconds until a probe may go, where it is open now."""

    state: CircuitState
    previous: CircuitState
    retry_in: float | None
    reason: str


class Ticket(msgspec.Struct, gc=False, eq=False):
    """A call on its way. What belongs to another epoch of the circuit is no evidence in this one. `late`: it is pending
    for longer than `slow`."""

    epoch: int
    probe: bool = False
    judged: bool = False
    late: bool = False


class Breaker:
    """The circuit of one source and one class of calls. Nothing here waits: `clock` says when it is. `turns` are the
    calls that can be under way at once: where all of them are late, the source hangs. `slow`: seconds after which the
    caller will say so of a call that is pending."""

    def __init__(
        self,
        source: str,
        settings: BreakerSettings,
        *,
        turns: int,
        clock: Callable[[], float],
        random: Callable[[], float],
        slow: float | None = None,
        changed: Callable[[Transition], None] = lambda _transition: None,
    ) -> None:
        self.slow_after = settings.slow if slow is None else slow
        self._source, self._settings, self._clock, self._random = source, settings, clock, random
        self._changed = changed
        self._evidence = Evidence(settings)
        self._turns = turns
        self._late = 0  # calls of this epoch that are pending and late
        self._answered_at = -inf  # when a call was answered last
        self._filled = 0  # times in a row that late calls have taken all turns, without an answer in between
        self.state: CircuitState = "closed"
        self.until = 0.0  # when the next probe may go
        self._streak = 0  # times it has opened since it was last closed
        self._epoch = 0
        self._probing = False
        self._barred = False  # open because the source refuses who we are

    def refusal(self) -> CircuitOpen | None:
        """The error of a call that need not even wait; None: it may go on."""
        if self.state == "closed" or self.is_due():
            return None
        return self.refused()

    def enter(self) -> Ticket:
        """A call is about to be sent; raises CircuitOpen where it must not. Every ticket has to `leave`."""
        if self.state == "closed":
            return Ticket(self._epoch)
        if not self.is_due():
            raise self.refused()
        self._probing = True
        if self.state == "open":
            self._move("half_open", "the time to probe has come")
        return Ticket(self._epoch, probe=True)

    def slow(self, ticket: Ticket) -> None:
        """The call is still pending after `slow` seconds: that counts now, not when it ends."""
        if ticket.epoch == self._epoch and not ticket.judged:
            ticket.late = True
            self._late += 1
            self._filled += self._late >= self._turns
        self._judge(ticket, None, f"no answer after {self.slow_after:g} s", failed=True)

    def answered(self, ticket: Ticket) -> None:
        """The call brought an answer."""
        self._answered_at, self._filled = self._clock(), 0
        if ticket.probe or ticket.judged or ticket.epoch != self._epoch:
            self.left(ticket)
            self._judge(ticket, None, "a probe was answered", failed=False)
            return
        ticket.judged = True
        self._evidence.answered(self._clock())

    def failed(self, ticket: Ticket, error: SourceError, *, barred: bool = False) -> None:
        """The call failed. An error that says nothing about the source's health counts like an answer. `barred`: the
        source refuses who we are, and there are no other credentials."""
        self.left(ticket)
        barred = barred or (ticket.probe and self._barred and isinstance(error, Unauthorised))
        failed = error.sick or barred
        self._judge(ticket, error, error.code if failed else "a probe was answered", failed=failed, barred=barred)

    def left(self, ticket: Ticket) -> None:
        """The call was given up: that says nothing. A probe frees its place."""
        if ticket.probe:
            self._probing = False
        if ticket.late and ticket.epoch == self._epoch:
            self._late -= 1
            ticket.late = False

    def circuit(self) -> Circuit:
        """What there is to see."""
        now = self._clock()
        window = self._evidence.window
        window.forget(now)
        retry_in = max(0.0, self.until - now) if self.state == "open" else None
        return Circuit(self.state, window.calls, window.failures, retry_in)

    def is_due(self) -> bool:
        """Whether a probe may go now, where the circuit is not closed."""
        return not self._probing and self._clock() >= self.until

    def refused(self) -> CircuitOpen:
        """The error of a call that is not sent."""
        left = self.until - self._clock() if self.state == "open" else self.slow_after
        reason = "it refuses our credentials" if self._barred else "it has stopped answering well"
        return CircuitOpen(
            f"`{self._source}` is not asked: {reason}",
            source=self._source,
            retry_after=max(0.0, left),
            unsent=True,
        )

    def _judge(
        self, ticket: Ticket, error: SourceError | None, reason: str, *, failed: bool, barred: bool = False
    ) -> None:
        if ticket.judged or ticket.epoch != self._epoch:
            return
        ticket.judged = True
        if ticket.probe:
            if failed:
                self._open(error, reason, barred=barred, since=self.slow_after if ticket.late else 0.0)
            else:
                self._close(reason)
            return
        if not failed:
            self._evidence.answered(self._clock())
            return
        too_much = self._evidence.failed(self._clock(), slow=ticket.late)
        if too_much or self._hangs() or barred or isinstance(error, QuotaExhausted):
            self._open(error, reason, barred=barred)

    def _hangs(self) -> bool:
        """Whether late calls have taken all turns, or so many that an answer would have come in between."""
        if self._late >= self._turns:
            return self._turns >= _FEW or self._filled > 1
        silent = self._clock() - self._answered_at >= self.slow_after
        return silent and self._late >= max(_FEW, self._settings.calls)

    def _open(self, error: SourceError | None, reason: str, *, barred: bool, since: float = 0.0) -> None:
        """`since`: seconds for which it has been known already, so that a probe that hangs delays the next one no more
        than one that fails at once."""
        settings = self._settings
        seconds = min(settings.longest, settings.shortest * 2**self._streak) * (1 - _JITTER * self._random())
        seconds = max(0.0, seconds - since)
        if isinstance(error, QuotaExhausted):
            seconds = min(_DAY, settings.quota if error.retry_after is None else error.retry_after)
        self._streak = min(self._streak + 1, 32)
        self.until = self._clock() + seconds
        self._barred = barred
        self._turn_over("open", reason, seconds)

    def _close(self, reason: str) -> None:
        self._streak = 0
        self._barred = False
        self._evidence.window.clear()
        self._turn_over("closed", reason)

    def _turn_over(self, state: CircuitState, reason: str, retry_in: float | None = None) -> None:
        self._epoch += 1
        self._late = self._filled = 0
        self._move(state, reason, retry_in)

    def _move(self, state: CircuitState, reason: str, retry_in: float | None = None) -> None:
        previous, self.state = self.state, state
        self._changed(Transition(state, previous, retry_in, reason))
