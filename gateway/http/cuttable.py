"""The server's side of a WebSocket: uvicorn's, which can also be cut off at once."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from gateway.http.streams.pace import CUT


class CuttableSocket(WebSocketsSansIOProtocol):
    """Closing waits until the other side has taken what was sent: one that takes nothing would be kept for ever."""

    def handle_connect(self, event: Request) -> None:
        """The application is told how to cut it off, before it begins."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope[CUT] = self._cut  # type: ignore[literal-required] # ours besides uvicorn's

    def _cut(self) -> None:
        self.disconnected = True
        self.transport.abort()
