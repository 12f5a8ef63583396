"""Our own tables as facts of the graph: operations, approvals and exceptions, each with whose they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, Table, and_, or_, select

from sources.canonical import ApproverRole, Money, Operation, OperationApproval, OperationException, Record
from sources.errors import BadAsk, Unavailable
from sources.ours import CAPABILITIES, NAME
from sources.ports import Ask, Filter, Page, Position, Reading, Report, Rows
from sources.store import lendings
from sources.store.approvals import Decision, approvals
from sources.store.errors import StoreAway
from sources.store.exceptions import Resolution, Status, exceptions
from sources.store.grounds import grounds
from sources.store.lendings import Lending
from sources.store.operations import Outcome, State, operations
from sources.store.store import Store

_TABLES: dict[type[Record], Table] = {
    Operation: operations,
    OperationApproval: approvals,
    OperationException: exceptions,
}
_ORDERS = {Operation: "accepted_at", OperationApproval: "expires_at", OperationException: "due_at"}
_OF_OPERATION = {"account_key": "account", "legal_entity": "entity", "mutation": "mutation"}
_MOST = 1_000  # rows of a list that nobody bounded


class Facts:
    """Reads our tables as a connector's reader does; see `sources.ours`. `clock` says when it was read."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    async def read(self, ask: Ask) -> Reading:
        """See `sources.ports.Connector.read`. Raises Unavailable where our database does not answer, BadAsk."""
        if (ask.record, ask.by) not in CAPABILITIES:
            raise BadAsk(f"`{ask.record.__name__}` is not found by `{ask.by}` here")
        began = time.perf_counter()
        try:
            rows = await self._store.read(_read, ask, self._clock())
        except StoreAway as error:
            raise Unavailable(str(error), source=NAME) from error
        report = Report(NAME, calls=1, milliseconds=(time.perf_counter() - began) * 1000)
        return Reading(rows, report)


def _read(connection: Connection, ask: Ask, now: datetime) -> dict[str, Rows]:
    if ask.by == "list":
        return {"": _page(connection, ask, now)}
    table = _TABLES[ask.record]
    column = table.c.operation_id if ask.by == "operation" else table.c.id
    order = table.c[_ORDERS[ask.record]]
    found = _made(connection, ask.record, _joined(table).where(column.in_(ask.keys)).order_by(order, table.c.id), now)
    rows: dict[str, Rows] = {}
    for record in found:
        key = record.operation_key if ask.by == "operation" else record.key
        rows.setdefault(key, Rows([])).records.append(record)  # type: ignore[attr-defined]
    return rows


def _page(connection: Connection, ask: Ask, now: datetime) -> Rows:
    table, page = _TABLES[ask.record], ask.page
    first = min(page.first or _MOST, _MOST)
    query = _ordered(_joined(table).where(*(_met(table, each) for each in page.filters)), table, page, ask.record)
    found = _made(connection, ask.record, query.limit(first + 1), now)
    order, more = _ORDERS[ask.record], len(found) > first
    places = [Position(getattr(each, order).isoformat(), each.key) for each in found[:first]]
    return Rows(found[:first], more, places[-1] if more else None, positions=places if page.first is not None else ())


def _joined(table: Table) -> Select[Any]:
    """Rows with the operation they belong to and who asked for it."""
    joined = table.outerjoin(grounds, grounds.c.operation_id == operations.c.id)
    if table is not operations:
        joined = table.outerjoin(operations, operations.c.id == table.c.operation_id).outerjoin(
            grounds, grounds.c.operation_id == operations.c.id
        )
    whose = [operations.c[name].label(f"of_{name}") for name in ("account", "entity", "mutation", "caller")]
    return select(table, grounds.c.person, *whose).select_from(joined)


def _ordered(query: Select[Any], table: Table, page: Page, record: type[Record]) -> Select[Any]:
    """In the one order there is, from where the page goes on."""
    column, key, descending = table.c[_ORDERS[record]], table.c.id, record is Operation
    if page.after is not None and page.after.value is not None:
        at = datetime.fromisoformat(page.after.value)
        behind = column < at if descending else column > at
        query = query.where(or_(behind, and_(column == at, key > page.after.key)))
    return query.order_by(column.desc() if descending else column, key)


def _met(table: Table, asked: Filter) -> Any:
    """One condition, on the row or on its operation."""
    if asked.field == "person":
        column: Any = grounds.c.person
    elif asked.field in _OF_OPERATION:
        column = operations.c[_OF_OPERATION[asked.field]]
    else:
        column = table.c[asked.field]
    comparisons: dict[str, Callable[[Any], Any]] = {
        "in": lambda value: column.in_(list(value)),
        "eq": lambda value: column == value,
        "lt": lambda value: column < value,
        "gte": lambda value: column >= value,
    }
    return comparisons[asked.op](asked.value)


# -------------------------------------------------------------------------------------------------------- records


def _made(connection: Connection, record: type[Record], query: Select[Any], now: datetime) -> list[Any]:
    rows = connection.execute(query).mappings().all()
    if record is OperationException:
        return [_exception(row, now) for row in rows]
    lent = [each for each in lendings.since(connection, now) if each.since <= now]
    if record is OperationApproval:
        return [_approval(row, lent, now) for row in rows]
    ids = [row["id"] for row in rows]
    asked, raised = _asked(connection, ids), _raised(connection, ids)
    return [_operation(row, asked.get(row["id"], set()), raised.get(row["id"], set()), lent, now) for row in rows]


def _asked(connection: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    """The roles that were asked to approve each operation."""
    found: dict[str, set[str]] = {}
    asked = select(approvals.c.operation_id, approvals.c.role, approvals.c.evidence)
    for operation, role, evidence in connection.execute(asked.where(approvals.c.operation_id.in_(ids))):
        found.setdefault(operation, set()).update({role, *(each.role for each in approvers(evidence))})
    return found


def _raised(connection: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    """The roles that an exception of each operation was put before."""
    found: dict[str, set[str]] = {}
    raised = select(exceptions.c.operation_id, exceptions.c.owner, exceptions.c.escalated_to)
    for operation, *owners in connection.execute(raised.where(exceptions.c.operation_id.in_(ids))):
        found.setdefault(operation, set()).update(filter(None, owners))
    return found


def _stand_ins(roles: Collection[str], lent: Sequence[Lending]) -> tuple[str, ...]:
    """The persons to whom one of these roles is lent now."""
    return tuple(sorted({each.receiver for each in lent if not set(roles).isdisjoint(each.roles)}))


def _whose(row: RowMapping, key: str, now: datetime) -> dict[str, Any]:
    return {
        "key": key,
        "source": NAME,
        "source_id": key,
        "as_of": now,
        "account_key": row["of_account"] or "",
        "legal_entity": row["of_entity"],
    }


def _same(row: RowMapping, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _operation(
    row: RowMapping, asked: Collection[str], raised: Collection[str], lent: Sequence[Lending], now: datetime
) -> Operation:
    same = ("mutation", "reason", "human", "correlation_id", "accepted_at", "updated_at", "ended_at", "version")
    return Operation(
        **_whose(row, row["id"], now),
        **_same(row, *same),
        state=State(row["state"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        amount=Money(row["amount_minor"], row["currency"]) if row["currency"] else None,
        asked_by=row["caller"],
        person=row["person"] or row["caller"],
        lies_with=tuple(sorted({*asked, *raised})),
        stand_ins=_stand_ins(asked, lent),
    )


class _Evidence(msgspec.Struct):
    """What of an approval's evidence is shown by itself."""

    input: Any = None
    amount: Money | None = None
    figures: dict[str, Any] = {}
    flags: dict[str, Any] = {}
    reasons: tuple[str, ...] = ()
    approvers: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    instruction: Any = None


def _approval(row: RowMapping, lent: Sequence[Lending], now: datetime) -> OperationApproval:
    shown = msgspec.json.decode(row["evidence"], type=_Evidence)
    same = ("tier", "rule", "role", "asked_by", "human", "asked_at", "expires_at", "evidence_hash")
    answered = ("decided_by", "decided_at", "reason")
    asked = approvers(row["evidence"])
    roles = {row["role"], *(each.role for each in asked)}
    return OperationApproval(
        **_whose(row, row["id"], now),
        **_same(row, *same, *answered),
        operation_key=row["operation_id"],
        mutation=row["of_mutation"],
        person=row["human"] or row["asked_by"],
        lies_with=tuple(sorted(roles)),
        stand_ins=_stand_ins(roles, lent),
        approvers=asked,
        amount=shown.amount,
        figures=shown.figures,
        flags=shown.flags,
        reasons=shown.reasons,
        input=shown.input if shown.instruction is None else shown.instruction,
        decision=Decision(row["decision"]),
    )


def approvers(evidence: str) -> tuple[ApproverRole, ...]:
    """The roles that may answer a question, as they were frozen with it."""
    found: Iterable[Any] = msgspec.json.decode(evidence, type=_Evidence).approvers
    return tuple(ApproverRole(role, persons, attached) for role, persons, attached in found)


def _exception(row: RowMapping, now: datetime) -> OperationException:
    same = ("step", "kind", "owner", "reason", "assignee", "opened_at", "answer_due_at", "due_at", "answered_at")
    cleared = ("resolved_at", "resolved_by", "resolution_reason", "version")
    return OperationException(
        **_whose(row, row["id"], now),
        **_same(row, *same, *cleared),
        operation_key=row["operation_id"],
        person=row["person"],
        lies_with=tuple(sorted({row["owner"], row["escalated_to"] or row["owner"]})),
        details=msgspec.json.decode(row["details"]),
        status=Status(row["status"]),
        resolution=Resolution(row["resolution"]) if row["resolution"] else None,
    )
