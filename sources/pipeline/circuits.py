"""Circuits: that of a source's reads and that of its writes, and what they have a call go through.

They look at a call twice: before it queues, so that an open circuit refuses at once; and when its turn has come, so
that what queued before the circuit opened is not sent either, and waiting for a turn is not taken for slowness.

Reads that are still pending as their circuit opens are given up: those who ask, and whoever has joined them, get what
the next one gets, at once.

Only reads are probes: a write that is lost may need a person to find out what became of it. So where the circuit of
writes is open, nothing is written as long as reads are not answered. Once they are, one write at a time goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from sources import credentials
from sources.alarms import Alarms
from sources.errors import CircuitOpen, SourceError, Unauthorised
from sources.pipeline import course
from sources.pipeline.breaker import Breaker, Ticket
from sources.pipeline.course import Course
from sources.pipeline.probes import Probes
from sources.ports import Call, Effect, Reply, Send
from sources.settings import BreakerSettings


class Circuits:
    """The two circuits of a source."""

    def __init__(
        self,
        reads: Breaker,
        writes: Breaker,
        settings: BreakerSettings,
        *,
        clock: Callable[[], float],
        alarms: Alarms,
    ) -> None:
        self.reads, self.writes = reads, writes
        self.probes = Probes(reads, settings, clock=clock, alarms=alarms)
        self._clock, self._alarms = clock, alarms
        self._pending: dict[Ticket, asyncio.Task[object]] = {}  # reads that are no probes

    def gate(self, send: Send) -> Send:
        """The first look: an open circuit refuses before anything waits."""

        async def admitted(call: Call) -> Reply:
            if call.effect is Effect.READ:
                if self.reads.state != "closed":
                    return await self.probes.instead(call)
            elif (refused := self._unwritten()) is not None:
                raise refused
            return await send(call)

        return admitted

    def watch(self, send: Send) -> Send:
        """The second look: a call is sent only while it may be, and how it goes is counted."""

        async def watched(call: Call) -> Reply:
            under_way = course.current()
            breaker = self.reads if call.effect is Effect.READ else self.writes
            ticket = under_way.ticket  # of a probe
            if ticket is None:
                ticket = breaker.enter() if breaker.state == "closed" else self._enter_open(call, breaker)
            alarm = self._alarms.at(self._clock() + breaker.slow_after, partial(self._late, breaker, ticket))
            under_way.sent = True
            try:
                reply = await (
                    send(call) if breaker is self.writes or ticket.probe else self._until_open(send, call, ticket)
                )
            except SourceError as error:
                breaker.failed(ticket, error, barred=_bars(error))
                self._note(call, under_way)
                self._give_up()
                raise
            except BaseException:
                breaker.left(ticket)
                self._note(call, under_way)
                raise
            finally:
                self._alarms.stop(alarm)
            breaker.answered(ticket)
            return reply

        return watched

    async def _until_open(self, send: Send, call: Call, ticket: Ticket) -> Reply:
        """A read, given up where the circuit opens meanwhile: raises CircuitOpen then."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the deadline has seen to it
        before = task.cancelling()
        self._pending[ticket] = task
        try:
            return await send(call)
        except asyncio.CancelledError:
            if ticket in self._pending or task.cancelling() - 1 > before:  # somebody else gives it up
                raise
        finally:
            if self._pending.pop(ticket, None) is None:
                task.uncancel()
        raise self.reads.refused()

    def _late(self, breaker: Breaker, ticket: Ticket) -> None:
        breaker.slow(ticket)
        self._give_up()

    def _give_up(self) -> None:
        """Ends the reads that are pending, where the circuit has opened."""
        if self._pending and self.reads.state != "closed":
            pending, self._pending = self._pending, {}
            for task in pending.values():
                task.cancel()

    def _enter_open(self, call: Call, breaker: Breaker) -> Ticket:
        """A call that queued before the circuit opened, or the one write that may go. Raises CircuitOpen."""
        if call.effect is Effect.READ:
            self.probes.note(call)
            raise breaker.refused()
        if (refused := self._unwritten()) is not None:
            raise refused
        return breaker.enter()

    def _unwritten(self) -> CircuitOpen | None:
        """Why nothing is written now; None: it may be."""
        if self.writes.state == "closed":
            return None
        if self.reads.state == "closed":
            return self.writes.refusal()
        self.probes.nudge()
        return self.writes.refused()

    def _note(self, call: Call, under_way: Course) -> None:
        """Somebody wants to know: not so a probe, which would go on for ever."""
        if call.effect is Effect.READ and self.reads.state != "closed" and under_way.ticket is None:
            self.probes.note(call)


def _bars(error: SourceError) -> bool:
    """Whether the source refuses who we are, whatever is asked; 403 is about what was asked."""
    return isinstance(error, Unauthorised) and error.status != 403 and credentials.are_final()
