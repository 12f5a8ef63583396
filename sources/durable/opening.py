"""Opens durable work for a role: which engine, which connections, who owns the file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime

from dbos import DBOS
from sqlalchemy.exc import InterfaceError, OperationalError

from sources.database import address, is_sqlite, open_engine, sole_owner
from sources.durable import Role
from sources.durable.desk import Desk
from sources.durable.heartbeat import Pulse
from sources.durable.port import Durable, DurableError, Workflow
from sources.durable.worker import Capacity, Worker

_GATEWAY_CONNECTIONS = 4
_FILE_OWNER = "embedded"  # a file has one process at a time: whoever has it takes up what the one before left


async def open_engine_room(
    url: str,
    workflows: Sequence[Workflow],
    *,
    role: Role,
    executor: str,
    capacity: Capacity | None,
    pulse: Pulse | None,
    clock: Callable[[], datetime],
) -> Durable:
    """See `open_durable`."""
    try:
        return await _opened(url, workflows, role, executor, capacity, pulse or Pulse(), clock)
    except (OperationalError, InterfaceError) as error:
        said = str(error.orig or error).partition("\n")[0]
        raise DurableError(f"durable work cannot be opened ({said}): see to the database of `[writes]`") from None


async def _opened(
    url: str,
    workflows: Sequence[Workflow],
    role: Role,
    executor: str,
    capacity: Capacity | None,
    pulse: Pulse,
    clock: Callable[[], datetime],
) -> Durable:
    if is_sqlite(url) and role is not Role.EMBEDDED:
        raise DurableError(f"a {role} shares its database with other processes: give it a PostgreSQL address")
    if role is Role.GATEWAY:
        # Whoever starts first makes the tables.
        await asyncio.to_thread(DBOS.migrate, address(url).render_as_string(hide_password=False))
        desk = Desk(open_engine(url, connections=_GATEWAY_CONNECTIONS, name="opsgraph-gateway"), workflows)
        await desk.launch()
        return desk
    return await _running(url, workflows, role, executor, capacity, pulse, clock)


async def _running(
    url: str,
    workflows: Sequence[Workflow],
    role: Role,
    executor: str,
    capacity: Capacity | None,
    pulse: Pulse,
    clock: Callable[[], datetime],
) -> Durable:
    sqlite = is_sqlite(url)
    # What is accepted from a file's own process does not go through the queue: it is looked at for what is resumed.
    capacity = capacity or (Capacity(poll=1.0) if sqlite else Capacity())
    ownership = ExitStack()
    ownership.enter_context(sole_owner(url))
    try:
        worker = Worker(
            # SQLite has one writer: with one connection the threads line up here instead of polling for its lock.
            open_engine(url, connections=1 if sqlite else capacity.threads + 6, name=f"opsgraph-{role}"),
            workflows,
            executor=_FILE_OWNER if sqlite else executor,
            at_once=role is Role.EMBEDDED,
            capacity=capacity,
            pulse=None if sqlite else pulse,
            clock=clock,
            ownership=ownership,
        )
        await worker.launch()
    except BaseException:
        ownership.close()
        raise
    return worker
