"""Health: alive, and ready with what is degraded by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.engine.trusted import Standing
from policies.store import PolicyStore
from sources.overview import Condition, Overview, Remembered

_REDIS = {None: None, True: "IN_USE", False: "LEFT"}
_WELL = (Condition.OK, Condition.NOT_ASKED_YET)


async def livez(_request: Request) -> Response:
    """The process runs and its loop turns."""
    return JSONResponse({"alive": True})


class Readiness:
    """Ready means: requests are accepted, and every trusted document is planned. A source that fails degrades answers,
    it does not make us unready; nor do governed writes, whose own tables `writes` asks."""

    def __init__(
        self,
        sources: Callable[[], Sequence[Overview]],
        cache: Callable[[], Remembered],
        policies: PolicyStore,
        documents: Callable[[], Standing],
        draining: Callable[[], bool],
        writes: Callable[[], Awaitable[str]],
    ) -> None:
        self._sources, self._cache, self._policies, self._draining = sources, cache, policies, draining
        self._documents, self._writes = documents, writes

    async def readyz(self, _request: Request) -> Response:
        """Names every source and how it is doing, more of those that are not well, and which policies are in force."""
        sources, status, draining = self._sources(), self._policies.status, self._draining()
        documents = self._documents()
        ready = documents.ready and not draining
        unwell = [each for each in sources if each.condition not in _WELL]
        body = {
            "ready": ready,
            "draining": draining,
            "degraded": [each.name for each in unwell],
            "sources": {each.name: each.condition.value for each in sources},
            "why": {each.name: _why(each) for each in unwell},
            "writes": await self._writes(),
            "cache": {"redis": _REDIS[self._cache().redis]},
            "policies": {
                "digest": status.digest,
                "loadedAt": status.loaded_at.isoformat(),
                "stale": status.last_error is not None,  # newer rules are there and cannot be used: the log says why
            },
            "documents": {
                "trusted": documents.documents,
                "clients": documents.clients,
                "warm": documents.warm,
                "failed": documents.failed,
                "stale": documents.stale,  # as of the policies
            },
        }
        return JSONResponse(body, 200 if ready else 503)


def _why(source: Overview) -> dict[str, Any]:
    state, mishap, since = source.pipeline, source.history.mishap, source.history.open_since
    return {
        "circuit": {"reads": state.reads.state, "writes": state.writes.state},
        "openSince": since.isoformat() if since is not None else None,
        "lastError": {"code": mishap.code, "at": mishap.at.isoformat()} if mishap is not None else None,
        "quota": [{"name": each.name, "limit": each.limit, "remaining": each.remaining} for each in state.limits],
    }
