"""Happenings: what subscriptions are answered with, an event at a time."""

from __future__ import annotations

from datetime import datetime

from resolvers.registry import value
from resolvers.types.source import Condition, Source


@value
class SourceStateChanged:
    """A source is doing better or worse than before."""

    cursor: str | None
    missed: bool | None
    at: datetime | None
    previous: Condition | None  # type: ignore[valid-type]
    source: Source | None
