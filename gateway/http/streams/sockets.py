"""WebSockets: `graphql-transport-ws` at the path of the graph. Here is decided who is let in, and how one is closed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.http.admission import MESSAGE, Admission
from gateway.http.front import HEADER_BYTES, head_size
from gateway.http.requests import correlation_id
from gateway.http.streams.connection import Connection, Host
from gateway.http.streams.ends import GONE, STALLED, End
from gateway.http.streams.messages import PROTOCOL
from gateway.http.streams.origins import admitted
from gateway.http.streams.pace import Left, Pace, Stalled
from gateway.http.streams.places import RETRY_AFTER, Full, Place
from sources.errand import Lane

_LONGEST = 123  # bytes of a reason for closing, by the standard
_OTHER = End("protocol", 4406, "Subprotocol not acceptable")


class Sockets:
    """The endpoint. Who is not let in is told by an HTTP status, where the server can do that."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one WebSocket until it is over."""
        headers = dict(scope["headers"])
        try:
            self._admit(scope, headers)
            with self._host.places.taken() as place:
                await self._serve(scope, receive, send, headers, place)
        except Full as error:
            await _refuse(scope, receive, send, error)

    def _admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Raises Full for who is not let in."""
        admission = self._host.admission
        if head_size(scope) > HEADER_BYTES:
            raise Full(431, "BAD_INPUT", f"the address and the headers have more than {HEADER_BYTES} bytes: send less")
        if not admitted(headers, self._host.settings.origins):
            raise Full(403, "FORBIDDEN", "pages of this origin may open no streams here: see `[streams] origins`")
        if admission is not None and admission.pressed and not _room(admission):
            raise Full(503, "OVERLOADED", MESSAGE)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[bytes, bytes], place: Place
    ) -> None:
        pace = Pace(scope, send, self._host.settings.patience)
        end = GONE
        try:
            ours = PROTOCOL in scope["subprotocols"]
            await receive()  # that somebody wants to connect
            await pace.send({"type": "websocket.accept", "subprotocol": PROTOCOL if ours else None})
            connection = Connection(
                self._host, receive, pace, place, headers, correlation_id(headers.get(b"x-correlation-id"))
            )
            end = await connection.serve() if ours else _OTHER
            if end is not GONE and end is not STALLED:
                await pace.send({"type": "websocket.close", "code": end.close, "reason": _reason(end)})
        except Stalled:
            end = STALLED
        except Left:
            end = GONE
        finally:
            self._host.places.ended.add("websocket", end.word)
        if end is STALLED:
            pace.cut()


def _room(admission: Admission) -> bool:
    return admission.open_to(Lane.PORTAL, admission.under_way, admission.turn)


def _reason(end: End) -> str:
    return end.message.encode()[:_LONGEST].decode(errors="ignore")


async def _refuse(scope: Scope, receive: Receive, send: Send, error: Full) -> None:
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1013, "reason": str(error)[:_LONGEST]})
        return
    body = msgspec.json.encode({"errors": [{"message": str(error), "extensions": {"code": error.code}}]})
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
    if error.status in (429, 503):
        headers.append((b"retry-after", b"%d" % RETRY_AFTER))
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
