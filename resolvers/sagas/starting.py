"""Starting: every accepted operation gets its run, whatever happened to the process that accepted it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from resolvers.sagas.room import Room
from resolvers.sagas.run import Begin
from resolvers.sagas.saga import Saga
from sources.durable import Durable, RunState
from sources.store import worklist
from sources.store.operations import ENDED, Operation

_log = logging.getLogger("opsgraph.sagas")


class Starting:
    """Of the operations of these sagas, by mutation."""

    def __init__(self, room: Room, durable: Durable, sagas: Mapping[str, Saga]) -> None:
        self._room, self._durable, self._sagas = room, durable, sagas
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self, operation: Operation) -> None:
        """Sees that an operation has its run; one that has one keeps it."""
        if operation.state not in ENDED:
            saga = self._sagas[operation.mutation]
            await self._durable.start(saga.workflow, operation.id, Begin(operation.id))

    def start_soon(self, operation: Operation) -> None:
        """The same while the caller is answered: what was accepted is on the disk. Where this process does not get to
        it, a round starts it, or the next process."""
        if operation.state not in ENDED:
            starting = asyncio.create_task(self._started(operation))
            self._under_way.add(starting)
            starting.add_done_callback(self._under_way.discard)

    async def _started(self, operation: Operation) -> None:
        try:
            await self.start(operation)
        except Exception:
            _log.warning("operation `%s` is accepted and could not be started yet", operation.id, exc_info=True)

    async def close(self) -> None:
        """Waits for what is about to be started."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def sweep(self, first: int = 1000) -> int:
        """Starts what was accepted and has no run, and runs again what failed by a fault of ours. How many. For the
        start of a process."""
        return await self.start_left(timedelta(0), first) + await self.run_again(first)

    async def start_left(self, older: timedelta, first: int = 1000) -> int:
        """Starts what was accepted so long ago and has no run. How many."""
        left = await self._room.store.read(worklist.unstarted, self._room.clock() - older, first)
        mine = [operation for operation in left if operation.mutation in self._sagas]
        for operation in mine:
            await self.start(operation)
        return len(mine)

    async def run_again(self, first: int = 1000) -> int:
        """Runs again what failed by a fault of ours, from where it failed. How many."""
        failed = await self._durable.runs(states=(RunState.FAILED,), first=first)
        known = {saga.workflow for saga in self._sagas.values()}
        mine = [run for run in failed if run.workflow in known]
        for run in mine:
            await self._durable.resume(run.id)
        return len(mine)
