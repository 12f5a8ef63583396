"""The demo's door to the faults: `/demo/chaos`, on the gateway's own port; what only serves has none."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.enterprise.faults.control import FAULTS
from sources.errors import SourceError
from sources.ports import Call, Effect
from sources.transport import Transport

PATH = "/demo/chaos"
_JSON = "application/json"


class Door:
    """`GET`: what each source plays and has counted. `POST {"source", "fault", ...}`: sets one, as `control` tells."""

    def __init__(self, control: str) -> None:
        self._control = control
        self._transport = Transport("chaos", connections=4, timeout=5.0)

    def route(self) -> Route:
        """For the demo's application."""
        return Route(PATH, self._asked, methods=["GET", "POST"])

    async def close(self) -> None:
        """Closes its connections."""
        await self._transport.close()

    async def _asked(self, request: Request) -> Response:
        if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0] != _JSON:
            # Another site's page may send a form or plain text from its visitor's browser, but not this.
            return JSONResponse({"error": f"send it as `content-type: {_JSON}`"}, 415)
        body = await request.body() if request.method == "POST" else None
        headers = {"content-type": _JSON} if body is not None else {}
        call = Call(request.method, self._control + FAULTS, headers, body, "faults", effect=Effect.READ)
        try:
            reply = await self._transport.send(call)
        except SourceError as error:
            return JSONResponse({"error": f"the fault proxies do not answer: {error.message}"}, 502)
        return Response(reply.body, reply.status, {"cache-control": "no-store"}, _JSON)
