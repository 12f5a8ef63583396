"""A loop whose clock is nobody's: it jumps to the next timer as soon as nothing else is to do.

Hours pass in milliseconds and always in the same order: a program that takes its time, its sleep and its timers from the
loop, and its chances from a seeded generator, runs the same way each time. Sockets and threads have no place in it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class Stuck(RuntimeError):
    """Nothing is left that could ever wake the program."""


class _Skipping(selectors.SelectSelector):
    """Never waits: it tells the loop how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Stuck("everybody waits for somebody and no timer runs: somebody was forgotten")
        self.passed += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` begins at 0 and is what timers have waited for. `wall()` is the same as unix seconds."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._skipping.passed

    def be_late(self, seconds: float) -> None:
        """Time passes while nobody gets a turn."""
        self._skipping.passed += seconds

    def wall(self) -> float:
        return BEGINNING + self.time()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a program to its end in virtual time; raises Stuck where it never would."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test on such a loop."""

    @wraps(test)
    def ran(*arguments: Any, **named: Any) -> None:
        run(test(*arguments, **named))

    return ran
