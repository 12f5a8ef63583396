"""The side of durable work that accepts, asks and signals: it runs nothing, and any process may have one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from dbos import DBOSClient, EnqueueOptions
from dbos import error as dbos_errors
from sqlalchemy import Engine

from sources.database import retire_engine
from sources.durable.codec import JsonSerializer, boxed, unboxed
from sources.durable.port import (
    Checkpoint,
    DurableError,
    NoSuchRun,
    NotResumable,
    Run,
    RunState,
    UnknownWorkflow,
    Workflow,
)

T = TypeVar("T")

APPLICATION = "opsgraph"
QUEUE = "operations"
VERSION = "1"  # of the shape of our rows in the engine; workflows carry versions of their own in their names

_STATES = {
    "ENQUEUED": RunState.QUEUED,
    "DELAYED": RunState.QUEUED,
    "PENDING": RunState.RUNNING,
    "SUCCESS": RunState.SUCCEEDED,
    "ERROR": RunState.FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": RunState.FAILED,
    "CANCELLED": RunState.CANCELED,
}
_ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED)


class Desk:
    """Durable without the running: what it accepts waits in a queue for a worker. Calls go through four threads."""

    def __init__(self, engine: Engine, workflows: Sequence[Workflow]) -> None:
        self._engine = engine
        self._workflows: Mapping[str, Workflow] = {workflow.name: workflow for workflow in workflows}
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="durable-desk")
        self._client = DBOSClient(
            system_database_engine=engine,
            serializer=JsonSerializer(),
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,  # who asks would rather hear now that the database is away
        )

    async def launch(self) -> None:
        """See that the database is there."""
        await self._call(self._client.check_connection)

    async def start(self, workflow: str, run_id: str, payload: Any) -> Run:
        if workflow not in self._workflows:
            raise UnknownWorkflow(f"no workflow `{workflow}` is registered: {', '.join(self._workflows) or 'none is'}")
        box = boxed(payload)
        try:
            state = await self._accept(workflow, run_id, box)
        except dbos_errors.DBOSWorkflowIDInUseError:
            return await self._known(workflow, run_id)
        return Run(id=run_id, workflow=workflow, state=state, payload=box["value"])

    async def _accept(self, workflow: str, run_id: str, box: dict[str, Any]) -> RunState:
        options: EnqueueOptions = {
            "workflow_name": workflow,
            "queue_name": QUEUE,
            "workflow_id": run_id,
            "workflow_id_reuse_policy": "reject",
            "app_version": VERSION,
        }
        await self._call(lambda: self._client.enqueue(options, box))
        return RunState.QUEUED

    async def _known(self, workflow: str, run_id: str) -> Run:
        run = await self._require(run_id)
        if run.workflow != workflow:
            raise DurableError(f"`{run_id}` is the id of a run of `{run.workflow}`: ids are given once")
        return run

    async def signal(self, run_id: str, topic: str, message: Any, key: str | None = None) -> None:
        box = boxed(message)
        try:
            await self._call(lambda: self._client.send(run_id, box, topic, idempotency_key=key))
        except dbos_errors.DBOSNonExistentWorkflowError:
            raise NoSuchRun(f"no run `{run_id}` to signal") from None
        self._nudge(run_id)

    def _nudge(self, run_id: str) -> None:
        """Tell a run that waits in this process to look; elsewhere the database tells it."""

    async def state(self, run_id: str) -> Run | None:
        found = await self._call(lambda: self._client.list_workflows(workflow_ids=[run_id]))
        return _run(found[0]) if found else None

    async def _require(self, run_id: str) -> Run:
        run = await self.state(run_id)
        if run is None:
            raise NoSuchRun(f"no run has the run_id `{run_id}`")
        return run

    async def runs(
        self,
        *,
        workflow: str | None = None,
        states: Sequence[RunState] = (),
        prefix: str | None = None,
        newest_first: bool = True,
        first: int = 100,
        skip: int = 0,
    ) -> list[Run]:
        wanted = [theirs for theirs, ours in _STATES.items() if ours in states] or None
        found = await self._call(
            lambda: self._client.list_workflows(
                name=workflow,
                status=wanted,
                workflow_id_prefix=prefix,
                sort_desc=newest_first,
                limit=first,
                offset=skip,
                load_input=False,
                load_output=False,
            )
        )
        return [_run(one) for one in found]

    async def checkpoints(self, run_id: str) -> list[Checkpoint]:
        return [_checkpoint(step) for step in await self._call(lambda: self._client.list_workflow_steps(run_id))]

    async def result(self, run_id: str, seconds: float) -> Run:
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + seconds, 0.005
        while (run := await self._require(run_id)).state not in _ENDED and (left := deadline - loop.time()) > 0:
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, 0.25)
        return run

    async def cancel(self, run_id: str) -> None:
        await self._require(run_id)
        await self._call(lambda: self._client.cancel_workflow(run_id))
        self._nudge(run_id)

    async def resume(self, run_id: str) -> None:
        run = await self._require(run_id)
        if run.state is RunState.CANCELED:
            await self._call(lambda: self._client.resume_workflow(run_id, queue_name=QUEUE))
            return
        if run.state is not RunState.FAILED:
            raise NotResumable(f"run `{run_id}` is {run.state}: only a canceled or failed one is resumed")
        behind = await self.checkpoints(run_id)
        failed = next((step.number for step in behind if step.error is not None), None)
        again = failed if failed is not None else max((step.number for step in behind), default=0) + 1
        await self._call(lambda: self._client.rewind_workflow(run_id, start_step=again, queue_name=QUEUE))

    def ahead(self) -> AbstractContextManager[None]:
        return nullcontext()  # nothing runs here

    async def forget(self, before: datetime, first: int = 1000) -> int:
        """Delete at most `first` runs that ended before an instant, with all they have; returns how many."""

        def work() -> int:
            old = self._client.list_workflows(
                completed_before=before.astimezone(UTC).isoformat(), limit=first, load_input=False, load_output=False
            )
            ids = [one.workflow_id for one in old]
            if ids:
                self._client.delete_workflows(ids)
            return len(ids)

        return await self._call(work)

    async def close(self, grace: float = 10.0) -> None:
        self._client.destroy()
        self._threads.shutdown(wait=False, cancel_futures=True)
        retire_engine(self._engine)

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _run(status: Any) -> Run:
    taken = status.input["args"] if isinstance(status.input, dict) else ()
    return Run(
        id=status.workflow_id,
        workflow=status.name,
        state=_STATES[status.status],
        accepted_at=_instant(status.created_at),
        updated_at=_instant(status.updated_at),
        executor=status.executor_id,
        attempts=status.recovery_attempts or 0,
        payload=unboxed(taken[0]) if taken else None,
        result=unboxed(status.output),
        error=None if status.error is None else str(status.error),
    )


def _checkpoint(step: Any) -> Checkpoint:
    failed = step["output"].get("error") if isinstance(step["output"], dict) else None
    error = ": ".join(failed) if failed else None
    return Checkpoint(
        number=step["function_id"],
        name=step["function_name"],
        result=None if failed else unboxed(step["output"]),
        error=error if step["error"] is None else str(step["error"]),
        started_at=_instant(step["started_at_epoch_ms"]),
        finished_at=_instant(step["completed_at_epoch_ms"]),
    )


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def decoded(workflow: Workflow, box: Any) -> Any:
    """A run's payload as its workflow declares it."""
    return msgspec.convert(unboxed(box), workflow.payload)
