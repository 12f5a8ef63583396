"""What can be seen of a source's pipeline at one moment."""

from __future__ import annotations

from typing import Literal

import msgspec

from sources.ports import Limit


class Circuit(msgspec.Struct, frozen=True):
    """`calls` and `failures` of the window; `retry_in`: seconds until a probe may go, where it is open."""

    state: Literal["closed", "open", "half_open"]
    calls: int
    failures: int
    retry_in: float | None


class Queue(msgspec.Struct, frozen=True):
    """Calls under way of at most `concurrency`, and calls that wait for their turn, of at most `bound`."""

    running: int
    waiting: int
    concurrency: int
    bound: int


class Latency(msgspec.Struct, frozen=True):
    """The last minute. `failures` counts what the source failed at, `refused` what was not sent to it at all."""

    p50_ms: float | None
    p99_ms: float | None
    calls: int
    failures: int
    retries: int
    refused: int


class State(msgspec.Struct, frozen=True):
    """All of it. `paused_for`: seconds for which the source has asked to be left alone. `last_error`: a public code."""

    source: str
    reads: Circuit
    writes: Circuit
    queue: Queue
    latency: Latency
    limits: tuple[Limit, ...]
    paused_for: float | None
    last_error: str | None
