"""Durable work: workflows that survive the process, over SQLite in this one or over PostgreSQL in many.

The rest of the house sees the port only; the engine behind it is loaded when durable work is opened, so that a gateway
that only reads pays nothing for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sources.durable.port import (
    Checkpoint,
    Durable,
    DurableError,
    Execution,
    NoSuchRun,
    NotResumable,
    Run,
    RunState,
    StepFailed,
    UnknownWorkflow,
    Workflow,
)

if TYPE_CHECKING:
    from sources.durable.heartbeat import Pulse
    from sources.durable.worker import Capacity

__all__ = [
    "Checkpoint",
    "Durable",
    "DurableError",
    "Execution",
    "NoSuchRun",
    "NotResumable",
    "Role",
    "Run",
    "RunState",
    "StepFailed",
    "UnknownWorkflow",
    "Workflow",
    "open_durable",
]


class Role(StrEnum):
    """What this process does for durable work."""

    EMBEDDED = "embedded"  # accepts, and runs what it accepts
    GATEWAY = "gateway"  # accepts and signals; workers run
    WORKER = "worker"  # runs what gateways accepted


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def open_durable(
    url: str,
    workflows: Sequence[Workflow],
    *,
    role: Role = Role.EMBEDDED,
    executor: str | None = None,
    capacity: Capacity | None = None,
    pulse: Pulse | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> Durable:
    """Open durable work at `sqlite:///PATH` (embedded only, one process) or `postgresql://...` (any role).

    Steps run on the event loop this is called from. Runs that an earlier process left are taken up at once: from
    SQLite those of the process before, from PostgreSQL those of every executor that has fallen silent (`pulse`).
    Raises DatabaseInUse where another process has the SQLite file, DurableError where the role does not fit.
    """
    from sources.durable.opening import open_engine_room

    return await open_engine_room(
        url,
        workflows,
        role=role,
        executor=executor or f"{role}-{uuid.uuid4().hex[:12]}",
        capacity=capacity,
        pulse=pulse,
        clock=clock,
    )
