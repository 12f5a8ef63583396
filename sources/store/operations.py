"""Operations: governed writes as their callers see them; one row each, accepted once per idempotency key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    select,
    update,
)

from sources.canonical import Money, OperationOutcome, OperationState
from sources.news import Topic
from sources.store import notices
from sources.store.columns import Instant, metadata
from sources.store.errors import IdempotencyMismatch, NoSuchRecord, StaleRecord, WrongState
from sources.store.statements import answers, bound, inserting, matching, values

State = OperationState
Outcome = OperationOutcome
ENDED = frozenset({State.COMPLETED, State.COMPENSATED, State.REJECTED, State.CANCELED, State.EXPIRED})
NO_EFFECT = frozenset({State.COMPENSATED, State.REJECTED, State.CANCELED, State.EXPIRED})

_NEXT: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset(State) - {State.RECEIVED, State.COMPENSATING, State.COMPENSATED},
    State.AWAITING_APPROVAL: frozenset(
        {State.RUNNING, State.NEEDS_ATTENTION, State.REJECTED, State.CANCELED, State.EXPIRED, State.COMPENSATING}
    ),
    State.RUNNING: frozenset(State) - {State.RECEIVED, State.RUNNING, State.COMPENSATED, State.EXPIRED},
    State.NEEDS_ATTENTION: frozenset(State) - {State.RECEIVED, State.NEEDS_ATTENTION, State.COMPENSATED},
    State.COMPENSATING: frozenset({State.NEEDS_ATTENTION, *NO_EFFECT}),
    **{ended: frozenset() for ended in ENDED},
}

operations = Table(
    "operations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("mutation", String(64), nullable=False),
    Column("caller", String(255), nullable=False),
    Column("human", String(255)),
    Column("idempotency_key", String(255)),
    Column("payload_hash", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("kept_until", Instant, nullable=False),
    Column("state", String(32), nullable=False),
    Column("outcome", String(32)),
    Column("reason", Text),
    Column("account", String(255)),
    Column("entity", String(64)),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("correlation_id", String(64), nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("version", Integer, nullable=False),
    UniqueConstraint("caller", "mutation", "idempotency_key", name="operations_idempotency_key"),
    CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="money"),
    Index("operations_accepted_idx", "accepted_at", "id"),
    Index("operations_state_idx", "state", "accepted_at"),
    Index("operations_account_idx", "account", "accepted_at"),
)


_FINDING = select(operations).where(operations.c.id == bound(operations.c.id))


def same_key() -> ColumnElement[bool]:
    """Whether an operation has the key that a statement is given."""
    columns = operations.c
    return and_(*matching(columns.caller, columns.mutation, columns.idempotency_key))


_BY_KEY = select(operations).where(same_key())


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for. `payload` is canonical JSON: equal payloads are equal bytes. `kept_until`: how long the
    idempotency key answers with this operation. `outcome`: what the caller is answered with, where that is known."""

    id: str
    mutation: str
    caller: str
    idempotency_key: str
    payload: str
    kept_until: datetime
    correlation_id: str
    human: str | None = None
    account: str | None = None
    entity: str | None = None
    amount: Money | None = None
    outcome: Outcome | None = None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A governed write. `idempotency_key` is None once the key was given to a later operation."""

    id: str
    mutation: str
    caller: str
    human: str | None
    idempotency_key: str | None
    payload_hash: str
    payload: str
    kept_until: datetime
    state: State
    outcome: Outcome | None
    reason: str | None
    account: str | None
    entity: str | None
    amount: Money | None
    correlation_id: str
    accepted_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    version: int


class Acceptance(msgspec.Struct, frozen=True):
    """The operation of a key, and whether it was there before."""

    operation: Operation
    replayed: bool


def accept(connection: Connection, command: Command, now: datetime) -> Acceptance:
    """Make the operation, or find the one its key made before.

    The key is the caller's and the mutation's: another caller's same key is another key. Raises IdempotencyMismatch
    where the key was used for another payload. A key whose time is over, and whose operation has ended, is free again.
    """
    made = _insert(connection, command, now)
    if made is not None:
        return Acceptance(made, replayed=False)
    known = by_key(connection, command.caller, command.mutation, command.idempotency_key)
    if known is None:
        raise WrongState(f"`{command.id}` is another operation's id: an id is given once")
    if known.kept_until <= now and known.state in ENDED:
        connection.execute(update(operations).where(operations.c.id == known.id).values(idempotency_key=None))
        return accept(connection, command, now)
    same(known, command.payload)
    return Acceptance(known, replayed=True)


def same(known: Operation, payload: str) -> None:
    """Raises IdempotencyMismatch where the operation of a key was made for another payload."""
    if known.payload_hash != _digest(payload):
        raise IdempotencyMismatch(
            f"the key `{known.idempotency_key}` was used for another `{known.mutation}`: use a new key, "
            "or send what was sent the first time"
        )


def _insert(connection: Connection, command: Command, now: datetime) -> Operation | None:
    row = {
        **{name: getattr(command, name) for name in command.__struct_fields__ if name != "amount"},
        "payload_hash": _digest(command.payload),
        "amount_minor": command.amount.minor if command.amount else None,
        "currency": command.amount.currency if command.amount else None,
        "state": State.RECEIVED,
        "accepted_at": now,
        "updated_at": now,
        "version": 1,
    }
    made = _making(tuple(row), connection.dialect.name)
    if not answers(connection, [(made, values(operations, row))])[0]:
        return None
    notices.give(connection, Topic.OPERATION, command.id, now)
    return record(dict.fromkeys(operations.c.keys()) | row)


@lru_cache
def _making(names: tuple[str, ...], dialect: str) -> Any:
    return inserting(operations, names, dialect, new=True).returning(operations.c.id)


def _digest(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()


def find(connection: Connection, operation_id: str) -> Operation:
    """The operation of an id. Raises NoSuchRecord."""
    row = connection.execute(_FINDING, values(operations, {"id": operation_id})).mappings().first()
    if row is None:
        raise NoSuchRecord(f"there is no operation `{operation_id}`")
    return record(row)


def by_key(connection: Connection, caller: str, mutation: str, idempotency_key: str) -> Operation | None:
    """The operation an idempotency key answers with."""
    key = {"caller": caller, "mutation": mutation, "idempotency_key": idempotency_key}
    found = connection.execute(_BY_KEY, values(operations, key)).mappings().first()
    return None if found is None else record(found)


def move(
    connection: Connection,
    operation_id: str,
    state: State,
    now: datetime,
    *,
    reason: str | None = None,
    version: int | None = None,
) -> Operation:
    """Bring an operation to a state; where it is there already, nothing happens, so that a repeated step does no harm.

    With `version`, only if nobody changed it since: raises StaleRecord. Raises WrongState where no way leads there.
    """
    known = find(connection, operation_id)
    if version is not None and known.version != version:
        raise StaleRecord(f"operation `{operation_id}` has version {known.version}, not {version}: read it again")
    if known.state is state:
        return known
    if state not in _NEXT[known.state]:
        raise WrongState(f"operation `{operation_id}` is {known.state} and does not become {state}")
    ended = {"ended_at": now} if state in ENDED else {}
    return _change(connection, known, now, state=state, reason=reason, **ended)


def say(connection: Connection, operation_id: str, reason: str | None, now: datetime) -> Operation:
    """Say what an operation that goes on waits for; None: nothing any more. Said again, nothing happens."""
    known = find(connection, operation_id)
    return known if known.reason == reason else _change(connection, known, now, reason=reason)


def answer(connection: Connection, known: Operation, outcome: Outcome, now: datetime) -> Operation:
    """Remember what the caller was answered with; the first answer stays. Raises StaleRecord where the operation is not
    as it is `known`."""
    return known if known.outcome else _change(connection, known, now, outcome=outcome)


def _change(connection: Connection, known: Operation, now: datetime, **changes: Any) -> Operation:
    row = {"updated_at": now, **changes}
    which = {"id": known.id, "version": known.version}
    changed = connection.execute(_changing(tuple(row)), values(operations, row | which)).mappings().first()
    if changed is None:
        raise StaleRecord(f"operation `{known.id}` was changed at the same time: read it again")
    notices.give(connection, Topic.OPERATION, known.id, now)
    return record(changed)


@lru_cache
def _changing(names: tuple[str, ...]) -> Any:
    columns = operations.c
    same = matching(columns.id, columns.version)
    row = {name: bound(columns[name]) for name in names}
    return update(operations).where(*same).values(version=columns.version + 1, **row).returning(operations)


def record(row: RowMapping | Mapping[str, Any]) -> Operation:
    """A row as the operation it is."""
    values = {name: row[name] for name in Operation.__struct_fields__ if name != "amount"}
    values["state"] = State(values["state"])
    values["outcome"] = Outcome(values["outcome"]) if values["outcome"] else None
    amount = None if row["currency"] is None else Money(row["amount_minor"], row["currency"])
    return Operation(amount=amount, **values)
