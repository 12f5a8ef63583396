"""Introspection: no user data, so graphql-core answers it, over the schema that this audience may know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import DocumentNode, FragmentDefinitionNode, GraphQLError, SelectionSetNode, execute_sync

from gateway.engine.plan import Field, Plan


class Flawed(Exception):
    """An answer of introspection with errors: `shown` is what there is of it besides them, None where nothing is."""

    def __init__(self, shown: Any, errors: Sequence[GraphQLError]) -> None:
        super().__init__("introspection has errors")
        self.shown, self.errors = shown, errors


def introspect(plan: Plan, field: Field, variables: Mapping[str, Any]) -> Any:
    """The value of one `__schema` or `__type` field; or what is flawed about it."""
    fragments = [each for each in plan.document.definitions if isinstance(each, FragmentDefinitionNode)]
    alone = plan.operation.__class__(
        operation=plan.operation.operation,
        name=plan.operation.name,
        variable_definitions=plan.operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(field.nodes)),
    )
    result = execute_sync(plan.shown, DocumentNode(definitions=(alone, *fragments)), variable_values=dict(variables))
    shown = result.data[field.key] if result.data is not None else None
    return Flawed(shown, result.errors) if result.errors else shown
