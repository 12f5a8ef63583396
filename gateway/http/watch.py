"""Looks after a request that has to wait: for a body that does not arrive, for a client that goes away."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from starlette.types import Receive

from gateway.http.bodies import BodyRefused

_PATIENCE = 0.05  # seconds before anybody looks: most requests are over by then, and pay for one timer
Answer = TypeVar("Answer")


class Watch:
    """Cancels what it is `over`, and the task that waits for it. Call `running` once the body is here."""

    __slots__ = (
        "_body_seconds",
        "_gone",
        "_late",
        "_left",
        "_looking",
        "_loop",
        "_reading",
        "_receive",
        "_task",
        "_timer",
    )

    def __init__(self, receive: Receive, body_seconds: float) -> None:
        self._receive, self._body_seconds, self._reading = receive, body_seconds, True

    def running(self) -> None:
        """The body is here."""
        self._reading = False

    async def over(self, work: Coroutine[Any, Any, Answer]) -> Answer | None:
        """What some work comes to; None when the client went away, and BodyRefused when the body did not come in time.

        The work begins at once. If it is done without having waited, as most that is answered from memory is, nobody
        needs to look after it.
        """
        try:
            awaited = work.send(None)
        except StopIteration as done:
            answer: Answer = done.value
            return answer
        self._begin()
        try:
            return await _rest(work, awaited)
        except asyncio.CancelledError:
            if not self._ended_it():
                raise
            if self._late:
                raise BodyRefused(408, f"the body did not arrive within {self._body_seconds:g} s") from None
            return None
        finally:
            self._end()

    def _begin(self) -> None:
        self._late, self._gone, self._left = False, False, self._body_seconds
        self._looking: asyncio.Task[None] | None = None
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(min(_PATIENCE, self._left), self._look)

    def _end(self) -> None:
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None  # it knows this watch

    def _ended_it(self) -> bool:
        """Whether a cancellation of the task is this watch's, and nobody else's besides; then it is over."""
        return (self._late or self._gone) and self._task is not None and self._task.uncancel() == 0

    def _look(self) -> None:
        if not self._reading:
            self._looking = self._loop.create_task(self._look_for_the_client())
            return
        self._left -= _PATIENCE
        if self._left > 0:
            self._timer = self._loop.call_later(min(_PATIENCE, self._left), self._look)
            return
        self._late = True
        self._cancel()

    async def _look_for_the_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


@types.coroutine
def _rest(work: Coroutine[Any, Any, Answer], awaited: Any) -> Generator[Any, Any, Answer]:
    """What work comes to that has begun, and waits for something now."""
    while True:
        try:
            yield awaited
            break
        except BaseException as error:
            try:
                awaited = work.throw(error)
            except StopIteration as done:
                answer: Answer = done.value
                return answer
    last: Answer = yield from work
    return last
