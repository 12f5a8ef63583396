"""Lending one's own right to approve for a time, ending that, and what is lent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import strawberry

from resolvers.batch import Read, batched, derived
from resolvers.budget import OperationClass
from resolvers.changes.inputs import Shape
from resolvers.context import Context
from resolvers.facts.operations import office
from resolvers.registry import value
from resolvers.sagas.refused import Refused
from sources.store.errors import StoreError


@value
class Lending:
    """Roles lent by one person to another, to approve with, from an instant until just before another."""

    lending: strawberry.ID | None = derived(lambda lent, _: lent.id)
    giver: str | None
    receiver: str | None
    roles: list[str | None] | None
    since: datetime | None
    until: datetime | None
    reason: str | None
    lent_at: datetime | None
    ended_by: str | None


class LendRoles(msgspec.Struct, frozen=True, kw_only=True):
    """Lends own roles that approve, to a person named as tokens name people. `since`: from when on; none: from now."""

    to: str
    roles: tuple[str, ...]
    since: datetime | None = None
    until: datetime
    reason: str


class EndLending(msgspec.Struct, frozen=True, kw_only=True):
    """Ends a lending now."""

    lending: str
    reason: str


async def _lend(place: Any, asked: LendRoles, context: Context) -> Any:
    who = place.asker(context.principal)
    return await place.desk.lend(who, asked.to, asked.roles, asked.until, asked.reason, asked.since)


async def _end(place: Any, asked: EndLending, context: Context) -> Any:
    return await place.desk.end_lending(place.asker(context.principal), asked.lending, asked.reason)


def fields() -> dict[str, Any]:
    """The mutations about lendings."""
    return {"lend_roles": _field(LendRoles, _lend), "end_lending": _field(EndLending, _end)}


TYPES: dict[str, Any] = {"lend_roles": Lending, "end_lending": Lending}


def _field(asked: type[msgspec.Struct], change: Callable[[Any, Any, Context], Awaitable[Any]]) -> Any:
    shape = Shape(asked, f"{asked.__name__}Input")

    async def compute(_parents: Sequence[None], _read: Read, context: Context, *, input: Any) -> list[Any]:
        place, given = office(context), shape.record(input)
        try:
            return [await change(place, given, context)]
        except StoreError as error:
            raise Refused.by_store(error) from None

    return batched(compute, needs=(), arguments={"input": shape.type}, budget=OperationClass.SUBMIT)


async def lendings(parents: Sequence[None], _read: Read, context: Context) -> list[Any]:
    """What the caller has lent, or was lent, and is not over."""
    place = office(context)
    try:
        found = await place.desk.lendings(place.asker(context.principal))
    except StoreError as error:
        raise Refused.by_store(error) from None
    return [found for _ in parents]
