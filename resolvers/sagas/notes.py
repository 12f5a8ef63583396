"""Notes: what an operation's steps, ends and exceptions leave in the store, each with its audit record, at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from resolvers.sagas.concerns import Concern
from resolvers.sagas.outcome import Told
from sources.store import audit, exceptions, grounds, operations, steps, switches
from sources.store.audit import Event
from sources.store.errors import WrongState
from sources.store.exceptions import Finding, Resolution, Status
from sources.store.operations import ENDED, Operation, State
from sources.store.steps import Attempt, Direction, StepOutcome

STARTS_LATER = "STARTS_LATER"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A step about to be tried, and the command it sends as plain values, for the record."""

    attempt: Attempt
    action: str
    command: Any
    concern: Concern | None = None


def begin(connection: Any, attempt: Attempt, sources: frozenset[str], now: datetime) -> switches.Pause | None:
    """Note that a step is being tried, and bring its operation back to work; the pause that holds it, if one does."""
    operation = operations.find(connection, attempt.operation_id)
    pause = switches.holding(switches.paused(connection), operation.mutation, sources)
    if pause is None:
        steps.begin(connection, attempt, now)
        at_work = _at_work(attempt.direction)
        if operation.state is not at_work:
            operations.move(connection, operation.id, at_work, now)
        elif operation.reason is not None:
            operations.say(connection, operation.id, None, now)
    return pause


def waits(connection: Any, operation_id: str, until: datetime, now: datetime) -> None:
    """Say until when an operation waits for its start, while that is to come."""
    why = f"{STARTS_LATER}: it begins at {until.isoformat()} and can be called back until then"
    if operations.find(connection, operation_id).state is State.RUNNING:
        operations.say(connection, operation_id, why if now < until else None, now)
    else:
        operations.move(connection, operation_id, State.RUNNING, now, reason=why if now < until else None)


def _at_work(direction: Direction) -> State:
    return State.COMPENSATING if direction is Direction.UNDO else State.RUNNING


def finish(connection: Any, chain: str, tried: Tried, told: Told, now: datetime) -> None:
    """Note how a step ended, with the audit record of the write or of its refusal."""
    attempt = tried.attempt
    steps.finish(
        connection,
        attempt.operation_id,
        attempt.number,
        told.outcome,
        now,
        direction=attempt.direction,
        request_id=told.request_id,
        message=told.message,
    )
    operation = operations.find(connection, attempt.operation_id)
    if told.written is not None:
        kind = tried.action.rpartition(".")[2].lower()
        grounds.touch(connection, operation.id, [f"{kind}:{told.written.key}"])
    record(
        connection,
        chain,
        operation,
        now,
        action=tried.action,
        decision=told.outcome,
        reason=told.message,
        before=tried.command,
        after=told.written or {"code": told.code},
    )


def record(connection: Any, chain: str, operation: Operation, now: datetime, **said: Any) -> None:
    """One audit record about an operation; `said` is the rest of an audit event."""
    event = Event(
        **{
            "actor": operation.caller,
            "human": operation.human,
            "subject": operation.id,
            "correlation_id": operation.correlation_id,
        }
        | said
    )
    audit.append(connection, chain, event, now)


def attention(
    connection: Any, chain: str, tried: Tried, told: Told, exception_id: str, concern: Concern, now: datetime
) -> None:
    """Put an operation into its owner's hands."""
    attempt = tried.attempt
    raise_exception(
        connection,
        chain,
        attempt.operation_id,
        exception_id,
        concern,
        now,
        kind=told.code or "STEP_REFUSED",
        reason=told.message or "nobody said why",
        step=attempt.number,
        details={"step": attempt.name, "direction": attempt.direction, "source": told.source, "command": tried.command},
    )


def raise_exception(  # noqa: PLR0913 - an exception and whose it is
    connection: Any,
    chain: str,
    operation_id: str,
    exception_id: str,
    concern: Concern,
    now: datetime,
    *,
    kind: str,
    reason: str,
    step: int | None,
    details: dict[str, Any],
) -> None:
    """Open an exception and say that its operation needs attention."""
    answer, clear = concern.due(now)
    finding = Finding(
        id=exception_id,
        kind=kind,
        owner=concern.owner,
        reason=reason,
        answer_due_at=answer,
        due_at=clear,
        operation_id=operation_id,
        step=step,
        details=details | concern.written(),
    )
    exceptions.open_exception(connection, finding, now)
    operation = operations.move(connection, operation_id, State.NEEDS_ATTENTION, now, reason=kind)
    said = {"action": "needsAttention", "decision": kind, "reason": reason, "after": {"owner": concern.owner}}
    record(connection, chain, operation, now, **said)


def resolved(
    connection: Any, chain: str, operation_id: str, exception_id: str, how: Resolution, by: str, why: str, now: datetime
) -> None:
    """Clear an exception, unless somebody did."""
    known = exceptions.find(connection, exception_id)
    if known.status is not Status.RESOLVED:
        exceptions.resolve(connection, exception_id, how, by, why, now)
    operation = operations.find(connection, operation_id)
    said = {"actor": by, "human": None, "action": "resolveException", "decision": how, "reason": why}
    record(connection, chain, operation, now, **said)


def skipped(connection: Any, operation_id: str, number: int, direction: Direction, reason: str, now: datetime) -> None:
    """A person goes on without a step."""
    steps.finish(connection, operation_id, number, StepOutcome.SKIPPED, now, direction=direction, message=reason)


def end(connection: Any, chain: str, operation_id: str, state: State, reason: str | None, now: datetime) -> State:
    """Say how an operation ended, once; where it ended before, that stands."""
    known = operations.find(connection, operation_id)
    if known.state in ENDED:
        return known.state
    try:
        operation = operations.move(connection, operation_id, state, now, reason=reason)
    except WrongState:
        # Taken back by way of an exception: it is at the way back first.
        operations.move(connection, operation_id, State.COMPENSATING, now)
        operation = operations.move(connection, operation_id, state, now, reason=reason)
    record(connection, chain, operation, now, action=operation.mutation, decision=state, reason=reason)
    return operation.state
