"""Assembles the schema, and prints it."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from resolvers.mutation import Mutation
from resolvers.printing import printed
from resolvers.query import Query
from resolvers.registry import TYPES
from resolvers.subscription import Subscription
from resolvers.types import (
    account,
    case,
    contact,
    entitlement,
    invoice,
    ledger,
    operation,
    order,
    payment,
    product,
    subscription,
)
from resolvers.types.descriptions import describe
from resolvers.types.scalars import SCALARS

_MODULES = (account, case, contact, entitlement, invoice, ledger, operation, order, payment, product, subscription)
_HEADER = "# Generated from the code by `opsgraph schema --write`. Review it; do not edit it.\n\n"


def build_schema() -> strawberry.Schema:
    """A new schema: every entity is in it, whether a root leads to it or not."""
    config = StrawberryConfig(scalar_map=SCALARS)
    schema = strawberry.Schema(
        Query, mutation=Mutation, subscription=Subscription, types=list(TYPES.values()), config=config
    )
    describe(schema._schema)
    _mend_introspection(schema._schema)
    return schema


def _mend_introspection(schema: GraphQLSchema) -> None:
    """Strawberry gives `__Type.isOneOf`, which the whole process shares, a resolver that fails on lists and non-null
    types: the specification's, instead."""
    introspected = schema.type_map["__Type"]
    assert isinstance(introspected, GraphQLObjectType)  # noqa: S101 - it is built into every schema
    introspected.fields["isOneOf"].resolve = _is_one_of


def _is_one_of(shown: Any, _info: Any) -> bool | None:
    if not isinstance(shown, GraphQLInputObjectType):
        return None
    definition = shown.extensions.get("strawberry-definition")
    return bool(shown.is_one_of or (definition is not None and definition.is_one_of))


def print_sdl() -> str:
    """The schema as text; it always says which type is the root."""
    return f"{_HEADER}{printed(build_schema()._schema)}\n"
