"""Telemetry: tell whoever watches how each call went and when a circuit changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from sources.errand import Lane
from sources.errors import SourceError
from sources.pipeline import course
from sources.pipeline.course import Course
from sources.pipeline.outcome import is_answer
from sources.pipeline.statistics import Statistics
from sources.ports import Call, Effect, Layer, Reply, Send

_log = logging.getLogger(__name__)
OK, CANCELLED, MISTAKE = "OK", "CANCELLED", "INTERNAL"


class Called(msgspec.Struct, frozen=True, gc=False):
    """A call ended. `attempts` are sendings, also those refused on the way; `outcome` is OK, CANCELLED or the public
    code of an error; `queued_ms` of the `milliseconds` were spent waiting for a turn."""

    source: str
    operation: str
    effect: Effect
    lane: Lane
    attempts: int
    milliseconds: float
    outcome: str
    queued_ms: float


class Changed(msgspec.Struct, frozen=True):
    """A circuit changed its state. `retry_in`: seconds until a probe may go, where it is open now."""

    source: str
    kind: Literal["reads", "writes"]
    state: str
    previous: str
    retry_in: float | None
    reason: str


class Observer(Protocol):
    """Watches and never interferes: what it raises is logged and forgotten."""

    def called(self, event: Called) -> None:
        """A logical call, with all its attempts, has ended."""
        ...

    def circuit(self, event: Changed) -> None:
        """A circuit changed."""
        ...


def announce(observers: Sequence[Observer], event: Called | Changed) -> None:
    """Tells every observer, whatever becomes of the others."""
    for observer in observers:
        try:
            if isinstance(event, Called):
                observer.called(event)
            else:
                observer.circuit(event)
        except Exception:
            _log.exception("an observer of `%s` failed: its report of this event is lost", event.source)


def telemetry(source: str, statistics: Statistics, observers: Sequence[Observer], clock: Callable[[], float]) -> Layer:
    """The outermost layer: begins a call's course, counts it and tells of it. An error that names no source gets it."""

    def layer(send: Send) -> Send:
        def ended(call: Call, under_way: Course, started: float, now: float, outcome: str) -> None:
            announce(
                observers,
                Called(
                    source,
                    call.operation,
                    call.effect,
                    under_way.errand.lane,
                    under_way.attempts,
                    (now - started) * 1000,
                    outcome,
                    under_way.queued * 1000,
                ),
            )

        def failed(error: BaseException, under_way: Course, started: float, now: float) -> str:
            retries = max(0, under_way.attempts - 1)
            if not isinstance(error, SourceError):
                return MISTAKE if isinstance(error, Exception) else CANCELLED
            error.source = error.source or source
            if error.unsent and not under_way.sent:
                statistics.refused(now, retries)
            elif is_answer(error):
                statistics.answered(now, now - started, retries)
            else:
                statistics.failed(now, now - started, retries, error.code)
            return error.code

        async def observed(call: Call) -> Reply:
            under_way = course.begin()
            started = clock()
            try:
                reply = await send(call)
            except BaseException as error:
                now = clock()
                outcome = failed(error, under_way, started, now)
                if observers:
                    ended(call, under_way, started, now, outcome)
                raise
            now = clock()
            statistics.answered(now, now - started, under_way.attempts - 1)
            if observers:
                ended(call, under_way, started, now, OK)
            return reply

        return observed

    return layer
