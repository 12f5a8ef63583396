"""The front: one route goes past the framework's layers, and no request has more head than is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.admission import Admission
from gateway.http.door import Door

HEADER_BYTES = 32 * 1024  # of an address and all headers
ARRIVED = "opsgraph.arrived"  # of a request's scope: as many bytes as its head has, or more

_TOO_LARGE = PlainTextResponse(
    f"the address and the headers have more than {HEADER_BYTES} bytes: send less", 431, {"connection": "close"}
)


class Front(Starlette):
    """A Starlette application whose `direct` paths are answered without it; measured, that is half of the edge.

    `sockets` are the paths of its WebSockets. `admission` and `door` are for the server that runs it, which tells it by
    `draining` that it is about to stop, and calls `drain` on its loop.
    """

    def __init__(
        self,
        direct: Mapping[str, ASGIApp],
        *,
        sockets: Mapping[str, ASGIApp] = MappingProxyType({}),
        admission: Admission | None = None,
        door: Door | None = None,
        drain: Callable[[], None] = lambda: None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._direct, self._sockets, self.drain = direct, sockets, drain
        self.admission, self.door, self.draining = admission, door, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "websocket" and scope["path"] in self._sockets:
            return await self._sockets[scope["path"]](scope, receive, send)
        if scope["type"] != "http":
            return await super().__call__(scope, receive, send)
        # Where no more has arrived than a head may have, nothing need be counted: so it is nearly always.
        if scope.get(ARRIVED, math.inf) > HEADER_BYTES and head_size(scope) > HEADER_BYTES:
            return await _TOO_LARGE(scope, receive, send)
        direct = self._direct.get(scope["path"])
        if direct is None:
            return await super().__call__(scope, receive, send)
        return await direct(scope, receive, send)


def head_size(scope: Scope) -> int:
    """The bytes of an address and all headers."""
    headers = sum(map(len, chain.from_iterable(scope["headers"])))
    return headers + len(scope["query_string"]) + len(scope["path"])
