"""A transport between a writer and a simulator on which answers are lost, processes end, and others come before."""

from collections.abc import Callable

from sources.errors import TimedOut
from sources.ports import Call, Effect, Reply, Send


class Ended(BaseException):
    """The process ended here."""


class Lossy:
    """`lost`: of so many of the next writes the answer is lost. `ends`: the process ends before the write of this number
    (from 0) of those to come. `before`: happens once, just before the next write. `written` are the writes that were
    sent, `asked` the reads."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.lost = 0
        self.ends: int | None = None
        self.before: Callable[[], object] | None = None
        self.written: list[Call] = []
        self.asked: list[Call] = []

    async def send(self, call: Call) -> Reply:
        if call.effect is Effect.READ:
            self.asked.append(call)
            return await self._send(call)
        if self.ends is not None:
            self.ends -= 1
            if self.ends < 0:
                self.ends = None
                raise Ended
        before, self.before = self.before, None
        if before is not None:
            before()
        self.written.append(call)
        reply = await self._send(call)
        if self.lost:
            self.lost -= 1
            raise TimedOut("no answer")
        return reply
