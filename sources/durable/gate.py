"""How many runs are at work at once, and the standstill before a process leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Lets `width` runs work at a time, first come, first served; those that wait for a signal or a time take no room.

    Lives on one event loop. Once shut, nobody takes another step: a run stands still where its next one would begin,
    and what it has behind it is checkpointed.
    """

    def __init__(self, width: int) -> None:
        self._room = asyncio.Semaphore(width)
        self._shut = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def place(self) -> Place:
        """A place in the line of those who want to work."""
        return Place(self._room)

    @asynccontextmanager
    async def step(self) -> AsyncIterator[None]:
        """One step with its checkpoint; never begins once the gate is shut."""
        if self._shut:
            await asyncio.Future()  # until the loop ends
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def shut(self, grace: float) -> bool:
        """Let no further step begin; True once those under way have ended, False if `grace` seconds did not do."""
        self._shut = True
        try:
            await asyncio.wait_for(self._idle.wait(), grace)
        except TimeoutError:
            return False
        return True


class Place:
    """One run's room: taken while it works, given back while it waits. Giving back twice is once."""

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room = room
        self._held = False

    async def take(self) -> None:
        """Take room, waiting for it."""
        await self._room.acquire()
        self._held = True

    def give(self) -> None:
        """Let somebody else have it."""
        if self._held:
            self._held = False
            self._room.release()
