"""Reminding: at half of its time a question is called to mind; before that, and past their times, others are told."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from resolvers.desk.notice import OURSELVES, Notice, Tell, record
from resolvers.sagas.accept import Writes
from resolvers.sagas.concerns import Concern
from resolvers.sagas.room import Room
from sources.store import approvals, exceptions, handovers
from sources.store.approvals import Approval
from sources.store.errors import NoSuchRecord, StaleRecord, WrongState
from sources.store.exceptions import ExceptionItem
from sources.store.handovers import Kind
from sources.store.store import Transaction

_ESCALATES_AFTER = 3  # a third of a question's time: 8 of 24 hours
_REMINDS_AFTER = 2


async def approvals_remind(writes: Writes, tell: Tell) -> int:
    """After a third of its time a question is in the next approvers' queue too, at half all of them are reminded; how
    many notices. The answer stays theirs."""
    room, told = writes.room, 0
    for approval in await room.store.read(approvals.waiting):
        for notice in await room.write(_remind, room, approval):
            tell(notice)
            told += 1
    return told


def _remind(connection: Transaction, room: Room, approval: Approval) -> list[Notice]:
    now, lasts = room.clock(), approval.expires_at - approval.asked_at
    found: list[Notice] = []
    left = f"until {approval.expires_at.isoformat()}"
    if now >= approval.asked_at + lasts / _ESCALATES_AFTER:
        to = _next(approval)
        if approvals.escalate(connection, approval.id, to, now) and to is not None:
            found.append(_asked(approval, "ESCALATED", to, f"`{approval.role}` has not answered; {left}"))
    if now >= approval.asked_at + lasts / _REMINDS_AFTER and approvals.remind(connection, approval.id, now):
        roles = dict.fromkeys((approval.role, _next(approval) or approval.role))
        found += [_asked(approval, "REMINDED", role, f"an answer is waited for {left}") for role in roles]
    for notice in found:
        record(connection, room, notice, approval.operation_id)
    return found


def _next(approval: Approval) -> str | None:
    """The role of the next approver who is not asked already."""
    approvers = [role for role, _, _ in msgspec.json.decode(approval.evidence)["approvers"]]
    return next((role for role in approvers if role != approval.role), None)


def _asked(approval: Approval, what: str, role: str, message: str) -> Notice:
    return Notice(what=what, role=role, about=approval.id, operation=approval.operation_id, message=message)


async def exceptions_escalate(writes: Writes, tell: Tell) -> int:
    """What its owner did not answer, or not clear, in time is the next owner's too, with times of its own; how many."""
    room, told = writes.room, 0
    for late in await room.store.read(exceptions.late, room.clock()):
        try:
            notice = await room.store.transact(_escalate, room, late)
        except (NoSuchRecord, StaleRecord, WrongState):
            continue  # somebody has just changed it: the next round looks again
        tell(notice)
        told += 1
    return told


def _escalate(connection: Transaction, room: Room, late: ExceptionItem) -> Notice:
    now = room.clock()
    concern = Concern.read(late.owner, msgspec.json.decode(late.details) or {})
    to = concern.escalates_to if concern is not None else late.owner
    again = concern or Concern(to, timedelta(hours=4), timedelta(days=1), to)
    answer, clear = again.due(now)
    exceptions.escalate(connection, late.id, to, answer, clear, now, late.version)
    missed = "cleared" if late.due_at <= now else "answered"
    why = f"`{late.owner}` has not {missed} {late.kind} in time"
    handovers.note(connection, late.id, Kind.ESCALATED, OURSELVES, to, why, now)
    notice = Notice(what="ESCALATED", role=to, about=late.id, operation=late.operation_id, message=why)
    record(connection, room, notice, late.operation_id or late.id)
    return notice
