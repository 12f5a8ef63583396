"""The overview: what every configured source is, how it is doing and what it owns; taking it costs no call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from sources.canonical import System
from sources.catalog import DEFAULT_OWNERS, Catalog, Source
from sources.pipeline.state import Circuit, Latency, Queue, State


class Condition(StrEnum):
    """How a source is doing, in one word; a worse one outranks a better one."""

    NOT_ASKED_YET = "NOT_ASKED_YET"
    OK = "OK"
    DEGRADED = "DEGRADED"  # calls failed or had to be repeated in the last minute, or it wants to be left alone
    FAILING = "FAILING"  # the last call failed
    OPEN = "OPEN"  # a circuit is open or on probation: it is not asked, or hardly


class Mishap(msgspec.Struct, frozen=True):
    """What went wrong last, by its public code, and when (UTC)."""

    code: str
    at: datetime


class History(msgspec.Struct, frozen=True):
    """What is remembered of a source beyond the moment. `open_since`: since when a circuit is no longer closed."""

    mishap: Mishap | None = None
    open_since: datetime | None = None


class Overview(msgspec.Struct, frozen=True):
    """One source. `entities`: the legal entities it serves (empty: all); `owns`: the canonical types it answers for."""

    name: str
    vendor: str
    system: System
    zone: str
    entities: tuple[str, ...]
    owns: tuple[str, ...]
    condition: Condition
    pipeline: State
    history: History


class Remembered(msgspec.Struct, frozen=True):
    """What the cache holds in this process, in bytes and answers, how many it gave up for want of room; and whether the
    Redis that processes share is in use: None where there is none, False while it is left alone because it fails."""

    bytes: int
    bound: int
    answers: int
    evicted: int
    redis: bool | None


def remembered(catalog: Catalog) -> Remembered:
    """How the cache is doing."""
    memory, shared = catalog.cache.memory, catalog.cache.shared
    redis = None if shared is None else not shared.notices.fuse.blown
    return Remembered(memory.size, memory.bound, len(memory), memory.evicted, redis)


_UNKNOWN = History()
_CLOSED = Circuit("closed", 0, 0, None)


def overview(catalog: Catalog, histories: Mapping[str, History] | None = None) -> list[Overview]:
    """All sources, by name."""
    histories = histories or {}
    return [
        _of(catalog, name, source, histories.get(name, _UNKNOWN)) for name, source in sorted(catalog.sources.items())
    ]


def _of(catalog: Catalog, name: str, source: Source, history: History) -> Overview:
    state = state_of(name, source)
    return Overview(
        name,
        source.settings.vendor,
        source.connector.system,
        source.settings.zone,
        source.settings.entities,
        tuple(sorted(record.__name__ for record in DEFAULT_OWNERS if source.connector in catalog.owners(record))),
        condition(state, catalog.states.get(name)),
        state,
        history,
    )


def state_of(name: str, source: Source) -> State:
    """The state of its pipeline; of one that has none, a state in which nothing is the matter."""
    if source.pipeline is not None:
        return source.pipeline.state()
    queue = Queue(0, 0, source.settings.connections, 0)
    return State(name, _CLOSED, _CLOSED, queue, Latency(None, None, 0, 0, 0, 0), (), None, None)


def condition(state: State, last: str | None) -> Condition:
    """`last` is how its last call went: OK, or an error code; None before the first."""
    if state.reads.state != "closed" or state.writes.state != "closed":
        return Condition.OPEN
    if last not in (None, "OK"):
        return Condition.FAILING
    if state.latency.failures or state.latency.retries or state.paused_for is not None:
        return Condition.DEGRADED
    return Condition.NOT_ASKED_YET if last is None and not state.latency.calls else Condition.OK
