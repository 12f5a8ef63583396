"""Health: alive, and ready with what is degraded by name."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from policies.store import PolicyStore
from sources.catalog import Catalog


async def livez(_request: Request) -> Response:
    """The process runs and its loop turns."""
    return JSONResponse({"alive": True})


class Readiness:
    """Ready means: requests are accepted. A source that fails degrades answers, it does not make us unready."""

    def __init__(self, catalog: Catalog, policies: PolicyStore, draining: Callable[[], bool]) -> None:
        self._catalog, self._policies, self._draining = catalog, policies, draining

    async def readyz(self, _request: Request) -> Response:
        """Names every source and how its last call went, and which policies are in force."""
        states = {name: self._catalog.states.get(name, "NOT_ASKED_YET") for name in self._catalog.sources}
        degraded = sorted(name for name, state in states.items() if state not in ("OK", "NOT_ASKED_YET"))
        status = self._policies.status
        policies = {
            "digest": status.digest,
            "loadedAt": status.loaded_at.isoformat(),
            "stale": status.last_error is not None,  # newer rules are there and cannot be used: the log says why
        }
        draining = self._draining()
        body = {"ready": not draining, "degraded": degraded, "sources": states, "policies": policies}
        return JSONResponse(body, 503 if draining else 200)
