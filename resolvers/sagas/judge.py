"""Judges an operation before it begins: what is known now, what the rules of now say, and who has approved it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from policies.writes.ask import FORBIDDEN, NEEDS_APPROVAL, WriteDecision
from resolvers.sagas import notes
from resolvers.sagas.answer import refusals, stale
from resolvers.sagas.asking import Asking, asking
from resolvers.sagas.concerns import RECORDS, TECHNICAL, Concern
from resolvers.sagas.errands import errand
from resolvers.sagas.grounds import Asker, Grounds, Place, decided, evidence
from resolvers.sagas.outcome import CONCERNS, told
from resolvers.sagas.room import Room
from resolvers.sagas.saga import Facts, Finding, Saga
from sources.errors import BadAsk, SourceError
from sources.store import approvals, operations
from sources.store import grounds as kept
from sources.store.approvals import Approval, Decision, Question
from sources.store.columns import canonical
from sources.store.operations import ENDED, Operation, State
from sources.store.steps import StepOutcome

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_LAPSES = timedelta(hours=24)  # of an approval whose rule says nothing


class Course(StrEnum):
    """How an operation goes on from its judgement."""

    GO = "GO"
    WAIT = "WAIT"  # for approvals
    LATER = "LATER"  # something that must be known cannot be read
    ATTENTION = "ATTENTION"
    ENDED = "ENDED"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The judgement, and what the steps are made from. `wait`: seconds until an approval lapses."""

    course: Course
    state: str = ""
    payload: str = ""
    correlation: str = ""
    at: datetime = _NEVER
    facts: Facts = Facts()
    wait: float = 0.0
    message: str | None = None


async def judge(room: Room, saga: Saga, operation_id: str, exception: str, *, last: bool) -> Judged:
    """Judges an operation anew. What needs a person is opened as `exception`; so is, if it is the `last` try, what
    could not be read."""
    operation = await room.store.read(operations.find, operation_id)
    if operation.state in ENDED:
        return Judged(course=Course.ENDED, state=operation.state)
    given = msgspec.json.decode(operation.payload, type=saga.input)
    try:
        # What was remembered was good enough to accept it, not to begin.
        with errand(room.pace.longest, max_age=0.0), asking(await whose(room, operation)):
            facts = await saga.gather(room.read, given, room.clock())
    except SourceError as error:
        unread = _unread(error, last=last)
        if unread is None:
            return Judged(course=Course.LATER, message=error.message)
        facts = unread
    except Exception as error:
        facts = _found("INTERNAL", f"it cannot be judged: {type(error).__name__}: {error}"[:300], "platform")
    return await room.write(_judged, room, operation_id, facts, exception)


async def whose(room: Room, operation: Operation) -> Asking:
    """For whom an operation is judged anew: whoever asked for it."""
    who = msgspec.json.decode(await room.store.read(kept.of_operation, operation.id), type=Grounds).asker
    return Asking(
        subject=who.subject,
        roles=who.roles,
        human=who.human,
        correlation=operation.correlation_id,
        operation=operation.id,
    )


def _unread(error: SourceError, *, last: bool) -> Facts | None:
    """What a source's failure means for what it should have told; None: it may pass."""
    if isinstance(error, BadAsk):
        return _found(error.code, error.message, None)
    said = told(error, None)
    if said.outcome in (StepOutcome.TRANSIENT, StepOutcome.UNKNOWN) and not last:
        return None
    if said.outcome is StepOutcome.PERMANENT:
        return _found(error.code, error.message, None)
    code = said.code or error.code
    return _found(code, error.message, CONCERNS.get(code, TECHNICAL).owner)


def _found(code: str, message: str, owner: str | None) -> Facts:
    return Facts(findings=(Finding(code=code, message=message, owner=owner),))


def _judged(connection: Any, room: Room, operation_id: str, facts: Facts, exception: str) -> Judged:
    now = room.clock()
    operation = operations.find(connection, operation_id)
    if operation.state in ENDED:
        return Judged(course=Course.ENDED, state=operation.state)
    wrong = refusals(facts)
    if wrong:
        return _ended(connection, room, operation_id, State.REJECTED, said(wrong))
    if facts.findings:
        return _attention(connection, room, operation, facts.findings, exception, now)
    grounds = msgspec.json.decode(kept.of_operation(connection, operation_id), type=Grounds)
    changed = stale(grounds.expected, facts)
    if changed:
        return _ended(connection, room, operation_id, State.REJECTED, said(changed))
    kept.touch(
        connection, operation_id, set(facts.documents) - set(grounds.facts.documents)
    )  # not for the asker to see
    place = Place(operation_id, operation.accepted_at)
    decision = decided(connection, room.rules(), operation.mutation, grounds.asker, facts, place, begins=True)
    if decision.outcome == FORBIDDEN:
        why = ", ".join(f"{reason.code} {reason.about}" for reason in decision.reasons)
        return _ended(connection, room, operation_id, State.REJECTED, f"FORBIDDEN: {why}")
    if decision.outcome == NEEDS_APPROVAL:
        asked = ask(connection, operation, grounds.asker, facts, decision, now)
        waiting = _answered(connection, room, operation_id, asked, now)
        if waiting is not None:
            return waiting
    operations.move(connection, operation_id, State.RUNNING, now)
    return Judged(
        course=Course.GO,
        payload=operation.payload,
        correlation=operation.correlation_id,
        at=now,
        facts=facts,
    )


def ask(
    connection: Any, operation: Operation, asker: Asker, facts: Facts, decision: WriteDecision, now: datetime
) -> list[Approval]:
    """Asks everybody whom it takes, or finds what the same evidence was asked for before."""
    shown = evidence(operation.mutation, operation.payload, facts, decision)
    mark = hashlib.sha256(canonical(shown).encode()).hexdigest()[:12]
    return [
        approvals.ask(
            connection,
            Question(
                id=f"{operation.id}.{tier}.{mark}",
                operation_id=operation.id,
                rule=decision.rule,
                role=decision.approvers[0].role,
                asked_by=asker.subject.strip().casefold(),
                human=asker.person,
                expires_at=now + (decision.lapses or _LAPSES),
                evidence=shown,
                tier=tier,
            ),
            now,
        )
        for tier in range(1, decision.persons + 1)
    ]


def _answered(
    connection: Any, room: Room, operation_id: str, asked: Sequence[Approval], now: datetime
) -> Judged | None:
    """None where everybody has approved."""
    answers = {each.decision for each in asked}
    if Decision.REJECTED in answers:
        refused = next(each for each in asked if each.decision is Decision.REJECTED)
        approvals.withdraw(connection, operation_id, now)
        why = f"rejected by {refused.decided_by}: {refused.reason or 'no reason given'}"
        return _ended(connection, room, operation_id, State.REJECTED, why)
    if Decision.PENDING not in answers and Decision.EXPIRED not in answers:
        return None
    left = min((each.expires_at - now).total_seconds() for each in asked if each.decision is not Decision.APPROVED)
    if left <= 0 or Decision.EXPIRED in answers:
        approvals.expire(connection, now)
        approvals.withdraw(connection, operation_id, now)
        return _ended(connection, room, operation_id, State.EXPIRED, "APPROVAL_EXPIRED")
    operations.move(connection, operation_id, State.AWAITING_APPROVAL, now)
    return Judged(course=Course.WAIT, wait=left)


def _attention(
    connection: Any, room: Room, operation: Operation, findings: Sequence[Finding], exception: str, now: datetime
) -> Judged:
    put_before(connection, room, operation.id, findings, exception, now)
    return Judged(course=Course.ATTENTION)


def put_before(
    connection: Any,
    room: Room,
    operation_id: str,
    findings: Sequence[Finding],
    exception: str,
    now: datetime,
    *,
    step: int | None = None,
    details: Mapping[str, Any] = {},
) -> None:
    """Put findings before the owner of the first of them; `step` is the one that they keep from beginning."""
    first = findings[0]
    known: Concern = CONCERNS.get(first.code, RECORDS)
    concern = known if known.owner == first.owner else Concern(str(first.owner), known.answer, known.clear, "platform")
    notes.raise_exception(
        connection,
        room.chain,
        operation_id,
        exception,
        concern,
        now,
        kind=first.code,
        reason=said(findings),
        step=step,
        details={**details, "findings": msgspec.to_builtins(list(findings))},
    )


def _ended(connection: Any, room: Room, operation_id: str, state: State, reason: str) -> Judged:
    ended = notes.end(connection, room.chain, operation_id, state, reason, room.clock())
    return Judged(course=Course.ENDED, state=ended)


def said(findings: Sequence[Finding]) -> str:
    """Findings in one line."""
    return "; ".join(f"{each.code}: {each.message}" for each in findings)[:1000]
