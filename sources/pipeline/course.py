"""The course of one call: what its layers note on the way, for those above them and for telemetry."""

from __future__ import annotations

from contextvars import ContextVar
from math import inf

import msgspec

from sources import errand
from sources.errand import Errand
from sources.pipeline.breaker import Ticket


class Course(msgspec.Struct, gc=False):
    """`until` is on the pipeline's clock: when the call has to have ended; of a write that was sent, `latest`.

    `attempts` counts sendings, also those that were refused on the way; `queued` (seconds) is what was spent waiting
    for a turn. `sent`: something may have reached the source that no answer has settled. `ticket`: of a probe, that
    of its circuit.
    """

    errand: Errand
    until: float = inf
    latest: float = inf
    attempts: int = 0
    queued: float = 0.0
    sent: bool = False
    ticket: Ticket | None = None


_current: ContextVar[Course | None] = ContextVar("course", default=None)


def begin() -> Course:
    """A new course, of the call that is now made on behalf of the current errand."""
    course = Course(errand.current())
    _current.set(course)
    return course


def current() -> Course:
    """The course of the call under way."""
    return _current.get() or begin()
