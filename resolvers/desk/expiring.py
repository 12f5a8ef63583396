"""Expiring: what nobody answered in its time ends without effect; nothing is ever approved by waiting."""

from __future__ import annotations

from datetime import datetime

import msgspec

from resolvers.desk.counter import DESK_TIER
from resolvers.desk.notice import OURSELVES, Notice, Tell, record
from resolvers.sagas import notes
from resolvers.sagas.accept import Writes
from resolvers.sagas.concerns import Concern
from resolvers.sagas.instruction import ATTENTION, Action, Instruction
from resolvers.sagas.outcome import HOLD, LIMIT
from resolvers.sagas.room import Room
from resolvers.sagas.run import APPROVAL
from sources.durable import NoSuchRun
from sources.store import approvals, exceptions, operations
from sources.store.approvals import Approval
from sources.store.exceptions import ExceptionItem
from sources.store.operations import State
from sources.store.store import Transaction

_WAITING = (State.AWAITING_APPROVAL, State.RECEIVED)


async def approvals_expire(writes: Writes, tell: Tell) -> int:
    """Closes the questions whose time is over, and ends the operations that waited for them; how many questions.

    A question about an exception only closes: the exception stays with its owner.
    """
    lapsed, ended = await writes.room.write(_expire, writes.room)
    for approval in lapsed:
        tell(_notice(approval))
    for operation in ended:
        try:
            await writes.durable.signal(operation, APPROVAL, {}, key=f"{operation}:expired")
        except NoSuchRun:
            continue  # it never began, and has ended
    return len(lapsed)


def _expire(connection: Transaction, room: Room) -> tuple[list[Approval], list[str]]:
    now, ended = room.clock(), []
    lapsed = approvals.expire(connection, now)
    for approval in lapsed:
        record(connection, room, _notice(approval), approval.operation_id)
    for operation_id in dict.fromkeys(each.operation_id for each in lapsed if each.tier < DESK_TIER):
        if operations.find(connection, operation_id).state in _WAITING:
            approvals.withdraw(connection, operation_id, now)
            notes.end(connection, room.chain, operation_id, State.EXPIRED, "APPROVAL_EXPIRED", now)
            ended.append(operation_id)
    return lapsed, ended


def _notice(approval: Approval) -> Notice:
    return Notice(
        what="EXPIRED",
        role=approval.role,
        about=approval.id,
        operation=approval.operation_id,
        message=f"nobody answered what `{approval.asked_by}` asked until {approval.expires_at.isoformat()}",
    )


async def held_expire(writes: Writes) -> int:
    """Takes back what was held for credit, or beyond its limit, and not cleared in its time; how many were told to.

    Told once each: the run takes it back as it would for a person. Past the point of no return nothing expires.
    """
    room = writes.room
    now, told = room.clock(), 0
    for raised in await room.store.read(exceptions.of_kind, (HOLD, LIMIT), now):
        if raised.operation_id is None or not _over(raised, now) or not await _returns(writes, raised):
            continue
        why = f"not cleared by `{raised.owner}` in its time"
        instruction = Instruction(action=Action.COMPENSATE, by=OURSELVES, reason=why, exception=raised.id, expired=True)
        key = f"{raised.id}:expired"
        await writes.durable.signal(raised.operation_id, ATTENTION, instruction, key=key)
        told += 1
    return told


def _over(raised: ExceptionItem, now: datetime) -> bool:
    """Whether the owner's own time is over; a time that escalating added does not count."""
    concern = Concern.read(raised.owner, msgspec.json.decode(raised.details) or {})
    return concern is not None and concern.due(raised.opened_at)[1] <= now


async def _returns(writes: Writes, raised: ExceptionItem) -> bool:
    operation = await writes.room.store.read(operations.find, str(raised.operation_id))
    saga = writes.sagas.get(operation.mutation)
    if saga is None:
        return False
    pivot = next((number for number, step in enumerate(saga.steps, 1) if step.pivot), len(saga.steps))
    return operation.state is State.NEEDS_ATTENTION and (raised.step or 0) <= pivot
