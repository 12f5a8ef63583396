"""State: how a source is doing, as one frozen picture; taking it costs no call."""

from __future__ import annotations

from typing import Literal

import msgspec

from sources.ports import Limit


class Circuit(msgspec.Struct, frozen=True):
    """One circuit breaker. `calls` and `failures` are those of its window; `retry_in`: seconds until its probe."""

    state: Literal["closed", "open", "half_open"]
    calls: int
    failures: int
    retry_in: float | None


class Queue(msgspec.Struct, frozen=True):
    """Calls under way and calls that wait for a place, and how many of each there may be."""

    running: int
    waiting: int
    concurrency: int
    bound: int


class Latency(msgspec.Struct, frozen=True):
    """The last minute: how long calls took (milliseconds; None without calls) and how they went."""

    p50_ms: float | None
    p99_ms: float | None
    calls: int
    failures: int
    retries: int
    refused: int


class State(msgspec.Struct, frozen=True):
    """One source. `paused_for`: seconds for which its own hint forbids calls; `last_error`: a public code."""

    source: str
    reads: Circuit
    writes: Circuit
    queue: Queue
    latency: Latency
    limits: tuple[Limit, ...]
    paused_for: float | None
    last_error: str | None
