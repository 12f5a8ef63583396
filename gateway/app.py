"""Wires the parts together: settings in, a Starlette application out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from gateway.engine.engine import Engine
from gateway.engine.graph import Graph
from gateway.engine.reload import watch
from gateway.engine.shapes import open_policies
from gateway.http.front import Front
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.health import Readiness, livez
from gateway.identity.verify import Verifier
from gateway.settings import Settings
from resolvers.registry import names
from resolvers.schema import build_schema
from sources.cache import Cache
from sources.catalog import open_catalog
from sources.transport import Transport

GRAPHQL = "/graphql"


def create_app(settings: Settings, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """An application that opens nothing until it is asked; raises for rules or settings that cannot be used.

    `extra` are routes of whoever runs it, such as the demo's console.
    """
    catalog = open_catalog(settings.sources, settings.owners, cache=Cache(settings.cache))
    issuers = Transport("identity", connections=4, timeout=5.0, max_bytes=1024 * 1024)
    schema = build_schema()
    policies = open_policies(settings.policies, schema._schema, names())
    cursor_key = settings.gateway.cursor_key
    engine = Engine(
        Graph.of(schema, names()),
        catalog,
        policies.granted,
        cursor_key=cursor_key.reveal().encode() if cursor_key else None,
        rules=lambda: policies.rules,
        operations=settings.operations,
    )
    verifier = Verifier(settings.identity, issuers.send, policies.policies.external())
    readiness = Readiness(catalog, policies)
    endpoint = GraphQLEndpoint(
        engine, verifier, body_bytes=settings.gateway.body_bytes, body_timeout=settings.gateway.body_timeout
    )

    def reclassify() -> None:
        verifier.reclassify(policies.policies.external())

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(watch(policies, settings.policies.poll, reclassify))
        yield
        readiness.draining = True
        watching.cancel()
        await catalog.close()
        await issuers.close()

    app = Front(
        {GRAPHQL: endpoint},
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
