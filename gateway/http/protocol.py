"""The server's side of a connection, with bounds that uvicorn has none of.

How long a head may take, how large it may get while it arrives, and how long a body may go on whose request has been
answered already.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.front import HEADER_BYTES

HEAD_SECONDS = 10.0
BODY_SECONDS = 15.0  # of a body that nobody reads, because its request was refused
_SLACK = 1024  # request line and separators, which the application does not count


class BoundedProtocol(HttpToolsProtocol):
    """One timer for a connection, not for a request: it looks when the time of what is under way may be over."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._began: float | None = self.loop.time()  # of the head or of the body that is arriving; None: neither is
        self._head, self._head_bytes, self._ended = True, 0, False
        self._watch = self.loop.call_later(self.head_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._watch.cancel()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        self._ended = False
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
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._began, self._ended = None, True
        super().on_message_complete()

    def _look(self) -> None:
        """Ends what takes too long, or looks again when that may be so."""
        if self.transport.is_closing():
            return
        seconds = self.head_seconds if self._head else self.body_seconds
        left = seconds if self._began is None else self._began + seconds - self.loop.time()
        if left <= 0 and self._head:
            self._refuse(b"408 Request Timeout")
        elif left <= 0 and getattr(self.cycle, "response_complete", False):
            self.transport.close()  # a body that somebody still reads has its time from whoever reads it
        else:
            self._watch = self.loop.call_later(left if left > 0 else seconds, self._look)

    def _refuse(self, status: bytes) -> None:
        """Closes, and says why where no other answer is on its way and something was asked at all."""
        if self._head_bytes and getattr(self.cycle, "response_complete", True):
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
