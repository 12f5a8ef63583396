"""Wires the parts together: settings in, a Starlette application out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec
import strawberry
from starlette.routing import BaseRoute, Route

from gateway.engine.engine import Engine
from gateway.engine.grants import Grants
from gateway.engine.graph import Graph
from gateway.engine.reload import watch
from gateway.engine.shapes import open_policies
from gateway.http.admission import Admission
from gateway.http.door import Door
from gateway.http.front import Front
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.health import Readiness, livez
from gateway.http.lag import Lag
from gateway.identity.verify import Verifier
from gateway.settings import Settings
from policies.principal import Principal
from policies.store import PolicyStore
from resolvers.registry import names
from resolvers.schema import build_schema
from sources.canonical import Record
from sources.catalog import Catalog, open_catalog
from sources.ports import Send
from sources.transport import Transport

GRAPHQL = "/graphql"


class Parts(msgspec.Struct, frozen=True):
    """What a gateway is made of besides its settings.

    `issuers` fetches the issuers' keys; `granted` makes of the policies in force what a principal may do, where that is
    not for them alone to say.
    """

    schema: strawberry.Schema
    types: Mapping[type[Record], str]
    catalog: Catalog
    issuers: Send
    granted: Callable[[PolicyStore], Callable[[Principal], Grants]] = lambda policies: policies.granted


def create_app(settings: Settings, extra: Sequence[BaseRoute] = ()) -> Front:
    """An application that opens nothing until it is asked; raises for rules or settings that cannot be used.

    `extra` are routes of whoever runs it, such as the demo's console.
    """
    issuers = Transport("identity", connections=4, timeout=5.0, max_bytes=1024 * 1024)
    catalog = open_catalog(settings.sources, settings.owners)
    return assemble(settings, Parts(build_schema(), names(), catalog, issuers.send), extra, closing=[issuers.close])


def assemble(
    settings: Settings,
    parts: Parts,
    extra: Sequence[BaseRoute] = (),
    closing: Sequence[Callable[[], Awaitable[None]]] = (),
) -> Front:
    """The same of any parts; `closing` is called at the end, after the catalog has been closed."""
    catalog = parts.catalog
    policies = open_policies(settings.policies, parts.schema._schema, parts.types)
    cursor_key = settings.gateway.cursor_key
    engine = Engine(
        Graph.of(parts.schema, parts.types),
        catalog,
        parts.granted(policies),
        cursor_key=cursor_key.reveal().encode() if cursor_key else None,
        rules=lambda: policies.rules,
    )
    verifier = Verifier(settings.identity, parts.issuers, policies.policies.external())
    admission = Admission(settings.admission)
    door = Door(admission, GRAPHQL, settings.admission.retry_after)
    endpoint = GraphQLEndpoint(
        engine,
        verifier,
        body_bytes=settings.gateway.body_bytes,
        body_timeout=settings.gateway.body_timeout,
        admission=admission,
    )

    def observe(late: float, now: float) -> None:
        admission.observe(late, now)
        door.tick(now)

    def reclassify() -> None:
        verifier.reclassify(policies.policies.external())

    @contextlib.asynccontextmanager
    async def lifespan(_app: Front) -> AsyncIterator[None]:
        watching = asyncio.create_task(watch(policies, settings.policies.poll, reclassify))
        lag = Lag(observe)
        lag.start()
        yield
        lag.stop()
        watching.cancel()
        await catalog.close()
        for close in closing:
            await close()

    readiness = Readiness(catalog, policies, lambda: app.draining)
    app = Front(
        {GRAPHQL: endpoint},
        admission=admission,
        door=door,
        routes=[
            Route(GRAPHQL, endpoint),
            Route("/livez", livez),
            Route("/readyz", readiness.readyz),
            *extra,
        ],
        lifespan=lifespan,
    )
    app.state.engine, app.state.catalog = engine, catalog
    return app
