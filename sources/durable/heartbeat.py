"""Executors that share a PostgreSQL database say that they live, and take over from those that no longer do.

No leader: taking a run over is one conditional update, so two who notice the same silence do no harm, and a false alarm
does none either, since whoever lost a run can checkpoint nothing any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Engine, text

logger = logging.getLogger(__name__)

_LOCK = 0x6F707367  # serialises the creation of the table
_CREATE = """
CREATE TABLE IF NOT EXISTS opsgraph_executors (id TEXT PRIMARY KEY, seen_at TIMESTAMPTZ NOT NULL)
"""
_BEAT = """
INSERT INTO opsgraph_executors (id, seen_at) VALUES (:id, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()
"""
_SILENT = """
SELECT DISTINCT executor_id FROM dbos.workflow_status
WHERE status = 'PENDING' AND executor_id IS NOT NULL AND executor_id NOT IN (
    SELECT id FROM opsgraph_executors WHERE seen_at > clock_timestamp() - make_interval(secs => :silence))
"""
_FORGET = """
DELETE FROM opsgraph_executors WHERE seen_at < clock_timestamp() - make_interval(secs => 86400 + :silence)
"""


class Pulse(msgspec.Struct, frozen=True):
    """How often an executor says that it lives, and after how long a silence others take over; seconds."""

    beat: float = 5.0
    silence: float = 30.0


class Heartbeat:
    """One executor's sign of life and its eye on the others. Times are the database's, so clocks need not agree.

    `recover(ids)` puts the runs of silent executors back into the queue.
    """

    def __init__(self, engine: Engine, executor: str, pulse: Pulse, recover: Callable[[Sequence[str]], None]) -> None:
        self._engine, self._id, self._pulse, self._recover = engine, executor, pulse, recover

    def enrol(self) -> None:
        """Say that we live before the first run is taken: who was never heard of counts as silent."""
        with self._engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(_CREATE))
            connection.execute(text(_BEAT), {"id": self._id})

    def resign(self) -> None:
        """Leave at once: the others need not wait for the silence."""
        with self._engine.begin() as connection:
            connection.execute(text("DELETE FROM opsgraph_executors WHERE id = :id"), {"id": self._id})

    def round(self) -> Sequence[str]:
        """Beat once and take over what silent executors left; returns their ids."""
        with self._engine.begin() as connection:
            connection.execute(text(_BEAT), {"id": self._id})
            silent = [str(found) for found in connection.scalars(text(_SILENT), {"silence": self._pulse.silence})]
            connection.execute(text(_FORGET), {"silence": self._pulse.silence})
        if silent:
            logger.warning("taking over the runs of silent executors: %s", ", ".join(silent))
            self._recover(silent)
        return silent

    async def beat(self) -> None:
        """Go round until cancelled; a database that cannot be reached is tried again at the next beat."""
        while True:
            await asyncio.sleep(self._pulse.beat)
            try:
                await asyncio.to_thread(self.round)
            except Exception:
                logger.exception("no heartbeat this time")
