"""Tests in virtual time, clocks that are turned by hand, and a wire by script."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.virtual_time import VirtualLoop


class Later(VirtualLoop):
    """The virtual loop, but its time begins at 1,000 seconds: nothing may take zero for a special instant."""

    def time(self) -> float:
        return 1_000.0 + super().time()


def clock() -> float:
    """The running loop's time."""
    return asyncio.get_running_loop().time()


def virtual(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """The test, run in virtual time."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        async def ran() -> None:
            await test(*args, **named)

        with asyncio.Runner(loop_factory=Later) as runner:
            runner.run(ran())

    return run


class Turned:
    """A clock that goes when it is turned."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


class Wire:
    """A `send` by script: takes `seconds`, then answers by `outcomes`, one each and the last one for good."""

    def __init__(self, *outcomes: Any, seconds: float = 0.0) -> None:
        self.outcomes, self.seconds = list(outcomes), seconds
        self.calls: list[Any] = []
        self.at: list[float] = []
        self.running = self.most_running = 0

    async def __call__(self, call: Any) -> Any:
        self.calls.append(call)
        self.at.append(clock())
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.running -= 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome
