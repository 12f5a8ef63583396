"""Keeping: what was left lying is taken up, the audit is sealed, and what is old is deleted."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from resolvers.sagas.accept import Writes
from sources.store import aging, audit
from sources.store.retention import Retention

_LEFT = timedelta(seconds=30)  # whoever accepted it is about to start it
_AT_ONCE = 500
_MOST = 200  # batches of one round: the next one goes on
_log = logging.getLogger("opsgraph.desk")


async def left_start(writes: Writes) -> int:
    """Starts what a process accepted and died before it began; how many."""
    return await writes.starting.start_left(_LEFT)


async def failed_run(writes: Writes) -> int:
    """Runs again what failed by a fault of ours; how many. They are in the log: somebody has to mend it."""
    count = await writes.starting.run_again()
    if count:
        _log.error("%d operations failed by a fault of ours and are tried again", count)
    return count


async def audit_seal(writes: Writes) -> int:
    """Seals the audit. The seal is in the log too: cutting seals off is noticed by whoever keeps a copy elsewhere."""
    seal = await writes.room.write(audit.seal, writes.room.clock())
    _log.info("the audit is sealed: %s", seal)
    return 1


async def old_forget(writes: Writes, retention: Retention) -> int:
    """Deletes what ended longer ago than it is kept; how many records."""
    room = writes.room
    now = room.clock()
    before = now - timedelta(hours=retention.operations)
    found = await _batches(lambda: writes.durable.forget(now - retention.runs, _AT_ONCE))
    for forget in (aging.forget_operations, aging.forget_purposes, aging.forget_lendings):
        found += await _batches(lambda forget=forget: room.write(forget, before, _AT_ONCE))  # type: ignore[misc]
    return found


async def _batches(forget: Callable[[], Awaitable[int]]) -> int:
    """Some at a time, so that nobody waits for long."""
    found = 0
    for _ in range(_MOST):
        count = await forget()
        found += count
        if count < _AT_ONCE:
            break
    return found
