"""Reservations: what operations hold back until they end: credit headroom, incidents of a pack."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    func,
    insert,
    select,
    update,
)

from sources.canonical import Money
from sources.store.columns import Instant, metadata
from sources.store.errors import NoSuchRecord, WrongState


class Held(StrEnum):
    """What became of a reservation."""

    RESERVED = "RESERVED"
    CONSUMED = "CONSUMED"
    RELEASED = "RELEASED"


reservations = Table(
    "reservations",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("operation_id", String(64), ForeignKey("operations.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reserved_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("reservations_subject_idx", "kind", "subject", "state"),
    Index("reservations_operation_idx", "operation_id"),
)


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """`quantity` of `unit` (minor units of a currency, or pieces) of a `subject`, such as a payer's credit."""

    key: str
    operation_id: str
    kind: str
    subject: str
    quantity: int
    unit: str
    state: Held
    reserved_at: datetime
    ended_at: datetime | None


def reserve(  # noqa: PLR0913 - a row and its bound
    connection: Connection,
    key: str,
    operation_id: str,
    kind: str,
    subject: str,
    quantity: int,
    unit: str,
    now: datetime,
    *,
    most: int | None = None,
    used_too: bool = False,
) -> Reservation:
    """Reserve, or find what the same key reserved before.

    `most` is how much there is altogether: raises WrongState where this and what others hold would exceed it (with
    `used_too`: and what they have used, because nobody but us counts that). Whoever calls sees to
    it that one transaction reserves of a subject at a time (`grounds.one_at_a_time`).
    """
    known = find(connection, key)
    if known is not None:
        return known
    if most is not None:
        taken = held(connection, kind, subject, unit, used_too=used_too)
        if taken + quantity > most:
            asked = Money(quantity, unit).amount if unit.isupper() else quantity
            raise WrongState(f"`{subject}` has less than {asked} {unit} left: others have the rest")
    connection.execute(
        insert(reservations).values(
            key=key,
            operation_id=operation_id,
            kind=kind,
            subject=subject,
            quantity=quantity,
            unit=unit,
            state=Held.RESERVED,
            reserved_at=now,
        )
    )
    return _require(connection, key)


def end(connection: Connection, key: str, state: Held, now: datetime) -> Reservation:
    """Release it or mark it as used; the same again changes nothing. Raises NoSuchRecord, WrongState."""
    known = _require(connection, key)
    if known.state is state:
        return known
    if known.state is not Held.RESERVED:
        raise WrongState(f"reservation `{key}` is {known.state} and does not become {state}")
    connection.execute(update(reservations).where(reservations.c.key == key).values(state=state, ended_at=now))
    return _require(connection, key)


def held(connection: Connection, kind: str, subject: str, unit: str, *, used_too: bool = False) -> int:
    """How much of something is reserved; with `used_too`, or was used."""
    columns, states = reservations.c, (Held.RESERVED, *((Held.CONSUMED,) if used_too else ()))
    query = select(func.coalesce(func.sum(columns.quantity), 0)).where(
        columns.kind == kind, columns.subject == subject, columns.unit == unit, columns.state.in_(states)
    )
    return int(connection.execute(query).scalar_one())


def amounts(connection: Connection, kind: str, subject: str) -> list[Money]:
    """What is reserved of an amount, one for each currency."""
    columns = reservations.c
    query = (
        select(columns.unit, func.sum(columns.quantity))
        .where(columns.kind == kind, columns.subject == subject, columns.state == Held.RESERVED)
        .group_by(columns.unit)
        .order_by(columns.unit)
    )
    return [Money(int(quantity), unit) for unit, quantity in connection.execute(query)]


def find(connection: Connection, key: str) -> Reservation | None:
    """The reservation of a key."""
    row = connection.execute(select(reservations).where(reservations.c.key == key)).mappings().first()
    return None if row is None else Reservation(**{**row, "state": Held(row["state"])})


def _require(connection: Connection, key: str) -> Reservation:
    found = find(connection, key)
    if found is None:
        raise NoSuchRecord(f"nothing was reserved under `{key}`")
    return found
