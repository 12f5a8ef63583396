"""Opsgraph beside its peers: its real edge, identity, policies and engine over the benchmark's connector and types.

`--facts` answers from records in memory. The token's role says by which rules is answered; `open` by none at all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.gateways.connector import Connector
from bench.gateways.types import NAMES, SCHEMA
from bench.identity import AUDIENCE, ISSUER, published
from bench.serving import serve
from gateway.app import Parts, Watchers, assemble
from gateway.cli.serve import run_async
from gateway.engine.grants import AllowAll, Grants
from gateway.http.front import Front
from gateway.settings import IdentitySettings, Issuer, PolicySettings, Settings
from policies.principal import Principal
from policies.store import PolicyStore
from sources.cache import Cache, Cached, CacheSettings
from sources.cache.freshness import Freshness
from sources.canonical import Record, System
from sources.catalog import Catalog, Source
from sources.pipeline.pipeline import Pipeline
from sources.ports import Call, Reply
from sources.ports import Connector as AnyConnector
from sources.settings import BulkheadSettings, SourceSettings
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


def _settings(upstream: str) -> SourceSettings:
    """As many calls at once as the peers make, and room for the rest to wait: the load is more than a company's."""
    queue = BulkheadSettings(queue=10_000, wait=5.0)
    return SourceSettings(
        vendor="bench", url=upstream, connections=_CONNECTIONS, concurrency=_CONNECTIONS, bulkhead=queue
    )


class LastingCache(Cache):
    """The cache, for longer than a measurement lasts."""

    def freshness(self, record: type[Record]) -> Freshness:
        """An hour for everything, also for what is not there."""
        return Freshness(3_600.0, refresh_ahead=0.0, negative=3_600.0)


def catalog(upstream: str, *, facts: bool) -> Catalog:
    """The four systems, each with a transport and a pipeline of its own, behind the cache; `facts`: what was read once
    stays known."""
    opened = []
    cache = LastingCache() if facts else Cache(CacheSettings(enabled=False))
    for system in System:
        name = system.value.lower()
        transport = Transport(name, connections=_CONNECTIONS)
        pipeline = Pipeline(name, _settings(upstream), transport.send)
        connector = Cached(Connector(system, upstream, pipeline.send), cache)
        opened.append(Source(connector, _settings(upstream), transport, pipeline))
    return BenchCatalog(opened, cache=cache)


def application(upstream: str, key_file: Path, *, facts: bool) -> Front:
    """The gateway, put together by `gateway.app`."""
    allowed = AllowAll()

    def granted(policies: PolicyStore) -> Callable[[Principal], Grants]:
        return lambda principal: allowed if OPEN in principal.roles else policies.granted(principal)

    keys = published(key_file)

    async def issuers(call: Call) -> Reply:
        return Reply(200, {}, keys)

    trusted = Issuer(issuer=ISSUER, audience=AUDIENCE, jwks="http://127.0.0.1/jwks.json", algorithms=("EdDSA",))
    settings = Settings(
        identity=IdentitySettings(issuers=(trusted,)), policies=PolicySettings(rules=str(RULES), poll=0)
    )
    return assemble(settings, Parts(SCHEMA, NAMES, catalog(upstream, facts=facts), issuers, Watchers(), granted))


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
