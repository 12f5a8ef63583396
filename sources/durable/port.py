"""What durable work looks like to everybody else: workflows are registered, started, signalled, looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import msgspec

T = TypeVar("T")


class DurableError(Exception):
    """Durable work was refused; the message says what to do."""


class UnknownWorkflow(DurableError):
    """No workflow is registered under this name."""


class NoSuchRun(DurableError):
    """No run has this id."""


class NotResumable(DurableError):
    """The run has succeeded, or is still going: there is nothing to resume."""


class StepFailed(Exception):
    """A step raised. The same instance's fields come back on every replay; the exception's own class does not."""

    def __init__(self, step: str, kind: str, message: str) -> None:
        super().__init__(f"step `{step}` failed with {kind}: {message}")
        self.step, self.kind, self.message = step, kind, message


class RunState(StrEnum):
    """How far a run is, as the engine sees it. (What it means to the business is the operation's state.)"""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"  # or waiting for a signal or a time
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"  # the workflow raised: a fault of ours, since what upstreams say is a value
    CANCELED = "CANCELED"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a workflow. `result` is there once it has SUCCEEDED, `error` once it has FAILED."""

    id: str
    workflow: str
    state: RunState
    accepted_at: datetime | None = None  # by the database's clock, to the second at least; for people, not for order
    updated_at: datetime | None = None
    executor: str | None = None  # who runs it, or ran it last
    attempts: int = 0
    payload: Any = None
    result: Any = None
    error: str | None = None


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will never do again: a finished step, a signal taken, a wait that ended."""

    number: int
    name: str
    result: Any = None
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Execution(Protocol):
    """What a workflow's body may do besides computing. Everything else (time, chance, I/O) belongs inside a step.

    A body runs again from its beginning after a crash; what is checkpointed is not done again but answered from the
    checkpoint, in the same order. So the order of these calls follows from the payload and from their answers alone.
    """

    id: str

    async def step(self, name: str, do: Callable[[], Awaitable[T]], result: type[T]) -> T:
        """Do it at least once and remember the answer: `result` is a type msgspec can carry as JSON.

        Whatever `do` sends upstream carries a key made of `id` and `name`, so that twice is once. An exception is
        remembered too and comes out as StepFailed; return outcomes as values, and retry inside `do`.
        """
        ...

    async def wait(self, topic: str, seconds: float, message: type[T]) -> T | None:
        """The next signal on a topic, or None after `seconds` (which may be days).

        Signals that came earlier count; of two that came within a second, either may be the first.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Go on after `seconds`, counted from the first time this was reached."""
        ...

    async def now(self) -> datetime:
        """The time, the same one on every replay."""
        ...


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A body and the name under which it is found again after a restart.

    The name carries a version (`submitOrder/1`). A body whose steps change in kind or order is a new version; the old
    one stays registered until its last run has ended.
    """

    name: str
    payload: type[Any]
    body: Callable[[Execution, Any], Awaitable[Any]]


class Durable(Protocol):
    """The port. Ids are chosen by the caller and name one run for ever: an operation's id."""

    async def start(self, workflow: str, run_id: str, payload: Any) -> Run:
        """Accept a run: it is on the disk when this returns. A known id returns the run there is, whatever the payload;
        who must tell payloads apart compares them before."""
        ...

    async def signal(self, run_id: str, topic: str, message: Any, key: str | None = None) -> None:
        """Send a message to a run. With a `key`, the same message sent twice arrives once. Raises NoSuchRun."""
        ...

    async def state(self, run_id: str) -> Run | None:
        """One run, or None."""
        ...

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
        """Runs without their payloads and results. `prefix`: of the id."""
        ...

    async def checkpoints(self, run_id: str) -> list[Checkpoint]:
        """What a run has behind it, in order."""
        ...

    async def result(self, run_id: str, seconds: float) -> Run:
        """The run once it has ended, or as it is after `seconds`. Raises NoSuchRun."""
        ...

    async def cancel(self, run_id: str) -> None:
        """Stop before the next step, undoing nothing; a step under way is finished. (A governed write is stopped by a
        signal to its saga, which compensates.) A run that has ended stays as it is. Raises NoSuchRun."""
        ...

    async def resume(self, run_id: str) -> None:
        """Go on with a canceled run, or do the failed step of a failed run again. Raises NoSuchRun, NotResumable."""
        ...

    def ahead(self) -> AbstractContextManager[None]:
        """Around what somebody waits for in this process: steps of runs begin after it, and wait for a moment at most.
        On the loop that opened this."""
        ...

    async def forget(self, before: datetime, first: int = 1000) -> int:
        """Delete at most `first` runs that ended before an instant, with all they have; returns how many."""
        ...

    async def close(self, grace: float = 10.0) -> None:
        """Take no further step, wait at most `grace` seconds for those under way, and leave. Runs go on elsewhere, or
        here after the next start."""
        ...
