"""The server: tells the application what is under way, and stops without losing what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from types import FrameType

import uvicorn

from gateway.http.front import Front

ACCEPTORS = 8


class GracefulServer(uvicorn.Server):
    """Stops in steps. At once: `/readyz` says no, every answer ends its connection, and streams begin to end. After
    `notice` seconds: nobody new is let in. Then what is under way has the configured time.

    `notice` is for balancers, which go on sending until they have looked; an interrupt from a terminal skips it, and so
    does a second signal.
    """

    def __init__(self, config: uvicorn.Config, notice: float = 0.0) -> None:
        super().__init__(config)
        self._notice, self._hurried = notice, asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        app = config.app
        self._front = app if isinstance(app, Front) else None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves until a signal; one that came before, and that its handler remembers as `asked`, counts too."""
        self._earlier = signal.getsignal(signal.SIGTERM)
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, several times on each socket: a loop of uvloop takes one connection a turn, and turns are long when
        there is much to do, so that a crowd of new connections, and a probe behind it, would wait for minutes."""
        self._copies = [each.dup() for each in sockets or [] for _ in range(ACCEPTORS - 1)]
        await super().startup([*(sockets or []), *self._copies] if sockets is not None else None)
        self.should_exit = self.should_exit or getattr(self._earlier, "asked", False)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets nobody new in, and waits for what is under way."""
        await super().shutdown([*sockets, *self._copies] if sockets is not None else None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        again = self.should_exit
        self._drain()
        if self._loop is not None and self._front is not None:
            self._loop.call_soon_threadsafe(self._front.drain)
        if (again or sig == signal.SIGINT) and self._loop is not None:
            self._loop.call_soon_threadsafe(self._hurried.set)
        super().handle_exit(sig, frame)

    async def main_loop(self) -> None:
        """Serves until it is to stop, and through the notice."""
        self._loop = asyncio.get_running_loop()
        await super().main_loop()
        self._drain()
        if self._front is not None:
            self._front.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), self._notice)

    def _drain(self) -> None:
        """Every answer from now on is the last of its connection; one that has begun keeps what it said."""
        if self._front is None or self._front.draining:
            return
        self._front.draining = True
        for connection in self.server_state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_started:
                cycle.keep_alive = False
