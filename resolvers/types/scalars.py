"""Scalars, money and evidence: what every type is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, NewType, TypeVar

import msgspec
import strawberry

from resolvers.batch import derived
from resolvers.context import Context
from resolvers.facts.status import StatusValue, status_of
from resolvers.registry import value
from sources import canonical as c

T = TypeVar("T")

Long = NewType("Long", int)
SCALARS: dict[object, Any] = {
    Long: strawberry.scalar(
        name="Long", description="A whole number of any size, as a JSON number.", serialize=int, parse_value=int
    )
}

System = strawberry.enum(c.System, description="The kind of system that knows a thing.")


def _minor(money: c.Money, _context: Context) -> int:
    return money.minor


@value
class Money:
    """An exact amount of money: never a float."""

    amount: Decimal = strawberry.field(description="In major units, with the currency's own number of decimals.")
    currency: str = strawberry.field(description="ISO 4217 code.")
    minor_units: Long = derived(_minor, description="In minor units of ISO 4217: cents, or whole yen.")


@value
class UnitPrice:
    """The price of one unit: up to twelve decimals."""

    amount: Decimal
    currency: str


@value
class Evidence:
    """Where a status comes from: the source's own word for it."""

    source: str | None
    field: str | None
    raw_value: str | None


@strawberry.type(description="A status with what it was derived from.")
class Evidenced(Generic[T]):
    """A status with what it was derived from."""

    value: T | None
    since: datetime | None
    derived_from: list[Evidence | None] | None


def status(record: Any, _context: Context) -> StatusValue:
    """The status of any record that has one, with its evidence."""
    return status_of(record)


@value
class ExternalId:
    """What another system calls the same thing."""

    system: System | None  # type: ignore[valid-type]
    id: str | None


Served = strawberry.enum(c.Served, description="How a fact was served.")


@value
class Provenance:
    """Where a fact comes from, and how old it is."""

    source: str | None
    source_id: str | None
    as_of: datetime | None = strawberry.field(description="When the source is known to have said so.")
    served: Served | None  # type: ignore[valid-type]
    age_ms: Long | None


class ProvenanceValue(msgspec.Struct, frozen=True):
    """What a Provenance shows."""

    source: str
    source_id: str
    as_of: datetime
    served: c.Served
    age_ms: int


def provenance(record: c.Record, context: Context) -> ProvenanceValue:
    """A record's provenance at the operation's present, as it was served to this operation."""
    age = max(0, int((context.now - record.as_of.astimezone(UTC)).total_seconds() * 1000))
    return ProvenanceValue(record.source, record.source_id, record.as_of, context.served(record), age)
