"""The side of durable work that runs: the engine on a loop of its own, steps on the loop that opened it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from typing import Any

import msgspec
from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import Engine

from sources.durable.codec import JsonSerializer, boxed
from sources.durable.desk import APPLICATION, QUEUE, VERSION, Desk, decoded
from sources.durable.execution import DurableExecution
from sources.durable.gate import Gate, Precedence
from sources.durable.heartbeat import Heartbeat, Pulse
from sources.durable.loop import LoopThread
from sources.durable.port import DurableError, Run, RunState, Workflow

logger = logging.getLogger(__name__)


class Capacity(msgspec.Struct, frozen=True):
    """How much one process takes upon itself.

    `at_work`: runs that work at once; the others wait their turn, so that accepting and reading stay quick. `resident`:
    runs it holds, waiting ones included. `threads`: for the engine's database calls. `poll`: seconds between looks into
    the queue. `listen`: seconds between looks for signals, where the database does not tell (SQLite, whose signals come
    from this same process, which tells directly).
    """

    at_work: int = 8
    resident: int = 10_000
    threads: int = 4
    poll: float = 0.2
    listen: float = 5.0


class Worker(Desk):
    """A Desk that also runs. One per process, because the engine is one per process.

    `at_once`: what is accepted here runs here (embedded), instead of going through the queue. `ownership` is left last.
    """

    _busy = False

    def __init__(
        self,
        engine: Engine,
        workflows: Sequence[Workflow],
        *,
        executor: str,
        at_once: bool,
        capacity: Capacity,
        pulse: Pulse | None,
        clock: Callable[[], datetime],
        ownership: ExitStack,
    ) -> None:
        if Worker._busy:
            raise DurableError("this process runs durable work already: open it once and pass it on")
        Worker._busy = True
        self._home = asyncio.get_running_loop()
        self._gate, self._precedence = Gate(capacity.at_work), Precedence()
        self._clock, self._at_once, self._capacity, self._ownership = clock, at_once, capacity, ownership
        self._beating: asyncio.Task[None] | None = None
        known = tuple(workflow.name for workflow in workflows)
        self._heartbeat = Heartbeat(engine, executor, pulse, known, self._put_back) if pulse else None
        self._dbos = DBOS(config=_config(engine, executor, capacity))
        self._bodies = {workflow.name: self._register(workflow) for workflow in workflows}
        self._loop = LoopThread("durable")
        super().__init__(engine, workflows)

    def _register(self, workflow: Workflow) -> Any:
        async def enter(box: Any) -> Any:
            place = self._gate.place()
            execution = DurableExecution(
                str(DBOS.workflow_id),
                home=self._home,
                gate=self._gate,
                precedence=self._precedence,
                place=place,
                clock=self._clock,
            )
            await place.take()
            try:
                return boxed(await workflow.body(execution, decoded(workflow, box)))
            finally:
                place.give()

        # Unlimited recovery: a saga that waited through ten deployments is no poisoned one.
        return DBOS.workflow(name=workflow.name, max_recovery_attempts=None)(enter)

    async def launch(self) -> None:
        """Migrate the engine's tables, take up what this executor left, listen to the queue."""
        try:
            if self._heartbeat:
                await self._call(self._heartbeat.enrol)
            await self._loop.run(self._launch())
        except BaseException:
            await self.close(0)
            raise

    async def _launch(self) -> None:
        DBOS.launch()  # adopts the loop it is called on
        await DBOS.register_queue_async(
            QUEUE,
            worker_concurrency=self._capacity.resident,
            polling_interval_sec=self._capacity.poll,
            on_conflict="always_update",
        )
        if self._heartbeat:
            self._beating = asyncio.create_task(self._heartbeat.beat())

    def _put_back(self, run_id: str, executor: str) -> bool:
        return self._dbos._sys_db.reenqueue_for_recovery(run_id, [executor], QUEUE)

    async def _accept(self, workflow: str, run_id: str, box: dict[str, Any]) -> RunState:
        if not self._at_once:
            return await super()._accept(workflow, run_id, box)
        await self._loop.run(self._begin(self._bodies[workflow], run_id, box))
        return RunState.RUNNING

    async def _begin(self, body: Any, run_id: str, box: dict[str, Any]) -> None:
        with SetWorkflowID(run_id, workflow_id_reuse_policy="reject"):
            await DBOS.start_workflow_async(body, box)

    async def result(self, run_id: str, seconds: float) -> Run:
        with self._precedence.awaited(run_id):
            return await super().result(run_id, seconds)

    def ahead(self) -> AbstractContextManager[None]:
        return self._precedence.ahead()

    def _nudge(self, run_id: str) -> None:
        waiting = self._dbos._sys_db.notifications_map.snapshot()
        for key, _, signal in waiting:
            if key.startswith(f"{run_id}::"):
                signal.set()

    async def close(self, grace: float = 10.0) -> None:
        if not await self._loop.run(self._gate.shut(grace)):
            logger.warning("steps were still under way after %s s: they run again elsewhere, with the same keys", grace)
        if self._beating:
            self._loop.loop.call_soon_threadsafe(self._beating.cancel)
        self._leave_the_poller()
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        await self._loop.stop()
        if self._heartbeat:
            await self._resign(self._heartbeat)
        await super().close(grace)
        self._ownership.close()
        Worker._busy = False

    def _leave_the_poller(self) -> None:
        """Where signals are polled for, the engine's poller sleeps up to `listen` seconds and would be waited for. Once
        it wakes nothing waits for a signal any more, so it looks at nothing and ends."""
        if self._heartbeat is None:
            threads = self._dbos._background_threads
            threads[:] = [thread for thread in threads if "run_notification_listener" not in thread.name]

    async def _resign(self, heartbeat: Heartbeat) -> None:
        try:
            await self._call(heartbeat.resign)
        except Exception:
            logger.exception("could not resign: the others will notice the silence")


def _config(engine: Engine, executor: str, capacity: Capacity) -> DBOSConfig:
    logging.getLogger("dbos").addHandler(logging.NullHandler())  # keeps the engine from printing by itself
    return {
        "name": APPLICATION,
        "system_database_engine": engine,
        "serializer": JsonSerializer(),
        "application_version": VERSION,
        "executor_id": executor,
        "log_level": "WARNING",
        "enable_otlp": False,
        "max_executor_threads": capacity.threads,
        "notification_listener_polling_interval_sec": capacity.listen,
        "scheduler_polling_interval_sec": 3600.0,  # we schedule nothing
    }
