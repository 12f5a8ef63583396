"""Grounds: what an operation was accepted on (roles, facts, decision), and the documents that it touches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)

from sources.canonical import Money
from sources.store.approvals import Decision, approvals
from sources.store.columns import Instant, canonical, metadata
from sources.store.errors import NoSuchRecord
from sources.store.exceptions import exceptions
from sources.store.handovers import Kind, handovers
from sources.store.operations import NO_EFFECT, operations
from sources.store.statements import Question, answers, insert_later

grounds = Table(
    "operation_grounds",
    metadata,
    Column("operation_id", String(64), ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
    Column("person", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Index("operation_grounds_person_idx", "person"),
)

documents = Table(
    "operation_documents",
    metadata,
    Column("operation_id", String(64), ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True),
    Column("document", String(255), primary_key=True),
)

_ASSIGNING = "assignException"
_LOCKING = text("SELECT pg_advisory_xact_lock(lock) FROM unnest(CAST(:locks AS bigint[])) AS lock")


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person did with an operation: `act` is ask or approve."""

    operation_id: str
    mutation: str
    act: str
    at: datetime
    documents: frozenset[str]


def keep(connection: Connection, operation_id: str, person: str, body: Any, touched: Iterable[str]) -> None:
    """Write down what an operation was accepted on. `person` is who asked, in the one spelling that is compared."""
    insert_later(connection, grounds, {"operation_id": operation_id, "person": person, "body": canonical(body)})
    touch(connection, operation_id, touched)


def touch(connection: Connection, operation_id: str, touched: Iterable[str]) -> None:
    """Note documents that an operation touches; those it is known to touch already stay."""
    rows = ({"operation_id": operation_id, "document": document} for document in sorted(set(touched)))
    insert_later(connection, documents, *rows, new=True)


def of_operation(connection: Connection, operation_id: str) -> str:
    """What an operation was accepted on, as JSON. Raises NoSuchRecord."""
    found = connection.execute(select(grounds.c.body).where(grounds.c.operation_id == operation_id)).scalar()
    if found is None:
        raise NoSuchRecord(f"operation `{operation_id}` has no grounds")
    return str(found)


def one_at_a_time(connection: Connection, names: Iterable[str]) -> None:
    """Let nobody else who gives one of these names go on until this transaction ends: what adds up must be added one
    after another. Whoever shares no name with it does not wait. SQLite has one writer anyway."""
    answers(connection, _alone(connection, names))


def _alone(connection: Connection, names: Iterable[str]) -> list[Question]:
    # In order, so that two that share several names do not wait for each other.
    locks = sorted({_lock(name) for name in names})
    return [(_LOCKING, {"locks": locks})] if locks and connection.dialect.name != "sqlite" else []


def _lock(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """Operations of a mutation that add up, without those that had no effect. `before`: only those accepted before
    (accepted_at, id). `person`: in the one spelling that is compared."""

    mutation: str
    since: datetime
    before: tuple[datetime, str] | None = None
    person: str | None = None
    account: str | None = None
    entity: str | None = None

    def question(self) -> Question:
        """As it is asked."""
        names = ("mutation", "since", "person", "account", "entity")
        asked = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.before is not None:
            asked["before"], asked["own"] = self.before
        return _summing(tuple(asked)), asked


class Harmless(msgspec.Struct, frozen=True):
    """The mutations of which it does not matter whether a person asked for them, or approved them, before a write. So
    somebody who has done the same a thousand times is judged as quickly as somebody new."""

    asked: frozenset[str] = frozenset()
    approved: frozenset[str] = frozenset()


class Weight(msgspec.Struct, frozen=True):
    """What a write is weighed with: of each sum how many there were and what they came to in each currency, and what
    its person did."""

    sums: list[tuple[int, dict[str, Money]]]
    deeds: list[Deed]


def weigh(
    connection: Connection,
    sums: Sequence[Sum],
    person: str,
    since: datetime,
    *,
    without: str = "",
    alone: Iterable[str] = (),
    harmless: Harmless = Harmless(),  # noqa: B008 - frozen
) -> Weight:
    """What was before a write, in one round trip: sums, and what a person did since an instant besides one operation
    and what is harmless. With `alone` see `one_at_a_time`: it is looked at once nobody else is at it."""
    first = _alone(connection, alone)
    did = _did(person, since, without, harmless)
    *summed, done = answers(connection, [*first, *(each.question() for each in sums), did])[len(first) :]
    return Weight([_summed(rows) for rows in summed], _told(connection, done))


def _summed(rows: Iterable[Sequence[Any]]) -> tuple[int, dict[str, Money]]:
    count, sums = 0, {}
    for currency, number, minor in rows:
        count += number
        if currency is not None:
            sums[currency] = Money(int(minor), currency)
    return count, sums


@lru_cache
def _summing(asked: tuple[str, ...]) -> Select[Any]:
    columns, at = operations.c, bindparam("before", type_=Instant)
    own = bindparam("own", type_=String)
    conditions: dict[str, ColumnElement[bool]] = {
        "mutation": columns.mutation == bindparam("mutation"),
        "since": columns.accepted_at >= bindparam("since"),
        "before": or_(columns.accepted_at < at, and_(columns.accepted_at == at, columns.id < own)),
        "person": grounds.c.person == bindparam("person"),
        "account": columns.account == bindparam("account"),
        "entity": columns.entity == bindparam("entity"),
    }
    query = select(columns.currency, func.count(), func.coalesce(func.sum(columns.amount_minor), 0))
    if "person" in asked:
        query = query.join(grounds, grounds.c.operation_id == columns.id)
    chosen = [condition for name, condition in conditions.items() if name in asked]
    chosen += [columns.state != state for state in sorted(NO_EFFECT)]
    return query.where(*chosen).group_by(columns.currency)


def deeds(connection: Connection, person: str, since: datetime, without: str = "") -> list[Deed]:
    """What a person asked for, approved and assigned since an instant, besides one operation."""
    return _told(connection, answers(connection, [_did(person, since, without)])[0])


def _did(person: str, since: datetime, without: str, harmless: Harmless = Harmless()) -> Question:  # noqa: B008 - frozen
    return _doing(harmless), {"person": person, "since": since, "without": without}


def _told(connection: Connection, found: Sequence[Sequence[Any]]) -> list[Deed]:
    touched = documents_of(connection, [row[0] for row in found])
    return [
        Deed(operation_id=each, mutation=mutation, act=act, at=at, documents=touched.get(each, frozenset()))
        for each, mutation, at, act in found
    ]


@lru_cache(maxsize=256)
def _doing(harmless: Harmless) -> CompoundSelect[Any]:
    columns = operations.c
    person, without = bindparam("person", type_=String), bindparam("without", type_=String)
    since = bindparam("since", type_=Instant)
    asked = (
        select(columns.id, columns.mutation, columns.accepted_at.label("at"), literal("ask").label("act"))
        .join(grounds, grounds.c.operation_id == columns.id)
        .where(grounds.c.person == person, columns.accepted_at >= since, columns.id != without)
        .where(*(columns.mutation != each for each in sorted(harmless.asked)))
    )
    approved = (
        select(columns.id, columns.mutation, approvals.c.decided_at.label("at"), literal("approve").label("act"))
        .join(approvals, approvals.c.operation_id == columns.id)
        .where(
            approvals.c.decided_by == person,
            approvals.c.decision == Decision.APPROVED,
            approvals.c.decided_at >= since,
            columns.id != without,
        )
        .where(*(columns.mutation != each for each in sorted(harmless.approved)))
    )
    if _ASSIGNING in harmless.asked:
        return union_all(asked, approved)
    assigned = (
        select(exceptions.c.operation_id, literal(_ASSIGNING), handovers.c.at.label("at"), literal("ask").label("act"))
        .join(handovers, handovers.c.exception_id == exceptions.c.id)
        .where(
            handovers.c.by == person,
            handovers.c.kind == Kind.ASSIGNED,
            handovers.c.at >= since,
            exceptions.c.operation_id != without,
        )
    )
    return union_all(asked, approved, assigned)


def documents_of(connection: Connection, operation_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """The documents that operations touch."""
    if not operation_ids:
        return {}
    rows = connection.execute(select(documents).where(documents.c.operation_id.in_(operation_ids)))
    found: dict[str, set[str]] = {}
    for operation_id, document in rows:
        found.setdefault(operation_id, set()).add(document)
    return {each: frozenset(touched) for each, touched in found.items()}


def linked(connection: Connection, touched: Iterable[str], without: str = "") -> frozenset[str]:
    """The operations that touch one of these documents."""
    wanted = sorted(set(touched))
    if not wanted:
        return frozenset()
    query = select(documents.c.operation_id).where(documents.c.document.in_(wanted))
    return frozenset(connection.execute(query.where(documents.c.operation_id != without)).scalars())
