"""What a workflow's body holds in its hand: steps, waits and times that a crash does not undo."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from dbos import DBOS

from sources.durable.codec import boxed, unboxed
from sources.durable.gate import Gate, Place, Precedence
from sources.durable.port import StepFailed

T = TypeVar("T")


class DurableExecution:
    """An Execution (see the port) over one run of the engine. `home` is the loop on which connectors live."""

    def __init__(
        self,
        run_id: str,
        *,
        home: asyncio.AbstractEventLoop,
        gate: Gate,
        precedence: Precedence,
        place: Place,
        clock: Callable[[], datetime],
    ) -> None:
        self.id = run_id
        self._home, self._gate, self._precedence, self._place, self._clock = home, gate, precedence, place, clock

    async def step(self, name: str, do: Callable[[], Awaitable[T]], result: type[T]) -> T:
        async def attempt() -> dict[str, Any]:
            try:
                box = boxed(await self._at_home(do))
                msgspec.convert(box["value"], result)
            except Exception as error:  # whatever it is, it is the step's answer
                return {"error": [type(error).__name__, str(error)]}
            return box

        async with self._gate.step():
            box = await DBOS.run_step_async({"name": name}, attempt)
        if "error" in box:
            raise StepFailed(name, *box["error"])
        return msgspec.convert(box["value"], result)

    async def wait(self, topic: str, seconds: float, message: type[T]) -> T | None:
        until = await self.now() + timedelta(seconds=seconds)
        while seconds > 0:
            self._place.give()
            box = await DBOS.recv_async(topic, timeout_seconds=seconds)
            await self._place.take()
            if box is not None:
                return msgspec.convert(unboxed(box), message)
            # The engine also answers with nothing when it is woken for a message that was taken before.
            seconds = (until - await self.now()).total_seconds()
        return None

    async def sleep(self, seconds: float) -> None:
        self._place.give()
        await DBOS.sleep_async(seconds)
        await self._place.take()

    async def now(self) -> datetime:
        async def read() -> datetime:
            return self._clock()

        return await self.step("now", read, datetime)

    async def _at_home(self, do: Callable[[], Awaitable[T]]) -> T:
        """Run the step where the connectors are.

        A cancellation that is not ours comes from over there: it left the outcome open, and a step may run twice, so it
        runs again. If that loop has ended, the run stands still.
        """

        async def call() -> T:
            await self._precedence.behind(self.id)
            return await do()

        while True:
            if not self._home.is_running():
                await asyncio.Future()
            try:
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), self._home))
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                await asyncio.sleep(1.0)
