"""The server's side of a connection, with bounds that uvicorn has none of.

How long a head may take, how large it may get while it arrives, and how long a body may go on whose request has been
answered already; what is refused at the door; and how a connection ends when the server stops.
"""

from __future__ import annotations

import asyncio

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.http.admission import TURN
from gateway.http.front import ARRIVED, HEADER_BYTES, Front
from gateway.http.streams.pace import CUT, RELEASE
from gateway.http.whole import offer

HEAD_SECONDS = 10.0
BODY_SECONDS = 15.0  # of a body that nobody reads, because its request was refused
LINGER_SECONDS = 0.5  # of a connection that is idle when the server stops: a request may be on its way
_SLACK = 1024  # request line and separators, which the application does not count


class BoundedProtocol(HttpToolsProtocol):
    """One timer for a connection, not for a request: it looks when the time of what is under way may be over."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS
    linger_seconds = LINGER_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._began: float | None = self.loop.time()  # of the head or of the body that is arriving; None: neither is
        self._head, self._head_bytes, self._arrived, self._ended = True, 0, 0, False
        self._idle: float | None = None  # since when nothing is under way, once something was
        self._watch = self.loop.call_later(min(self.head_seconds, self.timeout_keep_alive), self._look)
        self._front, self._busy = self.app if isinstance(self.app, Front) else None, False
        self._door = self._front.door if self._front is not None else None
        self._admission = self._front.admission if self._front is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        self._ends()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._watch.cancel()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        if self._admission is not None and self._admission.pressed and self._between and self._turned_away(data):
            return
        self._ended, self._idle = False, None
        self._arrived = len(data) + (self._arrived if self._head else 0)  # of a head, and what came together with it
        super().data_received(data)
        # Only a head that goes on: one that is complete is counted by the application, without the body behind it.
        if self._head and not self._ended:
            self._head_bytes += len(data)
            if self._head_bytes > HEADER_BYTES + _SLACK:
                self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._head_bytes, self._began = True, 0, self.loop.time()

    def on_headers_complete(self) -> None:
        self._head, self._began = False, self.loop.time()
        if self._admission is not None:
            self.scope[TURN] = self._admission.turn  # type: ignore[literal-required] # ours besides uvicorn's
        self.scope[RELEASE], self.scope[CUT] = self._ends, self._cut  # type: ignore[literal-required] # as above
        self.scope[ARRIVED] = self._arrived  # type: ignore[literal-required] # as above
        super().on_headers_complete()
        if getattr(self.cycle, "scope", None) is self.scope:  # it is not where the protocol changes
            offer(self.cycle)
        if self._front is not None and self._front.draining:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._began, self._ended = None, True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """All that uvicorn does, but for a timer for each request: how long a connection is idle, `_look` sees."""
        self._ends()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle = self.loop.time()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self._admission is not None and not self._busy:
            self._busy = True
            self._admission.under_way += 1
        super()._start_asgi_task(cycle, app)

    def _ends(self) -> None:
        """A connection has one request under way at most; what became of it, nobody waits for it any longer."""
        if self._admission is not None and self._busy:
            self._busy = False
            self._admission.under_way -= 1

    def shutdown(self) -> None:
        """Ends with the answer that is under way, or with one to a request that comes soon: a connection closed as
        soon as it is idle loses what its client has just sent."""
        if self._between:
            self.loop.call_later(self.linger_seconds, self._leave)
        elif self.cycle is not None:
            self.cycle.keep_alive = False

    def _cut(self) -> None:
        """Ends it at once, with what has not been taken of its answer."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.abort()

    def pause(self) -> None:
        """Reads no more."""
        self.flow.pause_reading()

    def resume(self) -> None:
        """Reads on, where there is still something to read."""
        if not self.transport.is_closing():
            self.flow.resume_reading()

    @property
    def _between(self) -> bool:
        """Whether nothing is under way and nothing has begun to arrive."""
        fresh: bool = self._head and self._head_bytes == 0
        return (fresh or self._began is None) and getattr(self.cycle, "response_complete", True)

    def _turned_away(self, data: bytes) -> bool:
        """Whether the door refused it. One that was refused is as idle as one that was answered; while the server stops
        it is the last."""
        refusal = self._door.refusal(data) if self._door is not None else None
        if self._door is None or refusal is None:
            return False
        self.transport.write(refusal)
        self._began = None
        if self._front is not None and self._front.draining:
            self.transport.close()
            return True
        if self._idle is None:
            self._idle = self.loop.time()
        self._door.refused(self)
        return True

    def _leave(self) -> None:
        if self._between and not self.transport.is_closing():
            self.transport.close()

    def _look(self) -> None:
        """Ends what takes too long, or looks again when that may be so."""
        if self.transport.is_closing():
            return
        now, seconds = self.loop.time(), self.head_seconds if self._head else self.body_seconds
        left = seconds if self._began is None else self._began + seconds - now
        idle = self.timeout_keep_alive if self._idle is None else self._idle + self.timeout_keep_alive - now
        if left <= 0 and self._head:
            self._refuse(b"408 Request Timeout")
        elif idle <= 0 or (left <= 0 and getattr(self.cycle, "response_complete", False)):
            self.transport.close()  # a body that somebody still reads has its time from whoever reads it
        else:
            self._watch = self.loop.call_later(min(left if left > 0 else seconds, idle), self._look)

    def _refuse(self, status: bytes) -> None:
        """Closes, and says why where no other answer is on its way and something was asked at all."""
        if self._head_bytes and getattr(self.cycle, "response_complete", True):
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
