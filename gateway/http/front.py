"""The front: one route goes past the framework's layers, and no request has more head than is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.admission import Admission
from gateway.http.door import Door

HEADER_BYTES = 32 * 1024  # of an address and all headers

_TOO_LARGE = PlainTextResponse(
    f"the address and the headers have more than {HEADER_BYTES} bytes: send less", 431, {"connection": "close"}
)


class Front(Starlette):
    """A Starlette application whose `direct` paths are answered without it; measured, that is half of the edge.

    `admission` and `door` are for the server that runs it, which tells it by `draining` that it is about to stop.
    """

    def __init__(
        self,
        direct: Mapping[str, ASGIApp],
        *,
        admission: Admission | None = None,
        door: Door | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._direct = direct
        self.admission, self.door, self.draining = admission, door, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return await super().__call__(scope, receive, send)
        size = sum(map(len, chain.from_iterable(scope["headers"]))) + len(scope["query_string"]) + len(scope["path"])
        if size > HEADER_BYTES:
            return await _TOO_LARGE(scope, receive, send)
        direct = self._direct.get(scope["path"])
        if direct is None:
            return await super().__call__(scope, receive, send)
        return await direct(scope, receive, send)
