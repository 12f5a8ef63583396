"""Binds the policies to one principal and to the schema they were compiled for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLScalarType, GraphQLSchema

from gateway.settings import PolicySettings
from policies.compile import FieldShape, compile_rules
from policies.decide import Grants, Policies
from policies.load import RULES, Rules, load_rules
from policies.principal import Principal
from sources.canonical import Record


class Judges:
    """Compiled policies, and the judge of each principal."""

    def __init__(self, policies: Policies, rules: Rules, names: Mapping[type[Record], str]) -> None:
        self._policies, self.rules, self._names = policies, rules, names
        self.external_roles = policies.external()
        self.roles = frozenset(policies.tables)

    @classmethod
    def load(cls, settings: PolicySettings, schema: GraphQLSchema, names: Mapping[type[Record], str]) -> Judges:
        """Loads and compiles; raises RuleError."""
        rules = load_rules(Path(settings.rules) if settings.rules else RULES)
        key = settings.hash_key.reveal().encode() if settings.hash_key else secrets.token_bytes(32)
        return cls(compile_rules(rules, shapes(schema), key), rules, names)

    def grants(self, principal: Principal) -> Grants:
        """What a principal may do."""
        return self._policies.grants(principal.roles)


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
