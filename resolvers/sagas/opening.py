"""Opens governed writes: our tables, durable work, and the start of whatever an earlier process left lying."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from policies.writes import WriteRules
from resolvers.sagas.accept import Writes
from resolvers.sagas.room import Pace, Room, Systems
from resolvers.sagas.run import workflow
from resolvers.sagas.saga import Saga
from resolvers.sagas.writes import writes_over
from sources.durable import Role, open_durable
from sources.store.retention import Retention
from sources.store.store import open_store


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Where governed writes are kept, and who runs them.

    `store` and `durable` are `sqlite:///PATH` (two files, for one process) or `postgresql://...` (the same for both,
    for many). `executor` names this process for durable work and in the audit; None: a name of its own.
    """

    store: str
    durable: str
    role: Role = Role.EMBEDDED
    executor: str | None = None
    retention: Retention = Retention()


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_writes(
    opening: Opening,
    systems: Systems,
    rules: Callable[[], WriteRules],
    sagas: Sequence[Saga] | None = None,
    *,
    clock: Callable[[], datetime] = _utc_now,
    pace: Pace = Pace(),  # noqa: B008 - frozen
) -> AsyncIterator[Writes]:
    """Governed writes for as long as the block lasts; without `sagas` those of `writes_over(systems)`. What a process
    before this one accepted and did not begin is begun before the first command of this one. Raises DatabaseInUse,
    DurableError, BadDatabase."""
    executor = opening.executor or f"{opening.role}-{uuid.uuid4().hex[:12]}"
    sagas = writes_over(systems) if sagas is None else sagas
    store = await open_store(opening.store)
    try:
        room = Room(store, systems, rules, clock, executor, pace)
        workflows = [workflow(room, saga) for saga in sagas]
        durable = await open_durable(opening.durable, workflows, role=opening.role, executor=executor, clock=clock)
        try:
            writes = Writes(room, durable, sagas, retention=opening.retention)
            await writes.sweep()
            yield writes
        finally:
            await durable.close()
    finally:
        await store.close()
