"""Rounds: what nobody has to think of: expiry, reminders, escalation, what was left lying, the seal, and old records.

Made in every process that runs sagas. Each kind of round is one process's at a time, by a row that says when it was
begun last; what a round does it does once, however often it is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from resolvers.desk import expiring, keeping, reminding
from resolvers.desk.notice import Tell, log
from resolvers.sagas.accept import Writes
from sources.store import rounds
from sources.store.errors import StoreAway
from sources.store.retention import Retention
from sources.store.rota import Rota

_log = logging.getLogger("opsgraph.desk")
_NAME = 64


Job = Callable[[], Awaitable[int]]


class Rounds:
    """The rounds of one process. `tell` is given every notice once it has come true."""

    def __init__(
        self,
        writes: Writes,
        *,
        rota: Rota = Rota(),  # noqa: B008 - frozen
        retention: Retention = Retention(),  # noqa: B008 - frozen
        tell: Tell = log,
    ) -> None:
        self._room, self._rota = writes.room, rota
        self._jobs: dict[str, tuple[float, Job]] = {
            "approvals.expire": (rota.expire, partial(expiring.approvals_expire, writes, tell)),
            "held.expire": (rota.expire, partial(expiring.held_expire, writes)),
            "approvals.remind": (rota.remind, partial(reminding.approvals_remind, writes, tell)),
            "exceptions.escalate": (rota.remind, partial(reminding.exceptions_escalate, writes, tell)),
            "left.start": (rota.left, partial(keeping.left_start, writes)),
            "failed.run": (rota.failed, partial(keeping.failed_run, writes)),
            "audit.seal": (rota.seal, partial(keeping.audit_seal, writes)),
            "old.forget": (rota.forget, partial(keeping.old_forget, writes, retention)),
        }

    async def run(self) -> None:
        """Makes rounds until it is cancelled."""
        while True:
            await self.due()
            await asyncio.sleep(self._rota.look)

    async def due(self) -> dict[str, int]:
        """Makes every round that is due and not another process's; what each came to. One that fails is logged, and is
        due again soon."""
        found: dict[str, int] = {}
        try:
            known = {each.name: each for each in await self._room.store.read(rounds.last)}
            for name, (every, job) in self._jobs.items():
                if rounds.due(known.get(name), timedelta(seconds=every), self._room.clock()):
                    await self._made(name, timedelta(seconds=every), job, found)
        except StoreAway:
            _log.warning("our own tables do not answer: the rounds wait")
        return found

    async def _made(self, name: str, every: timedelta, job: Job, found: dict[str, int]) -> None:
        store, clock = self._room.store, self._room.clock
        if not await store.transact(rounds.claim, name, every, self._who, clock()):
            return
        try:
            done = await job()
        except StoreAway:
            raise
        except Exception:
            _log.exception("the round `%s` failed", name)
            return
        found[name] = done
        await store.transact(rounds.end, name, self._who, done, clock())

    @property
    def _who(self) -> str:
        return self._room.chain[:_NAME]
