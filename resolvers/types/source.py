"""Sources: the systems behind the graph, and how each is doing at this moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from resolvers.batch import Read, derived
from resolvers.context import Context
from resolvers.registry import value
from resolvers.types.scalars import System
from sources import overview as o
from sources.pipeline import state as s

Condition = strawberry.enum(o.Condition, name="SourceCondition", description="How a source is doing, in one word.")


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _sooner(state: s.State, _context: Context) -> int | None:
    waits = [each.retry_in for each in (state.reads, state.writes) if each.retry_in is not None]
    return _milliseconds(min(waits, default=None))


@value
class SourceCircuit:
    """Whether calls are let through: `closed`, `open`, or `half_open` while one probe is."""

    reads: str | None = derived(lambda state, _: state.reads.state)
    writes: str | None = derived(lambda state, _: state.writes.state)
    retry_in_ms: int | None = derived(_sooner)


@value
class SourceQueue:
    """Calls under way, and calls that wait for a place."""

    running: int | None
    waiting: int | None
    concurrency: int | None
    bound: int | None


@value
class SourceLatency:
    """The calls of the last minute: how long they took and how they went."""

    p50_ms: float | None = strawberry.field(name="p50Ms")
    p99_ms: float | None = strawberry.field(name="p99Ms")
    calls: int | None
    failures: int | None
    retries: int | None
    refused: int | None


@value
class SourceLimit:
    """What the vendor says of one of its limits."""

    name: str | None
    limit: int | None
    remaining: int | None
    resets_in_ms: int | None = derived(lambda limit, _: _milliseconds(limit.resets))


@value
class SourceMishap:
    """What went wrong last."""

    code: str | None
    at: datetime | None


@value
class Source:
    """One configured system, as the gateway sees it from its own calls: nothing is asked of it for this."""

    name: str | None
    vendor: str | None
    system: System | None  # type: ignore[valid-type]
    zone: str | None
    entities: list[str | None] | None
    owns: list[str | None] | None
    state: Condition | None = derived(lambda source, _: source.condition)  # type: ignore[valid-type]
    open_since: datetime | None = derived(lambda source, _: source.history.open_since)
    circuit: SourceCircuit | None = derived(lambda source, _: source.pipeline)
    queue: SourceQueue | None = derived(lambda source, _: source.pipeline.queue)
    latency: SourceLatency | None = derived(lambda source, _: source.pipeline.latency)
    limits: list[SourceLimit | None] | None = derived(lambda source, _: source.pipeline.limits)
    last_error: SourceMishap | None = derived(lambda source, _: source.history.mishap)


async def sources(parents: list[Any], _read: Read, context: Context) -> list[list[o.Overview]]:
    """Every source, as it is now."""
    now = list(context.sources())
    return [now for _ in parents]
