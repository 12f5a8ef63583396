"""Collects the fields of a selection for one concrete type, as the specification's CollectFields does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

Flags = Mapping[str, Any]
"""Values of the variables that `@skip` and `@include` ask for."""


class Collector:
    """One operation's fragments, and which of its selections count."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, flags: Flags) -> None:
        self._schema, self._flags = schema, flags
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }

    def fields(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode | None]) -> dict[str, list[FieldNode]]:
        """Response key -> the field nodes that ask for it, in order; raises GraphQLError for a null condition."""
        found: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for each in sets:
            if each is not None:
                self._collect(type_, each, found, visited)
        return found

    def _collect(
        self,
        type_: GraphQLObjectType,
        selected: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        for node in selected.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._matches(node, type_):
                    self._collect(type_, node.selection_set, found, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                fragment = self._fragments.get(node.name.value)
                if fragment is not None and self._matches(fragment, type_):
                    self._collect(type_, fragment.selection_set, found, visited)

    def _matches(self, fragment: FragmentDefinitionNode | InlineFragmentNode, type_: GraphQLObjectType) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self._schema.type_map.get(fragment.type_condition.name.value)
        if condition is type_:
            return True
        return is_abstract_type(condition) and self._schema.is_sub_type(condition, type_)

    def _included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        return self._asked(node, "skip") is not True and self._asked(node, "include") is not False

    def _asked(self, node: SelectionNode, name: str) -> bool | None:
        directive = next((each for each in node.directives or () if each.name.value == name), None)
        if directive is None or not directive.arguments:
            return None
        value = directive.arguments[0].value
        if isinstance(value, BooleanValueNode):
            return value.value
        given = self._flags.get(value.name.value) if isinstance(value, VariableNode) else None
        if not isinstance(given, bool):
            raise GraphQLError(f"`@{name}(if:)` is null: give true or false", value)
        return given


def flag_names(document: DocumentNode) -> tuple[str, ...]:
    """The variables that `@skip` and `@include` ask for anywhere in a document, in order of their names."""
    names: set[str] = set()
    waiting: list[SelectionSetNode | None] = [
        each.selection_set
        for each in document.definitions
        if isinstance(each, (OperationDefinitionNode, FragmentDefinitionNode))
    ]
    while waiting:
        selected = waiting.pop()
        for node in selected.selections if selected is not None else ():
            names.update(_variables(node.directives or ()))
            if isinstance(node, (FieldNode, InlineFragmentNode)):
                waiting.append(node.selection_set)
    return tuple(sorted(names))


def _variables(directives: Iterable[DirectiveNode]) -> Iterable[str]:
    for directive in directives:
        if directive.name.value in ("skip", "include"):
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
