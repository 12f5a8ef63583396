"""Wires the parts together: settings in, a Starlette application out."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec
import strawberry
from starlette.routing import BaseRoute, Route

from gateway.auditing import read_audit
from gateway.engine.engine import Engine
from gateway.engine.grants import Grants
from gateway.engine.graph import Graph
from gateway.engine.reload import watch
from gateway.engine.shapes import open_policies
from gateway.engine.trust import Trust
from gateway.engine.trusted import TrustedDocuments
from gateway.engine.warm import plain_roles
from gateway.http.admission import Admission
from gateway.http.door import Door
from gateway.http.front import Front
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.health import Readiness, livez
from gateway.http.lag import Lag
from gateway.http.metrics import Metrics
from gateway.http.rates import Rates
from gateway.http.streams.connection import Host
from gateway.http.streams.events import EventStreams
from gateway.http.streams.places import Places
from gateway.http.streams.sockets import Sockets
from gateway.identity.verify import Verifier
from gateway.settings import Settings, StreamSettings
from gateway.telemetry.journal import Journal
from gateway.telemetry.meters import Meters
from gateway.telemetry.reads import ReadAudit
from gateway.writing import Writing
from policies.principal import Principal
from policies.store import PolicyStore
from resolvers.context import Happenings
from resolvers.registry import names
from resolvers.schema import build_schema
from sources.cache import Cache, CacheSettings
from sources.canonical import Record
from sources.catalog import Catalog, open_catalog
from sources.conditions import Conditions
from sources.overview import Overview, Remembered, overview, remembered
from sources.pipeline.redis_ledger import RedisLedger
from sources.ports import Send
from sources.settings import Secret
from sources.transport import Transport

GRAPHQL = "/graphql"


class Watchers:
    """Who is told of calls and circuits, of which a catalog has to be opened with all. `queue`: how many changes of
    sources may wait for one stream."""

    def __init__(self, queue: int = StreamSettings().queue) -> None:
        self.journal, self.meters, self.conditions = Journal(), Meters(), Conditions(queue)
        self.observers = (self.journal, self.meters, self.conditions)


class Parts(msgspec.Struct, frozen=True):
    """What a gateway is made of besides its settings.

    `issuers` fetches the issuers' keys; `watchers` are those that the catalog was opened with; `granted` makes of the
    policies in force what a principal may do, where that is not for them alone to say.
    """

    schema: strawberry.Schema
    types: Mapping[type[Record], str]
    catalog: Catalog
    issuers: Send
    watchers: Watchers
    granted: Callable[[PolicyStore], Callable[[Principal], Grants]] = lambda policies: policies.granted


def create_app(settings: Settings, extra: Sequence[BaseRoute] = ()) -> Front:
    """An application that opens nothing until it is asked; raises for rules, settings or manifests that cannot be used.

    `extra` are routes of whoever runs it, such as the demo's console.
    """
    issuers = Transport("identity", connections=4, timeout=5.0, max_bytes=1024 * 1024)
    watchers = Watchers(settings.streams.queue)
    cache, ledger = Cache(settings.cache), shared_ledger(settings.cache)
    catalog = open_catalog(settings.sources, settings.owners, cache=cache, ledger=ledger, observers=watchers.observers)
    parts = Parts(build_schema(), names(), catalog, issuers.send, watchers)
    closing = [issuers.close] if ledger is None else [issuers.close, ledger.close]
    return assemble(settings, parts, extra, closing=closing)


def shared_ledger(shared: CacheSettings) -> RedisLedger | None:
    """What vendors allow an account is counted where processes share their facts; None: this process counts alone."""
    if shared.redis is None:
        return None
    return RedisLedger(
        shared.redis,
        clock=time.monotonic,
        user=shared.redis_user,
        password=shared.redis_password,
        prefix=f"{shared.prefix}:ledger",
        limit=shared.operation,
    )


def assemble(
    settings: Settings,
    parts: Parts,
    extra: Sequence[BaseRoute] = (),
    closing: Sequence[Callable[[], Awaitable[None]]] = (),
) -> Front:
    """The same of any parts; `closing` is called at the end, after the catalog has been closed."""
    catalog, watchers = parts.catalog, parts.watchers
    policies = open_policies(settings.policies, parts.schema._schema, parts.types)

    def sources() -> list[Overview]:
        return overview(catalog, watchers.journal.histories())

    documents = TrustedDocuments(settings.documents, settings.limits, watchers.meters.untrusted)
    signing = settings.gateway.signing_key or Secret(secrets.token_hex(32))
    writing = Writing(settings.writes, catalog, policies, settings.streams, signing=signing)
    reads = read_audit(settings, writing)
    engine = _engine(settings, parts, policies, sources, documents.trust, writing, signing, reads)
    documents.attend(engine, lambda: plain_roles(policies.policies.tables))
    verifier = Verifier(settings.identity, parts.issuers, policies.policies.external())
    admission = Admission(settings.admission)
    door = Door(admission, GRAPHQL, settings.admission.retry_after)
    rates = Rates(settings.admission.rate, warns="rate" in settings.admission.warn_only)
    places, purposes = Places(settings.streams), writing if settings.writes.on else None
    endpoint = GraphQLEndpoint(
        engine,
        verifier,
        body_bytes=settings.gateway.body_bytes,
        body_timeout=settings.gateway.body_timeout,
        admission=admission,
        answered=watchers.meters.answered,
        purposes=purposes,
        rates=rates,
        streams=EventStreams(engine, places, settings.streams, watchers.meters.streamed)
        if settings.streams.enabled
        else None,
    )
    sockets = Sockets(Host(engine, verifier, places, settings.streams, admission, purposes, watchers.meters.streamed))

    def cache() -> Remembered:
        return remembered(catalog)

    readiness = Readiness(sources, cache, policies, lambda: documents.standing, lambda: app.draining, writing.condition)
    metrics = Metrics(watchers.meters, admission, sources, cache, reads, rates, places)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Front) -> AsyncIterator[None]:
        watching = asyncio.create_task(watchers.conditions.run(sources))
        async with _running(settings, policies, documents, verifier, admission, door):
            await writing.open()
            reads.start()
            yield
            await reads.close()
            await writing.close()  # first: its steps still ask the sources
        watching.cancel()
        await catalog.close()
        for close in closing:
            await close()

    app = Front(
        {GRAPHQL: endpoint},
        sockets={GRAPHQL: sockets} if settings.streams.enabled else {},
        admission=admission,
        door=door,
        drain=places.drain,
        routes=[
            Route(GRAPHQL, endpoint),
            Route("/livez", livez),
            Route("/readyz", readiness.readyz),
            *([Route("/metrics", metrics.page)] if settings.gateway.metrics else []),
            *extra,
        ],
        lifespan=lifespan,
    )
    app.state.engine, app.state.catalog, app.state.writing = engine, catalog, writing
    return app


def _engine(
    settings: Settings,
    parts: Parts,
    policies: PolicyStore,
    sources: Callable[[], Sequence[Overview]],
    trust: Trust,
    writing: Writing,
    signing: Secret,
    reads: ReadAudit,
) -> Engine:
    cursor_key = settings.gateway.cursor_key
    return Engine(
        Graph.of(parts.schema, parts.types),
        parts.catalog,
        parts.granted(policies),
        cursor_key=cursor_key.reveal().encode() if cursor_key else None,
        signing=signing,
        rules=lambda: policies.rules,
        limits=settings.limits,
        exceeded=parts.watchers.meters.exceeded,
        operations=settings.operations,
        sources=sources,
        trust=trust,
        office=lambda: writing.office,
        happenings=Happenings(parts.watchers.conditions, lambda: writing.outbox),
        record=reads.note if reads.on else None,
    )


@contextlib.asynccontextmanager
async def _running(
    settings: Settings,
    policies: PolicyStore,
    documents: TrustedDocuments,
    verifier: Verifier,
    admission: Admission,
    door: Door,
) -> AsyncIterator[None]:
    """What goes on beside the requests: watching rules and manifests, and how late the loop is."""

    def reclassify() -> None:
        verifier.reclassify(policies.policies.external())
        documents.replan()

    last = [time.monotonic(), time.process_time()]

    def observe(late: float, now: float) -> None:
        admission.observe(late, now)
        worked = time.process_time()
        door.tick(now - last[0], worked - last[1])
        last[:] = now, worked

    watching = asyncio.create_task(watch(policies, settings.policies.poll, reclassify))
    attending = asyncio.create_task(documents.run())
    lag = Lag(observe)
    lag.start()
    try:
        yield
    finally:
        lag.stop()
        watching.cancel()
        attending.cancel()
        await asyncio.wait([attending])
