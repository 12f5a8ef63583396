"""Fuse: leaves a shared store alone for a while when it is dead or slow, so that it costs next to nothing.

Blown for a second, then for twice as long each time, five at most. After that one operation tries, and the others go on
without until it has worked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_FIRST, _MOST = 1.0, 5.0
_LINGER = 1.0  # seconds in which an operation that is waited for no longer may still open a connection
_BEHIND = 0.005  # seconds by which the loop itself may be late before a miss is its own fault


class Fuse:
    """`limit`: seconds that one operation is waited for."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._until, self._pause = 0.0, 0.0
        self._trying = False
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def blown(self) -> bool:
        """Whether operations are left out just now."""
        return self._pause > 0 and (self._trying or asyncio.get_running_loop().time() < self._until)

    async def through(self, operation: Coroutine[Any, Any, T]) -> T | None:
        """What the operation gives; None where it failed, took too long, or was left out."""
        if self.blown:
            operation.close()
            return None
        self._trying = self._pause > 0
        task = asyncio.create_task(operation)
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            return await self._waited(task)
        finally:
            self._trying = False

    async def _waited(self, task: asyncio.Task[T]) -> T | None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._limit
        await asyncio.wait((task,), timeout=self._limit)
        if not task.done() and loop.time() - due > _BEHIND:  # this process was busy: the answer may be there already
            await asyncio.wait((task,), timeout=self._limit)
        if not task.done():
            loop.call_later(_LINGER, task.cancel)
            self._blow()
            return None
        if task.cancelled() or task.exception() is not None:
            self._blow()
            return None
        self._pause = 0.0
        return task.result()

    def _blow(self) -> None:
        self._pause = min(_MOST, self._pause * 2 or _FIRST)
        self._until = asyncio.get_running_loop().time() + self._pause

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits any more

    async def close(self) -> None:
        """Gives up what is under way."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
