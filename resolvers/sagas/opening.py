"""Opens governed writes: our tables, durable work, and the start of whatever an earlier process left lying."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import msgspec

from policies.writes import WriteRules
from resolvers.sagas.accept import Writes
from resolvers.sagas.room import Pace, Room
from resolvers.sagas.run import workflow
from resolvers.sagas.saga import Saga
from resolvers.sagas.settings import WritesSettings
from resolvers.sagas.systems import Systems
from resolvers.sagas.writes import writes_over
from sources.database import sole_owner
from sources.durable import Role, open_durable
from sources.durable.heartbeat import Pulse
from sources.store.retention import Retention
from sources.store.store import Store, open_store


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Where governed writes are kept, and who runs them.

    `store` and `durable` are `sqlite:///PATH` (two files, for one process) or `postgresql://...` (the same for both,
    for many). `executor` names this process for durable work and in the audit; None: a name of its own. The rest is as
    in `[writes]`.
    """

    store: str
    durable: str
    role: Role = Role.EMBEDDED
    executor: str | None = None
    retention: Retention = Retention()
    patience: float = 2.0
    beat: float = 5.0
    silence: float = 30.0

    @classmethod
    def of(cls, settings: WritesSettings) -> Opening:
        """What the settings say. Raises ValueError where they say that there are no writes."""
        store, durable = settings.urls()
        same = {name: getattr(settings, name) for name in cls.__struct_fields__ if name not in ("store", "durable")}
        return cls(store=store, durable=durable, **same)


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
    opened: Callable[[Store], None] = lambda _store: None,
) -> AsyncIterator[Writes]:
    """Governed writes for as long as the block lasts; without `sagas` those of `writes_over(systems)`. What a process
    before this one accepted and did not begin is begun before the first command of this one. Raises DatabaseInUse,
    DurableError, BadDatabase. `opened` is given our tables before any run goes on."""
    executor = opening.executor or f"{opening.role}-{uuid.uuid4().hex[:12]}"
    sagas = writes_over(systems) if sagas is None else sagas
    pulse = Pulse(opening.beat, opening.silence)
    async with AsyncExitStack() as closing:
        closing.enter_context(sole_owner(opening.store))
        store = await open_store(opening.store)
        closing.push_async_callback(store.close)
        opened(store)
        room = Room(store, systems, rules, clock, executor, pace)
        workflows = [workflow(room, saga) for saga in sagas]
        durable = await open_durable(
            opening.durable, workflows, role=opening.role, executor=executor, pulse=pulse, clock=clock
        )
        closing.push_async_callback(durable.close)
        writes = Writes(room, durable, sagas, retention=opening.retention, patience=opening.patience)
        closing.push_async_callback(writes.starting.close)
        await writes.starting.sweep()
        yield writes
