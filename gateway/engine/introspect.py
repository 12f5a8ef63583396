"""Introspection: no user data, so graphql-core answers it, over the schema that this audience may know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, FragmentDefinitionNode, SelectionSetNode, execute_sync

from gateway.engine.arguments import BadArgument
from gateway.engine.plan import Field, Plan


def introspect(plan: Plan, field: Field, variables: Mapping[str, Any]) -> Any:
    """The value of one `__schema` or `__type` field, or its error."""
    fragments = [each for each in plan.document.definitions if isinstance(each, FragmentDefinitionNode)]
    alone = plan.operation.__class__(
        operation=plan.operation.operation,
        name=plan.operation.name,
        variable_definitions=plan.operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(field.nodes)),
    )
    result = execute_sync(plan.shown, DocumentNode(definitions=(alone, *fragments)), variable_values=dict(variables))
    if result.errors:
        return BadArgument(result.errors[0].message, result.errors[0].nodes)
    return result.data[field.key] if result.data is not None else None
