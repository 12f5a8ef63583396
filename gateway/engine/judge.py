"""Loads the policies for a schema, and binds them to one principal."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    is_abstract_type,
)

from gateway.settings import PolicySettings
from policies.compile import FieldShape, TypeShape
from policies.decide import Decision, Grants
from policies.load import RULES, Rules
from policies.principal import Principal
from policies.store import PolicyStore
from resolvers.batch import declaration_of
from sources.canonical import Account, Record


class PrincipalJudge:
    """The decisions of one principal. Entities of an account are loaded facts, passed in as `facts`."""

    def __init__(self, grants: Grants, principal: Principal, names: Mapping[type[Record], str]) -> None:
        self._grants, self._principal, self._names = grants, principal, names
        self.roles = grants.roles
        self.external = principal.audience == "external"
        self.sees_every_row = all(grants.rows(name).open for name in names.values())

    def field(self, type_name: str, field: str, roles: frozenset[str]) -> Decision:
        """May these roles see this field."""
        return self._grants.field(type_name, field, roles)

    def row(self, record: Record, account: Account | None, facts: Mapping[str, Any]) -> frozenset[str]:
        """The roles by which a row is seen."""
        judge = self._grants.rows(self._names[type(record)]).judge
        return judge((record,), (account,), (facts,), self._principal)[0]

    def needs_account(self, record: type[Record]) -> bool:
        """Whether rows of this class are judged through their account."""
        return self._grants.rows(self._names[record]).needs_account

    def reads(self, record: type[Record]) -> frozenset[str]:
        """Which attributes judging this class reads."""
        return self._grants.rows(self._names[record]).reads

    def pushed(self, record: type[Record]) -> tuple[str, str, tuple[str, ...]] | None:
        """A filter for root lists that says the same as the row rule."""
        return self._grants.rows(self._names[record]).pushed(self._principal)


class Judges:
    """The policies in force, and the judge of each principal."""

    def __init__(self, store: PolicyStore, names: Mapping[type[Record], str]) -> None:
        self.store, self._names = store, names

    @classmethod
    def load(cls, settings: PolicySettings, schema: GraphQLSchema, names: Mapping[type[Record], str]) -> Judges:
        """Loads and compiles; raises RuleError."""
        return cls(open_policies(settings, schema, names), names)

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self.store.rules

    @property
    def external_roles(self) -> frozenset[str]:
        """The roles of outsiders."""
        return self.store.policies.external()

    def judge(self, principal: Principal) -> PrincipalJudge:
        """The judge of one principal."""
        return PrincipalJudge(self.store.granted(principal), principal, self._names)


def open_policies(settings: PolicySettings, schema: GraphQLSchema, names: Mapping[type[Record], str]) -> PolicyStore:
    """The policies of the settings' folder for a schema; raises RuleErrors with everything that is wrong."""
    folder = Path(settings.rules) if settings.rules else RULES
    key = settings.hash_key.reveal().encode() if settings.hash_key else secrets.token_bytes(32)
    return PolicyStore(folder, shapes(schema, names), key, lambda: datetime.now(UTC))


def shapes(schema: GraphQLSchema, records: Mapping[type[Record], str] | None = None) -> dict[str, TypeShape]:
    """What the rules need to know of every type; of the types of `records` also which attributes a row has."""
    attributes = {name: frozenset(_paths(record)) for record, name in (records or {}).items()}
    return {
        name: TypeShape(
            {field_name: _shape(schema, field) for field_name, field in graphql_type.fields.items()},
            attributes.get(name),
        )
        for name, graphql_type in schema.type_map.items()
        if isinstance(graphql_type, GraphQLObjectType) and not name.startswith("__")
    }


def _shape(schema: GraphQLSchema, field: GraphQLField) -> FieldShape:
    nullable, inner = not isinstance(field.type, GraphQLNonNull), field.type
    while isinstance(inner, (GraphQLNonNull, GraphQLList)):
        inner = inner.of_type
    leaf = isinstance(inner, (GraphQLScalarType, GraphQLEnumType))
    derives = getattr(declaration_of(field), "derives", ())
    possible = tuple(each.name for each in schema.get_possible_types(inner)) if is_abstract_type(inner) else ()
    return FieldShape(nullable, inner.name if leaf else "", "" if leaf else inner.name, derives, possible)


def _paths(record: type, within: str = "", depth: int = 3) -> Iterator[str]:
    """`name`, and of attributes that are records themselves `name.name`."""
    for name, annotation in get_type_hints(record).items():
        if name.startswith("_"):
            continue
        yield f"{within}{name}"
        for inner in (annotation, *get_args(annotation)):
            if depth > 1 and isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                yield from _paths(inner, f"{within}{name}.", depth - 1)
