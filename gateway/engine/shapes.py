"""The policies of a schema: what the rules need to know of it, and the store that keeps them in force."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args, get_type_hints

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
from policies.load import RULES
from policies.store import PolicyStore
from resolvers.batch import declaration_of
from sources.canonical import Record


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
