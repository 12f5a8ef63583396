"""Happenings: what subscriptions are answered with, an event at a time."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers.registry import value
from resolvers.types import references as ref
from resolvers.types.source import Condition, Source


@value
class SourceStateChanged:
    """A source is doing better or worse than before."""

    cursor: str | None
    missed: bool | None
    at: datetime | None
    previous: Condition | None  # type: ignore[valid-type]
    source: Source | None


@value
class OperationChanged:
    """How an operation is, now that something about it has changed."""

    cursor: str | None
    missed: bool | None
    at: datetime | None
    subject: ref.OperationRef | None = strawberry.field(name="operation")


@value
class ExceptionRaised:
    """Somebody has to decide something."""

    cursor: str | None
    missed: bool | None
    at: datetime | None
    subject: ref.OperationExceptionRef | None = strawberry.field(name="exception")
