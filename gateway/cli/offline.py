"""An engine that asks nobody: for commands that look at documents and plans."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli.errors import Unusable
from gateway.cli.serve import read
from gateway.engine.engine import Engine
from gateway.engine.graph import Graph
from gateway.engine.shapes import open_policies
from gateway.engine.warm import plain_roles
from gateway.enterprise.town import simulator
from gateway.settings import PolicySettings, Settings
from policies.load import RuleError
from policies.store import PolicyStore
from resolvers.registry import names
from resolvers.schema import build_schema
from sources.catalog import Catalog, open_catalog, vendors
from sources.errors import BadAsk
from sources.settings import Secret, SourceSettings


class Offline(msgspec.Struct, frozen=True):
    """The engine, and what it was made of."""

    engine: Engine
    catalog: Catalog
    policies: PolicyStore
    settings: Settings

    @property
    def roles(self) -> list[str]:
        """The roles that the rules know."""
        return plain_roles(self.policies.policies.tables)


def declare(command: argparse.ArgumentParser) -> None:
    """The options of a command that needs one."""
    command.add_argument("--config", type=Path, help="a settings file: its sources and rules; tells the calls too")
    command.add_argument("--rules", type=Path, help="the folder of the rules (default: the settings' or our own)")


def offline(options: argparse.Namespace, *, company: bool = False) -> Offline:
    """One by the options; `company`: without a settings file as if there was one source of each vendor. Raises
    Unusable."""
    settings = read(options.config) if options.config else Settings()
    sources = one_of_each() if company and not options.config else settings.sources
    rules = PolicySettings(rules=str(options.rules)) if options.rules else settings.policies
    schema = build_schema()
    try:
        policies = open_policies(rules, schema._schema, names())
        catalog = open_catalog(sources, settings.owners)
    except (RuleError, BadAsk) as error:
        raise Unusable(str(error)) from None
    graph = Graph.of(schema, names())
    engine = Engine(
        graph, catalog, policies.granted, limits=settings.limits, operations=settings.operations, cursor_key=b"\0" * 32
    )
    return Offline(engine, catalog, policies, settings)


def one_of_each() -> Mapping[str, SourceSettings]:
    """Settings of one source of each vendor, none of which can be reached: they are there to be counted."""
    return {
        vendor.system.value.lower(): _unreachable(name, vendor.settings)
        for name, vendor in vendors().items()
        if simulator(name)
    }


def _unreachable(name: str, shape: type[SourceSettings]) -> SourceSettings:
    needed: dict[str, Any] = {"vendor": name, "url": "https://unreachable.test"}
    for field in msgspec.structs.fields(shape):
        if field.required and field.name not in needed:
            needed[field.name] = Secret("none") if field.type is Secret else "none"
    return shape(**needed)
