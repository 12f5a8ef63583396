"""Looking again: what speaks against an operation that has waited for its start, before it becomes binding."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from resolvers.sagas.asking import asking
from resolvers.sagas.concerns import TECHNICAL
from resolvers.sagas.errands import errand
from resolvers.sagas.judge import Course, put_before, whose
from resolvers.sagas.outcome import CONCERNS, told
from resolvers.sagas.room import Room
from resolvers.sagas.saga import Finding, Look, Looked, State, Step
from sources.errors import SourceError
from sources.store import operations
from sources.store.steps import Direction, StepOutcome

_log = logging.getLogger("opsgraph.sagas")
AHEAD = timedelta(days=4)
"""How long before its start: the credit manager's two office days and a weekend, so that what is not cleared is
taken back by then."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """`known` is what the steps are made from now, as plain values."""

    course: Course
    known: Any = None


async def look(
    room: Room, looks: Look, made: State[Any, Any], number: int, step: Step, exception: str, *, last: bool
) -> Seen:
    """Looks once. What needs a person is opened as `exception`; so is, if it is the `last` try, what could not be
    read."""
    operation = await room.store.read(operations.find, made.operation)
    try:
        with errand(room.pace.longest, max_age=0.0), asking(await whose(room, operation)):
            found = await looks(room.read, made, room.clock())
    except SourceError as error:
        passes = told(error, None).outcome in (StepOutcome.TRANSIENT, StepOutcome.UNKNOWN)
        if passes and not last:
            return Seen(course=Course.LATER)
        owner = CONCERNS.get(error.code, TECHNICAL).owner
        found = Looked(findings=(Finding(code=error.code, message=error.message, owner=owner),), known=None)
    except Exception as error:  # a mistake of ours: a person has to see it
        _log.exception("`%s` cannot be looked at again before `%s`", made.operation, step.name)
        message = f"it cannot be looked at again: {type(error).__name__}: {error}"[:300]
        found = Looked(findings=(Finding(code="INTERNAL", message=message, owner=TECHNICAL.owner),), known=None)
    if found.findings:
        await room.write(_raise, room, made, number, step, found.findings, exception)
        return Seen(course=Course.ATTENTION)
    return Seen(course=Course.GO, known=msgspec.to_builtins(found.known))


def _raise(
    connection: Any,
    room: Room,
    made: State[Any, Any],
    number: int,
    step: Step,
    findings: Sequence[Finding],
    exception: str,
) -> None:
    about = {"step": step.name, "direction": Direction.DO}
    put_before(connection, room, made.operation, findings, exception, room.clock(), step=number, details=about)
