"""The graph as the engine reads it: the schema, the type of each class of value, how arguments reach a declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema

from gateway.engine.inputs import Inputs
from resolvers.registry import VALUES

Coerce = Callable[[GraphQLField, dict[str, Any]], dict[str, Any]]


class Graph:
    """`types`: class of a value -> name of its GraphQL type, for every value that may stand where an interface or a
    union is declared and for every record with rows to judge (`values` are the former). `coerce`: GraphQL arguments ->
    a declaration's own."""

    def __init__(
        self,
        schema: GraphQLSchema,
        types: Mapping[type, str],
        coerce: Coerce | None = None,
        values: Mapping[type, str] | None = None,
    ) -> None:
        self.schema, self._values = schema, values or {}
        self.types = {**types, **self._values}
        self.coerce = coerce or (lambda _field, given: given)

    @classmethod
    def of(cls, schema: strawberry.Schema, types: Mapping[type, str]) -> Graph:
        """The graph that a Strawberry schema declares."""
        inputs = Inputs(schema.schema_converter.scalar_registry, schema.config)
        return cls(schema._schema, types, inputs.coerce, VALUES)

    @cached_property
    def classes(self) -> dict[str, type]:
        """Name of a GraphQL type -> class of its values, for those with rows to judge."""
        return {name: kind for kind, name in self.types.items() if kind not in self._values}

    def object_type(self, name: str) -> GraphQLObjectType | None:
        """The object type of a name."""
        found = self.schema.type_map.get(name)
        return found if isinstance(found, GraphQLObjectType) else None


def attribute_of(name: str, field: GraphQLField) -> str:
    """Which attribute of the parent a field without a declaration shows."""
    definition = field.extensions.get("strawberry-definition")
    if definition is not None:
        return str(definition.python_name)
    return str(field.extensions.get("attribute", name))
