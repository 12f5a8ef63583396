"""Deadlines of computations: one that reads is cut, one that writes runs to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from gateway.engine.loads import late

_log = logging.getLogger("opsgraph.engine")
_GRACE = 0.1  # seconds
_UNDER_WAY: set[asyncio.Task[Any]] = set()  # held until they are over, whoever has gone meanwhile


async def in_time(computation: Awaitable[Sequence[Any]], until: float | None) -> Sequence[Any]:
    """What a computation answers, at the deadline an error. What it reads ends a moment before by itself, so it can
    still say what it has."""
    if until is None:
        return await computation
    try:
        async with asyncio.timeout_at(until + _GRACE) as limit:
            return await computation
    except TimeoutError:
        if not limit.expired():
            raise
        raise late() from None


class Writes:
    """The writes of one operation, one after another. What was sent is not cut, neither by the deadline nor by whoever
    asked going away."""

    def __init__(self) -> None:
        self._last: asyncio.Task[Sequence[Any]] | None = None

    async def run(self, coordinate: str, computation: Awaitable[Sequence[Any]]) -> Sequence[Any]:
        """What a write answers, to whoever is still there."""
        task = self._last = asyncio.ensure_future(computation)
        _UNDER_WAY.add(task)
        task.add_done_callback(_UNDER_WAY.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(partial(_tell, coordinate))
            raise

    def afterwards(self, then: Callable[[], None]) -> None:
        """Does something when no write is under way: it may read yet."""
        if self._last is None or self._last.done():
            then()
        else:
            self._last.add_done_callback(lambda _: then())


def _tell(coordinate: str, task: asyncio.Task[Any]) -> None:
    """Of a write whose asker has gone the log is told."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log.error("`%s` failed after its asker had gone", coordinate, exc_info=error)
