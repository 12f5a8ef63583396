"""Looks after a request that takes longer than most: a body that does not arrive, a client that goes away."""

from __future__ import annotations

import asyncio

from starlette.types import Receive

_PATIENCE = 0.05  # seconds before anybody looks: most requests are over by then, and pay for one timer


class Watch:
    """Cancels the task that made it: `late` when the body has not come in time, `gone` when the client went away.

    Call `running` once the body is here, and `end` in any case.
    """

    __slots__ = ("_body_seconds", "_looking", "_loop", "_reading", "_receive", "_task", "_timer", "gone", "late")

    def __init__(self, receive: Receive, body_seconds: float) -> None:
        self._receive, self._body_seconds = receive, body_seconds
        self._task = asyncio.current_task()
        self._looking: asyncio.Task[None] | None = None
        self._reading, self.late, self.gone = True, False, False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(min(_PATIENCE, body_seconds), self._look)

    def running(self) -> None:
        """The body is here."""
        self._reading = False

    def end(self) -> None:
        """The request is over."""
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None  # it knows this watch

    def ended_it(self) -> bool:
        """Whether a cancellation of the task is this watch's, and nobody else's besides; then it is over."""
        return (self.late or self.gone) and self._task is not None and self._task.uncancel() == 0

    def _look(self) -> None:
        if not self._reading:
            self._looking = self._loop.create_task(self._look_for_the_client())
            return
        self._body_seconds -= _PATIENCE
        if self._body_seconds > 0:
            self._timer = self._loop.call_later(min(_PATIENCE, self._body_seconds), self._look)
            return
        self.late = True
        self._cancel()

    async def _look_for_the_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
