"""Operations looked at together: lists for people, what was left lying, what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from sources.canonical import Money
from sources.store.approvals import Decision, approvals
from sources.store.exceptions import Status, exceptions
from sources.store.operations import ENDED, NO_EFFECT, Operation, State, operations, record


def page(
    connection: Connection,
    *,
    states: Sequence[State] = (),
    mutation: str | None = None,
    caller: str | None = None,
    account: str | None = None,
    entity: str | None = None,
    after: tuple[datetime, str] | None = None,
    first: int = 50,
) -> list[Operation]:
    """Operations, newest first; `after` is the (accepted_at, id) of the last one seen."""
    columns = operations.c
    wanted = {"mutation": mutation, "caller": caller, "account": account, "entity": entity}
    query = select(operations).where(*(columns[name] == value for name, value in wanted.items() if value is not None))
    if states:
        query = query.where(columns.state.in_(states))
    if after:
        at, key = after
        query = query.where(or_(columns.accepted_at < at, and_(columns.accepted_at == at, columns.id < key)))
    found = connection.execute(query.order_by(columns.accepted_at.desc(), columns.id.desc()).limit(first))
    return [record(row) for row in found.mappings()]


def unstarted(connection: Connection, before: datetime, first: int = 100) -> list[Operation]:
    """Operations received before an instant that nothing has moved since: their saga must be started again."""
    columns = operations.c
    query = select(operations).where(columns.state == State.RECEIVED, columns.updated_at < before)
    return [record(row) for row in connection.execute(query.order_by(columns.accepted_at).limit(first)).mappings()]


def total(
    connection: Connection,
    mutation: str,
    currency: str,
    since: datetime,
    *,
    caller: str | None = None,
    account: str | None = None,
) -> Money:
    """What a mutation's operations come to since an instant, those without effect left out: for cumulative guards."""
    columns = operations.c
    wanted = {"caller": caller, "account": account}
    query = select(func.coalesce(func.sum(columns.amount_minor), 0)).where(
        columns.mutation == mutation,
        columns.currency == currency,
        columns.accepted_at >= since,
        columns.state.not_in(NO_EFFECT),
        *(columns[name] == value for name, value in wanted.items() if value is not None),
    )
    return Money(int(connection.execute(query).scalar_one()), currency)


class Waiting(msgspec.Struct, frozen=True):
    """How much is under way and waits: operations by state, exceptions by owner and whether they are late, questions by
    the role that was asked."""

    operations: dict[str, int]
    exceptions: dict[tuple[str, bool], int]
    approvals: dict[str, int]


def waiting(connection: Connection, now: datetime) -> Waiting:
    """What has not ended, counted."""
    state, owner, role = operations.c.state, exceptions.c.owner, approvals.c.role
    late = exceptions.c.due_at <= now
    under_way = select(state, func.count()).where(state.in_([each for each in State if each not in ENDED]))
    raised = select(owner, late, func.count()).where(exceptions.c.status != Status.RESOLVED)
    asked = select(role, func.count()).where(approvals.c.decision == Decision.PENDING)
    return Waiting(
        dict(connection.execute(under_way.group_by(state)).all()),
        {(each, bool(over)): count for each, over, count in connection.execute(raised.group_by(owner, late))},
        dict(connection.execute(asked.group_by(role)).all()),
    )
