"""The server's side of a WebSocket: uvicorn's, which ends a handshake that cannot be read, and can be cut off."""

from __future__ import annotations

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from gateway.http.streams.pace import CUT

_UNREADABLE = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class CuttableSocket(WebSocketsSansIOProtocol):
    """Closing waits until the other side has taken what was sent: one that takes nothing would be kept for ever."""

    def data_received(self, data: bytes) -> None:
        """The whole head comes first. One that has lines or headers beyond the library's bounds would be left open."""
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(_UNREADABLE)
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """The application is told how to cut it off, before it begins."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope[CUT] = self._cut  # type: ignore[literal-required] # ours besides uvicorn's

    async def send(self, message: ASGISendEvent) -> None:
        """Once closed, the other side has its time to agree, and then none to take what is left."""
        await super().send(message)
        if self.close_timer is not None and message["type"] == "websocket.close":
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """Who gives no sign of life takes nothing any more either."""
        super().keepalive_timeout()
        self.transport.abort()

    def _cut(self) -> None:
        self.disconnected = True
        self.transport.abort()
