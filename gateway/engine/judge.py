"""Binds the policies to one principal and to the schema they were compiled for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLScalarType, GraphQLSchema

from gateway.settings import PolicySettings
from policies.compile import FieldShape, compile_rules
from policies.decide import Decision, Grants, Policies
from policies.load import RULES, Rules, load_rules
from policies.principal import Principal
from sources.canonical import Account, Record


class PrincipalJudge:
    """The decisions of one principal. Entities of an account are loaded facts, passed in as `facts`."""

    def __init__(self, grants: Grants, principal: Principal, names: Mapping[type[Record], str]) -> None:
        self._grants, self._principal, self._names = grants, principal, names
        self.roles = grants.roles
        self.external = principal.audience == "external"
        self.sees_every_row = grants.sees_every_row()

    def field(self, type_name: str, field: str, roles: frozenset[str]) -> Decision:
        """May these roles see this field."""
        return self._grants.field(type_name, field, roles)

    def row(self, record: Record, account: Account | None, facts: Mapping[str, Any]) -> frozenset[str]:
        """The roles by which a row is seen."""
        return self._grants.seen_by(self._names[type(record)], record, account, facts, self._principal)

    def needs_account(self, record: type[Record]) -> bool:
        """Whether rows of this class are judged through their account."""
        return self._grants.needs_account(self._names[record])

    def reads(self, record: type[Record]) -> frozenset[str]:
        """Which attributes judging this class reads."""
        return self._grants.reads(self._names[record])

    def pushed(self, record: type[Record]) -> tuple[str, str, tuple[str, ...]] | None:
        """A filter for root lists that says the same as the row rule."""
        return self._grants.pushed(self._names[record], self._principal)


class Judges:
    """Compiled policies, and the judge of each principal."""

    def __init__(self, policies: Policies, rules: Rules, names: Mapping[type[Record], str]) -> None:
        self._policies, self.rules, self._names = policies, rules, names
        self.external_roles = policies.external()

    @classmethod
    def load(cls, settings: PolicySettings, schema: GraphQLSchema, names: Mapping[type[Record], str]) -> Judges:
        """Loads and compiles; raises RuleError."""
        rules = load_rules(Path(settings.rules) if settings.rules else RULES)
        key = settings.hash_key.reveal().encode() if settings.hash_key else secrets.token_bytes(32)
        return cls(compile_rules(rules, shapes(schema), key), rules, names)

    def judge(self, principal: Principal) -> PrincipalJudge:
        """The judge of one principal."""
        return PrincipalJudge(self._policies.grants(principal.roles), principal, self._names)


def shapes(schema: GraphQLSchema) -> dict[str, dict[str, FieldShape]]:
    """What the rules need to know of every field."""
    return {
        name: {field_name: _shape(field.type) for field_name, field in graphql_type.fields.items()}
        for name, graphql_type in schema.type_map.items()
        if isinstance(graphql_type, GraphQLObjectType) and not name.startswith("__")
    }


def _shape(field_type: Any) -> FieldShape:
    nullable, inner = not isinstance(field_type, GraphQLNonNull), field_type
    while isinstance(inner, (GraphQLNonNull, GraphQLList)):
        inner = inner.of_type
    leaf = isinstance(inner, (GraphQLScalarType, GraphQLEnumType))
    return FieldShape(nullable, inner.name if leaf else "", "" if leaf else inner.name)
