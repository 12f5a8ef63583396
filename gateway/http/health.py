"""Health: alive, and ready with what is degraded by name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.catalog import Catalog


async def livez(_request: Request) -> Response:
    """The process runs and its loop turns."""
    return JSONResponse({"alive": True})


class Readiness:
    """Ready means: requests are accepted. A source that fails degrades answers, it does not make us unready."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.draining = False

    async def readyz(self, _request: Request) -> Response:
        """Names every source and how its last call went."""
        states = {name: self._catalog.states.get(name, "NOT_ASKED_YET") for name in self._catalog.sources}
        degraded = sorted(name for name, state in states.items() if state not in ("OK", "NOT_ASKED_YET"))
        body = {"ready": not self.draining, "degraded": degraded, "sources": states}
        return JSONResponse(body, 503 if self.draining else 200)
