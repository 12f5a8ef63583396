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
_LEFT = """
SELECT workflow_uuid, executor_id FROM dbos.workflow_status
WHERE status = 'PENDING' AND name = ANY(:known) AND executor_id IS NOT NULL AND executor_id NOT IN (
    SELECT id FROM opsgraph_executors WHERE seen_at > clock_timestamp() - make_interval(secs => :silence))
"""
_STRAY = """
SELECT workflow_uuid, executor_id FROM dbos.workflow_status
WHERE status = 'PENDING' AND executor_id = :id AND name <> ALL(:known)
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

    `put_back(run, executor)` puts a run that the executor holds back into the queue, unless somebody else did. That
    befalls runs of silent executors whose workflow is `known` here, and runs this executor took although it does not
    know their workflow, as happens while a new version is being rolled out.
    """

    def __init__(
        self,
        engine: Engine,
        executor: str,
        pulse: Pulse,
        known: Sequence[str],
        put_back: Callable[[str, str], bool],
    ) -> None:
        self._engine, self._id, self._pulse = engine, executor, pulse
        self._known, self._put_back = list(known), put_back

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

    def round(self) -> list[str]:
        """Beat once and put back what nobody can go on with; returns the ids of those runs."""
        with self._engine.begin() as connection:
            connection.execute(text(_BEAT), {"id": self._id})
            found = {"id": self._id, "silence": self._pulse.silence, "known": self._known}
            rows = [*connection.execute(text(_LEFT), found), *connection.execute(text(_STRAY), found)]
            connection.execute(text(_FORGET), found)
        back = [run_id for run_id, executor in rows if self._put_back(run_id, executor)]
        if back:
            logger.warning("%d runs held by %s go on", len(back), ", ".join({executor for _, executor in rows}))
        return back

    async def beat(self) -> None:
        """Go round until cancelled; a database that cannot be reached is tried again at the next beat."""
        while True:
            await asyncio.sleep(self._pulse.beat)
            try:
                await asyncio.to_thread(self.round)
            except Exception:
                logger.exception("no heartbeat this time")
