"""The console's routes: one page, its files, and what the page is opened with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

PATH = "/console"
DOCUMENTS = Path(__file__).parent / "documents"  # with a manifest: what the console asks is trusted
_STATIC = Path(__file__).parent / "static"
# GraphiQL sets styles by attribute and loads its editor's worker from a blob; nothing comes from anywhere else.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class Tab(msgspec.Struct, frozen=True):
    """A query the console opens with, and the role that shows it best."""

    title: str
    query: str
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)


class Opening(msgspec.Struct, frozen=True):
    """What the page starts with. `tokens` (role -> JWT) and `chaos` (where faults are set) come from a demo only."""

    endpoint: str
    tabs: Sequence[Tab] = ()
    tokens: Mapping[str, str] = msgspec.field(default_factory=dict)
    role: str = "support_lead"
    chaos: str | None = None


def document(name: str) -> str:
    """The exact text of one of the console's own documents."""
    return (DOCUMENTS / "console" / f"{name}.graphql").read_bytes().decode()


def routes(opening: Opening) -> list[BaseRoute]:
    """The console under `/console`."""

    async def page(_request: Request) -> Response:
        return FileResponse(_STATIC / "console.html", headers={"content-security-policy": _POLICY})

    async def start(_request: Request) -> Response:
        return JSONResponse(msgspec.to_builtins(opening), headers={"cache-control": "no-store"})

    return [
        Route(PATH, page),
        Route(f"{PATH}/opening.json", start),
        Mount(f"{PATH}/static", StaticFiles(directory=_STATIC)),
    ]
