"""Asking to act with a purpose, agreeing to it, ending it, and what there is of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import strawberry

from policies.purposes import PurposeRefused
from resolvers.batch import Read, batched, derived
from resolvers.budget import OperationClass
from resolvers.changes.inputs import Shape
from resolvers.context import Context
from resolvers.facts.operations import office
from resolvers.registry import value
from resolvers.sagas.refused import Refused
from sources.store.errors import StoreError


@value
class PurposeRequest:
    """A purpose that somebody asked to act with, and whether it is in force."""

    request: strawberry.ID | None = derived(lambda asked, _: asked.id)
    purpose: str | None
    subject: str | None
    human: str | None
    reason: str | None
    asked_at: datetime | None
    lapses_at: datetime | None
    since: datetime | None
    ends_at: datetime | None
    ended_by: str | None
    agreed_by: list[str | None] | None


class AskForPurpose(msgspec.Struct, frozen=True, kw_only=True):
    """Asks to act with a purpose, for a reason. In force at once, unless others have to agree."""

    purpose: str
    reason: str


class AgreeToPurpose(msgspec.Struct, frozen=True, kw_only=True):
    """Agrees to what somebody else asked."""

    request: str


class EndPurpose(msgspec.Struct, frozen=True, kw_only=True):
    """Ends a purpose before its time, or takes back what was asked."""

    request: str


Change = Callable[[Any, Any, Context], Awaitable[Any]]


def fields() -> dict[str, Any]:
    """The mutations about purposes."""
    return {
        "ask_for_purpose": _field(AskForPurpose, lambda kept, asked, context: kept.ask(
            context.principal, asked.purpose, asked.reason, context.correlation_id)),
        "agree_to_purpose": _field(AgreeToPurpose, lambda kept, asked, context: kept.agree(
            context.principal, asked.request, context.correlation_id)),
        "end_purpose": _field(EndPurpose, lambda kept, asked, context: kept.end(
            context.principal, asked.request, context.correlation_id)),
    }  # fmt: skip


def _field(asked: type[msgspec.Struct], change: Change) -> Any:
    shape = Shape(asked, f"{asked.__name__}Input")

    async def compute(_parents: Sequence[None], _read: Read, context: Context, *, input: Any) -> list[Any]:
        given = shape.record(input)
        return [await _kept(change(office(context).purposes, given, context))]

    return batched(compute, needs=(), arguments={"input": shape.type}, budget=OperationClass.SUBMIT)


async def _kept(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except PurposeRefused as error:
        raise Refused(error.code, str(error)) from None
    except StoreError as error:
        raise Refused.by_store(error) from None


async def mine(parents: Sequence[None], _read: Read, context: Context) -> list[Any]:
    """What is in force for the caller."""
    found = await _kept(office(context).purposes.mine(context.principal))
    return [found for _ in parents]


async def waiting(parents: Sequence[None], _read: Read, context: Context) -> list[Any]:
    """What waits for the caller to agree."""
    found = await _kept(office(context).purposes.waiting(context.principal))
    return [found for _ in parents]
