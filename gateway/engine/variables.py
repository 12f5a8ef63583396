"""Variables: what an operation is given. `coercing` sees to what is given as what it is, graphql-core to all else.

graphql-core works out anew, in every request, what type each variable has; half of a small question's coercion is that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from graphql import (
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_variable_values

from gateway.engine.coercing import Coerce, Unlike, coercer
from gateway.engine.measure import Refused
from gateway.engine.reticent import all_reticent

_ERRORS = 5
NO_VARIABLES = VariableValues({}, {})
_Plain: TypeAlias = "dict[str, tuple[GraphQLVariableSignature, Coerce, bool]]"  # by name; whether it must be there


class Operation(msgspec.Struct, frozen=True):
    """One operation of a document. `plain`: its variables, where each is of a type that is coerced here and has no
    default; else None."""

    node: OperationDefinitionNode
    plain: _Plain | None

    @classmethod
    def of(cls, schema: GraphQLSchema, node: OperationDefinitionNode) -> Operation:
        """An operation, its variables looked at once for all its requests."""
        return cls(node, _plain(schema, node))

    def coerced(self, schema: GraphQLSchema, given: Mapping[str, Any]) -> VariableValues:
        """The variables' values, as graphql-core has them; raises Refused."""
        definitions = self.node.variable_definitions
        if not definitions:
            return NO_VARIABLES
        if self.plain is not None:
            simple = _simple(self.plain, given)
            if simple is not None:
                return simple
        found = get_variable_values(schema, definitions, dict(given), max_errors=_ERRORS, hide_suggestions=True)
        if isinstance(found, list):
            raise Refused(all_reticent(found))
        return found


def _plain(schema: GraphQLSchema, node: OperationDefinitionNode) -> _Plain | None:
    plain: _Plain = {}
    for each in node.variable_definitions or ():
        signature = get_variable_signature(schema, each)
        if isinstance(signature, GraphQLError) or signature.default is not None:
            return None
        coerce = coercer(signature.type)
        if coerce is None:
            return None
        plain[signature.name] = (signature, coerce, isinstance(signature.type, GraphQLNonNull))
    return plain


def _simple(plain: _Plain, given: Mapping[str, Any]) -> VariableValues | None:
    """The values where each is given as what it is, or left out where it may be; None where more has to be said."""
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for name, (signature, coerce, required) in plain.items():
        if name not in given:
            if required:
                return None
            sources[name] = VariableValueSource(signature)
            continue
        value = given[name]
        try:
            coerced[name] = coerce(value)
        except Unlike:
            return None
        sources[name] = VariableValueSource(signature, value)
    return VariableValues(sources, coerced)
