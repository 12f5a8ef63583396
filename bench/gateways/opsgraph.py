"""Opsgraph beside its peers: its real edge, identity, policies and engine over the benchmark's connector and types.

`--facts` answers from records in memory. The token's role says by which rules is answered; `open` by none at all.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from bench.gateways.connector import Connector
from bench.gateways.types import NAMES, SCHEMA
from bench.identity import AUDIENCE, ISSUER, published
from bench.serving import serve
from gateway.app import GRAPHQL
from gateway.cli.serve import run_async
from gateway.engine.engine import Engine
from gateway.engine.grants import AllowAll, Grants
from gateway.engine.graph import Graph
from gateway.engine.shapes import open_policies
from gateway.http.front import Front
from gateway.http.graphql import GraphQLEndpoint
from gateway.identity.verify import Verifier
from gateway.settings import IdentitySettings, Issuer, PolicySettings
from policies.principal import Principal
from sources.cache import Cache, Cached, CacheSettings
from sources.cache.freshness import Freshness
from sources.canonical import Record, System
from sources.catalog import Catalog, Source
from sources.ports import Call, Reply
from sources.ports import Connector as AnyConnector
from sources.settings import SourceSettings
from sources.transport import Transport

RULES = Path(__file__).parent / "rules"
OPEN = "open"  # the role that no rule speaks of: everything is allowed without asking
_CONNECTIONS = 100


class BenchCatalog(Catalog):
    """The catalog, with the benchmark's own records: whoever declares a record owns it."""

    def owners(self, record: type[Record]) -> tuple[AnyConnector, ...]:
        """Who answers for a type."""
        known = self.__dict__.setdefault("_declared", {})
        if record not in known:
            every = [source.connector for source in self.sources.values()]
            known[record] = tuple(each for each in every if any(kind is record for kind, _ in each.capabilities))
        found: tuple[AnyConnector, ...] = known[record]
        return found


class LastingCache(Cache):
    """The cache, for longer than a measurement lasts."""

    def freshness(self, record: type[Record]) -> Freshness:
        """An hour for everything, also for what is not there."""
        return Freshness(3_600.0, refresh_ahead=0.0, negative=3_600.0)


def catalog(upstream: str, *, facts: bool) -> Catalog:
    """The four systems, each with a transport of its own, behind the cache; `facts`: what was read once stays known."""
    opened = []
    cache = LastingCache() if facts else Cache(CacheSettings(enabled=False))
    for system in System:
        name = system.value.lower()
        transport = Transport(name, connections=_CONNECTIONS)
        settings = SourceSettings(vendor="bench", url=upstream, connections=_CONNECTIONS)
        connector = Cached(Connector(system, upstream, transport.send), cache)
        opened.append(Source(connector, settings, transport))
    return BenchCatalog(opened, cache=cache)


def application(upstream: str, key_file: Path, *, facts: bool) -> Starlette:
    """The gateway, put together as `gateway.app` does."""
    sources = catalog(upstream, facts=facts)
    policies = open_policies(PolicySettings(rules=str(RULES)), SCHEMA._schema, NAMES)
    allowed = AllowAll()

    def grants(principal: Principal) -> Grants:
        return allowed if OPEN in principal.roles else policies.granted(principal)

    keys = published(key_file)

    async def issuer(call: Call) -> Reply:
        return Reply(200, {}, keys)

    trusted = Issuer(issuer=ISSUER, audience=AUDIENCE, jwks="http://127.0.0.1/jwks.json", algorithms=("EdDSA",))
    verifier = Verifier(IdentitySettings(issuers=(trusted,)), issuer, policies.policies.external())
    engine = Engine(Graph.of(SCHEMA, NAMES), sources, grants, rules=lambda: policies.rules)
    endpoint = GraphQLEndpoint(engine, verifier, body_bytes=256 * 1024, body_timeout=15.0)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await sources.close()

    return Front({GRAPHQL: endpoint}, routes=[Route(GRAPHQL, endpoint)], lifespan=lifespan)


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.gateways.opsgraph --port P --upstream URL --jwt-key FILE [--facts]`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--jwt-key", type=Path, required=True)
    parser.add_argument("--facts", action="store_true")
    options = parser.parse_args(arguments)
    run_async(serve(application(options.upstream, options.jwt_key, facts=options.facts), options.port))


if __name__ == "__main__":
    main()
