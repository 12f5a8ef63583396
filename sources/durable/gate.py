"""How many runs are at work at once, who goes before them, and the standstill before a process leaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress


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


class Precedence:
    """Lets what somebody waits for go before what nobody does: steps begin when none of it is under way.

    A step waits for `longest` seconds at most, so that runs go on however much is asked; one of a run whose end
    somebody waits for does not wait. Lives on one event loop.
    """

    def __init__(self, longest: float = 0.05) -> None:
        self._longest = longest
        self._ahead = 0
        self._free = asyncio.Event()
        self._awaited: Counter[str] = Counter()

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Something that somebody waits for."""
        self._ahead += 1
        self._free.clear()
        try:
            yield
        finally:
            self._ahead -= 1
            if not self._ahead:
                self._free.set()

    @contextmanager
    def awaited(self, run_id: str) -> Iterator[None]:
        """Somebody waits for the end of a run."""
        self._awaited[run_id] += 1
        try:
            yield
        finally:
            self._awaited[run_id] -= 1
            if not self._awaited[run_id]:
                del self._awaited[run_id]

    async def behind(self, run_id: str) -> None:
        """Before a step of a run."""
        if self._ahead and run_id not in self._awaited:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._longest):
                    await self._free.wait()
